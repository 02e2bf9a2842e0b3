//! Messages that wait for their confirm: order, bounds, deadlines, and what a lost connection does to them.

use super::*;
use bytes::Bytes;

/// Notes what has ended.
#[derive(Debug, Default)]
struct Ends {
    ends: Mutex<Vec<(u64, Option<Cause>)>>,
    texts: Mutex<Vec<String>>,
}

impl Confirm for Ends {
    fn ended(&self, outcomes: Vec<Outcome>) {
        assert!(outcomes.len() <= CHUNK);
        for Outcome { token, result } in outcomes {
            self.texts.lock().extend(result.as_ref().err().map(|error| error.text.to_string()));
            self.ends.lock().push((token, result.err().map(|error| error.cause)));
        }
    }
}

const BOUNDS: Bounds = Bounds {
    messages: 4,
    bytes: 4000,
    timeout: Duration::from_secs(10),
    connect_timeout: Duration::from_secs(5),
    max_backoff: Duration::from_secs(5),
};

fn pending() -> (Pending, Arc<Ends>) {
    let ends = Arc::<Ends>::default();
    (Pending::new("test", BOUNDS, ends.clone()), ends)
}

fn message(len: usize) -> Message {
    let payload = Bytes::from(vec![0; len]);
    Message {
        edge_id: 1,
        job: None,
        topic: "t".into(),
        custom: Bytes::new(),
        labels: Vec::new(),
        payload,
        id: None,
    }
}

impl Pending {
    fn put(&self, token: u64) -> Result<(), Cause> {
        self.send(message(8), Some(token), BOUNDS.timeout, 0).map_err(|error| error.cause)
    }

    fn taken(&self) -> Vec<u64> {
        self.take_now(usize::MAX, usize::MAX).into_iter().map(|(number, _)| number).collect()
    }
}

impl Ends {
    fn take(&self) -> Vec<(u64, Option<Cause>)> {
        std::mem::take(&mut self.ends.lock())
    }
}

#[tokio::test(start_paused = true)]
async fn messages_go_out_in_order_and_end_once() {
    let (pending, ends) = pending();
    pending.connected();
    (10..13).for_each(|token| pending.put(token).unwrap());
    assert_eq!(pending.taken(), [1, 2, 3]);
    let refused = SendError::new(Cause::Busy, "full");
    pending.answer([(2, Err(refused)), (1, Ok(())), (1, Ok(())), (7, Ok(()))]);
    assert_eq!(ends.take(), [(11, Some(Cause::Busy)), (10, None)]);
    let status = pending.status();
    assert_eq!((status.waiting, status.in_flight, status.bytes), (0, 1, message(8).size()));
    pending.end_everything();
    assert_eq!(ends.take(), [(12, Some(Cause::Lost))]);
    assert_eq!(pending.put(1), Err(Cause::Closing));
    assert_eq!(pending.status().bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn bounds_hold_for_what_waits_and_what_is_in_flight() {
    let (pending, _) = pending();
    pending.connected();
    (0..2).for_each(|token| pending.put(token).unwrap());
    pending.taken();
    (2..4).for_each(|token| pending.put(token).unwrap());
    assert_eq!(pending.put(4), Err(Cause::Overloaded));
    pending.answer([(1, Ok(()))]);
    pending.put(5).unwrap();
    // By bytes, and what is reserved counts.
    let (pending, _) = self::pending();
    pending.reserve(3800, 3800).unwrap();
    assert_eq!(pending.put(1), Err(Cause::Overloaded));
    pending.release(3800);
    pending.put(1).unwrap();
    pending.reserve(3000, 3000).unwrap();
    pending.send(message(3000), None, BOUNDS.timeout, 3000).unwrap();
    for refused in [pending.reserve(1, 4001), pending.send(message(4000), None, BOUNDS.timeout, 0)] {
        assert_eq!(refused.unwrap_err().cause, Cause::TooLarge, "it could never be");
    }
    let error = pending.send(message(3000), None, BOUNDS.timeout, 0).unwrap_err();
    assert!(error.text.contains("max_inflight_size") && error.text.contains("not connected yet"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_as_long_as_it_may_be() {
    let (pending, _) = pending();
    (0..4).for_each(|token| pending.put(token).unwrap());
    assert_eq!(pending.take(3, usize::MAX).await.len(), 3);
    assert_eq!(pending.take(3, usize::MAX).await.len(), 1);
    let (pending, _) = self::pending();
    (0..4).for_each(|token| pending.put(token).unwrap());
    assert_eq!(pending.take(4, 2 * message(8).size()).await.len(), 2);
    assert_eq!(pending.take(4, 1).await.len(), 1, "at least one");
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_repeats_what_is_recognized_and_loses_the_rest() {
    let (pending, ends) = pending();
    pending.connected();
    (0..3).for_each(|token| pending.put(token).unwrap());
    assert_eq!(pending.take_now(2, usize::MAX).len(), 2);
    pending.lost("gone", true);
    assert_eq!(pending.taken(), [1, 2, 3], "in their order");
    assert_eq!(pending.metrics().repeated(), 2);
    pending.lost("gone", false);
    assert_eq!(ends.take(), [0, 1, 2].map(|token| (token, Some(Cause::Lost))));
}

#[tokio::test(start_paused = true)]
async fn deadlines_say_whether_the_message_had_left() {
    let (pending, ends) = pending();
    pending.connected();
    pending.send(message(1), Some(1), Duration::from_secs(2), 0).unwrap();
    pending.taken();
    pending.send(message(1), Some(2), Duration::from_secs(2), 0).unwrap();
    pending.send(message(1), Some(3), Duration::from_secs(60), 0).unwrap();
    tokio::select! {
        _ = pending.keep_deadlines() => {}
        () = tokio::time::sleep(Duration::from_secs(3)) => {}
    }
    assert_eq!(ends.take(), [(2, Some(Cause::Deadline)), (1, Some(Cause::Unanswered))]);
    pending.lost("refused", false);
    tokio::select! {
        _ = pending.keep_deadlines() => {}
        () = tokio::time::sleep(Duration::from_secs(8)) => {}
    }
    // No message has longer than the sink.
    assert_eq!(ends.take(), [(3, Some(Cause::NotConnected))]);
    assert_eq!(pending.status().bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_away_for_long_is_told_at_once() {
    let (pending, _) = pending();
    pending.put(1).unwrap();
    pending.not_yet("connection refused");
    tokio::time::sleep(BOUNDS.timeout).await;
    let error = pending.send(message(1), None, BOUNDS.timeout, 0).unwrap_err();
    assert_eq!(error.cause, Cause::NotConnected);
    assert_eq!(error.text, "test: the broker is not connected for 10.0 s: connection refused");
    pending.connected();
    pending.put(2).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_broker_is_silent_only_while_it_owes_an_answer() {
    let (pending, _) = pending();
    pending.connected();
    let silent = |within| {
        let silence = pending.silence();
        async move { tokio::time::timeout(within, silence).await.is_ok() }
    };
    assert!(!silent(Duration::from_secs(60)).await, "nothing was asked");
    (0..2).for_each(|token| pending.put(token).unwrap());
    pending.taken();
    assert!(!silent(Duration::from_secs(9)).await);
    pending.answer([(1, Ok(()))]);
    assert!(!silent(Duration::from_secs(9)).await, "it has answered something");
    assert!(silent(Duration::from_secs(2)).await);
    // Though nobody waits any more.
    pending.answer([(2, Ok(()))]);
    assert!(!silent(Duration::from_secs(60)).await);
}

#[cfg(feature = "amqp")]
#[tokio::test(start_paused = true)]
async fn an_alarm_is_no_silence_and_ends_what_waits_as_busy() {
    let (pending, ends) = pending();
    pending.connected();
    pending.put(1).unwrap();
    pending.taken();
    pending.put(2).unwrap();
    pending.set_blocked(Some("low on memory"));
    tokio::select! {
        _ = pending.keep_deadlines() => {}
        () = pending.silence() => panic!("the broker has said why it does not answer"),
        () = tokio::time::sleep(2 * BOUNDS.timeout) => {}
    }
    assert_eq!(ends.take(), [(2, Some(Cause::Busy)), (1, Some(Cause::Unanswered))]);
    assert!(pending.status().blocked.is_some() && pending.status().away.is_none());
    let error = pending.send(message(1), None, BOUNDS.timeout, 0).unwrap_err();
    assert_eq!(error.text, "test: the broker takes nothing since 20.0 s: low on memory");
    pending.set_blocked(None);
    (3..5).for_each(|token| pending.put(token).unwrap());
    pending.refuse_waiting(&SendError::new(Cause::Denied, "no"));
    assert_eq!(ends.take(), [3, 4].map(|token| (token, Some(Cause::Denied))));
    assert_eq!(pending.status().bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn of_a_spool_only_what_is_in_flight_ends_by_time_and_what_waits_can_be_called_back() {
    let ends = Arc::<Ends>::default();
    let pending = Pending::new("test", BOUNDS, ends.clone()).kept();
    pending.connected();
    (10..13).for_each(|token| pending.put(token).unwrap());
    assert_eq!(pending.take_now(1, usize::MAX).len(), 1);
    tokio::time::advance(BOUNDS.timeout).await;
    pending.expire(Instant::now());
    assert_eq!(ends.take(), [(10, Some(Cause::Unanswered))]);
    // Its time begins when it leaves.
    assert_eq!(pending.take_now(1, usize::MAX).len(), 1);
    pending.expire(Instant::now());
    assert_eq!((ends.take(), pending.status().in_flight), (Vec::new(), 1));
    assert_eq!(pending.recall(|_, topic| topic == "other"), Vec::<u64>::new());
    assert_eq!(pending.recall(|_, topic| topic == "t"), [12]);
    let status = pending.status();
    assert_eq!((status.waiting, status.in_flight, status.bytes), (0, 1, message(8).size()));
    tokio::time::advance(BOUNDS.timeout).await;
    pending.expire(Instant::now());
    assert_eq!(ends.take(), [(11, Some(Cause::Unanswered))]);
    // It came ten seconds before it was sent.
    let text = "test: no answer within 10s; the broker may have the message";
    assert_eq!(*ends.texts.lock(), [text, text]);
}
