//! What the gateway itself asks services at other gateways, and what those ask services here.

use super::*;
use crate::{OfferedName, RemoteEdge, Returned, presence};
use frontier_access::authn::Verified;
use frontier_protocol::{EDGE_OFFLINE, EDGE_ONLINE, GET_EDGE_ID, Offered};

const CALL_TIMEOUT: Duration = Duration::from_secs(10);

fn reaching() -> Arc<Exchange> {
    testing::exchange_reaching(Arc::<Elsewhere>::default())
}

/// Another gateway, where a service takes what is told of edges.
fn owner(exchange: &Arc<Exchange>, id: &str) -> TestPeer {
    let owner = TestPeer::owner_gateway(exchange, id);
    let names = [GET_EDGE_ID, EDGE_ONLINE, EDGE_OFFLINE];
    let names = names.map(|name| OfferedName { of: Offered::Method, name, is_offered: true });
    owner.on(Inbound::Offer { is_first: true, is_last: true, names: &names }).unwrap();
    owner
}

/// The request that the peer is sent next.
async fn asked(peer: &TestPeer) -> SentRequest {
    loop {
        if let Some(request) = peer.requests().pop() {
            return request;
        }
        tokio::task::yield_now().await;
    }
}

fn give_back(owner: &TestPeer, request: &SentRequest) {
    let returned = Returned {
        correlation: request.correlation,
        edge: EdgeId(EDGE),
        by_name: true,
        service: None,
        name: &request.name,
        custom: b"",
        trace: b"",
        payload: b"",
        timeout_ms: 1,
    };
    owner.on(Inbound::Returned(returned)).unwrap();
}

#[tokio::test]
async fn a_service_at_another_gateway_gives_out_ids_where_none_here_does() {
    let exchange = reaching();
    let owner = owner(&exchange, "a");
    let verified = Verified { subject: "sn-42".into(), ..Verified::default() };
    let request = presence::EdgeIdRequest { meta: b"meta", verified: &verified, addr: testing::ADDR };
    let (id, ()) = tokio::join!(presence::edge_id(&exchange, &request, CALL_TIMEOUT), async {
        let request = asked(&owner).await;
        assert!(matches!(request.from, SentFrom::ByName { returns: true, .. }));
        assert!(!request.custom.is_empty() && request.payload == b"meta");
        owner.reply(&request, outcome(Code::Ok, "\0\0\0\0\0\0\0\x07"));
    });
    assert_eq!(id, Some(Ok(EdgeId(7))));
    let service = TestPeer::service(&exchange, 1, &[GET_EDGE_ID], &[]);
    let (id, ()) = tokio::join!(presence::edge_id(&exchange, &request, CALL_TIMEOUT), async {
        service.reply(&asked(&service).await, outcome(Code::Ok, "\0\0\0\0\0\0\0\x08"));
    });
    assert_eq!(id, Some(Ok(EdgeId(8))), "one here is nearer");
}

#[tokio::test]
async fn what_comes_back_is_asked_at_one_more_gateway() {
    let exchange = reaching();
    let owners = [owner(&exchange, "a"), owner(&exchange, "b")];
    let edge = TestPeer::new(&exchange, testing::edge(EDGE));
    for answers in [true, false] {
        let (online, ()) = tokio::join!(presence::online(&exchange, &edge.peer, CALL_TIMEOUT), async {
            let mut asked_of = Vec::new();
            while asked_of.len() < 2 {
                tokio::task::yield_now().await;
                for owner in &owners {
                    for request in owner.requests() {
                        if answers && asked_of.len() == 1 {
                            owner.reply(&request, outcome(Code::Application, "no"));
                        } else {
                            give_back(owner, &request);
                        }
                        asked_of.push(owner.peer.name());
                    }
                }
            }
            assert_ne!(asked_of[0], asked_of[1]);
        });
        let expected = if answers { Err(Code::Denied) } else { Ok(()) };
        assert_eq!(
            online.map_err(|it| it.failure.code),
            expected,
            "nobody takes it: as if nobody were there"
        );
    }
    assert!(owners.iter().all(|owner| !owner.peer.has_pending()));
}

#[tokio::test]
async fn where_the_way_was_lost_a_beginning_is_not_told_twice_and_an_end_is() {
    let exchange = reaching();
    let mut first = owner(&exchange, "a");
    let edge = TestPeer::new(&exchange, testing::edge(EDGE));
    let (online, ()) = tokio::join!(presence::online(&exchange, &edge.peer, CALL_TIMEOUT), async {
        asked(&first).await;
        first.leave();
    });
    let refused = online.unwrap_err();
    assert_eq!((refused.failure.code, refused.may_be_told), (Code::Disconnected, true));
    let mut owners = [owner(&exchange, "a"), owner(&exchange, "b")];
    let ((), ()) = tokio::join!(presence::offline(&exchange, &edge.peer, CALL_TIMEOUT), async {
        let place = loop {
            match owners.iter().position(|owner| owner.peer.in_flight() > 0) {
                Some(place) => break place,
                None => tokio::task::yield_now().await,
            }
        };
        owners[place].request();
        owners[place].leave();
        let other = &owners[1 - place];
        let request = asked(other).await;
        assert_eq!(request.name, EDGE_OFFLINE);
        other.reply(&request, ok());
    });
}

/// A service is there and says so: that it is about to leave is its reply, and no reason to let an edge in unseen.
#[tokio::test]
async fn a_service_that_answers_that_it_leaves_is_not_taken_for_lost() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &[EDGE_ONLINE, GET_EDGE_ID], &[]);
    let edge = TestPeer::new(&exchange, testing::edge(EDGE));
    let request = presence::EdgeIdRequest { meta: b"", verified: &Verified::default(), addr: testing::ADDR };
    for code in [Code::Draining, Code::Disconnected] {
        let (online, ()) = tokio::join!(presence::online(&exchange, &edge.peer, CALL_TIMEOUT), async {
            service.reply(&asked(&service).await, outcome(code, "busy"));
        });
        assert_eq!(online.map_err(|it| it.failure.code), Err(code));
        let (id, ()) = tokio::join!(presence::edge_id(&exchange, &request, CALL_TIMEOUT), async {
            service.reply(&asked(&service).await, outcome(code, "busy"));
        });
        assert_eq!(id.unwrap().map_err(|failure| failure.code), Err(code));
    }
}

fn remote(is_verified: bool) -> RemoteEdge {
    RemoteEdge { is_verified, ..RemoteEdge::judged(EdgeId(EDGE)) }
}

fn reserved<'a>(id: u64, edge: &'a RemoteEdge) -> Envelope<'a> {
    let to = Destination::LocalName { edge, returns: true };
    Envelope { name: EDGE_ONLINE, custom: b"known", payload: b"event", ..call(id, to) }
}

#[tokio::test]
async fn another_gateway_has_a_service_here_told_and_the_next_if_that_is_lost() {
    let exchange = reaching();
    let origin = TestPeer::origin_gateway(&exchange);
    let mut services = [1, 2].map(|id| TestPeer::service(&exchange, id, &[EDGE_ONLINE], &[]));
    for (id, is_verified) in [(1, true), (2, false)] {
        let edge = remote(is_verified);
        let envelope = reserved(id, &edge);
        assert!(envelope.is_reserved_call() && !call(1, Destination::Name).is_reserved_call());
        let entered = exchange.enter_reserved_call(&origin.peer, envelope).unwrap().unwrap();
        let ((), ()) = tokio::join!(exchange.on_reserved_call(entered), async {
            let place = loop {
                match services.iter().position(|service| service.peer.in_flight() > 0) {
                    Some(place) => break place,
                    None => tokio::task::yield_now().await,
                }
            };
            let request = services[place].request();
            let known: &[u8] = if is_verified { b"known" } else { b"" };
            assert_eq!(
                (request.from, &*request.custom, &*request.payload),
                (SentFrom::Unnamed, known, &b"event"[..])
            );
            if id == 1 {
                services[place].leave();
                let other = &services[1 - place];
                other.reply(&asked(other).await, outcome(Code::Application, "no"));
            } else {
                services[place].reply(&request, ok());
            }
        });
    }
    assert_eq!(origin.codes(), [(1, Code::Application), (2, Code::Ok)]);
    assert!(!origin.peer.has_pending());
}

#[tokio::test]
async fn it_gets_back_what_nobody_here_takes_and_may_cancel_what_somebody_has() {
    let exchange = reaching();
    let origin = TestPeer::origin_gateway(&exchange);
    let edge = remote(true);
    let entered = exchange.enter_reserved_call(&origin.peer, reserved(1, &edge)).unwrap().unwrap();
    exchange.on_reserved_call(entered).await;
    assert!(matches!(&origin.outlet.take()[..], [Sent::GivenBack { caller: None, .. }]));
    let service = TestPeer::service(&exchange, 1, &[EDGE_ONLINE], &[]);
    let entered = exchange.enter_reserved_call(&origin.peer, reserved(2, &edge)).unwrap().unwrap();
    let ((), request) = testing::soon(async {
        tokio::join!(exchange.on_reserved_call(entered), async {
            let request = asked(&service).await;
            origin.cancel(2);
            request
        })
    })
    .await;
    assert_eq!(service.cancels(), [request.correlation()]);
    assert!(origin.outlet.take().is_empty() && !origin.peer.has_pending() && !service.peer.has_pending());
    let full = exchange.lobby.fill();
    assert!(exchange.enter_reserved_call(&origin.peer, reserved(3, &edge)).unwrap().is_none());
    assert_eq!(origin.codes(), [(3, Code::Overloaded)]);
    drop(full);
}
