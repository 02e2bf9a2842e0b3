//! Payloads that travel on a leg of their own.

use super::*;
use crate::{Direction, Leg, OpenError, RemoteCaller, Reply, Traffic};
use frontier_protocol::ServiceId;

/// Less than the window of a leg, so that nobody need read.
const LEN: usize = 1000;

/// Sends a request whose payload of so many bytes is announced, and of which so many come.
async fn send(from: &TestPeer, envelope: Envelope<'_>, announced: usize, come: usize) -> Vec<Said> {
    let (near, mut far) = testing::legs::pair(2 * LEN);
    far.send(&vec![7; come]).await;
    far.end().await;
    let sent =
        from.exchange.on_payload_request(&from.peer, envelope, announced as u64, Box::new(near), false);
    sent.await.unwrap();
    far.said()
}

/// The leg on which the target has got something, and its bytes.
async fn got(target: &TestPeer) -> (Vec<Said>, Vec<u8>) {
    let mut leg: MemoryLeg = loop {
        match target.outlet.take_opened().pop() {
            Some(leg) => break leg,
            None => tokio::task::yield_now().await,
        }
    };
    let bytes = leg.rest().await;
    (leg.said(), bytes)
}

fn request_of(said: &[Said]) -> SentRequest {
    let [Said::Request(request, len)] = said else { panic!("{said:?}") };
    assert!(*len == LEN as u64 && request.payload.is_empty());
    request.clone()
}

#[tokio::test]
async fn a_request_is_passed_on_as_it_comes_and_replied_to_as_any_other() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    for envelope in [call(1, Destination::Name), acked(2, Destination::Name), unacked(Destination::Name)] {
        let sent = send(&edge, Envelope { custom: b"c", ..envelope }, LEN, LEN);
        let (_, (said, bytes)) = tokio::join!(sent, got(&service));
        let request = request_of(&said);
        assert_eq!((request.from, &*request.custom), (SentFrom::Edge(EDGE), &b"c"[..]));
        assert_eq!(bytes, vec![7; LEN]);
        assert_eq!(request.correlation.is_some(), envelope.wants_reply);
        if envelope.wants_reply {
            service.reply(&request, ok());
            assert_eq!(edge.codes(), [(envelope.id, Code::Ok)]);
        }
    }
    assert!(!edge.peer.has_pending() && !service.peer.has_pending());
}

#[tokio::test]
async fn a_sender_whose_end_comes_late_is_not_reset_once_all_has_come() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    let (near, mut sender) = testing::legs::pair(2 * LEN);
    sender.send(&vec![7; LEN]).await;
    let (edge, envelope) = (&edge, call(1, Destination::Name));
    let sent = exchange.on_payload_request(&edge.peer, envelope, LEN as u64, Box::new(near), false);
    let (sent, (said, _)) = tokio::join!(sent, got(&service));
    sent.unwrap();
    assert_eq!((sender.rest().await, sender.is_reset()), (Vec::new(), false));

    let (near, mut sender) = testing::legs::pair(2 * LEN);
    sender.send(&vec![7; LEN]).await;
    let correlation = request_of(&said).correlation.expect("a call has one");
    let reply = Reply { kind: RequestKind::Call, correlation, outcome: ok(), edge: None };
    let replied = exchange.on_payload_reply(&service.peer, reply, LEN as u64, Box::new(near));
    let (replied, _) = tokio::join!(replied, got(edge));
    replied.unwrap();
    assert_eq!((sender.rest().await, sender.is_reset()), (Vec::new(), false));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_passed_on_is_a_failure_told_once() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    let to = Destination::Name;
    send(&edge, call(1, to), (1 << 20) + 1, 0).await;
    send(&edge, Envelope { name: "nope", ..call(2, to) }, LEN, LEN).await;
    send(&edge, call(3, to), LEN, LEN - 1).await;
    send(&edge, unacked(to), LEN, LEN - 1).await;
    service.outlet.accept_next(Acceptance::Refused(Failure::new(Code::TooLarge, "no")));
    send(&edge, call(4, to), LEN, LEN).await;
    service.outlet.accept_next(Acceptance::Lost);
    send(&edge, call(5, to), LEN, LEN).await;
    service.outlet.refuse_legs(OpenError::TooMany(8));
    send(&edge, call(6, to), LEN, LEN).await;
    send(&edge, unacked(to), LEN, LEN).await;
    let expected = [
        Code::TooLarge,
        Code::MethodNotFound,
        Code::Protocol,
        Code::TooLarge,
        Code::Disconnected,
        Code::Overloaded,
    ];
    assert!(edge.codes().into_iter().eq((1..).zip(expected)));
    // Those that nobody is told of are counted all the same.
    let counts = exchange.counters().counts();
    let failed = |code| counts.ended(Traffic::Message, Direction::ToService, code);
    assert_eq!((failed(Code::Protocol), failed(Code::Overloaded), failed(Code::Ok)), (1, 1, 0));
    assert!(!edge.peer.has_pending() && !service.peer.has_pending());
}

#[tokio::test]
async fn a_quota_of_bytes_is_charged_by_what_came_and_not_by_what_was_announced() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let _service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    let quotas = "quotas: [{for: edge, bytes: {rate: 1B, burst: 1000B}}]";
    edge.peer.authorization().set(testing::authorization("", quotas, edge.peer.identity(), &[]));
    let nowhere = Envelope { name: "nope", ..call(0, Destination::Name) };
    for (id, envelope, come, code) in [
        (1, nowhere, LEN, Code::MethodNotFound),
        (2, call(0, Destination::Name), 600, Code::Protocol),
        // 400 are left.
        (3, call(0, Destination::Name), 0, Code::Overloaded),
    ] {
        send(&edge, Envelope { id, ..envelope }, LEN, come).await;
        assert_eq!(edge.codes(), [(id, code)]);
    }
    for (id, len, code) in [(4, 390, Code::Protocol), (5, 11, Code::Protocol)] {
        send(&edge, Envelope { id, ..call(0, Destination::Name) }, len, len - 1).await;
        assert_eq!(edge.codes(), [(id, code)]);
    }
    send(&edge, Envelope { id: 6, ..call(0, Destination::Name) }, 11, 10).await;
    assert_eq!(edge.codes(), [(6, Code::Overloaded)]);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_come_in_time_is_failed_at_its_deadline() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    service.outlet.accept_next(Acceptance::Never);
    let deadline = Instant::now() + Duration::from_secs(2);
    send(&edge, Envelope { deadline, ..call(1, Destination::Name) }, LEN, LEN).await;
    assert!(edge.codes().is_empty() && service.peer.has_pending());
    exchange.expire(&service.peer, deadline, &mut exchange.batch());
    assert_eq!(edge.codes(), [(1, Code::Deadline)]);
    assert!(!edge.peer.has_pending());
}

#[tokio::test]
async fn a_service_that_leaves_while_its_leg_is_opened_is_passed_over() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    let opens = Arc::new(crate::Latch::default());
    service.outlet.open_after(&opens);
    tokio::join!(send(&edge, call(1, Destination::Name), LEN, LEN), async {
        service.on(Inbound::Leave { is_draining: false }).unwrap();
        opens.set();
    });
    assert_eq!(edge.codes(), [(1, Code::Disconnected)]);
    assert!(service.outlet.take_opened().iter().all(|leg| leg.said().is_empty()));
    assert!(!edge.peer.has_pending() && !service.peer.has_pending());
}

#[tokio::test]
async fn with_too_many_streams_it_is_overloaded() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let _service = TestPeer::service(&exchange, 1, &["m"], &[]);
    let (near, _far) = testing::legs::pair(1);
    exchange
        .on_payload_request(&edge.peer, call(1, Destination::Name), 1, Box::new(near), true)
        .await
        .unwrap();
    assert_eq!(edge.codes(), [(1, Code::Overloaded)]);
}

#[tokio::test]
async fn another_gateways_payload_is_read_once_it_may_come() {
    let exchange = testing::exchange();
    let (edge, origin) = (TestPeer::edge(&exchange, EDGE), TestPeer::origin_gateway(&exchange));
    let encoded = Box::default();
    let caller = Arc::new(RemoteCaller {
        id: ServiceId(3),
        name: "files".into(),
        grants: None,
        unreadable: None,
        encoded,
    });
    let to = |id| Destination::LocalEdge { edge: EdgeId(id), caller: &caller, returns: false };
    let (said, (onward, bytes)) = tokio::join!(send(&origin, call(9, to(EDGE)), LEN, LEN), got(&edge));
    assert_eq!((said, bytes.len()), (vec![Said::Accepted], LEN));
    edge.reply(&request_of(&onward), ok());
    assert_eq!(origin.codes(), [(9, Code::Ok)]);
    let said = send(&origin, call(10, to(8)), LEN, LEN).await;
    assert!(matches!(&said[..], [Said::Refused(failure)] if failure.code == Code::EdgeNotOnline));
    assert!(origin.outlet.take().is_empty() && !origin.peer.has_pending());
    // Once it may come, what goes wrong is told in the reply.
    let said = send(&origin, call(11, to(EDGE)), LEN, LEN - 1).await;
    assert_eq!((said, origin.codes()), (vec![Said::Accepted], vec![(11, Code::Protocol)]));
    assert!(!origin.peer.has_pending() && !edge.peer.has_pending());
}

#[tokio::test]
async fn one_for_an_edge_elsewhere_is_read_when_its_owner_has_it() {
    let elsewhere = Arc::<Elsewhere>::default();
    let exchange = testing::exchange_reaching(elsewhere.clone());
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    let [first, second] = ["a", "b"].map(|id| TestPeer::owner_gateway(&exchange, id));
    first.outlet.accept_next(Acceptance::Refused(Failure::edge_not_online(EdgeId(EDGE))));
    let resolved = async {
        for owner in [&first, &second] {
            while elsewhere.waiting().is_empty() {
                tokio::task::yield_now().await;
            }
            elsewhere.resolve(&exchange, &Ok(Found::At(owner.peer.clone())));
        }
    };
    let (_, (said, bytes), ()) =
        tokio::join!(send(&service, call(1, to_edge(EDGE)), LEN, LEN), got(&second), resolved);
    let request = request_of(&said);
    assert_eq!(request.from, SentFrom::Service { service: 1, edge: EDGE, returns: false });
    assert_eq!((bytes.len(), elsewhere.forgotten.lock().len()), (LEN, 1));
    second.reply(&request, ok());
    assert_eq!(service.codes(), [(1, Code::Ok)]);
    assert!(!first.peer.has_pending() && !second.peer.has_pending());
}

#[tokio::test]
async fn a_reply_is_passed_on_as_it_comes() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    for (id, announced, come) in [(1, LEN, LEN), (2, LEN, LEN - 1), (3, (1 << 20) + 1, 0)] {
        service.send(call(id, to_edge(EDGE)));
        let correlation = edge.request().correlation();
        let outcome = Outcome { code: Code::Ok, detail: 0, custom: b"x", payload: b"" };
        let reply = Reply { correlation, kind: RequestKind::Call, outcome, edge: None };
        let (near, mut far) = testing::legs::pair(2 * LEN);
        far.send(&vec![7; come]).await;
        far.end().await;
        exchange.on_payload_reply(&edge.peer, reply, announced as u64, Box::new(near)).await.unwrap();
        if id == 1 {
            let (said, bytes) = got(&service).await;
            let [Said::Reply(reply, len)] = &said[..] else { panic!("{said:?}") };
            assert_eq!((reply.id, reply.edge, &*reply.custom, *len), (1, Some(EDGE), &b"x"[..], LEN as u64));
            assert_eq!(bytes.len(), LEN);
        }
    }
    assert_eq!(service.codes(), [(2, Code::Protocol), (3, Code::TooLarge)]);
    assert!(service.outlet.take_opened().iter().all(Leg::is_reset));
    assert!(!service.peer.has_pending() && !edge.peer.has_pending());
}

/// It is looked for elsewhere while it comes here: so it is here, and not nowhere.
#[tokio::test]
async fn an_edge_that_comes_here_while_it_is_looked_for_gets_the_payload() {
    let elsewhere = Arc::<Elsewhere>::default();
    let exchange = testing::exchange_reaching(elsewhere.clone());
    let service = TestPeer::service(&exchange, 3, &[], &[]);
    let (near, mut far) = testing::legs::pair(testing::legs::WINDOW);
    far.send(b"payload").await;
    far.end().await;
    let carried =
        exchange.on_payload_request(&service.peer, call(1, to_edge(EDGE)), 7, Box::new(near), false);
    let comes = async {
        while elsewhere.waiting().is_empty() {
            tokio::task::yield_now().await;
        }
        let edge = TestPeer::edge(&exchange, EDGE);
        elsewhere.resolve(&exchange, &Ok(Found::Here));
        edge
    };
    let (carried, edge) = testing::soon(async { tokio::join!(carried, comes) }).await;
    carried.unwrap();
    let mut opened = edge.outlet.take_opened();
    assert_eq!(opened[0].rest().await, b"payload");
    assert!(service.outlet.take().is_empty(), "it waits for the reply");
}
