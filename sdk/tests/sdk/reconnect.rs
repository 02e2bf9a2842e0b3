//! Lost connections: what fails, what waits, what is registered again, and when it is given up.

use crate::gateway::{Gateway, soon};
use frontier_protocol::{Epoch, GoAway, Kind, Names, Welcome};
use frontier_sdk::{Closed, Code, EdgeId, Response, Status};
use std::time::Duration;

#[tokio::test]
async fn what_was_in_flight_fails_and_what_comes_later_waits() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let mut status = edge.status();
    let in_flight = edge.call("m", "");
    tokio::pin!(in_flight);
    assert!(futures_util::poll!(&mut in_flight).is_pending());
    peer.expect(Kind::Request).await;
    peer.cut();
    let error = soon(in_flight).await.unwrap_err();
    assert_eq!(error.code(), Code::Disconnected);
    assert!(error.is_retryable());
    let later = edge.call("m", "");
    let answer = async {
        let caller = gateway.accept().await;
        assert_eq!(caller.id, 7, "it asks for the id that it had");
        let mut peer = caller.welcome();
        let frame = peer.expect(Kind::Request).await;
        peer.respond(frame.id, b"ok");
        peer
    };
    let (response, _peer) = soon(async { tokio::join!(later, answer) }).await;
    assert_eq!(response.unwrap().data, "ok");
    assert_eq!(edge.id(), EdgeId(7));
    while soon(status.changed()).await != Status::Connected {}
}

#[tokio::test]
async fn without_a_connection_a_call_ends_as_disconnected() {
    let mut gateway = Gateway::bind();
    let (edge, peer) = gateway.connected_edge().await;
    let mut status = edge.status();
    drop(gateway);
    peer.cut();
    assert_eq!(soon(status.changed()).await, Status::Reconnecting);
    let error = soon(edge.call("m", "").timeout(Duration::from_millis(20))).await.unwrap_err();
    assert_eq!(error.code(), Code::Disconnected);
    let error = soon(edge.close()).await.unwrap_err();
    assert_eq!(error.code(), Code::Disconnected);
}

#[tokio::test]
async fn a_new_connection_begins_with_everything_that_was_registered() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.service().name("files").topics(["t"]).connect());
    let mut peer = gateway.welcome().await;
    let service = soon(connect).await.unwrap().unwrap();
    for method in ["a", "b"] {
        let register = service.register(method, |_| async { Ok(Response::new("")) });
        let (registered, _) = soon(async { tokio::join!(register, peer.agree()) }).await;
        registered.unwrap();
    }
    let (subscribed, names) = soon(async { tokio::join!(service.subscribe("u"), peer.agree()) }).await;
    subscribed.unwrap();
    assert_eq!(names, (Names::Topics, vec!["u".to_owned()]));

    let mut status = service.status();
    peer.cut();
    let caller = gateway.accept().await;
    assert_eq!(
        (&caller.topics[..], &caller.methods[..]),
        (&["t", "u"].map(String::from)[..], &["a", "b"].map(String::from)[..])
    );
    assert_eq!(soon(status.changed()).await, Status::Reconnecting);
    let mut peer = caller.welcome();
    assert_eq!(soon(status.changed()).await, Status::Connected);
    assert!(!peer.has_frame(), "the hello says it all");
}

#[tokio::test]
async fn a_registration_survives_the_loss_of_the_connection() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let register = service.register("m", |_| async { Ok(Response::new("")) });
    let lose = async {
        peer.expect(Kind::Register).await;
        peer.cut();
        let caller = gateway.accept().await;
        assert!(caller.methods.is_empty(), "it has not been agreed to yet");
        let mut peer = caller.welcome();
        peer.agree().await;
        peer
    };
    let (registered, _peer) = soon(async { tokio::join!(register, lose) }).await;
    registered.unwrap();
}

#[tokio::test]
async fn a_superseded_client_does_not_come_back() {
    let mut gateway = Gateway::bind();
    let (edge, peer) = gateway.connected_edge().await;
    peer.send(|out| GoAway::new(Code::Superseded, 0, "").encode(out));
    assert_eq!(soon(edge.closed()).await, Closed::Superseded);
    assert_eq!(edge.status().get(), Status::Closed(Closed::Superseded));
    assert_eq!(soon(edge.call("m", "")).await.unwrap_err().code(), Code::Superseded);
    assert!(soon(edge.recv()).await.is_none());
}

/// The gateway may have come to it only when it had welcomed the next one.
#[tokio::test]
async fn a_client_that_may_have_superseded_itself_comes_back() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().connect());
    drop(gateway.accept().await);
    let peer = gateway.welcome().await;
    let edge = soon(connect).await.unwrap().unwrap();
    peer.send(|out| GoAway::new(Code::Superseded, 0, "").encode(out));
    let mut peer = gateway.welcome().await;
    let ((), answer) = soon(async {
        tokio::join!(
            async {
                let id = peer.expect(Kind::Request).await.id;
                peer.respond(id, b"here");
            },
            edge.call("m", "").into_future(),
        )
    })
    .await;
    assert_eq!(answer.unwrap().data, "here");
}

fn refused(code: Code, text: &str) -> Status {
    Status::Refused { code, text: text.into() }
}

#[tokio::test]
async fn no_refusal_ends_a_client_that_was_connected() {
    let mut gateway = Gateway::bind();
    let (edge, peer) = gateway.connected_edge().await;
    let mut status = edge.status();
    peer.cut();
    let codes = Code::ALL.iter().copied().chain([Code::Unknown(4711)]);
    for code in codes.filter(|code| !matches!(code, Code::Ok | Code::Superseded)) {
        gateway.accept().await.reject(code, &format!("{code} today")).await;
        if !code.is_retryable() {
            let expected = refused(code, &format!("{code} today"));
            soon(async {
                while status.get() != expected {
                    status.changed().await;
                }
            })
            .await;
        }
    }
    let call = edge.call("m", "");
    let (response, _peer) = soon(async {
        tokio::join!(call, async {
            let mut peer = gateway.welcome().await;
            let frame = peer.expect(Kind::Request).await;
            peer.respond(frame.id, b"back");
            peer
        })
    })
    .await;
    assert_eq!(response.unwrap().data, "back");
    assert_eq!(status.get(), Status::Connected);
}

#[tokio::test]
async fn a_client_that_is_turned_away_comes_back() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let mut status = edge.status();
    for code in [Code::Denied, Code::Protocol, Code::Unauthenticated, Code::Unknown(4711)] {
        let in_flight = edge.call("m", "");
        tokio::pin!(in_flight);
        assert!(futures_util::poll!(&mut in_flight).is_pending());
        peer.expect(Kind::Request).await;
        peer.send(|out| GoAway::new(code, 0, "by a mistyped rule").encode(out));
        let error = soon(in_flight).await.unwrap_err();
        assert_eq!(error.code(), Code::Disconnected, "nobody knows what became of it: {error}");
        let caller = gateway.accept().await;
        if code != Code::Unauthenticated {
            assert_eq!(status.get(), refused(code, "by a mistyped rule"));
        }
        peer = caller.welcome();
        soon(async {
            while status.get() != Status::Connected {
                status.changed().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_call_that_finds_no_connection_says_why_there_is_none() {
    let mut gateway = Gateway::bind();
    let (edge, peer) = gateway.connected_edge().await;
    peer.cut();
    gateway.accept().await.reject(Code::Unauthenticated, "expired").await;
    let mut status = edge.status();
    let expected = refused(Code::Unauthenticated, "expired");
    soon(async {
        while status.get() != expected {
            status.changed().await;
        }
    })
    .await;
    let error = soon(edge.call("m", "").timeout(Duration::from_millis(20))).await.unwrap_err();
    assert_eq!(error.code(), Code::Disconnected);
    assert!(error.text().ends_with("refused by the gateway: unauthenticated: expired"), "{error}");
}

#[tokio::test]
async fn where_one_gateway_refuses_another_one_takes_the_client() {
    let (mut wrong, mut right) = (Gateway::bind(), Gateway::bind());
    let connect = tokio::spawn(wrong.edge().url(&right.url).connect());
    let peer = wrong.welcome().await;
    let edge = soon(connect).await.unwrap().unwrap();
    peer.cut();
    let refuses = async {
        loop {
            wrong.accept().await.reject(Code::Denied, "not here").await;
        }
    };
    let _peer = tokio::select! {
        () = refuses => unreachable!(),
        peer = right.welcome() => peer,
    };
    let mut status = edge.status();
    soon(async {
        while status.get() != Status::Connected {
            status.changed().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_may_end_at_a_refusal() {
    for by_reject in [true, false] {
        let mut gateway = Gateway::bind();
        let connect = tokio::spawn(gateway.edge().end_on_refusal(true).connect());
        let peer = gateway.welcome().await;
        let edge = soon(connect).await.unwrap().unwrap();
        if by_reject {
            peer.cut();
            gateway.accept().await.reject(Code::Denied, "expelled").await;
        } else {
            peer.send(|out| GoAway::new(Code::Denied, 0, "expelled").encode(out));
        }
        let refused = Closed::Refused { code: Code::Denied, text: "expelled".into() };
        assert_eq!(soon(edge.closed()).await, refused);
        assert_eq!(soon(edge.call("m", "")).await.unwrap_err().code(), Code::Denied);
    }
}

#[tokio::test]
async fn reconnecting_can_be_switched_off() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().reconnect(false).connect());
    let peer = gateway.welcome().await;
    let edge = soon(connect).await.unwrap().unwrap();
    peer.cut();
    assert!(matches!(soon(edge.closed()).await, Closed::Lost(_)));
}

#[tokio::test]
async fn a_silent_gateway_is_given_up() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().connect());
    let caller = gateway.accept().await;
    let welcome = Welcome {
        version: frontier_protocol::VERSION,
        features: 0,
        max_frame: 256 * 1024,
        heartbeat_ms: 20,
        id: 1,
        epoch: Epoch(1),
        max_payload: 1024,
        directory_time: None,
    };
    let silent = caller.welcome_as(&welcome).flush().await;
    let edge = soon(connect).await.unwrap().unwrap();
    let _peer = gateway.accept().await.welcome_as(&welcome).drive();
    drop(silent);
    while soon(edge.status().changed()).await != Status::Connected {}
    assert_eq!(edge.id(), EdgeId(1));
}

#[tokio::test]
async fn a_client_that_comes_back_says_so_and_who_has_come_since_is_left_alone() {
    let mut gateway = Gateway::bind();
    let (connected, first) = tokio::join!(gateway.edge().connect(), async {
        let caller = gateway.accept().await;
        assert_eq!(caller.session.since, Epoch(0), "it is new");
        (caller.session, caller.welcome())
    });
    let (edge, (session, peer)) = (connected.unwrap(), first);
    peer.cut();
    let again = gateway.accept().await;
    assert_eq!((again.session.client, again.session.since), (session.client, Epoch(1)));
    assert!(again.session.attempt > session.attempt);
    again.reject(Code::Superseded, "a newer connection holds this id").await;
    assert_eq!(soon(edge.closed()).await, Closed::Superseded);
}
