//! What may go, what waits, and what became of it.

use super::super::target::Recipient;
use super::*;
use bytes::Bytes;

const RETRY: Retry = Retry {
    attempts: 3,
    first: Duration::from_secs(1),
    max: Duration::from_secs(3),
    wait: Some(Duration::from_secs(10)),
};

fn record(size: usize) -> Record {
    Record {
        origin: "s".into(),
        place: "1".into(),
        key: None,
        headers: Vec::new(),
        custom: Bytes::new(),
        payload: vec![0; size].into(),
        is_redelivered: false,
    }
}

fn job(key: Option<&str>) -> Result<Job, String> {
    let key = key.map(|key| key.as_bytes().into());
    Ok(Job { to: Recipient::Service(None), is_call: false, name: "t".into(), key })
}

/// Takes one of each of these keys.
fn take(deliveries: &mut Deliveries, keys: &[Option<&str>], now: Instant) {
    for key in keys {
        deliveries.take(record(0), job(*key), now);
    }
}

fn send(deliveries: &mut Deliveries, now: Instant) -> Vec<u64> {
    deliveries.send(100, now).into_iter().map(|(number, ..)| number).collect()
}

fn failed() -> Answer {
    Answer::Failed("no".to_owned())
}

fn absent() -> Answer {
    Answer::Absent("away".to_owned())
}

#[test]
fn one_of_each_key_goes_at_a_time_and_those_without_a_key_go_at_once() {
    let (mut all, now) = (Deliveries::default(), Instant::now());
    take(&mut all, &[Some("a"), Some("a"), None, Some("b"), None, Some("a")], now);
    assert_eq!(send(&mut all, now), [1, 3, 4, 5]);
    assert_eq!(send(&mut all, now), [] as [u64; 0]);
    assert_eq!(all.answered(1, Answer::Done, &RETRY, now), Some(Fate::Done(Duration::ZERO)));
    assert_eq!(send(&mut all, now), [2]);
    all.answered(4, Answer::Done, &RETRY, now);
    all.answered(2, Answer::Done, &RETRY, now);
    assert_eq!(send(&mut all, now), [6]);
    assert_eq!(all.take_ended(), [(1, Verdict::Done), (4, Verdict::Done), (2, Verdict::Done)]);
    assert_eq!((all.held().messages, all.sent(), all.has_ended()), (3, 3, false));
    assert_eq!(all.waiting().messages, 0);
}

#[test]
fn what_fails_holds_its_key_up_and_nobody_else() {
    let (mut all, start) = (Deliveries::default(), Instant::now());
    take(&mut all, &[Some("a"), Some("a"), Some("b")], start);
    send(&mut all, start);
    assert_eq!(all.answered(1, failed(), &RETRY, start), Some(Fate::Failed));
    all.answered(3, Answer::Done, &RETRY, start);
    assert_eq!(all.next_due(), Some(start + RETRY.first));
    assert_eq!(send(&mut all, start + RETRY.first / 2), [] as [u64; 0]);
    let mut now = start + RETRY.first;
    assert_eq!(send(&mut all, now), [1]);
    assert_eq!(all.answered(1, failed(), &RETRY, now), Some(Fate::Failed));
    // Twice as long, and no longer than the longest.
    assert_eq!(all.next_due(), Some(now + 2 * RETRY.first));
    now += 2 * RETRY.first;
    assert_eq!(send(&mut all, now), [1]);
    assert_eq!(all.answered(1, failed(), &RETRY, now), Some(Fate::Dead(0)));
    // Its place is kept until it is put away.
    assert_eq!(send(&mut all, now), [] as [u64; 0]);
    let dead = all.dead(10);
    assert_eq!((dead.len(), dead[0].number, dead[0].attempts, &*dead[0].reason), (1, 1, 3, "no"));
    all.still_dead([1].into_iter());
    assert!(all.has_dead() && all.dead(10).len() == 1);
    assert!(all.bury(1, Verdict::GivenUp) && !all.bury(1, Verdict::GivenUp));
    assert_eq!(send(&mut all, now), [2]);
    assert_eq!(all.take_ended(), [(3, Verdict::Done), (1, Verdict::GivenUp)]);
}

#[test]
fn who_is_not_there_is_waited_for_and_costs_no_attempt() {
    let (mut all, start) = (Deliveries::default(), Instant::now());
    take(&mut all, &[None], start);
    let mut now = start;
    for pause in [1, 2, 3, 3] {
        assert_eq!(send(&mut all, now), [1]);
        assert_eq!(all.answered(1, absent(), &RETRY, now), Some(Fate::Absent));
        assert_eq!(all.waiting().messages, 1);
        assert_eq!(all.next_due(), Some(now + Duration::from_secs(pause)));
        now += Duration::from_secs(pause);
    }
    send(&mut all, now);
    assert_eq!(all.answered(1, failed(), &RETRY, now), Some(Fate::Failed));
    // Its wait begins anew, ends when it is over, and not later.
    now = all.next_due().unwrap();
    let away_since = now;
    loop {
        send(&mut all, now);
        match all.answered(1, absent(), &RETRY, now) {
            Some(Fate::Absent) => now = all.next_due().unwrap(),
            fate => {
                assert_eq!(fate, Some(Fate::Dead(0)));
                break;
            }
        }
    }
    assert_eq!(now - away_since, RETRY.wait.unwrap());
    let for_ever = Retry { wait: None, ..RETRY };
    let mut all = Deliveries::default();
    take(&mut all, &[None], start);
    for days in 0..100 {
        let now = start + days * Duration::from_secs(86_400);
        send(&mut all, now);
        assert_eq!(all.answered(1, absent(), &for_ever, now), Some(Fate::Absent));
    }
}

#[test]
fn what_is_refused_or_can_t_be_read_is_dead_at_once() {
    let (mut all, now) = (Deliveries::default(), Instant::now());
    let number = all.take(record(0), Err("it has no key".to_owned()), now);
    take(&mut all, &[None], now);
    assert_eq!(send(&mut all, now), [2]);
    assert_eq!(all.answered(2, Answer::Refused("too large".to_owned()), &RETRY, now), Some(Fate::Dead(0)));
    let dead = all.dead(10);
    let reasons: Vec<(u64, &str, u32)> =
        dead.iter().map(|dead| (dead.number, &*dead.reason, dead.attempts)).collect();
    assert_eq!(reasons, [(number, "it has no key", 0), (2, "too large", 1)]);
}

#[test]
fn late_and_wrong_answers_change_nothing() {
    let (mut all, now) = (Deliveries::default(), Instant::now());
    take(&mut all, &[Some("a"), Some("a")], now);
    assert_eq!(all.answered(1, Answer::Done, &RETRY, now), None, "it was not sent");
    assert_eq!(all.answered(99, Answer::Done, &RETRY, now), None);
    send(&mut all, now);
    all.answered(1, failed(), &RETRY, now);
    assert_eq!(all.answered(1, Answer::Done, &RETRY, now), None, "it has answered");
    assert_eq!((all.sent(), all.held().messages, all.waiting().messages), (0, 2, 2));
}

#[test]
fn what_is_held_is_counted_and_what_waits_apart() {
    let (mut all, now) = (Deliveries::default(), Instant::now());
    let (one, other) = (record(1000).size(), record(0).size());
    let load = |messages, bytes| Load { messages, bytes };
    all.take(record(1000), job(Some("a")), now);
    all.take(record(0), job(Some("a")), now);
    all.take(record(0), job(None), now);
    assert_eq!((all.held(), all.waiting()), (load(3, one + 2 * other), load(1, other)));
    send(&mut all, now);
    all.answered(1, failed(), &RETRY, now);
    all.answered(3, absent(), &RETRY, now);
    assert_eq!(all.waiting(), load(3, one + 2 * other));
    // Those that may go again wait no more.
    assert_eq!(send(&mut all, now + RETRY.first), [1, 3]);
    assert_eq!(all.waiting(), load(1, other));
    all.answered(1, Answer::Done, &RETRY, now);
    assert_eq!((all.held(), all.waiting()), (load(2, 2 * other), load(0, 0)));
    all.answered(3, Answer::Refused("no".to_owned()), &RETRY, now);
    assert_eq!(all.waiting(), load(0, 0), "what is given up has its place until it is put away");
}

#[test]
fn what_is_forgotten_is_told_nobody_and_its_key_goes_on() {
    let (mut all, now) = (Deliveries::default(), Instant::now());
    take(&mut all, &[Some("a"), Some("a"), Some("a"), None, None], now);
    assert_eq!(send(&mut all, now), [1, 4, 5]);
    all.answered(4, Answer::Done, &RETRY, now);
    all.answered(5, absent(), &RETRY, now);
    all.forget(&BTreeSet::from([1, 2, 4, 5, 99]));
    assert_eq!((all.held().messages, all.sent(), all.next_due()), (1, 0, None));
    assert_eq!(all.waiting().messages, 0);
    assert!(all.take_ended().is_empty());
    assert_eq!(all.answered(1, Answer::Done, &RETRY, now), None);
    assert_eq!(send(&mut all, now), [3]);
}

/// One for this edge, of this key.
fn for_edge(id: u64, key: Option<&str>) -> Result<Job, String> {
    Ok(Job { to: Recipient::Edge(id), ..job(key).unwrap() })
}

/// Has the only ones that are on their way, or are to go, find nobody until one is given up: with how many others, and when.
fn until_given_up(all: &mut Deliveries, number: u64, mut now: Instant) -> (usize, Instant) {
    loop {
        for number in send(all, now) {
            all.answered(number, absent(), &RETRY, now);
        }
        if all.has_dead() {
            let dead = all.dead(100);
            assert_eq!(dead[0].number, number);
            all.still_dead(dead.iter().map(|dead| dead.number));
            return (dead.len() - 1, now);
        }
        now = all.next_due().unwrap();
    }
}

fn bury(all: &mut Deliveries) -> Vec<u64> {
    let dead: Vec<u64> = all.dead(100).iter().map(|dead| dead.number).collect();
    assert!(dead.iter().all(|number| all.bury(*number, Verdict::GivenUp)));
    dead
}

#[test]
fn a_receiver_is_waited_for_once_and_not_for_each_message() {
    let (mut all, start) = (Deliveries::default(), Instant::now());
    for key in ["a", "a", "a", "b"] {
        all.take(record(0), for_edge(1, Some(key)), start);
    }
    // Of the same key, for somebody else.
    all.take(record(0), for_edge(2, Some("a")), start);
    all.take(record(0), for_edge(1, Some("a")), start);
    for number in send(&mut all, start) {
        assert_eq!(all.answered(number, absent(), &RETRY, start), Some(Fate::Absent));
    }
    let (behind, now) = until_given_up(&mut all, 1, start);
    assert_eq!((behind, now - start), (3, RETRY.wait.unwrap()), "those of both keys, up to the other one");
    assert_eq!(bury(&mut all), [1, 2, 3, 4]);
    // The key goes on in its order.
    assert_eq!(send(&mut all, now), [5]);
    all.answered(5, Answer::Done, &RETRY, now);
    assert_eq!(send(&mut all, now), [6]);
    assert_eq!(all.answered(6, absent(), &RETRY, now), Some(Fate::Dead(0)), "it has been waited for");
    bury(&mut all);
    // What comes later is given up at once as well, with all that is behind it.
    for _ in 0..3 {
        all.take(record(0), for_edge(1, Some("a")), now);
    }
    assert_eq!(send(&mut all, now), [7]);
    assert_eq!(all.answered(7, absent(), &RETRY, now), Some(Fate::Dead(2)));
    assert_eq!(bury(&mut all), [7, 8, 9]);
    // It is back: from here on it is waited for again.
    all.take(record(0), for_edge(1, None), now);
    all.take(record(0), for_edge(1, None), now);
    assert_eq!(send(&mut all, now), [10, 11]);
    all.answered(10, failed(), &RETRY, now);
    assert_eq!(all.answered(11, absent(), &RETRY, now), Some(Fate::Absent));
}

#[test]
fn whom_nobody_has_asked_for_in_twice_the_time_of_a_wait_is_waited_for_anew() {
    let (mut all, start) = (Deliveries::default(), Instant::now());
    all.take(record(0), for_edge(1, None), start);
    let (_, now) = until_given_up(&mut all, 1, start);
    let later = now + 2 * RETRY.wait.unwrap() + Duration::from_secs(1);
    bury(&mut all);
    all.take(record(0), for_edge(1, None), later);
    send(&mut all, later);
    assert_eq!(all.answered(2, absent(), &RETRY, later), Some(Fate::Absent));
}

#[test]
fn one_that_finds_no_room_while_others_do_waits_no_longer_than_it_may() {
    let (mut all, start) = (Deliveries::default(), Instant::now());
    take(&mut all, &[None, None], start);
    let mut now = start;
    loop {
        for number in send(&mut all, now) {
            let (answer, is_late) = match number {
                1 => (absent(), now - start >= RETRY.wait.unwrap()),
                _ => (Answer::Done, false),
            };
            let fate = all.answered(number, answer, &RETRY, now).unwrap();
            assert_eq!(matches!(fate, Fate::Dead(_)), is_late, "{fate:?}");
        }
        if all.has_dead() {
            break;
        }
        now = all.next_due().unwrap();
        // Somebody else of the same receiver gets through.
        take(&mut all, &[None], now);
    }
    assert_eq!(now - start, RETRY.wait.unwrap());
}
