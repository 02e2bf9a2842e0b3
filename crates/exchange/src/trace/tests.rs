//! Traces pass through, and each span that is begun ends once, however its request does.

use super::*;
use crate::testing::{self, TestPeer, acked, call, outcome, unacked};
use crate::{Destination, Stage};
use std::time::Duration;

/// The name of a request, where it was sent, and how it ended.
type Record = (String, Vec<u64>, Code);

/// Records what ends, under the name of the request.
#[derive(Debug, Default)]
struct Recording(Arc<Mutex<Vec<Record>>>);

#[derive(Debug)]
struct Recorder {
    name: String,
    targets: Vec<u64>,
    ended: Arc<Mutex<Vec<Record>>>,
}

impl Tracer for Recording {
    fn begin(&self, asked: &Asked<'_>) -> Option<Box<dyn Span>> {
        if asked.name.starts_with("un") {
            return None;
        }
        let (name, targets, ended) = (asked.name.to_owned(), Vec::new(), self.0.clone());
        Some(Box::new(Recorder { name, targets, ended }))
    }
}

impl Span for Recorder {
    fn context(&self) -> &[u8] {
        b"ours"
    }

    fn routed(&mut self, target: &Peer) {
        self.targets.push(target.number());
    }

    fn end(self: Box<Self>, code: Code) {
        let Self { name, targets, ended } = *self;
        ended.lock().push((name, targets, code));
    }
}

type Ended = Arc<Mutex<Vec<Record>>>;

fn exchange() -> (Arc<Exchange>, Ended) {
    let ended = Ended::default();
    let tracer = Recording(ended.clone());
    (testing::exchange_with(|settings| settings.tracer = Some(Arc::new(tracer))), ended)
}

fn take(ended: &Ended) -> Vec<(String, Vec<u64>, Code)> {
    std::mem::take(&mut *ended.lock())
}

fn open(exchange: &Exchange) -> usize {
    let spans = exchange.spans.as_ref().unwrap();
    let held: usize = spans.shards.iter().map(|shard| shard.lock().len()).sum();
    assert_eq!(held, spans.open.load(Ordering::Relaxed));
    held
}

#[test]
fn without_a_tracer_a_context_goes_on_as_it_is_also_a_second_time() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, 7);
    let mut first = TestPeer::service(&exchange, 1, &["m"], &[]);
    edge.send(Envelope { trace: b"theirs", ..call(1, Destination::Name) });
    let second = TestPeer::service(&exchange, 2, &["m"], &[]);
    first.leave();
    assert_eq!(second.request().trace, b"theirs");
}

#[test]
fn a_span_has_its_targets_and_ends_with_the_code_of_the_answer() {
    let (exchange, ended) = exchange();
    let edge = TestPeer::edge(&exchange, 7);
    let service = TestPeer::service(&exchange, 1, &["m", "unrecorded"], &["t"]);
    edge.send(Envelope { trace: b"theirs", ..call(1, Destination::Name) });
    edge.send(acked(2, Destination::Name));
    let requests = service.requests();
    assert!(requests.iter().all(|request| request.trace == b"ours"));
    assert_eq!(open(&exchange), 2);
    for (request, code) in requests.iter().zip([Code::Ok, Code::NotDone]) {
        service.reply(request, outcome(code, ""));
    }
    let both = [("m".into(), vec![1], Code::Ok), ("t".into(), vec![1], Code::NotDone)];
    assert_eq!(take(&ended), both);
    edge.send(unacked(Destination::Name));
    assert_eq!(service.request().trace, b"ours");
    edge.send(Envelope { name: "nowhere", ..call(3, Destination::Name) });
    edge.send(Envelope { name: "nowhere", ..unacked(Destination::Name) });
    let codes: Vec<_> = take(&ended).into_iter().map(|(.., code)| code).collect();
    assert_eq!(codes, [Code::Ok, Code::MethodNotFound, Code::TopicNotOnline]);
    edge.send(Envelope { name: "unrecorded", trace: b"theirs", ..call(4, Destination::Name) });
    assert_eq!(service.request().trace, b"theirs");
    assert_eq!(open(&exchange), 0);
}

#[test]
fn a_span_ends_with_a_cancel_a_deadline_a_lost_target_and_a_lost_requester() {
    let (exchange, ended) = exchange();
    let mut edge = TestPeer::edge(&exchange, 7);
    let mut service = TestPeer::service(&exchange, 1, &["m"], &[]);
    edge.send(call(1, Destination::Name));
    edge.cancel(1);
    let deadline = Instant::now() + Duration::from_secs(1);
    edge.send(Envelope { deadline, ..call(2, Destination::Name) });
    exchange.expire(&service.peer, deadline, &mut exchange.batch());
    edge.send(call(3, Destination::Name));
    service.requests();
    service.leave();
    let codes: Vec<_> = take(&ended).into_iter().map(|(.., code)| code).collect();
    assert_eq!(codes, [Code::Cancelled, Code::Deadline, Code::Disconnected]);
    let service = TestPeer::service(&exchange, 2, &["m"], &[]);
    edge.send(call(4, Destination::Name));
    edge.peer.advance(Stage::Gone);
    edge.leave();
    assert_eq!(take(&ended), [("m".into(), vec![2], Code::Cancelled)]);
    drop(service);
    assert_eq!(open(&exchange), 0);
}

#[test]
fn a_request_that_is_sent_on_anew_has_both_targets() {
    let (exchange, ended) = exchange();
    let edge = TestPeer::edge(&exchange, 7);
    let mut first = TestPeer::service(&exchange, 1, &["m"], &[]);
    edge.send(call(1, Destination::Name));
    let second = TestPeer::service(&exchange, 2, &["m"], &[]);
    first.leave();
    second.reply(&second.request(), outcome(Code::Ok, ""));
    assert_eq!(take(&ended), [("m".into(), vec![1, 2], Code::Ok)]);
}

#[test]
fn the_spans_that_are_held_are_bounded_and_overdue_ones_make_room() {
    let (exchange, _ended) = exchange();
    let edge = TestPeer::edge(&exchange, 7);
    let spans = exchange.spans.as_ref().unwrap();
    let far = Instant::now() + Duration::from_secs(60);
    let begin = |id, deadline| {
        let envelope = Envelope { deadline, ..call(id, Destination::Name) };
        spans.begin(&edge.peer, &envelope).is_some()
    };
    assert!((0..MAX_OPEN as u64 - 1).all(|id| begin(id, far)));
    assert!(begin(MAX_OPEN as u64, Instant::now()), "the last place");
    assert!(begin(MAX_OPEN as u64 + 1, far), "that of one that is overdue");
    assert!(!begin(MAX_OPEN as u64 + 2, far));
    assert_eq!(open(&exchange), MAX_OPEN);
}
