//! Last values, conflation, resuming and their bounds.

use super::*;
use crate::ChannelLimits;
use crate::testing::{channel, limits, say};
use proptest::prelude::*;
use std::collections::HashMap;

/// Reads until there is nothing: the numbers, and how many were lost.
fn read_all(reader: &mut Reader, channel: &Channel) -> (Vec<u64>, u64) {
    let (mut numbers, mut lost) = (Vec::new(), 0);
    loop {
        let page = reader.read(channel);
        lost += page.lost;
        if page.frames.is_empty() && page.lost == 0 {
            return (numbers, lost);
        }
        numbers.extend(page.frames.iter().map(|frame| frame.number));
    }
}

#[test]
fn a_new_subscriber_gets_the_last_value_of_each_key_and_then_everything() {
    let channel = channel(limits());
    ["a", "b", "a", "c", "b"].iter().for_each(|key| say(&channel, key));
    let (mut reader, newest) = Reader::new(&channel, Start::new(&channel, None, true));
    assert_eq!(newest, 5);
    assert_eq!(read_all(&mut reader, &channel), (vec![3, 4, 5], 0));
    ["a", "a", "b"].iter().for_each(|key| say(&channel, key));
    assert_eq!(read_all(&mut reader, &channel), (vec![6, 7, 8], 0));
    let (mut live, _) = Reader::new(&channel, Start::new(&channel, None, false));
    assert_eq!(read_all(&mut live, &channel), (vec![], 0));
    say(&channel, "c");
    assert_eq!(read_all(&mut live, &channel), (vec![9], 0));
}

#[test]
fn who_is_too_far_behind_loses_old_values_of_keys_and_hears_how_many() {
    let channel = channel(ChannelLimits { lag: 10, ..limits() });
    let (mut reader, _) = Reader::new(&channel, Start::Live);
    (0..10).for_each(|_| say(&channel, "a"));
    assert_eq!(read_all(&mut reader, &channel).1, 0, "as far as it may be");
    ["q", "q"].iter().for_each(|key| say(&channel, key));
    (0..20).for_each(|number| say(&channel, if number % 2 == 0 { "a" } else { "b" }));
    let page = reader.read(&channel);
    let keys: Vec<_> = page.frames.iter().map(|frame| (&*frame.key, frame.number)).collect();
    assert_eq!((keys, page.lost), (vec![("q", 12), ("a", 31), ("b", 32)], 19));
    say(&channel, "a");
    assert_eq!(read_all(&mut reader, &channel), (vec![33], 0), "from here on it follows");
}

#[test]
fn who_comes_back_gets_what_it_has_missed_and_hears_what_is_gone() {
    let channel = channel(ChannelLimits { history: 5, lag: 100, ..limits() });
    (0..20).for_each(|number| say(&channel, if number < 3 { "early" } else { "late" }));
    let resume = |number: u64| {
        let position = format!("{}-{number}", channel.epoch.as_str()).parse().unwrap();
        let start = Start::new(&channel, Some(&position), true);
        (start, read_all(&mut Reader::new(&channel, start).0, &channel))
    };
    assert_eq!(resume(17), (Start::After(17), (vec![18, 19, 20], 0)));
    assert_eq!(resume(15).1, (vec![16, 17, 18, 19, 20], 0));
    assert_eq!(resume(20).1, (vec![], 0));
    assert_eq!(resume(14).1, (vec![20], 5), "one beyond the history: the newest alone");
    assert_eq!(resume(1).1, (vec![3, 20], 17));
    assert_eq!(resume(21), (Start::LastValues, (vec![3, 20], 0)), "there was no such message");
    let other = "0123456789abcdef-17".parse().unwrap();
    assert_eq!(Start::new(&channel, Some(&other), true), Start::LastValues, "of another life");
}

#[test]
fn pages_are_bounded_by_bytes_and_by_count() {
    let size = crate::testing::frame(1, "1").size();
    let channel = channel(ChannelLimits { page_size: 3 * size, lag: 1_000_000, ..limits() });
    (0..30).for_each(|number| say(&channel, &number.to_string()));
    for start in [Start::LastValues, Start::After(0)] {
        let mut reader = Reader::new(&channel, start).0;
        assert!(reader.read(&channel).frames.len() < 4);
        assert_eq!(read_all(&mut reader, &channel).0.len(), 30 - 2);
    }
    let wide = crate::testing::channel(ChannelLimits {
        page_size: usize::MAX,
        history: 5000,
        lag: 5000,
        ..limits()
    });
    (0..3000).for_each(|_| say(&wide, "a"));
    assert_eq!(Reader::new(&wide, Start::After(0)).0.read(&wide).frames.len(), MAX_PAGE);
}

#[test]
fn a_slow_subscriber_sees_every_key() {
    // It reads a page while each of ten keys is told three times, in turn.
    let channel = channel(ChannelLimits { lag: 4, history: 8, ..limits() });
    let mut reader = Reader::new(&channel, Start::Live).0;
    let mut seen: HashMap<String, u32> = HashMap::new();
    for round in 0..20 {
        (0..30).for_each(|number| say(&channel, &((number + round) % 10).to_string()));
        reader
            .read(&channel)
            .frames
            .iter()
            .for_each(|frame| *seen.entry(frame.key.to_string()).or_default() += 1);
    }
    assert_eq!(seen.len(), 10);
    assert!(seen.values().all(|count| *count == 20), "{seen:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is said and read: numbers grow, every number is got or lost, and in the end the newest value of each key
    /// is there.
    #[test]
    fn everything_is_got_or_told_as_lost(
        steps in prop::collection::vec(prop_oneof![4 => (0_u8..6).prop_map(Some), 1 => Just(None)], 1..200),
        lag in 0_u64..20,
        history in 1_usize..20,
        page in 1_usize..2000,
    ) {
        let channel = channel(ChannelLimits { lag, history, page_size: page, ..limits() });
        let mut reader = Reader::new(&channel, Start::Live).0;
        let (mut numbers, mut lost, mut got) = (Vec::new(), 0, HashMap::new());
        let mut newest = HashMap::new();
        let mut count = 0;
        let mut note = |page: Page, numbers: &mut Vec<u64>, lost: &mut u64| {
            *lost += page.lost;
            numbers.extend(page.frames.iter().map(|frame| frame.number));
            got.extend(page.frames.iter().map(|frame| (frame.key.to_string(), frame.number)));
            !page.frames.is_empty() || page.lost > 0
        };
        for step in steps {
            match step {
                Some(key) => {
                    count += 1;
                    say(&channel, &key.to_string());
                    newest.insert(key.to_string(), count);
                }
                None => { note(reader.read(&channel), &mut numbers, &mut lost); }
            }
        }
        while note(reader.read(&channel), &mut numbers, &mut lost) {}
        prop_assert!(numbers.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(numbers.len() as u64 + lost, count);
        prop_assert_eq!(got, newest);
    }
}
