//! Edges here ask for what services at other gateways take.

use super::*;
use crate::{NameChange, OfferedName, RemoteEdge, Returned, StreamRequest, StreamTarget};
use frontier_protocol::Offered;

/// A gateway that forwards, an edge of it, and two gateways that offer the method `m` and the topic `t`.
fn start() -> (Arc<Exchange>, TestPeer, [TestPeer; 2]) {
    let exchange = testing::exchange_reaching(Arc::<Elsewhere>::default());
    let edge = TestPeer::edge(&exchange, EDGE);
    let owners = ["a", "b"].map(|id| TestPeer::owner_gateway(&exchange, id));
    for owner in &owners {
        offer(owner, &[(Offered::Method, "m"), (Offered::Topic, "t"), (Offered::Service, "files")]);
    }
    (exchange, edge, owners)
}

fn offer(owner: &TestPeer, names: &[(Offered, &str)]) {
    let name = |&(of, name)| OfferedName { of, name, is_offered: true };
    let names: Vec<_> = names.iter().map(name).collect();
    owner.on(Inbound::Offer { is_first: true, is_last: true, names: &names }).unwrap();
}

/// The place of the one that has a request.
fn who(owners: &[TestPeer; 2]) -> usize {
    owners.iter().position(|owner| owner.peer.in_flight() > 0).expect("one is asked")
}

/// The owner gives back what it was sent.
fn give_back(owner: &TestPeer, request: &SentRequest) {
    let returned = Returned {
        correlation: request.correlation,
        edge: EdgeId(EDGE),
        by_name: true,
        service: None,
        name: &request.name,
        custom: &request.custom,
        trace: b"",
        payload: &request.payload,
        timeout_ms: request.timeout_ms,
    };
    owner.on(Inbound::Returned(returned)).unwrap();
}

fn by_name(returns: bool) -> SentFrom {
    SentFrom::ByName { edge: EDGE, returns }
}

#[test]
fn a_service_here_is_asked_first_and_else_one_gateway_that_offers_the_name() {
    let (exchange, edge, owners) = start();
    edge.send(Envelope { custom: b"ab", payload: b"hi", ..call(1, Destination::Name) });
    let owner = &owners[who(&owners)];
    let request = owner.request();
    assert_eq!(request.from, by_name(true));
    assert_eq!((&*request.name, &*request.custom, &*request.payload), ("m", &b"ab"[..], &b"hi"[..]));
    owner.reply(&request, Outcome { code: Code::Ok, detail: 0, custom: b"12345678", payload: b"yo" });
    let [reply] = &edge.replies()[..] else { panic!("one") };
    assert_eq!((reply.id, reply.edge, &*reply.custom), (1, None, &b"12345678"[..]));

    let mut service = TestPeer::service(&exchange, 3, &["m"], &[]);
    edge.send(call(2, Destination::Name));
    assert_eq!(service.request().from, SentFrom::Edge(EDGE));
    service.leave();
    assert_eq!(edge.codes(), [(2, Code::Disconnected)]);
    edge.send(call(3, Destination::Name));
    owners[who(&owners)].request();
    assert!(owners.iter().all(|owner| owner.requests().is_empty()));
}

#[test]
fn messages_go_the_same_way_and_their_acks_come_back() {
    let (_exchange, edge, owners) = start();
    edge.send(acked(1, Destination::Name));
    let owner = &owners[who(&owners)];
    owner.reply(&owner.request(), outcome(Code::NotDone, "later"));
    assert_eq!(edge.told(), [(1, Code::NotDone, "later".to_owned())]);
    edge.send(unacked(Destination::Name));
    let requests = [owners[0].requests(), owners[1].requests()].concat();
    let [request] = &requests[..] else { panic!("one") };
    assert_eq!((request.correlation, request.from), (None, by_name(false)), "nobody could give it back");
}

#[test]
fn what_comes_back_goes_to_one_more_gateway_and_no_further() {
    let (exchange, edge, owners) = start();
    edge.send(Envelope { custom: b"c", payload: b"p", ..call(1, Destination::Name) });
    let first = who(&owners);
    give_back(&owners[first], &owners[first].request());
    let second = &owners[1 - first];
    let request = second.request();
    assert_eq!((request.from, &*request.custom, &*request.payload), (by_name(false), &b"c"[..], &b"p"[..]));
    second.reply(&request, outcome(Code::MethodNotFound, "gone"));
    assert_eq!(edge.codes(), [(1, Code::MethodNotFound)], "whatever the second one says counts");

    // A service that has come here meanwhile is nearer.
    edge.send(call(2, Destination::Name));
    let first = who(&owners);
    let service = TestPeer::service(&exchange, 3, &["m"], &[]);
    give_back(&owners[first], &owners[first].request());
    service.reply(&service.request(), ok());
    assert_eq!(edge.codes(), [(2, Code::Ok)]);
    assert!(!edge.peer.has_pending() && owners.iter().all(|owner| !owner.peer.has_pending()));
}

#[test]
fn a_name_that_has_just_gone_is_a_reason_to_try_again() {
    let (_exchange, edge, mut owners) = start();
    owners[1].leave();
    for (id, code) in [(1, Code::ServiceNotOnline), (2, Code::TopicNotOnline)] {
        let envelope = if id == 1 { call(id, Destination::Name) } else { acked(id, Destination::Name) };
        edge.send(envelope);
        give_back(&owners[0], &owners[0].request());
        assert_eq!(edge.codes(), [(id, code)]);
        assert!(code.is_retryable());
    }
    edge.send(Envelope { name: "unknown", ..call(3, Destination::Name) });
    assert_eq!(edge.codes(), [(3, Code::MethodNotFound)]);
}

#[test]
fn what_never_left_goes_elsewhere_and_what_may_have_been_done_fails() {
    let (_exchange, edge, mut owners) = start();
    edge.send(call(1, Destination::Name));
    let first = who(&owners);
    owners[first].leave();
    let second = &owners[1 - first];
    let request = second.request();
    assert_eq!(request.from, by_name(false));
    second.reply(&request, ok());
    assert_eq!(edge.codes(), [(1, Code::Ok)]);
    edge.send(call(2, Destination::Name));
    owners[1 - first].request();
    owners[1 - first].leave();
    let [(2, Code::Disconnected, text)] = &edge.told()[..] else { panic!("it is lost") };
    assert!(text.starts_with("the connection to frontier "), "{text}");
    edge.send(call(3, Destination::Name));
    assert_eq!(edge.codes(), [(3, Code::MethodNotFound)], "what they offered has gone with them");
}

#[test]
fn a_cancel_and_the_deadline_end_it_at_the_other_gateway_too() {
    let (exchange, edge, owners) = start();
    edge.send(call(1, Destination::Name));
    let owner = &owners[who(&owners)];
    let request = owner.request();
    edge.cancel(1);
    assert_eq!(owner.cancels(), [request.correlation()]);
    give_back(owner, &request);
    assert!(edge.outlet.take().is_empty(), "nobody waits any more");
    edge.send(Envelope { deadline: Instant::now() + Duration::from_secs(1), ..call(2, Destination::Name) });
    let request = owners[who(&owners)].request();
    let owner = owners.iter().find(|owner| owner.peer.in_flight() > 0).unwrap();
    exchange.expire(&owner.peer, Instant::now() + Duration::from_secs(2), &mut exchange.batch());
    assert_eq!((edge.codes(), owner.cancels()), (vec![(2, Code::Deadline)], vec![request.correlation()]));
}

#[test]
fn one_that_drains_is_asked_only_where_no_other_is_left() {
    let (_exchange, edge, owners) = start();
    edge.send(call(1, Destination::Name));
    let first = who(&owners);
    let owner = &owners[first];
    owner.reply(&owner.request(), ok());
    owner.on(Inbound::Leave { is_draining: true }).unwrap();
    edge.send(call(2, Destination::Name));
    assert_eq!(owners[1 - first].requests().len(), 1);
    owners[1 - first].on(Inbound::Leave { is_draining: false }).unwrap();
    edge.send(call(3, Destination::Name));
    assert_eq!(owner.requests().len(), 1, "it goes on to serve");
    owner.on(Inbound::Leave { is_draining: false }).unwrap();
    edge.send(call(4, Destination::Name));
    assert!(edge.codes().contains(&(4, Code::MethodNotFound)));
}

fn remote_edge() -> RemoteEdge {
    RemoteEdge { is_verified: true, ..RemoteEdge::judged(EdgeId(EDGE)) }
}

#[test]
fn for_another_gateway_a_service_here_is_asked_and_nobody_elsewhere() {
    let (exchange, _edge, owners) = start();
    let origin = TestPeer::origin_gateway(&exchange);
    let remote = remote_edge();
    for (id, returns) in [(1, true), (2, false)] {
        origin.send(Envelope { custom: b"c", ..call(id, Destination::LocalName { edge: &remote, returns }) });
        match &origin.outlet.take()[..] {
            [Sent::GivenBack { request, edge: EDGE, caller: None }] if returns => {
                assert_eq!((request.correlation().0, &*request.custom), (id, &b"c"[..]));
            }
            [Sent::Reply(reply)] if !returns => {
                assert_eq!((reply.id, reply.code), (id, Code::MethodNotFound))
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(owners.iter().all(|owner| owner.requests().is_empty()), "a request makes one hop");
    let service = TestPeer::service(&exchange, 3, &["m"], &["t"]);
    let to = Destination::LocalName { edge: &remote, returns: true };
    origin.send(call(3, to));
    let request = service.request();
    assert_eq!(request.from, SentFrom::Edge(EDGE));
    service.reply(&request, ok());
    origin.send(unacked(to));
    assert_eq!(service.request().from, SentFrom::Edge(EDGE));
    let [reply] = &origin.replies()[..] else { panic!("one") };
    assert_eq!((reply.id, reply.code, reply.edge), (3, Code::Ok, None));
}

#[test]
fn what_a_lost_service_never_got_goes_to_the_next_one_or_back_to_its_gateway() {
    let exchange = testing::exchange_reaching(Arc::<Elsewhere>::default());
    let origin = TestPeer::origin_gateway(&exchange);
    let remote = remote_edge();
    let mut services = [1, 2].map(|id| TestPeer::service(&exchange, id, &["m"], &[]));
    origin.send(call(9, Destination::LocalName { edge: &remote, returns: true }));
    let first = services.iter().position(|service| service.peer.in_flight() > 0).unwrap();
    services[first].leave();
    assert_eq!(services[1 - first].peer.in_flight(), 1);
    services[1 - first].leave();
    let [Sent::GivenBack { request, edge: EDGE, caller: None }] = &origin.outlet.take()[..] else {
        panic!("it comes back")
    };
    assert_eq!(request.correlation().0, 9);
    assert!(!origin.peer.has_pending());
}

#[test]
fn the_rules_here_hold_for_edges_of_other_gateways() {
    let exchange = testing::exchange_reaching(Arc::<Elsewhere>::default());
    let origin = TestPeer::origin_gateway(&exchange);
    let service = TestPeer::service(&exchange, 3, &["m", "n"], &["t"]);
    let rules = "{default: allow, rules: [{name: no, who: {}, deny: {call: [m], publish: [t]}}]}";
    let grants = Some(testing::grants(rules, &testing::edge(EDGE)));
    let denied = RemoteEdge { grants, ..remote_edge() };
    let to = Destination::LocalName { edge: &denied, returns: true };
    origin.send(call(1, to));
    origin.send(acked(2, to));
    origin.send(Envelope { name: "n", ..call(3, to) });
    let unreadable = RemoteEdge { unreadable: Some("what?"), ..remote_edge() };
    origin.send(call(4, Destination::LocalName { edge: &unreadable, returns: true }));
    assert_eq!(sorted(origin.codes()), [(1, Code::Denied), (2, Code::Denied), (4, Code::Protocol)]);
    assert_eq!(service.request().name, "n");
}

#[test]
fn what_services_take_is_told_from_the_first_to_the_last() {
    let exchange = testing::exchange_reaching(Arc::<Elsewhere>::default());
    let mut follower = exchange.follow_names().unwrap();
    assert!(follower.take(1000).is_some_and(|it| it.is_first && it.is_last && it.changes.is_empty()));
    let mut service = TestPeer::service(&exchange, 3, &["m"], &["t"]);
    let told = |follower: &mut crate::NameFollower| {
        let mut names: Vec<_> = follower.take(1000).unwrap().changes;
        names.sort_by_key(|it| it.name.clone());
        names
            .into_iter()
            .map(|NameChange { name, is_offered, .. }| (name.to_string(), is_offered))
            .collect::<Vec<_>>()
    };
    let all = |is_offered| ["m", "service-3", "t"].map(|name| (name.to_owned(), is_offered)).to_vec();
    assert_eq!(told(&mut follower), all(true));
    let of = frontier_protocol::Names::Methods;
    for change in [crate::Registration::Add, crate::Registration::Remove] {
        service.on(Inbound::Register { id: 1, change, of, names: &["n"] }).unwrap();
        assert_eq!(told(&mut follower), [("n".to_owned(), change == crate::Registration::Add)]);
    }
    let heir = TestPeer::service(&exchange, 3, &[], &[]);
    service.vanish();
    assert_eq!(follower.take(1000), None, "what is taken over stays");
    drop(heir);
    assert_eq!(told(&mut follower), all(false));
    assert!(testing::exchange().follow_names().is_none());
}

#[test]
fn names_are_told_once_routing_knows_of_them() {
    const NAMES: usize = 5000;
    let exchange = testing::exchange_with(|settings| {
        settings.remote = Some(Arc::<Elsewhere>::default());
        settings.limits.names = NAMES;
    });
    let mut follower = exchange.follow_names().unwrap();
    let (edge, service) = (TestPeer::edge(&exchange, EDGE), TestPeer::service(&exchange, 3, &[], &[]));
    follower.take(usize::MAX).unwrap();
    let names: Vec<String> = (0..NAMES).map(|n| format!("m{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let of = frontier_protocol::Names::Methods;
    let mut told = 0;
    testing::run(async {
        let register = exchange.register(&service.peer, 5, crate::Registration::Add, of, &names);
        let mut register = std::pin::pin!(register);
        std::future::poll_fn(|cx| {
            let is_done = register.as_mut().poll(cx);
            let changes = follower.take(usize::MAX).map(|it| it.changes).unwrap_or_default();
            for NameChange { name, .. } in &changes {
                edge.send(Envelope { name, ..call(told, Destination::Name) });
                service.requests().iter().for_each(|request| service.reply(request, ok()));
                assert_eq!(edge.codes(), [(told, Code::Ok)], "{name} finds the service");
                told += 1;
            }
            is_done
        })
        .await;
    });
    assert_eq!(told, NAMES as u64);
}

#[test]
fn what_comes_back_by_another_name_is_judged_anew() {
    let exchange = testing::exchange_reaching(Arc::<Elsewhere>::default());
    let rules = "{default: allow, rules: [{name: no, who: {}, deny: {call: [secret], publish: [secret]}}]}";
    let authorization = testing::authorization(rules, "", &testing::edge(EDGE), &[]);
    let edge = TestPeer::authorized(&exchange, testing::edge(EDGE), authorization).joined(&[], &[]);
    let owner = TestPeer::owner_gateway(&exchange, "a");
    offer(&owner, &[(Offered::Method, "m"), (Offered::Topic, "t")]);
    let service = TestPeer::service(&exchange, 3, &["secret"], &["secret"]);
    for (id, envelope) in [(1, call(1, Destination::Name)), (2, acked(2, Destination::Name))] {
        edge.send(envelope);
        let request = owner.request();
        give_back(&owner, &SentRequest { name: "secret".into(), ..request });
        assert_eq!(edge.codes(), [(id, Code::Denied)]);
    }
    assert!(service.requests().is_empty() && !edge.peer.has_pending() && !owner.peer.has_pending());
}

async fn stream(exchange: &Arc<Exchange>, opener: &TestPeer, to: StreamTarget<'_>) -> MemoryLeg {
    let (near, far) = testing::legs::pair(testing::legs::WINDOW);
    let deadline = Instant::now() + Duration::from_secs(5);
    let request = StreamRequest { to, name: "files", meta: b"meta", trace: b"", deadline };
    exchange.on_stream(&opener.peer, request, Box::new(near), false).await;
    far
}

#[tokio::test]
async fn a_stream_is_opened_at_one_gateway_or_at_one_more_that_has_the_service() {
    let (exchange, edge, owners) = start();
    let refusal = Failure::new(Code::ServiceNotOnline, "no service of that name");
    owners.iter().for_each(|owner| owner.outlet.accept_next(Acceptance::Refused(refusal.clone())));
    let far = stream(&exchange, &edge, StreamTarget::Name).await;
    assert_eq!(far.said(), [Said::Refused(refusal.clone())]);
    for owner in &owners {
        let opened = owner.outlet.take_opened();
        let [Said::Stream { from, meta, .. }] = &opened[0].said()[..] else { panic!("a stream") };
        assert_eq!((from, &**meta), (&StreamFrom::ByName(EDGE, "files".into()), &b"meta"[..]));
    }
    // One that is lost may have begun it: no other is asked.
    owners.iter().for_each(|owner| owner.outlet.accept_next(Acceptance::Lost));
    let far = stream(&exchange, &edge, StreamTarget::Name).await;
    let [Said::Refused(failure)] = &far.said()[..] else { panic!("refused") };
    assert_eq!(failure.code, Code::Disconnected);
    assert_eq!(owners.iter().map(|owner| owner.outlet.take_opened().len()).sum::<usize>(), 1);
}

#[tokio::test]
async fn a_stream_of_another_gateways_edge_goes_to_a_service_here_or_nowhere() {
    let (exchange, _edge, owners) = start();
    let origin = TestPeer::origin_gateway(&exchange);
    let remote = remote_edge();
    let far = stream(&exchange, &origin, StreamTarget::LocalName(&remote)).await;
    let [Said::Refused(failure)] = &far.said()[..] else { panic!("refused") };
    assert_eq!(failure.code, Code::ServiceNotOnline);
    assert!(owners.iter().all(|owner| owner.outlet.take_opened().is_empty()));
    let name = Identity::Service { id: ServiceId(3), name: "files".into() };
    let service = TestPeer::new(&exchange, name).joined(&[], &[]);
    service.outlet.accept_next(Acceptance::Refused(Failure::new(Code::StreamRefused, "busy")));
    let far = stream(&exchange, &origin, StreamTarget::LocalName(&remote)).await;
    let [Said::Refused(failure)] = &far.said()[..] else { panic!("refused") };
    assert_eq!(failure.code, Code::StreamRefused);
    let opened = service.outlet.take_opened();
    let [Said::Stream { from, .. }] = &opened[0].said()[..] else { panic!("a stream") };
    assert_eq!(from, &StreamFrom::Edge(EDGE, "files".into()));
}

#[tokio::test]
async fn a_large_payload_waits_until_a_gateway_has_said_that_it_may_come() {
    let (exchange, edge, owners) = start();
    let refusal = Failure::new(Code::MethodNotFound, "gone");
    let carry = async |refused: usize| {
        owners
            .iter()
            .take(refused)
            .for_each(|it| it.outlet.accept_next(Acceptance::Refused(refusal.clone())));
        let (near, mut far) = testing::legs::pair(testing::legs::WINDOW);
        far.send(b"payload").await;
        far.end().await;
        let envelope = call(1, Destination::Name);
        exchange.on_payload_request(&edge.peer, envelope, 7, Box::new(near), false).await.unwrap();
        far
    };
    drop(carry(2).await);
    assert_eq!(edge.codes(), [(1, Code::ServiceNotOnline)]);
    owners.iter().for_each(|owner| drop(owner.outlet.take_opened()));
    drop(carry(0).await);
    let mut opened: Vec<_> = owners.iter().flat_map(|owner| owner.outlet.take_opened()).collect();
    let [Said::Request(request, 7)] = &opened[0].said()[..] else { panic!("a request") };
    assert!(matches!(request.from, SentFrom::ByName { edge: EDGE, .. }));
    assert_eq!(opened[0].rest().await, b"payload");
    let owner = owners.iter().find(|owner| owner.peer.in_flight() > 0).unwrap();
    owner.reply(request, ok());
    assert_eq!(edge.codes(), [(1, Code::Ok)]);
}
