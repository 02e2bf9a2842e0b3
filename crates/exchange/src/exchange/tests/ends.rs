//! Cancels, deadlines, and peers that go.

use super::*;
use crate::forward::Entered;

#[test]
fn a_cancel_passes_and_the_late_reply_goes_nowhere() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    edge.send(call(9, Destination::Name));
    let request = service.request();
    edge.cancel(9);
    assert_eq!(service.cancels(), [request.correlation()]);
    service.reply(&request, outcome(Code::Ok, "old"));
    // The id may be used again, and gets its own reply.
    edge.send(call(9, Destination::Name));
    let again = service.request();
    assert_ne!(again.correlation, request.correlation);
    service.reply(&request, outcome(Code::Ok, "old"));
    service.reply(&again, outcome(Code::Ok, "new"));
    assert_eq!(edge.told(), [(9, Code::Ok, "new".into())]);
    assert!(!edge.peer.has_pending() && !service.peer.has_pending());
}

#[test]
fn a_message_that_is_cancelled_needs_no_word() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &["t"]);
    edge.send(acked(1, Destination::Name));
    service.request();
    edge.cancel(1);
    edge.cancel(2);
    assert!(service.outlet.take().is_empty() && edge.outlet.take().is_empty());
    assert!(!edge.peer.has_pending() && !service.peer.has_pending());
}

#[test]
fn a_target_that_dies_fails_what_it_had_once_for_each_requester() {
    let exchange = testing::exchange();
    let (one, two) = (TestPeer::edge(&exchange, 1), TestPeer::edge(&exchange, 2));
    let mut service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    for (edge, id) in [(&one, 1), (&one, 2), (&two, 1)] {
        edge.send(call(id, Destination::Name));
    }
    two.send(acked(5, Destination::Name));
    assert_eq!(service.requests().len(), 4, "it has read all of them");
    service.leave();
    assert_eq!(sorted(one.codes()), [(1, Code::Disconnected), (2, Code::Disconnected)]);
    let mut told = two.told();
    told.sort_by_key(|(id, ..)| *id);
    let text = "the connection to the service \"service-1\" was lost".to_owned();
    assert_eq!(told, [(1, Code::Disconnected, text.clone()), (5, Code::Disconnected, text)]);
    assert!(!one.peer.has_pending() && !two.peer.has_pending());
}

#[test]
fn what_a_dead_service_never_got_goes_to_another() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let mut first = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    edge.send(Envelope { custom: b"c", payload: b"p", ..call(1, Destination::Name) });
    edge.send(Envelope { custom: b"c", payload: b"p", ..acked(2, Destination::Name) });
    let second = TestPeer::service(&exchange, 2, &["m"], &["t"]);
    first.leave();
    assert!(edge.codes().is_empty());
    let mut passed = second.requests();
    passed.sort_by_key(|request| request.kind as u8);
    assert_eq!(
        passed.iter().map(|it| it.kind).collect::<Vec<_>>(),
        [RequestKind::Call, RequestKind::Message]
    );
    for request in &passed {
        let got = (request.from, &*request.custom, &*request.payload);
        assert_eq!(got, (SentFrom::Edge(EDGE), &b"c"[..], &b"p"[..]));
    }
    assert_eq!(second.peer.in_flight(), 2);
    second.reply(&passed[0], ok());
    assert_eq!(edge.codes(), [(1, Code::Ok)]);
}

#[test]
fn what_a_dead_edge_never_got_fails() {
    let exchange = testing::exchange();
    let mut edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    service.send(call(1, to_edge(EDGE)));
    edge.leave();
    assert_eq!(service.told(), [(1, Code::Disconnected, "the connection to edge 7 was lost".into())]);
}

#[test]
fn what_nobody_else_takes_fails_with_the_dead_service() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let mut service = TestPeer::service(&exchange, 1, &["m"], &[]);
    edge.send(call(1, Destination::Name));
    service.leave();
    assert_eq!(edge.codes(), [(1, Code::MethodNotFound)]);
    assert!(!edge.peer.has_pending());
}

#[test]
fn a_requester_that_dies_is_told_to_whom_it_asked() {
    let exchange = testing::exchange();
    let mut edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    edge.send(call(1, Destination::Name));
    edge.send(acked(2, Destination::Name));
    edge.leave();
    assert!(!service.peer.has_pending());
    let requests = service.requests();
    let call = requests.iter().find(|request| request.kind == RequestKind::Call).unwrap();
    assert_eq!(service.cancels(), [call.correlation()], "the call is cancelled; a message needs no word");
}

#[test]
fn an_overdue_request_fails_and_its_target_is_told() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    edge.send(call(1, Destination::Name));
    edge.send(acked(2, Destination::Name));
    let mut batch = exchange.batch();
    exchange.expire(&service.peer, Instant::now(), &mut batch);
    assert!(service.peer.has_pending());
    for _ in 0..2 {
        exchange.expire(&service.peer, Instant::now() + Duration::from_secs(60), &mut batch);
    }
    assert_eq!(sorted(edge.codes()), [(1, Code::Deadline), (2, Code::Deadline)]);
    assert_eq!(service.cancels().len(), 1);
    assert!(!edge.peer.has_pending());
}

#[test]
fn what_is_overdue_is_found_wherever_it_is() {
    let exchange = testing::exchange_reaching(Arc::<Elsewhere>::default());
    let (edge, owner) = (TestPeer::edge(&exchange, EDGE), TestPeer::owner_gateway(&exchange, "a"));
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    // The clock is not waited for: they are entered as if it were earlier.
    let due = Instant::now() + Duration::from_millis(5);
    edge.send(Envelope { deadline: due, ..call(1, Destination::Name) });
    service.send(Envelope { deadline: due, ..call(1, to_edge(EDGE)) });
    service.send(Envelope { deadline: due, ..call(2, to_edge(8)) });
    while Instant::now() < due {
        std::thread::yield_now();
    }
    testing::run(exchange.expire_overdue());
    assert_eq!(edge.codes(), [(1, Code::Deadline)]);
    assert_eq!(sorted(service.codes()), [(1, Code::Deadline), (2, Code::Deadline)]);
    assert!(!edge.peer.has_pending() && !service.peer.has_pending() && !owner.peer.has_pending());
}

#[test]
fn a_request_that_is_overdue_as_it_is_entered_is_not_left_in_the_tables() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    let envelope = Envelope { deadline: Instant::now(), ..call(1, Destination::Name) };
    let entered: Result<Entered, _> =
        exchange.enter(&edge.peer, &envelope, &service.peer, None, Instant::now());
    assert_eq!(entered.unwrap_err().failure().unwrap().code, Code::Deadline);
    assert!(!edge.peer.is_busy() && !service.peer.is_busy());
    edge.send(envelope);
    assert_eq!(edge.codes(), [(1, Code::Deadline)]);
    assert!(service.requests().is_empty());
}

#[test]
fn a_peer_that_says_it_leaves_gets_nothing_new_and_may_still_reply() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    edge.send(call(1, Destination::Name));
    service.on(Inbound::Leave { is_draining: false }).unwrap();
    edge.send(call(2, Destination::Name));
    let sent = service.outlet.take();
    let [Sent::Request(request), Sent::Seal] = &sent[..] else { panic!("{sent:?}") };
    service.reply(request, outcome(Code::Ok, "late but fine"));
    assert_eq!(edge.codes(), [(2, Code::ServiceNotOnline), (1, Code::Ok)]);
}

#[test]
fn who_is_silent_or_does_not_read_is_closed_by_the_sweep() {
    let exchange = testing::exchange_with(|settings| settings.limits.slow_peer_timeout = Duration::ZERO);
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    edge.send(call(1, Destination::Name));
    testing::run(exchange.sweep());
    assert_eq!(service.outlet.close_reason(), None, "it was not seen to stand still yet");
    testing::run(exchange.sweep());
    assert_eq!(service.outlet.close_reason(), Some(CloseReason::SlowPeer));
    assert_eq!(edge.outlet.close_reason(), None);
}

#[test]
fn who_was_late_to_read_calls_nobody_silent() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    edge.peer.hear(0);
    let start = Instant::now();
    let sweep =
        |seconds: u64| testing::run(exchange.sweep_at(start + Duration::from_secs(seconds), seconds * 1000));
    (0..=60).for_each(sweep);
    // A storm of newcomers, in which nothing was read: not even what the edge has sent.
    sweep(75);
    (76..85).for_each(sweep);
    assert_eq!(edge.outlet.close_reason(), None);
    sweep(85);
    assert_eq!(edge.outlet.close_reason(), Some(CloseReason::Silent), "it had the time");
}
