//! What is routed where, and what is refused.

use super::*;
use crate::{Limits, Reply};
use frontier_protocol::GET_EDGE_ID;

#[test]
fn a_call_of_an_edge_names_it_and_its_reply_comes_back_as_it_was() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["echo"], &[]);
    let deadline = Instant::now() + Duration::from_millis(500);
    let to = Destination::Name;
    edge.send(Envelope { name: "echo", custom: b"ab", payload: b"hi", deadline, ..call(9, to) });
    let request = service.request();
    assert_eq!((&*request.name, &*request.custom, &*request.payload), ("echo", &b"ab"[..], &b"hi"[..]));
    assert_eq!(request.from, SentFrom::Edge(EDGE));
    assert!((1..=500).contains(&request.timeout_ms));
    service.reply(&request, Outcome { code: Code::Application, detail: 5, custom: b"xy", payload: b"no" });
    let [reply] = &edge.replies()[..] else { panic!("one reply") };
    assert_eq!((reply.id, reply.kind, reply.edge), (9, RequestKind::Call, None));
    assert_eq!((reply.code, reply.detail), (Code::Application, 5));
    assert_eq!((&*reply.custom, &*reply.payload), (&b"xy"[..], &b"no"[..]));
}

#[test]
fn a_call_of_a_service_goes_to_its_edge_and_its_reply_names_the_edge() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    service.send(Envelope { name: GET_EDGE_ID, custom: b"ab", payload: b"hi", ..call(3, to_edge(EDGE)) });
    let request = edge.request();
    assert_eq!((&*request.name, &*request.custom, &*request.payload), (GET_EDGE_ID, &b"ab"[..], &b"hi"[..]));
    assert_eq!(request.from, SentFrom::Unnamed);
    edge.reply(&request, Outcome { code: Code::Ok, detail: 0, custom: b"x", payload: b"yo" });
    let [reply] = &service.replies()[..] else { panic!("one reply") };
    assert_eq!(
        (reply.id, reply.edge, &*reply.custom, &*reply.payload),
        (3, Some(EDGE), &b"x"[..], &b"yo"[..])
    );
}

#[test]
fn messages_go_the_same_ways_and_only_acked_ones_are_replied_to() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &["t"]);
    edge.send(Envelope { custom: b"c", payload: b"p", ..unacked(Destination::Name) });
    let request = service.request();
    assert_eq!((&*request.name, &*request.custom, &*request.payload), ("t", &b"c"[..], &b"p"[..]));
    assert_eq!((request.correlation, request.from), (None, SentFrom::Edge(EDGE)));
    edge.send(Envelope { custom: b"c", payload: b"p", ..acked(4, Destination::Name) });
    let request = service.request();
    assert_eq!((&*request.name, &*request.custom, &*request.payload), ("t", &b"c"[..], &b"p"[..]));
    service.reply(&request, outcome(Code::NotDone, "busy"));
    assert_eq!(edge.told(), [(4, Code::NotDone, "busy".into())]);
    service.send(Envelope { name: "down", ..acked(1, to_edge(EDGE)) });
    let request = edge.request();
    assert_eq!((&*request.name, &*request.custom, request.kind), ("down", &b""[..], RequestKind::Message));
    edge.reply(&request, ok());
    assert_eq!(service.codes(), [(1, Code::Ok)]);
    service.send(unacked(to_edge(EDGE)));
    assert_eq!(edge.request().correlation, None);
    assert!(edge.outlet.take().is_empty() && service.outlet.take().is_empty());
}

#[test]
fn what_can_not_be_routed_is_refused_with_a_reason() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m", GET_EDGE_ID], &["t"]);
    for (id, name) in [(1, "get_edge_id"), (2, "edge_online"), (3, "edge_offline"), (4, "nope"), (5, "")] {
        edge.send(Envelope { name, ..call(id, Destination::Name) });
    }
    edge.send(Envelope { name: "nope", ..acked(6, Destination::Name) });
    edge.send(Envelope { name: "nope", ..unacked(Destination::Name) });
    service.send(call(1, to_edge(8)));
    service.send(call(2, Destination::Name));
    service.send(acked(3, Destination::Name));
    let told = edge.told();
    let expected = [
        Code::Denied,
        Code::Denied,
        Code::Denied,
        Code::MethodNotFound,
        Code::MethodNotFound,
        Code::TopicNotOnline,
    ];
    assert_eq!(told.iter().map(|(_, code, _)| *code).collect::<Vec<_>>(), expected);
    assert!(told.iter().all(|(_, _, text)| !text.is_empty()));
    let told = service.told();
    assert_eq!(told[0], (1, Code::EdgeNotOnline, "edge 8 is not online".into()));
    assert_eq!(told.len(), 3);
    assert!(told[1..].iter().all(|(_, code, text)| *code == Code::Protocol && !text.is_empty()));
    assert!(!edge.peer.is_busy() && !service.peer.is_busy(), "nothing is left behind");
}

#[test]
fn only_a_service_sends_something_to_an_edge() {
    let exchange = testing::exchange();
    let (edge, other) = (TestPeer::edge(&exchange, EDGE), TestPeer::edge(&exchange, 8));
    let owner = TestPeer::owner_gateway(&exchange, "a");
    edge.send(call(1, to_edge(8)));
    owner.send(call(1, to_edge(8)));
    assert_eq!((edge.codes(), owner.codes()), (vec![(1, Code::Protocol)], vec![(1, Code::Protocol)]));
    assert!(other.outlet.take().is_empty());
}

#[test]
fn what_a_wire_can_not_read_is_refused_and_unacked_messages_in_silence() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let unreadable = Destination::Unreadable("no EdgeID");
    for envelope in [call(1, unreadable), acked(2, unreadable), unacked(unreadable)] {
        edge.send(envelope);
    }
    let text = "no EdgeID".to_owned();
    assert_eq!(edge.told(), [(1, Code::Protocol, text.clone()), (2, Code::Protocol, text)]);
}

#[test]
fn an_id_that_is_in_use_is_a_violation() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    edge.send(call(1, Destination::Name));
    for again in [call(1, Destination::Name), acked(1, Destination::Name)] {
        assert!(edge.on(Inbound::Request(again)).is_err());
    }
    assert_eq!(service.peer.in_flight(), 1);
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn a_reply_of_the_other_kind_is_a_violation_and_the_requester_is_told() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    for (envelope, kind) in
        [(call(1, Destination::Name), RequestKind::Message), (acked(2, Destination::Name), RequestKind::Call)]
    {
        edge.send(envelope);
        let correlation = service.request().correlation();
        let reply = Reply { correlation, kind, outcome: ok(), edge: None };
        assert!(service.on(Inbound::Reply(reply)).is_err());
    }
    assert_eq!(edge.codes(), [(1, Code::Protocol), (2, Code::Protocol)]);
    assert!(!edge.peer.has_pending());
}

/// What the sender is told of a call with such a custom header and payload, under such limits.
fn told(set: impl FnOnce(&mut Limits), to: Destination<'_>, custom: usize, payload: usize) -> Option<Code> {
    let exchange = testing::exchange_with(|settings| set(&mut settings.limits));
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    let (from, target) = match to {
        Destination::Name => (&edge, &service),
        _ => (&service, &edge),
    };
    from.send(Envelope { custom: &vec![0; custom], payload: &vec![0; payload], ..call(1, to) });
    let told = from.codes();
    assert_eq!(target.requests().len() + told.len(), 1);
    assert_eq!(target.peer.in_flight(), 1 - told.len());
    told.first().map(|(_, code)| *code)
}

#[test]
fn the_limits_of_a_request_hold() {
    let too_large = Some(Code::TooLarge);
    let custom = |limits: &mut Limits| (limits.custom_len, limits.custom_to_edge_len) = (100, 92);
    let by_name = Destination::Name;
    assert_eq!((told(custom, by_name, 100, 0), told(custom, by_name, 101, 0)), (None, too_large));
    let to_edge = to_edge(EDGE);
    assert_eq!((told(custom, to_edge, 92, 0), told(custom, to_edge, 93, 0)), (None, too_large));
    let payload = |limits: &mut Limits| limits.payload = 1000;
    assert_eq!((told(payload, by_name, 0, 1000), told(payload, by_name, 0, 1001)), (None, too_large));
    let exchange = testing::exchange_with(|settings| settings.limits.name_len = 9);
    let edge = TestPeer::edge(&exchange, EDGE);
    let (nine, ten) = ("123456789", "1234567890");
    let service = TestPeer::service(&exchange, 1, &[nine], &[nine]);
    for (id, name) in [(1, nine), (3, ten)] {
        edge.send(Envelope { name, ..call(id, by_name) });
        edge.send(Envelope { name, ..acked(id + 1, by_name) });
    }
    assert_eq!(service.requests().len(), 2);
    assert_eq!(edge.codes(), [(3, Code::TooLarge), (4, Code::TooLarge)]);
}

#[test]
fn what_the_receivers_wire_does_not_take_is_refused_and_leaves_nothing() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    service.outlet.set_longest(10);
    edge.send(Envelope { payload: &[0; 10], ..call(1, Destination::Name) });
    for envelope in [call(2, Destination::Name), acked(3, Destination::Name), unacked(Destination::Name)] {
        edge.send(Envelope { payload: &[0; 11], ..envelope });
    }
    assert_eq!(edge.codes(), [(2, Code::TooLarge), (3, Code::TooLarge)]);
    assert_eq!((service.requests().len(), service.peer.in_flight()), (1, 1));
}

/// What a service is told when an edge replies to its call like that.
fn replied(custom: usize, payload: usize) -> Code {
    let exchange = testing::exchange_with(|settings| settings.limits.payload = 2000);
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    service.outlet.set_longest(1000);
    service.send(call(1, to_edge(EDGE)));
    let (custom, payload) = (vec![0; custom], vec![b'x'; payload]);
    let outcome = Outcome { code: Code::Ok, detail: 0, custom: &custom, payload: &payload };
    edge.reply(&edge.request(), outcome);
    let told = service.told();
    assert_eq!(told.len(), 1, "the requester is told exactly once");
    assert!(!told[0].2.is_empty());
    told[0].1
}

#[test]
fn a_reply_that_is_too_large_is_a_failure_and_not_silence() {
    assert_eq!(replied(8 * 1024, 1), Code::Ok);
    assert_eq!(replied(8 * 1024 + 1, 1), Code::TooLarge);
    assert_eq!(replied(65_535, 1), Code::TooLarge);
    assert_eq!(replied(0, 1000), Code::Ok);
    assert_eq!(replied(0, 1001), Code::TooLarge, "its wire does not take it");
    assert_eq!(replied(0, 2001), Code::TooLarge, "nobody may send that");
}

#[test]
fn beyond_the_limit_of_calls_either_side_is_overloaded() {
    let exchange = testing::exchange_with(|settings| settings.limits.calls = 2);
    let (edge, other) = (TestPeer::edge(&exchange, EDGE), TestPeer::edge(&exchange, 8));
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    edge.send(call(1, Destination::Name));
    other.send(call(1, Destination::Name));
    other.send(call(2, Destination::Name));
    service.send(call(1, to_edge(EDGE)));
    service.send(call(2, to_edge(EDGE)));
    service.send(call(3, to_edge(8)));
    assert_eq!(other.codes(), [(2, Code::Overloaded)]);
    assert_eq!(service.codes(), [(3, Code::Overloaded)]);
    assert_eq!(edge.codes(), []);
    assert_eq!(other.peer.in_flight(), 0);
}

#[test]
fn a_full_queue_refuses_requests_and_is_not_closed() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    service.outlet.set_room(2);
    for id in 1..=3 {
        edge.send(call(id, Destination::Name));
    }
    edge.send(acked(4, Destination::Name));
    edge.send(unacked(Destination::Name));
    assert_eq!(service.outlet.close_reason(), None);
    assert_eq!(edge.codes(), [(3, Code::Overloaded), (4, Code::Overloaded)]);
    assert_eq!(service.requests().len(), 2);
    assert_eq!(service.peer.in_flight(), 2);
}

#[test]
fn a_service_whose_connection_is_closed_is_passed_over() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let closed = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    closed.outlet.close(CloseReason::Silent);
    edge.send(call(1, Destination::Name));
    edge.send(acked(2, Destination::Name));
    let gone = [(1, Code::Disconnected), (2, Code::Disconnected)];
    assert_eq!(edge.codes(), gone, "nobody else takes them");
    let other = TestPeer::service(&exchange, 2, &["m"], &["t"]);
    for id in 3..10 {
        edge.send(call(id, Destination::Name));
    }
    assert_eq!((other.requests().len(), edge.codes()), (7, vec![]));
    assert!(!closed.peer.has_pending());
}

#[test]
fn rules_and_quotas_of_the_sender_decide_before_the_route() {
    let exchange = testing::exchange();
    let rules = "
default: allow
rules:
  - {who: {edge: 7}, deny: {call: [secret], publish: [secret]}}
  - {who: {service: service-1}, deny: {reach_edges: {labels: {region: us}}}}
";
    let quotas = "
quotas:
  - {for: edge, calls: {rate: 1, burst: 1}}
  - {for: address, who: {service: service-1}, messages: {rate: 1, burst: 1}}
";
    let join = |identity: Identity, labels: &[(&str, &str)]| {
        let authorization = testing::authorization(rules, quotas, &identity, labels);
        TestPeer::authorized(&exchange, identity, authorization).joined(&["m", "secret"], &["t"])
    };
    let (edge, other) = (join(testing::edge(EDGE), &[]), join(testing::edge(8), &[("region", "us")]));
    let service = join(testing::service(1), &[]);
    edge.send(Envelope { name: "secret", ..call(1, Destination::Name) });
    edge.send(Envelope { name: "secret", ..acked(2, Destination::Name) });
    edge.send(call(3, Destination::Name));
    edge.send(call(4, Destination::Name));
    let codes = edge.codes();
    assert_eq!(codes[..2], [(1, Code::Denied), (2, Code::Denied)]);
    assert_eq!(codes[2..], [(4, Code::Overloaded)], "one call is the burst");
    service.send(call(1, to_edge(8)));
    service.send(call(2, to_edge(EDGE)));
    assert_eq!(service.codes(), [(1, Code::Denied)]);
    for id in 3..6 {
        service.send(acked(id, Destination::Unreadable("no EdgeID")));
    }
    let codes = [(3, Code::Protocol), (4, Code::Overloaded), (5, Code::Overloaded)];
    assert_eq!(service.codes(), codes, "what can't be read is charged as well");
    assert!(other.requests().is_empty() && edge.request().name == "m");
}
