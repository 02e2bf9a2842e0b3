//! Another gateway asks for edges that are here.

use super::*;
use crate::RemoteCaller;
use frontier_protocol::ServiceId;

fn caller(rules: &str) -> Arc<RemoteCaller> {
    let identity = Identity::Service { id: ServiceId(3), name: "files".into() };
    let grants = (!rules.is_empty()).then(|| testing::grants(rules, &identity));
    Arc::new(RemoteCaller {
        id: ServiceId(3),
        name: "files".into(),
        grants,
        unreadable: None,
        encoded: Box::default(),
    })
}

fn local(edge: u64, caller: &Arc<RemoteCaller>, returns: bool) -> Destination<'_> {
    Destination::LocalEdge { edge: EdgeId(edge), caller, returns }
}

/// One that could look for edges elsewhere.
fn start() -> (Arc<Elsewhere>, Arc<Exchange>, TestPeer) {
    let elsewhere = Arc::<Elsewhere>::default();
    let exchange = testing::exchange_reaching(elsewhere.clone());
    let origin = TestPeer::origin_gateway(&exchange);
    (elsewhere, exchange, origin)
}

#[test]
fn an_edge_gets_what_it_would_get_from_a_service_here() {
    let (_, exchange, origin) = start();
    let (edge, caller) = (TestPeer::edge(&exchange, EDGE), caller(""));
    origin.send(Envelope { custom: b"ab", payload: b"hi", ..call(9, local(EDGE, &caller, true)) });
    let request = edge.request();
    assert_eq!(request.from, SentFrom::Unnamed);
    assert_eq!((&*request.name, &*request.custom, &*request.payload), ("m", &b"ab"[..], &b"hi"[..]));
    edge.reply(&request, Outcome { code: Code::Ok, detail: 0, custom: b"x", payload: b"yo" });
    let [reply] = &origin.replies()[..] else { panic!("one reply") };
    assert_eq!(
        (reply.id, reply.edge, &*reply.custom, &*reply.payload),
        (9, Some(EDGE), &b"x"[..], &b"yo"[..])
    );
}

#[test]
fn a_request_for_an_edge_that_is_not_here_is_returned_or_refused_and_never_passed_on() {
    let (elsewhere, exchange, origin) = start();
    *elsewhere.known.lock() = Some(TestPeer::owner_gateway(&exchange, "b").peer.clone());
    let caller = caller("");
    let (returns, stays) = (local(8, &caller, true), local(8, &caller, false));
    origin.send(Envelope { custom: b"ab", payload: b"hi", ..call(9, returns) });
    let sent = origin.outlet.take();
    let [Sent::GivenBack { request, edge: 8, caller: Some(3) }] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(request.correlation, Some(CorrelationId(9)));
    assert_eq!((&*request.name, &*request.custom, &*request.payload), ("m", &b"ab"[..], &b"hi"[..]));
    assert!((1..=30_000).contains(&request.timeout_ms));

    origin.send(call(10, stays));
    assert_eq!(origin.codes(), [(10, Code::EdgeNotOnline)]);
    origin.send(unacked(returns));
    origin.send(unacked(stays));
    origin.send(acked(11, stays));
    let sent = origin.outlet.take();
    let [Sent::GivenBack { request, .. }, Sent::Reply(reply)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((request.correlation, reply.id, reply.code), (None, 11, Code::EdgeNotOnline));
    assert!(!origin.peer.has_pending() && elsewhere.waiting().is_empty());
}

#[test]
fn a_caller_that_can_not_be_read_may_do_nothing_but_where_the_edge_is_gone_its_request_goes_back() {
    let (_, exchange, origin) = start();
    let edge = TestPeer::edge(&exchange, EDGE);
    let unreadable = Some("no caller");
    let caller =
        Arc::new(RemoteCaller { id: ServiceId(0), unreadable, ..Arc::into_inner(caller("")).unwrap() });
    origin.send(call(1, local(EDGE, &caller, true)));
    origin.send(Envelope { name: &"n".repeat(300), ..call(2, local(EDGE, &caller, true)) });
    origin.send(call(3, local(8, &caller, false)));
    assert_eq!(
        origin.codes(),
        [(1, Code::Protocol), (2, Code::TooLarge), (3, Code::EdgeNotOnline)],
        "nobody is told more than a caller that can be read"
    );
    origin.send(call(4, local(8, &caller, true)));
    let sent = origin.outlet.take();
    assert!(matches!(&sent[..], [Sent::GivenBack { edge: 8, .. }]), "{sent:?}");
    assert!(edge.outlet.take().is_empty());
}

#[test]
fn what_a_remote_caller_may_do_here_is_up_to_this_gateway() {
    let (_, exchange, origin) = start();
    let region = testing::authorization("", "", &testing::edge(8), &[("region", "us")]);
    let edge = TestPeer::edge(&exchange, EDGE);
    let other = TestPeer::authorized(&exchange, testing::edge(8), region).joined(&[], &[]);
    let caller = caller(
        "
default: allow
rules:
  - {name: r, who: {service: files}, deny: {call: [secret], reach_edges: {labels: {region: us}}}}
",
    );
    origin.send(Envelope { name: "secret", ..call(1, local(EDGE, &caller, true)) });
    origin.send(call(2, local(8, &caller, true)));
    origin.send(acked(3, local(8, &caller, true)));
    let told = origin.told();
    assert_eq!(
        told.iter().map(|it| (it.0, it.1)).collect::<Vec<_>>(),
        [1, 2, 3].map(|id| (id, Code::Denied))
    );
    assert!(told.iter().all(|(_, _, text)| !text.is_empty()));
    origin.send(call(4, local(EDGE, &caller, true)));
    // A message has a topic of no meaning to the gateway.
    origin.send(Envelope { name: "secret", ..acked(5, local(EDGE, &caller, true)) });
    assert_eq!((edge.requests().len(), other.requests().len()), (2, 0));
}

#[test]
fn what_an_origin_gateway_asked_ends_with_its_link() {
    let (_, exchange, mut origin) = start();
    let (edge, caller) = (TestPeer::edge(&exchange, EDGE), caller(""));
    origin.send(call(9, local(EDGE, &caller, true)));
    let request = edge.request();
    origin.leave();
    assert_eq!(edge.cancels(), [request.correlation()]);
    assert!(!edge.peer.has_pending());
}

#[test]
fn an_edge_whose_connection_was_lost_is_not_tried_again() {
    let (_, exchange, origin) = start();
    let (edge, caller) = (TestPeer::edge(&exchange, EDGE), caller(""));
    edge.outlet.close(CloseReason::Silent);
    origin.send(call(9, local(EDGE, &caller, true)));
    assert_eq!(origin.told(), [(9, Code::Disconnected, "the edge's connection was lost".into())]);
}
