//! Paths of many kinds, and what comes of the limit on them.

#![expect(clippy::cast_possible_truncation, reason = "a minute in milliseconds")]

use super::*;
use std::collections::VecDeque;

#[expect(clippy::disallowed_methods, reason = "the one instant from which the synthetic ones count")]
fn start() -> Instant {
    Instant::now()
}

/// A path that takes `rate` bytes a second, one behind the other, and `delay` there and back. Who writes has always
/// more. What comes of it in `time`: bytes a second, and the longest that anything queued in the second half.
fn run(flight: &mut Flight, rate: u64, delay: Duration, time: Duration, body: usize) -> (u64, Duration) {
    let begin = start();
    let (mut now, mut free) = (begin, begin);
    let mut answers = VecDeque::new();
    let (mut sent, mut longest) = (0, Duration::ZERO);
    while now < begin + time {
        if let Some(value) = flight.ask(body, || now) {
            answers.push_back((value, free.max(now) + delay));
        }
        let len = flight.max_body(body);
        if flight.takes(len) {
            flight.sent(len);
            sent += len as u64;
            free = free.max(now) + Duration::from_nanos(len as u64 * 1_000_000_000 / rate);
            if now > begin + time / 2 {
                longest = longest.max(free - now);
            }
            continue;
        }
        let (value, at) = answers.pop_front().expect("whoever waits has asked");
        now = now.max(at);
        flight.answered(value, now);
    }
    (sent * 1000 / time.as_millis() as u64, longest)
}

#[test]
fn a_slow_path_is_kept_full_and_its_queue_short() {
    for (rate, delay) in
        [(4_000, 10), (8_000, 10), (8_000, 300), (16_000, 50), (125_000, 50), (1_000_000, 20)]
    {
        let mut flight = Flight::new();
        let delay = Duration::from_millis(delay);
        let (got, queued) = run(&mut flight, rate, delay, Duration::from_secs(60), 32 * 1024);
        assert!(got * 10 >= rate * 8, "{got} of {rate} at {delay:?}");
        assert!(queued < Duration::from_millis(900), "{queued:?} at {rate}, {delay:?}");
    }
}

#[test]
fn never_more_than_half_a_second_is_sent_into_an_unknown_slow_path() {
    let mut flight = Flight::new();
    let (_, queued) =
        run(&mut flight, 8_000, Duration::from_millis(20), Duration::from_millis(400), 32 * 1024);
    assert!(queued < Duration::from_millis(600), "{queued:?}");
}

#[test]
fn a_fast_path_is_filled_within_a_few_round_trips() {
    let mut flight = Flight::new();
    let delay = Duration::from_millis(1);
    run(&mut flight, 1 << 30, delay, 8 * delay, 32 * 1024);
    assert!(flight.limit >= 1 << 20, "{}", flight.limit);
}

#[test]
fn a_path_that_has_become_longer_is_found_out() {
    let mut flight = Flight::new();
    run(&mut flight, 1_000_000, Duration::from_millis(10), Duration::from_secs(5), 32 * 1024);
    let far = Duration::from_millis(900);
    flight.ping = None;
    flight.delivered = flight.sent;
    run(&mut flight, 1_000_000, far, Duration::from_secs(30), 32 * 1024);
    let (got, _) = run(&mut flight, 1_000_000, far, Duration::from_secs(30), 32 * 1024);
    assert!(got > 300_000, "{got}");
}

#[test]
fn answers_that_nobody_asked_for_mean_nothing() {
    let mut flight = Flight::new();
    let t = start();
    flight.answered(0, t);
    flight.sent(3000);
    assert_eq!(flight.ask(0, || t), Some(0));
    assert_eq!(flight.ask(0, || t), None, "one at a time");
    flight.answered(1, t);
    assert_eq!(flight.delivered, 0);
    flight.answered(0, t);
    flight.answered(0, t);
    assert_eq!(flight.delivered, 3000);
}

#[test]
fn a_peer_that_answers_no_ping_is_sent_as_much_as_its_windows_take_and_asked_again() {
    let mut flight = Flight::new();
    let t = start();
    let value = flight.ask(32 * 1024, || t).expect("the first is due");
    while flight.takes(1024) {
        flight.sent(1024);
    }
    assert_eq!(flight.overdue_at(), Some(t + PATIENCE));
    flight.expire(|| t + PATIENCE - Duration::from_millis(1));
    assert!(!flight.takes(1024), "it may still answer");
    flight.expire(|| t + PATIENCE);
    assert_eq!((flight.overdue_at(), flight.max_body(32 * 1024)), (None, 32 * 1024));
    let (mut asked, mut sent) = (0, 0);
    for second in 2..32 {
        let now = t + Duration::from_secs(second);
        flight.expire(|| now);
        if let Some(again) = flight.ask(32 * 1024, || now) {
            assert_eq!(again, value);
            asked += 1;
        }
        for _ in 0..100 {
            assert!(flight.takes(32 * 1024));
            flight.sent(32 * 1024);
            sent += 32 * 1024;
        }
    }
    assert_eq!((asked, sent), (3, 30 * 100 * 32 * 1024_u64));
}

#[test]
fn a_peer_that_answers_again_is_measured_again() {
    for known in [false, true] {
        let mut flight = Flight::new();
        let (rate, delay) = (16_000, Duration::from_millis(50));
        if known {
            run(&mut flight, rate, delay, Duration::from_secs(5), 32 * 1024);
            flight.ping = None;
        }
        let t = start();
        let value = flight.ask(32 * 1024, || t).expect("one is due");
        while flight.takes(1024) {
            flight.sent(1024);
        }
        let late = flight.overdue_at().expect("something waits");
        flight.expire(|| late);
        flight.sent(100_000);
        flight.answered(value, late + Duration::from_secs(20));
        assert!(!flight.takes(1024), "what was sent since is unknown");
        let (got, queued) = run(&mut flight, rate, delay, Duration::from_secs(60), 32 * 1024);
        assert!(got * 10 >= rate * 8 && flight.round_trip() < Some(PATIENCE), "{got} of {rate}");
        assert!(queued < Duration::from_millis(900), "{queued:?}");
    }
}
