//! Who is next: the time of hosts by priority, units, calls in a row.

use super::super::choice::LONGEST_ROW;
use super::*;
use std::collections::BTreeMap;

/// Runs sessions on one host of 10 places for so many milliseconds: how many calls each has had, by its weight and how long
/// its calls take.
fn run(sessions: &[(u16, u64)], milliseconds: u64) -> Vec<u64> {
    let begin = start();
    let mut dispatcher = Dispatcher::new(without_prefetch());
    dispatcher.host_joined(host(1, 10), begin);
    let index = |grant: &Grant| usize::try_from(grant.session.0).unwrap();
    let mut done = vec![0; sessions.len()];
    for (number, (priority, _)) in sessions.iter().enumerate() {
        dispatcher.session_opened(session(number as u128), SessionPlan { priority: *priority, ..plan() });
        dispatcher.offered(session(number as u128), u64::MAX);
    }
    let mut ends: BTreeMap<u64, Vec<Grant>> = BTreeMap::new();
    for at in 0..milliseconds {
        let now = begin + Duration::from_millis(at);
        for grant in ends.remove(&at).unwrap_or_default() {
            done[index(&grant)] += 1;
            dispatcher.finished(grant.attempt, Ending::Answered, now);
        }
        for grant in drain(&mut dispatcher, now) {
            ends.entry(at + sessions[index(&grant)].1).or_default().push(grant);
        }
    }
    dispatcher.check();
    done
}

#[test]
fn sessions_share_the_time_of_hosts_by_their_priority() {
    let done = run(&[(2000, 5), (2000, 5), (2500, 5), (3000, 5)], 8000);
    let sum: u64 = done.iter().sum();
    for (done, eighths) in done.iter().zip([1, 1, 2, 4]) {
        let fair = sum * eighths / 8;
        assert!(done.abs_diff(fair) <= fair / 50 + 10, "{done} of {sum}, {eighths} eighths");
    }
}

#[test]
fn a_session_of_long_calls_gets_no_more_time_than_one_of_short_ones() {
    let done = run(&[(2000, 100), (2000, 2)], 20_000);
    let (long, short) = (done[0] * 100, done[1] * 2);
    assert!(long.abs_diff(short) < (long + short) / 10, "{long} {short}");
}

#[test]
fn nobody_waits_for_ever() {
    let mut sessions = vec![(4000, 1); 40];
    sessions.push((0, 50));
    let done = run(&sessions, 4000);
    assert!(done.iter().all(|done| *done > 0), "{done:?}");
}

#[test]
fn who_comes_later_does_not_get_what_others_had_before() {
    let now = start();
    let mut dispatcher = Dispatcher::new(without_prefetch());
    dispatcher.host_joined(host(1, 1), now);
    dispatcher.session_opened(session(1), plan());
    dispatcher.offered(session(1), 2000);
    for _ in 0..1000 {
        let grant = dispatcher.next(now).unwrap();
        dispatcher.finished(grant.attempt, Ending::Answered, now);
    }
    dispatcher.session_opened(session(2), plan());
    dispatcher.offered(session(2), 1000);
    let mut of_second = 0;
    for _ in 0..200 {
        let grant = dispatcher.next(now).unwrap();
        of_second += u32::from(grant.session == session(2));
        dispatcher.finished(grant.attempt, Ending::Answered, now);
    }
    assert!((90..=110).contains(&of_second), "{of_second}");
}

#[test]
fn a_session_gets_no_more_than_its_units() {
    let now = start();
    let mut dispatcher = Dispatcher::new(DispatchConfig::default());
    dispatcher.host_joined(host(1, 100), now);
    dispatcher.session_opened(session(1), SessionPlan { maximum_units: 3, ..plan() });
    dispatcher.offered(session(1), 100);
    let grants = drain(&mut dispatcher, now);
    assert_eq!(grants.len(), 6, "with those that are prefetched");
    dispatcher.finished(grants[0].attempt, Ending::Failed, now);
    assert_eq!(drain(&mut dispatcher, now).len(), 1);
}

#[test]
fn where_many_short_calls_are_in_flight_a_session_gets_some_in_a_row_and_the_same_in_the_end() {
    let begin = start();
    let longest_row = |took: Duration| {
        let mut dispatcher = Dispatcher::new(without_prefetch());
        dispatcher.host_joined(host(1, 800), begin);
        for number in 0..10 {
            dispatcher.session_opened(session(number), plan());
            dispatcher.offered(session(number), u64::MAX);
        }
        let (mut now, mut in_flight) = (begin, drain(&mut dispatcher, begin));
        let mut counts = [0; 10];
        let mut longest = 0;
        for _ in 0..400 {
            now += took;
            for grant in in_flight.drain(..) {
                dispatcher.finished(grant.attempt, Ending::Answered, now);
            }
            in_flight = drain(&mut dispatcher, now);
            let rows = in_flight.chunk_by(|one, next| one.session == next.session);
            longest = rows.map(<[Grant]>::len).chain([longest]).max().unwrap();
            in_flight.iter().for_each(|grant| counts[usize::try_from(grant.session.0).unwrap()] += 1);
        }
        let fair = counts.iter().sum::<u32>() / 10;
        assert!(counts.iter().all(|count| count.abs_diff(fair) <= 2 * LONGEST_ROW), "{counts:?}");
        longest
    };
    assert!((50..=2 * 128).contains(&longest_row(Duration::from_millis(5))));
    assert!(longest_row(Duration::from_secs(2)) <= 2);
}
