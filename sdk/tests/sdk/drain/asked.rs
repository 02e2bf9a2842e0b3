//! A gateway that stays asks the client to go elsewhere: it goes if it can, and loses nothing if not.

use super::*;
use frontier_protocol::{Epoch, Welcome};

fn ask(peer: &Peer, alternatives: &[&str]) {
    let alternatives = alternatives.to_vec();
    let notice = GoAway { alternatives, stays: true, ..go_away(Code::Draining, 60_000) };
    peer.send(|out| notice.encode(out));
}

async fn connected(gateway: &mut Gateway) -> (Edge, Peer) {
    let connect = tokio::spawn(gateway.edge().connect());
    let peer = gateway.welcome().await;
    (soon(connect).await.unwrap().unwrap(), peer)
}

#[tokio::test]
async fn it_goes_to_the_gateway_that_was_named_and_finishes_what_it_has() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, mut peer) = connected(&mut old).await;
    let in_flight = edge.call("m", "");
    tokio::pin!(in_flight);
    assert!(futures_util::poll!(&mut in_flight).is_pending());
    let question = peer.expect(Kind::Request).await;
    ask(&peer, &[&new.url]);
    let caller = new.accept().await;
    assert_eq!(caller.id, 7, "it asks for the id that it has");
    let mut next = caller.welcome();
    assert_eq!(peer.expect(Kind::GoAway).await.code, Code::Draining);
    assert_eq!(call(&edge, &mut next, "there").await, "there");
    peer.send(|out| go_away(Code::Ok, 0).encode(out));
    peer.respond(question.id, b"at last");
    assert_eq!(soon(in_flight).await.unwrap().data, "at last");
    peer.expect_end().await;
    // From there it may be asked again.
    ask(&next, &[&old.url]);
    let mut back = old.accept().await.welcome();
    part(next).await;
    assert_eq!(call(&edge, &mut back, "back").await, "back");
}

#[tokio::test]
async fn where_none_of_those_takes_it_it_stays_and_may_be_asked_again() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, mut peer) = connected(&mut old).await;
    let closed = Gateway::bind().url;
    for code in [Code::Overloaded, Code::Denied] {
        // Not to where it is, though that would take it.
        ask(&peer, &["nonsense", &old.url, &closed, &new.url]);
        new.accept().await.reject(code, "not here").await;
        assert_eq!(call(&edge, &mut peer, "here").await, "here");
    }
    // With another id it would be another edge.
    ask(&peer, &[&new.url]);
    let caller = new.accept().await;
    let other = Welcome {
        version: frontier_protocol::VERSION,
        features: 0,
        max_frame: 256 * 1024,
        heartbeat_ms: 60_000,
        id: 8,
        epoch: Epoch(1),
        max_payload: 1024,
        directory_time: None,
    };
    let mut refused = caller.welcome_as(&other).drive();
    refused.expect_end().await;
    assert_eq!(call(&edge, &mut peer, "here").await, "here");
    assert_eq!((edge.id().0, edge.status().get()), (7, Status::Connected));
    // When it drains in the end, that counts.
    let notice = GoAway { alternatives: vec![&new.url], ..go_away(Code::Draining, GRACE) };
    peer.send(|out| notice.encode(out));
    let mut next = new.welcome().await;
    part(peer).await;
    assert_eq!(call(&edge, &mut next, "there").await, "there");
}

#[tokio::test]
async fn a_gateway_that_drains_while_the_edge_is_asked_elsewhere_is_left() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, peer) = connected(&mut old).await;
    ask(&peer, &[&new.url]);
    let caller = new.accept().await;
    let notice = GoAway { alternatives: vec![&new.url], ..go_away(Code::Draining, GRACE) };
    peer.send(|out| notice.encode(out));
    caller.reject(Code::Overloaded, "").await;
    let mut next = new.welcome().await;
    part(peer).await;
    assert_eq!(call(&edge, &mut next, "there").await, "there");
}
