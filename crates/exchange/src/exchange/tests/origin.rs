//! Services here ask for edges at another gateway.

use super::*;
use crate::{Returned, testing::SentReply};
use frontier_protocol::ServiceId;

/// A gateway that forwards, a service of it, and the gateway that owns the edges.
fn start() -> (Arc<Elsewhere>, Arc<Exchange>, TestPeer, TestPeer) {
    let elsewhere = Arc::<Elsewhere>::default();
    let exchange = testing::exchange_reaching(elsewhere.clone());
    let service = TestPeer::service(&exchange, 3, &[], &[]);
    let owner = TestPeer::owner_gateway(&exchange, "a");
    (elsewhere, exchange, service, owner)
}

fn at(owner: &TestPeer) -> Result<Found, Failure> {
    Ok(Found::At(owner.peer.clone()))
}

fn nowhere() -> Result<Found, Failure> {
    Err(Failure::edge_not_online(EdgeId(EDGE)))
}

/// The owner gives back what it was sent.
fn give_back(owner: &TestPeer, request: &SentRequest) {
    let SentFrom::Service { service, edge, .. } = request.from else { panic!("{request:?}") };
    let returned = Returned {
        correlation: request.correlation,
        edge: EdgeId(edge),
        service: Some(ServiceId(service)),
        by_name: false,
        name: &request.name,
        custom: &request.custom,
        trace: b"",
        payload: &request.payload,
        timeout_ms: request.timeout_ms,
    };
    owner.on(Inbound::Returned(returned)).unwrap();
}

#[test]
fn a_call_is_forwarded_with_who_asks_and_the_place_is_known_from_then_on() {
    let (elsewhere, exchange, service, owner) = start();
    for id in [1, 2] {
        let deadline = Instant::now() + Duration::from_millis(500);
        let to = to_edge(EDGE);
        service.send(Envelope { custom: b"ab", payload: b"hi", deadline, ..call(id, to) });
        if id == 1 {
            elsewhere.resolve(&exchange, &at(&owner));
            *elsewhere.known.lock() = Some(owner.peer.clone());
        }
        let request = owner.request();
        assert_eq!(request.from, SentFrom::Service { service: 3, edge: EDGE, returns: true });
        assert_eq!((&*request.custom, &*request.payload), (&b"ab"[..], &b"hi"[..]));
        assert!((1..=500).contains(&request.timeout_ms));
        let outcome = Outcome { code: Code::Ok, detail: 0, custom: b"x", payload: b"yo" };
        let (correlation, edge) = (request.correlation(), Some(EdgeId(EDGE)));
        let reply = crate::Reply { correlation, kind: RequestKind::Call, outcome, edge };
        owner.on(Inbound::Reply(reply)).unwrap();
        let [SentReply { id: replied, edge, custom, .. }] = &service.replies()[..] else { panic!("one") };
        assert_eq!((*replied, *edge, &**custom), (id, Some(EDGE), &b"x"[..]));
    }
    assert!(!service.peer.has_pending() && !owner.peer.has_pending());
}

#[test]
fn those_who_wait_for_one_edge_go_in_their_order() {
    let (elsewhere, exchange, service, owner) = start();
    for id in 1..=20 {
        service.send(Envelope { payload: &[id], ..call(id.into(), to_edge(EDGE)) });
    }
    // Whoever comes later must not overtake, though the place is known by now.
    *elsewhere.known.lock() = Some(owner.peer.clone());
    service.send(Envelope { payload: &[21], ..call(21, to_edge(EDGE)) });
    assert!(owner.requests().is_empty() && elsewhere.waiting() == [EDGE; 21]);
    elsewhere.resolve(&exchange, &at(&owner));
    let requests = owner.requests();
    assert!(requests.iter().map(|request| request.payload[0]).eq(1..=21));
    requests.iter().for_each(|request| owner.reply(request, ok()));
    assert!(service.codes().into_iter().eq((1..=21).map(|id| (id, Code::Ok))));
}

#[test]
fn what_comes_back_is_looked_for_once_more_and_never_twice() {
    let (elsewhere, exchange, service, first) = start();
    let second = TestPeer::owner_gateway(&exchange, "b");
    service.send(call(1, to_edge(EDGE)));
    elsewhere.resolve(&exchange, &at(&first));
    give_back(&first, &first.request());
    assert_eq!(elsewhere.forgotten.lock().len(), 1);
    assert!(
        elsewhere.forgotten.lock().iter().all(|(edge, at)| *edge == EDGE && Arc::ptr_eq(at, &first.peer))
    );
    assert!(!first.peer.has_pending(), "it is pending in the lobby");
    elsewhere.resolve(&exchange, &at(&second));
    let request = second.request();
    let once = SentFrom::Service { service: 3, edge: EDGE, returns: false };
    assert_eq!(request.from, once, "it must not come back again");
    second.reply(&request, outcome(Code::EdgeNotOnline, "edge 7 is not online"));
    assert_eq!(service.codes(), [(1, Code::EdgeNotOnline)]);

    // The directory has not heard of it yet: it is not sent there again.
    service.send(call(2, to_edge(8)));
    elsewhere.resolve(&exchange, &at(&first));
    give_back(&first, &first.request());
    elsewhere.resolve(&exchange, &at(&first));
    assert_eq!(service.codes(), [(2, Code::EdgeNotOnline)]);
    assert!(first.outlet.take().is_empty() && !service.peer.has_pending());
}

#[test]
fn an_edge_that_has_come_here_meanwhile_is_served_here() {
    let (elsewhere, exchange, service, owner) = start();
    service.send(Envelope { custom: b"ab", ..call(1, to_edge(EDGE)) });
    elsewhere.resolve(&exchange, &at(&owner));
    let mut edge = TestPeer::edge(&exchange, EDGE);
    give_back(&owner, &owner.request());
    elsewhere.resolve(&exchange, &Ok(Found::Here));
    let request = edge.request();
    assert_eq!((request.from, &*request.custom), (SentFrom::Unnamed, &b"ab"[..]));
    edge.reply(&request, ok());
    assert_eq!(service.codes(), [(1, Code::Ok)]);
    // One that has left again is nowhere, whatever is said.
    edge.leave();
    service.send(call(2, to_edge(EDGE)));
    elsewhere.resolve(&exchange, &Ok(Found::Here));
    assert_eq!(service.codes(), [(2, Code::EdgeNotOnline)]);
    // And one that has come counts, wherever it is said to be.
    service.send(call(3, to_edge(EDGE)));
    let edge = TestPeer::edge(&exchange, EDGE);
    elsewhere.resolve(&exchange, &at(&owner));
    assert!(edge.requests().len() == 1 && owner.requests().is_empty());
}

#[test]
fn a_message_that_nobody_waits_for_is_looked_for_again_as_well() {
    let (elsewhere, exchange, service, owner) = start();
    service.send(Envelope { payload: b"p", ..unacked(to_edge(EDGE)) });
    elsewhere.resolve(&exchange, &at(&owner));
    let request = owner.request();
    let from = SentFrom::Service { service: 3, edge: EDGE, returns: true };
    assert_eq!((request.correlation, request.from), (None, from));
    let edge = TestPeer::edge(&exchange, EDGE);
    give_back(&owner, &request);
    elsewhere.resolve(&exchange, &nowhere());
    assert_eq!(edge.request().payload, b"p");
    assert!(service.outlet.take().is_empty());
}

/// Another gateway can't speak in the name of a service here.
#[test]
fn what_comes_back_unasked_is_dropped() {
    let (elsewhere, exchange, service, owner) = start();
    let edge = TestPeer::edge(&exchange, 9);
    let made_up = |correlation, edge, service| Returned {
        correlation,
        edge: EdgeId(edge),
        service: Some(ServiceId(service)),
        by_name: false,
        name: "steal",
        custom: b"",
        trace: b"",
        payload: b"in the name of another",
        timeout_ms: 0,
    };
    // Nobody has sent anything, then something else, and to another gateway.
    owner.on(Inbound::Returned(made_up(None, 9, 3))).unwrap();
    service.send(unacked(to_edge(EDGE)));
    elsewhere.resolve(&exchange, &at(&owner));
    let request = owner.request();
    for (edge, service) in [(9, 3), (EDGE, 4), (EDGE, 9)] {
        owner.on(Inbound::Returned(made_up(None, edge, service))).unwrap();
    }
    let other = TestPeer::owner_gateway(&exchange, "b");
    other.on(Inbound::Returned(made_up(None, EDGE, 3))).unwrap();
    assert!(elsewhere.waiting().is_empty() && edge.requests().is_empty());
    // What was sent comes back once.
    give_back(&owner, &request);
    assert_eq!(elsewhere.waiting(), [EDGE]);
    elsewhere.resolve(&exchange, &nowhere());
    give_back(&owner, &request);
    assert!(elsewhere.waiting().is_empty());
    assert!(service.outlet.take().is_empty());
}

/// That it is not there is all that is believed then.
#[test]
fn a_call_that_comes_back_as_another_one_has_failed() {
    let (elsewhere, exchange, service, owner) = start();
    let edge = TestPeer::edge(&exchange, 9);
    for (id, to, by) in [(1, 9, 3), (2, EDGE, 4)] {
        service.send(call(id, to_edge(EDGE)));
        elsewhere.resolve(&exchange, &at(&owner));
        let returned = Returned {
            correlation: owner.request().correlation,
            edge: EdgeId(to),
            service: Some(ServiceId(by)),
            by_name: false,
            name: "steal",
            custom: b"",
            trace: b"",
            payload: b"",
            timeout_ms: 0,
        };
        owner.on(Inbound::Returned(returned)).unwrap();
        assert_eq!(service.codes(), [(id, Code::EdgeNotOnline)]);
    }
    assert!(elsewhere.waiting().is_empty() && edge.requests().is_empty());
    assert!(!service.peer.has_pending() && !owner.peer.has_pending());
}

#[test]
fn who_waits_can_cancel_and_leave_and_be_too_late() {
    let (elsewhere, exchange, service, owner) = start();
    let mut other = TestPeer::service(&exchange, 4, &[], &[]);
    service.send(call(1, to_edge(EDGE)));
    service.send(Envelope { deadline: Instant::now() + Duration::from_secs(1), ..call(2, to_edge(EDGE)) });
    service.send(call(3, to_edge(EDGE)));
    other.send(call(1, to_edge(EDGE)));
    service.cancel(1);
    other.leave();
    let lobby = exchange.lobby.peer().clone();
    let later = Instant::now() + Duration::from_secs(2);
    exchange.expire(&lobby, later, &mut exchange.batch());
    assert_eq!(service.codes(), [(2, Code::Deadline)]);
    elsewhere.resolve(&exchange, &at(&owner));
    owner.reply(&owner.request(), ok());
    assert_eq!(service.codes(), [(3, Code::Ok)]);
    assert!(!lobby.has_pending() && other.outlet.take().is_empty());
}

#[test]
fn too_many_who_wait_and_a_search_that_fails_are_told_apart() {
    let (elsewhere, exchange, service, owner) = start();
    let full = exchange.lobby.fill();
    service.send(call(1, to_edge(EDGE)));
    service.send(unacked(to_edge(EDGE)));
    assert_eq!(service.codes(), [(1, Code::Overloaded)]);
    assert!(elsewhere.waiting().is_empty());
    drop(full);
    service.send(call(2, to_edge(EDGE)));
    elsewhere.resolve(&exchange, &Err(Failure::new(Code::Internal, "the directory can't be reached")));
    assert_eq!(service.told(), [(2, Code::Internal, "the directory can't be reached".to_owned())]);
    // What comes back needs a place there as well.
    service.send(call(3, to_edge(EDGE)));
    elsewhere.resolve(&exchange, &at(&owner));
    let request = owner.request();
    let full = exchange.lobby.fill();
    give_back(&owner, &request);
    assert_eq!(service.codes(), [(3, Code::Overloaded)]);
    drop(full);
    assert!(!service.peer.has_pending() && !owner.peer.has_pending());
    // Everyone has given up the place that was taken.
    drop(exchange.lobby.fill());
}

#[test]
fn a_link_that_is_lost_fails_what_is_on_its_way_and_says_which() {
    let (elsewhere, exchange, service, mut owner) = start();
    service.send(call(1, to_edge(EDGE)));
    service.send(call(2, to_edge(8)));
    elsewhere.resolve(&exchange, &at(&owner));
    assert_eq!(owner.requests().len(), 2);
    owner.leave();
    let text = "the connection to frontier a was lost".to_owned();
    let mut told = service.told();
    told.sort_by_key(|(id, ..)| *id);
    assert_eq!(told, [(1, Code::Disconnected, text.clone()), (2, Code::Disconnected, text.clone())]);
    // Or before it was sent there.
    service.send(call(3, to_edge(EDGE)));
    elsewhere.resolve(&exchange, &at(&owner));
    assert_eq!(service.told(), [(3, Code::Disconnected, text)]);
}

#[test]
fn a_link_that_is_full_refuses_and_says_which() {
    let (elsewhere, exchange, service, owner) = start();
    owner.outlet.set_room(0);
    service.send(call(1, to_edge(EDGE)));
    elsewhere.resolve(&exchange, &at(&owner));
    let text =
        "frontier a does not read fast enough; the queue for it is full (limits.outbox_size)".to_owned();
    assert_eq!(service.told(), [(1, Code::Overloaded, text)]);
    assert!(!owner.peer.has_pending());
}

#[test]
fn what_comes_back_late_goes_nowhere() {
    let (elsewhere, exchange, service, owner) = start();
    service.send(call(1, to_edge(EDGE)));
    elsewhere.resolve(&exchange, &at(&owner));
    let request = owner.request();
    service.cancel(1);
    give_back(&owner, &request);
    let unknown = SentFrom::Service { service: 99, edge: EDGE, returns: true };
    give_back(&owner, &SentRequest { correlation: None, from: unknown, ..request });
    assert!(elsewhere.waiting().is_empty() && service.outlet.take().is_empty());
    assert!(!exchange.lobby.peer().has_pending());
}

#[test]
fn where_nothing_is_elsewhere_nobody_waits() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 3, &[], &[]);
    service.send(call(1, to_edge(EDGE)));
    assert_eq!(service.codes(), [(1, Code::EdgeNotOnline)]);
    assert!(!exchange.reaches_remote_edges());
}
