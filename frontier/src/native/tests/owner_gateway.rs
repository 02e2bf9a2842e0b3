//! Services here ask for edges at another gateway.

use super::*;
use crate::cluster::{Location, Locator, LookupQueue};
use crate::forwarding::Forwarding;
use frontier_protocol::{Cancel, Returned, split_remote_caller};

/// A gateway that forwards; what it asks frontlas is answered by the test.
fn start() -> (Arc<Exchange>, Forwarding, LookupQueue) {
    let config = testing::config_of_member("{enable: true, forward: {enable: true}}");
    let forward = config.membership.unwrap().forward.unwrap();
    let (locator, mut asked) = Locator::new();
    asked.set_connected(true);
    let forwarding = Forwarding::new("own", &forward, &config.limits, locator, None);
    let exchange = testing::exchange_of(|_| {}, Some(Arc::new(forwarding.clone())));
    (exchange, forwarding, asked)
}

fn at(frontier: &str) -> Location {
    Location { frontier: frontier.into(), servicebound: "tcp://192.0.2.1:1".into() }
}

/// Frontlas says where the edge is that it is asked for next.
async fn tell(asked: &mut LookupQueue, edge: u64, place: Option<&str>) {
    let ask = testing::soon(asked.requests.recv()).await.unwrap();
    assert_eq!(ask.edge, EdgeId(edge));
    ask.reply.send(Ok(place.map(at))).unwrap();
}

fn call(service: &Remote, id: u64, edge: u64, timeout_ms: u32) {
    let custom = Custom::tailed(b"ab", EdgeId(edge));
    let request = Request { timeout_ms, method: "m", custom, payload: b"hi" };
    service.send(|out| request.encode(id, out));
}

/// A forwarded call as its owner returns it.
fn give_back(owner: &Remote, frame: &Frame) {
    let got = Request::parse(frame).unwrap();
    let Request { timeout_ms, method: name, custom, payload } = got;
    let returned = Returned { timeout_ms, name, custom, payload };
    owner.send(|out| returned.encode(frame.id, out));
}

async fn pair(exchange: &Arc<Exchange>, forwarding: &Forwarding) -> (Remote, Remote) {
    let owner = Remote::owner_gateway(exchange, "a").await;
    forwarding.stand_in(&at("a"), &owner.peer);
    (Remote::service(exchange, 3, &[], &[]).await, owner)
}

#[tokio::test]
async fn a_call_is_forwarded_with_who_asks_and_the_place_is_known_from_then_on() {
    let (exchange, forwarding, mut asked) = start();
    let (mut service, mut owner) = pair(&exchange, &forwarding).await;
    for id in [1, 2] {
        call(&service, id, EDGE, 500);
        if id == 1 {
            tell(&mut asked, EDGE, Some("a")).await;
        }
        let frame = owner.recv().await;
        assert_eq!(frame.flags, Flags::RETURN);
        let got = Request::parse(&frame).unwrap();
        let (rest, edge) = Custom::split_tail(got.custom.body()).unwrap();
        let (custom, caller) = split_remote_caller(rest).unwrap();
        let caller = frontier_protocol::RemoteCaller::parse(caller).unwrap();
        assert_eq!((custom, caller.name, edge.0, got.payload), (&b"ab"[..], "service-3", EDGE, &b"hi"[..]));
        assert!((1..=500).contains(&got.timeout_ms));
        reply(&owner, frame.id, Code::Ok, &[&b"x"[..], &tail(EDGE)].concat(), b"yo");
        let frame = service.recv().await;
        let got = Response::parse(&frame).unwrap();
        assert_eq!((frame.id, got.custom.body()), (id, &b"x\0\0\0\0\0\0\0\x07"[..]));
    }
    assert!(!service.peer.is_busy() && !testing::has_pending(&owner.peer));
}

#[tokio::test]
async fn one_lookup_serves_all_who_wait_and_they_go_in_their_order() {
    let (exchange, forwarding, mut asked) = start();
    let (service, mut owner) = pair(&exchange, &forwarding).await;
    for id in 1..=20 {
        call(&service, id, EDGE, 0);
    }
    let ask = testing::soon(asked.requests.recv()).await.unwrap();
    // The last one is among them.
    while service.peer.sent() < 20 {
        tokio::task::yield_now().await;
    }
    ask.reply.send(Ok(Some(at("a")))).unwrap();
    for id in 1..=20u64 {
        let frame = owner.recv().await;
        reply(&owner, frame.id, Code::Ok, b"", &id.to_be_bytes());
    }
    let mut service = service;
    for id in 1..=20u64 {
        let frame = service.recv().await;
        assert_eq!((frame.id, Response::parse(&frame).unwrap().payload), (id, &id.to_be_bytes()[..]));
    }
    assert!(asked.requests.try_recv().is_err());
}

#[tokio::test]
async fn what_comes_back_is_looked_for_once_more_and_never_twice() {
    let (exchange, forwarding, mut asked) = start();
    let (mut service, mut first) = pair(&exchange, &forwarding).await;
    let mut second = Remote::owner_gateway(&exchange, "b").await;
    forwarding.stand_in(&at("b"), &second.peer);
    call(&service, 1, EDGE, 0);
    tell(&mut asked, EDGE, Some("a")).await;
    let frame = first.recv().await;
    give_back(&first, &frame);
    tell(&mut asked, EDGE, Some("b")).await;
    let frame = second.recv().await;
    assert_eq!(frame.flags, Flags::default(), "not once more");
    reply(&second, frame.id, Code::EdgeNotOnline, b"", b"edge 7 is not online");
    assert_eq!(codes(&[service.recv().await]), [(1, Code::EdgeNotOnline)]);

    // Frontlas has not heard of it yet: it is not sent there again.
    call(&service, 2, 8, 0);
    tell(&mut asked, 8, Some("a")).await;
    let frame = first.recv().await;
    give_back(&first, &frame);
    tell(&mut asked, 8, Some("a")).await;
    assert_eq!(codes(&[service.recv().await]), [(2, Code::EdgeNotOnline)]);
    assert!(first.rest().is_empty() && !service.peer.is_busy());
}

#[tokio::test]
async fn an_edge_that_has_come_here_meanwhile_is_served_here() {
    let (exchange, forwarding, mut asked) = start();
    let (mut service, mut owner) = pair(&exchange, &forwarding).await;
    call(&service, 1, EDGE, 0);
    tell(&mut asked, EDGE, Some("a")).await;
    let frame = owner.recv().await;
    let mut edge = Remote::edge(&exchange, EDGE).await;
    give_back(&owner, &frame);
    tell(&mut asked, EDGE, Some("own")).await;
    let frame = edge.recv().await;
    assert_eq!(Request::parse(&frame).unwrap().custom.body(), b"ab");
    reply(&edge, frame.id, Code::Ok, b"", b"");
    assert_eq!(codes(&[service.recv().await]), [(1, Code::Ok)]);
    // One that has left again is nowhere, whatever frontlas says.
    edge.die().await;
    call(&service, 2, EDGE, 0);
    tell(&mut asked, EDGE, Some("own")).await;
    assert_eq!(codes(&[service.recv().await]), [(2, Code::EdgeNotOnline)]);
}

#[tokio::test]
async fn a_message_that_nobody_waits_for_is_looked_for_again_as_well() {
    let (exchange, forwarding, mut asked) = start();
    let (service, mut owner) = pair(&exchange, &forwarding).await;
    let custom = Custom::tailed(b"", EdgeId(EDGE));
    service.send(|out| {
        Publish { timeout_ms: 0, topic: "t", custom, payload: b"p" }.encode_with(0, Flags::default(), out)
    });
    tell(&mut asked, EDGE, Some("a")).await;
    let frame = owner.recv().await;
    assert_eq!((frame.id, frame.flags), (0, Flags::RETURN));
    let Publish { timeout_ms, topic: name, custom, payload } = Publish::parse(&frame).unwrap();
    let mut edge = Remote::edge(&exchange, EDGE).await;
    owner.send(|out| Returned { timeout_ms, name, custom, payload }.encode(0, out));
    tell(&mut asked, EDGE, None).await;
    assert_eq!(Publish::parse(&edge.recv().await).unwrap().payload, b"p");
}

#[tokio::test]
async fn who_waits_can_cancel_and_leave_and_be_too_late() {
    let (exchange, forwarding, mut asked) = start();
    let (service, mut owner) = pair(&exchange, &forwarding).await;
    let other = Remote::service(&exchange, 4, &[], &[]).await;
    call(&service, 1, EDGE, 0);
    call(&service, 2, EDGE, 1);
    call(&other, 1, EDGE, 0);
    let ask = testing::soon(asked.requests.recv()).await.unwrap();
    while other.peer.sent() < 1 || service.peer.sent() < 2 {
        tokio::task::yield_now().await;
    }
    service.send(|out| Cancel::encode(1, out));
    other.die().await;
    let mut service = service;
    let told = async {
        loop {
            exchange.expire_overdue().await;
            if let Some(frame) = service.rest().pop() {
                return frame;
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(codes(&[testing::soon(told).await]), [(2, Code::Deadline)]);
    ask.reply.send(Ok(Some(at("a")))).unwrap();
    // The next one is the first that goes.
    call(&service, 3, EDGE, 0);
    let frame = owner.recv().await;
    reply(&owner, frame.id, Code::Ok, b"", b"");
    assert_eq!(codes(&[service.recv().await]), [(3, Code::Ok)]);
}

#[tokio::test]
async fn without_frontlas_it_is_said_that_nobody_knows_where_an_edge_is() {
    let (exchange, forwarding, mut asked) = start();
    let (mut service, _owner) = pair(&exchange, &forwarding).await;
    asked.set_connected(false);
    call(&service, 2, EDGE, 0);
    let text = "edge 7 is not online here, and where else can't be told: frontlas can't be reached";
    assert_eq!(answers(&[service.recv().await]), [(2, Code::Internal, text.to_owned())]);
}

#[tokio::test]
async fn a_link_that_is_lost_fails_what_is_on_its_way_and_says_which() {
    let (exchange, forwarding, mut asked) = start();
    let (mut service, mut owner) = pair(&exchange, &forwarding).await;
    call(&service, 1, EDGE, 0);
    tell(&mut asked, EDGE, Some("a")).await;
    owner.recv().await;
    owner.die().await;
    let text = "the connection to frontier a was lost".to_owned();
    assert_eq!(answers(&[service.recv().await]), [(1, Code::Disconnected, text)]);
}

#[tokio::test]
async fn an_owner_gateway_asks_nothing() {
    let (exchange, forwarding, _asked) = start();
    let (_service, owner) = pair(&exchange, &forwarding).await;
    for kind in [Kind::Request, Kind::Publish, Kind::Cancel, Kind::Register] {
        let frame = Frame { kind, flags: Flags::default(), code: Code::Ok, id: 1, body: vec![0; 8].into() };
        assert!(on_frame(&exchange, &owner.peer, &frame).is_err(), "{kind:?}");
    }
    // What nobody waits for, as a late answer, is dropped.
    let late =
        Returned { timeout_ms: 1, name: "m", custom: Custom::forwarded(b"", b"", EdgeId(7)), payload: b"" };
    for id in [0, 99] {
        act(&exchange, &owner.peer, &testing::frame(|out| late.encode(id, out)));
    }
}
