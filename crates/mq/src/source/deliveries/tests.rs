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
    assert_eq!((all.len(), all.sent(), all.has_ended()), (3, 3, false));
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
    assert_eq!(all.answered(1, failed(), &RETRY, now), Some(Fate::Dead));
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
        assert_eq!(all.absent(), 1);
        assert_eq!(all.next_due(), Some(now + Duration::from_secs(pause)));
        now += Duration::from_secs(pause);
    }
    send(&mut all, now);
    assert_eq!(all.answered(1, failed(), &RETRY, now), Some(Fate::Failed));
    assert_eq!(all.absent(), 0);
    // Its wait begins anew, ends when it is over, and not later.
    now = all.next_due().unwrap();
    let away_since = now;
    loop {
        send(&mut all, now);
        match all.answered(1, absent(), &RETRY, now) {
            Some(Fate::Absent) => now = all.next_due().unwrap(),
            fate => {
                assert_eq!(fate, Some(Fate::Dead));
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
    assert_eq!(all.answered(2, Answer::Refused("too large".to_owned()), &RETRY, now), Some(Fate::Dead));
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
    assert_eq!((all.sent(), all.len()), (0, 2));
}

#[test]
fn what_is_held_is_counted() {
    let (mut all, now) = (Deliveries::default(), Instant::now());
    all.take(record(1000), job(None), now);
    all.take(record(0), job(None), now);
    let (one, other) = (record(1000).size(), record(0).size());
    assert_eq!((all.len(), all.bytes()), (2, one + other));
    send(&mut all, now);
    all.answered(1, Answer::Done, &RETRY, now);
    assert_eq!((all.len(), all.bytes()), (1, other));
}

#[test]
fn what_is_forgotten_is_told_nobody_and_its_key_goes_on() {
    let (mut all, now) = (Deliveries::default(), Instant::now());
    take(&mut all, &[Some("a"), Some("a"), Some("a"), None, None], now);
    assert_eq!(send(&mut all, now), [1, 4, 5]);
    all.answered(4, Answer::Done, &RETRY, now);
    all.answered(5, absent(), &RETRY, now);
    all.forget(&BTreeSet::from([1, 2, 4, 5, 99]));
    assert_eq!((all.len(), all.sent(), all.absent(), all.next_due()), (1, 0, 0, None));
    assert!(all.take_ended().is_empty());
    assert_eq!(all.answered(1, Answer::Done, &RETRY, now), None);
    assert_eq!(send(&mut all, now), [3]);
}
