//! What the gateway itself asks services.

use super::*;
use crate::own_call::OwnCall;
use crate::{OwnReply, presence};
use frontier_access::authn::Verified;
use frontier_protocol::{EDGE_OFFLINE, EDGE_ONLINE, GET_EDGE_ID, VerifiedEdge};

const CALL_TIMEOUT: Duration = Duration::from_secs(10);

async fn own_call(exchange: &Exchange, timeout: Duration) -> Option<OwnReply> {
    let call = OwnCall {
        kind: RequestKind::Call,
        method: EDGE_ONLINE,
        custom: b"",
        payload: b"event",
        may_repeat: true,
    };
    exchange.call_service(call, EdgeId(EDGE), Some(testing::ADDR.ip()), timeout).await
}

/// The request that the service is sent next.
async fn asked(service: &TestPeer) -> SentRequest {
    loop {
        if let Some(request) = service.requests().pop() {
            return request;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_service_that_registered_it_is_asked() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &[EDGE_ONLINE], &[]);
    let (reply, ()) = tokio::join!(own_call(&exchange, CALL_TIMEOUT), async {
        let request = asked(&service).await;
        let got = (&*request.name, &*request.custom, &*request.payload, request.from);
        assert_eq!(got, (EDGE_ONLINE, &b""[..], &b"event"[..], SentFrom::Unnamed));
        assert!((1..=10_000).contains(&request.timeout_ms));
        service.reply(&request, Outcome { detail: 3, ..outcome(Code::Application, "no") });
    });
    let reply = reply.unwrap();
    assert_eq!((reply.code, reply.detail, reply.text()), (Code::Application, 3, "no".into()));
    assert!(!service.peer.has_pending());
}

/// They are the limits of what peers are sent, and a refusal must not turn into a failure for its header's sake.
#[tokio::test]
async fn what_the_gateway_itself_is_told_may_be_of_any_length() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &[EDGE_ONLINE], &[]);
    let (custom, payload) = (vec![b'c'; 8 * 1024 + 1], vec![b'p'; (1 << 20) + 1]);
    let (reply, ()) = tokio::join!(own_call(&exchange, CALL_TIMEOUT), async {
        let outcome = Outcome { code: Code::Application, detail: 3, custom: &custom, payload: &payload };
        service.reply(&asked(&service).await, outcome);
    });
    let reply = reply.unwrap();
    assert_eq!((reply.code, reply.detail, reply.payload), (Code::Application, 3, payload));
}

#[tokio::test]
async fn where_nobody_registered_it_nobody_is_asked() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &[EDGE_OFFLINE], &[]);
    assert!(own_call(&exchange, CALL_TIMEOUT).await.is_none());
    assert!(service.outlet.take().is_empty());
}

#[tokio::test]
async fn when_a_service_dies_the_next_is_asked() {
    for is_read in [true, false] {
        let exchange = testing::exchange();
        let mut services = [1, 2].map(|id| TestPeer::service(&exchange, id, &[EDGE_ONLINE], &[]));
        let (reply, ()) = tokio::join!(own_call(&exchange, CALL_TIMEOUT), async {
            let dying = loop {
                let place = services.iter().position(|service| service.peer.in_flight() > 0);
                match place {
                    Some(place) => break place,
                    None => tokio::task::yield_now().await,
                }
            };
            if is_read {
                services[dying].request();
            }
            services[dying].leave();
            let other = &services[1 - dying];
            other.reply(&asked(other).await, ok());
        });
        assert_eq!(reply.unwrap().code, Code::Ok);
    }
}

#[tokio::test]
async fn when_the_last_service_dies_none_is_left() {
    let exchange = testing::exchange();
    let mut service = TestPeer::service(&exchange, 1, &[EDGE_ONLINE], &[]);
    let (reply, ()) = tokio::join!(own_call(&exchange, CALL_TIMEOUT), async {
        asked(&service).await;
        service.leave();
    });
    assert!(reply.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_reply_is_told_that_nobody_waits() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &[EDGE_ONLINE], &[]);
    let reply = own_call(&exchange, Duration::from_millis(20)).await.unwrap();
    assert_eq!(reply.code, Code::Deadline);
    assert_eq!(service.cancels(), [service.request().correlation()]);
    assert!(!service.peer.has_pending());
}

#[tokio::test]
async fn a_task_that_stops_waiting_takes_its_call_back() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &[EDGE_ONLINE], &[]);
    tokio::select! {
        biased;
        _ = own_call(&exchange, CALL_TIMEOUT) => panic!("nobody replies"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(service.cancels(), [service.request().correlation()]);
    assert!(!service.peer.has_pending());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_full_is_waited_for_until_the_deadline() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &[EDGE_ONLINE], &[]);
    service.outlet.set_room(0);
    let (reply, ()) = tokio::join!(own_call(&exchange, CALL_TIMEOUT), async {
        tokio::task::yield_now().await;
        assert!(service.requests().is_empty());
        service.outlet.set_room(1);
        service.reply(&asked(&service).await, ok());
    });
    assert_eq!(reply.unwrap().code, Code::Ok);
    let reply = own_call(&exchange, CALL_TIMEOUT).await.unwrap();
    assert_eq!((reply.code, reply.text()), (Code::Deadline, "the service does not read fast enough".into()));
    assert!(!service.peer.has_pending());
}

#[tokio::test]
async fn a_service_gives_out_edge_ids_by_what_is_known() {
    let exchange = testing::exchange();
    let verified = Verified { subject: "sn-42".into(), ..Verified::default() };
    let request = presence::EdgeIdRequest { meta: b"meta", verified: &verified, addr: testing::ADDR };
    assert!(presence::edge_id(&exchange, &request, CALL_TIMEOUT).await.is_none());
    let service = TestPeer::service(&exchange, 1, &[GET_EDGE_ID], &[]);
    let cases = [
        (outcome(Code::Ok, "\0\0\0\0\0\0\0\x07"), Ok(EdgeId(7))),
        (outcome(Code::Ok, "\0\0\0\0\0\0\0\0"), Err(Code::Internal)),
        (outcome(Code::Ok, "7"), Err(Code::Internal)),
        (outcome(Code::Application, "who is that?"), Err(Code::Denied)),
        (outcome(Code::Panicked, ""), Err(Code::Internal)),
        (outcome(Code::Overloaded, ""), Err(Code::Overloaded)),
    ];
    for (given, expected) in cases {
        let (id, ()) = tokio::join!(presence::edge_id(&exchange, &request, CALL_TIMEOUT), async {
            let request = asked(&service).await;
            let known = VerifiedEdge { subject: "sn-42", edge_id: None, labels: Vec::new() };
            assert_eq!((&*request.custom, &*request.payload), (&*known.encode(), &b"meta"[..]));
            service.reply(&request, given);
        });
        assert_eq!(id.unwrap().map_err(|failure| failure.code), expected);
    }
}

#[tokio::test]
async fn a_service_hears_who_comes_and_may_refuse_it_and_hears_who_goes() {
    let exchange = testing::exchange();
    let edge = TestPeer::new(&exchange, testing::edge(EDGE));
    presence::online(&exchange, &edge.peer, CALL_TIMEOUT).await.unwrap();
    let service = TestPeer::service(&exchange, 1, &[EDGE_ONLINE, EDGE_OFFLINE], &[]);
    for (code, expected) in
        [(Code::Ok, Ok(())), (Code::Application, Err(Code::Denied)), (Code::Panicked, Err(Code::Internal))]
    {
        let (online, ()) = tokio::join!(presence::online(&exchange, &edge.peer, CALL_TIMEOUT), async {
            let request = asked(&service).await;
            assert_eq!(request.name, EDGE_ONLINE);
            service.reply(&request, outcome(code, "no"));
        });
        assert_eq!(online.map_err(|refused| refused.failure.code), expected);
        let ((), ()) = tokio::join!(presence::offline(&exchange, &edge.peer, CALL_TIMEOUT), async {
            let request = asked(&service).await;
            assert_eq!(request.name, EDGE_OFFLINE);
            service.reply(&request, outcome(code, "no"));
        });
    }
}
