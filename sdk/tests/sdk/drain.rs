//! A gateway that is about to stop: the client goes elsewhere first, and leaves then.

mod asked;
mod last_word;
mod left_behind;

use crate::gateway::{Caller, Gateway, Peer, soon};
use bytes::Bytes;
use frontier_protocol::{
    Ack, Flags, GoAway, HEADER_LEN, Kind, Names, OpenAck, Publish, RegisterAck, Registration, Request,
    Response,
};
use frontier_sdk::{Closed, Code, Edge, Service, Status};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const GRACE: u32 = 10_000;

fn go_away(code: Code, grace_ms: u32) -> GoAway<'static> {
    GoAway::new(code, grace_ms, "update")
}

fn drain(peer: &Peer) {
    peer.send(|out| go_away(Code::Draining, GRACE).encode(out));
}

/// Says the last word to a client that leaves for another gateway.
async fn part(peer: Peer) {
    part_with(peer, Code::Draining).await;
}

/// The same to one that leaves for that reason.
async fn part_with(mut peer: Peer, code: Code) {
    let goodbye = peer.expect(Kind::GoAway).await;
    assert_eq!(goodbye.code, code);
    peer.send(|out| go_away(Code::Ok, 0).encode(out));
    peer.expect_end().await;
}

/// An edge at a gateway that drains, in the moment in which it knocks at the door of the next.
async fn moving(old: &mut Gateway, new: &mut Gateway) -> (Edge, Peer, Caller) {
    let connect = tokio::spawn(old.edge().url(&new.url).connect());
    let peer = old.welcome().await;
    let edge = soon(connect).await.unwrap().unwrap();
    drain(&peer);
    (edge, peer, new.accept().await)
}

async fn answer(peer: &mut Peer, payload: &[u8]) {
    let question = peer.expect(Kind::Request).await;
    peer.respond(question.id, payload);
}

async fn call(edge: &Edge, peer: &mut Peer, payload: &'static str) -> Bytes {
    let (response, ()) =
        soon(async { tokio::join!(edge.call("m", ""), answer(peer, payload.as_bytes())) }).await;
    response.unwrap().data
}

#[tokio::test]
async fn the_old_connection_serves_until_the_new_one_stands_and_finishes_what_it_has() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, mut peer, caller) = moving(&mut old, &mut new).await;
    let mut status = edge.status();
    assert_eq!(caller.id, 7, "it asks for the id that it has");
    edge.register("echo", |req| async move { Ok(frontier_sdk::Response::new(req.data)) }).await.unwrap();
    assert_eq!(call(&edge, &mut peer, "still here").await, "still here");
    let in_flight = edge.call("m", "");
    tokio::pin!(in_flight);
    assert!(futures_util::poll!(&mut in_flight).is_pending());
    let question = peer.expect(Kind::Request).await;

    let mut next = caller.welcome();
    // It leaves the old one once it stands on the new one.
    let goodbye = peer.expect(Kind::GoAway).await;
    assert_eq!(goodbye.code, Code::Draining);
    assert_eq!(call(&edge, &mut next, "there").await, "there");
    // What the old gateway has routed meanwhile is answered.
    peer.request(5, "echo", b"late");
    assert_eq!(Response::parse(&peer.expect(Kind::Response).await).unwrap().payload, b"late");
    peer.send(|out| go_away(Code::Ok, 0).encode(out));
    peer.respond(question.id, b"at last");
    assert_eq!(soon(in_flight).await.unwrap().data, "at last");
    peer.expect_end().await;
    assert_eq!(soon(status.changed()).await, Status::Connected, "it was never anything else");
}

#[tokio::test]
async fn it_goes_to_the_alternatives_first_and_when_it_is_told_to() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let connect = tokio::spawn(old.edge().connect());
    let mut peer = old.welcome().await;
    let edge = soon(connect).await.unwrap().unwrap();
    let start = Instant::now();
    let closed = Gateway::bind().url;
    let alternatives = vec!["nonsense", &closed, &new.url];
    let notice = GoAway { delay_ms: 150, alternatives, ..go_away(Code::Draining, GRACE) };
    peer.send(|out| notice.encode(out));
    assert_eq!(call(&edge, &mut peer, "here").await, "here");
    let caller = new.accept().await;
    assert!(start.elapsed() >= Duration::from_millis(140), "{:?}", start.elapsed());
    let mut next = caller.welcome();
    part(peer).await;
    assert_eq!(call(&edge, &mut next, "there").await, "there");
    // From there it comes back to where the user has sent it.
    next.cut();
    old.accept().await;
}

#[tokio::test]
async fn where_nobody_else_takes_it_the_old_connection_is_used_to_its_end() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, mut peer, caller) = moving(&mut old, &mut new).await;
    drop(old);
    // Not even a final refusal ends it while there is a connection.
    caller.reject(Code::Denied, "not here").await;
    new.accept().await.reject(Code::Overloaded, "").await;
    assert_eq!(call(&edge, &mut peer, "here").await, "here");
    let mut status = edge.status();
    peer.cut();
    assert_eq!(soon(status.changed()).await, Status::Reconnecting);
    // One of those that came while the old connection stood may be on its way still.
    let mut next = new.welcome().await;
    assert_eq!(call(&edge, &mut next, "there").await, "there");
}

#[tokio::test]
async fn a_delay_ends_with_the_connection() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let connect = tokio::spawn(old.edge().url(&new.url).connect());
    let peer = old.welcome().await;
    let _edge = soon(connect).await.unwrap().unwrap();
    let notice = GoAway { delay_ms: u32::MAX, ..go_away(Code::Draining, u32::MAX) };
    peer.send(|out| notice.encode(out));
    let mut peer = peer;
    peer.request(1, "m", b"");
    peer.expect(Kind::Response).await;
    peer.cut();
    new.welcome().await;
}

#[tokio::test]
async fn what_a_draining_gateway_puts_off_is_asked_at_the_next() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, mut peer, caller) = moving(&mut old, &mut new).await;
    let put_off = async {
        for _ in 0..2 {
            let frame = peer.next().await;
            match frame.kind {
                Kind::Request => peer.send(|out| {
                    Response::error(Code::Draining, "no more").encode_with(frame.id, Flags::default(), out)
                }),
                _ => {
                    let ack = Ack { code: Code::Draining, detail: 0, text: "" };
                    peer.send(|out| ack.encode(frame.id, out));
                }
            }
        }
        // Only now is there another one.
        let mut next = caller.welcome();
        for _ in 0..2 {
            let frame = next.next().await;
            match frame.kind {
                Kind::Request => {
                    assert_eq!(Request::parse(&frame).unwrap().payload, b"hi");
                    next.respond(frame.id, b"ok");
                }
                _ => {
                    assert_eq!(Publish::parse(&frame).unwrap().payload, b"ho");
                    next.send(|out| Ack { code: Code::Ok, detail: 0, text: "" }.encode(frame.id, out));
                }
            }
        }
        next
    };
    // The second one may be asked only when the connection has been given up, so both go out first.
    let (called, published, _next) =
        soon(async { tokio::join!(edge.call("m", "hi"), edge.publish("t", "ho"), put_off) }).await;
    assert_eq!(called.unwrap().data, "ok");
    published.unwrap();
    part(peer).await;
}

#[tokio::test]
async fn streams_and_large_payloads_that_were_put_off_go_to_the_next_as_well() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, mut peer, caller) = moving(&mut old, &mut new).await;
    let large = Bytes::from(vec![1; 300_000]);
    let put_off = async {
        for _ in 0..2 {
            let mut first = peer.expect_stream().await;
            if first.frame.kind == Kind::Open {
                let mut ack = Vec::new();
                OpenAck { code: Code::Draining, detail: 0, text: "" }.encode(&mut ack).unwrap();
                first.stream.write_all(&ack).await.unwrap();
                first.stream.shutdown().await.unwrap();
            } else {
                let id = first.frame.id;
                peer.send(|out| Response::error(Code::Draining, "").encode_with(id, Flags::default(), out));
            }
        }
        let mut next = caller.welcome();
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut first = next.expect_stream().await;
            if first.frame.kind == Kind::Open {
                let mut ack = Vec::new();
                OpenAck { code: Code::Ok, detail: 0, text: "" }.encode(&mut ack).unwrap();
                first.stream.write_all(&ack).await.unwrap();
                first.stream.flush().await.unwrap();
            } else {
                next.respond(first.frame.id, b"ok");
            }
            held.push(first.stream);
        }
        (next, held)
    };
    let open = async { edge.open_stream("files").await };
    let (opened, called, _next) =
        soon(async { tokio::join!(open, edge.call("m", large.clone()), put_off) }).await;
    opened.unwrap();
    assert_eq!(called.unwrap().data, "ok");
}

#[tokio::test]
async fn a_receiver_that_drains_is_no_reason_to_ask_again() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let refuse = async {
        let id = peer.expect(Kind::Request).await.id;
        peer.send(|out| Response::error(Code::Draining, "").encode_with(id, Flags::default(), out));
    };
    let (called, ()) = soon(async { tokio::join!(edge.call("m", ""), refuse) }).await;
    assert_eq!(called.unwrap_err().code(), Code::Draining);
}

#[tokio::test]
async fn a_stream_on_the_old_connection_is_waited_for() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let connect = tokio::spawn(old.edge().url(&new.url).connect());
    let mut peer = old.welcome().await;
    let edge = soon(connect).await.unwrap().unwrap();
    let accept = async {
        let mut first = peer.expect_stream().await;
        let mut ack = Vec::new();
        OpenAck { code: Code::Ok, detail: 0, text: "" }.encode(&mut ack).unwrap();
        first.stream.write_all(&ack).await.unwrap();
        first.stream.flush().await.unwrap();
        first.stream
    };
    let open = async { edge.open_stream("files").await };
    let (stream, mut mux) = soon(async { tokio::join!(open, accept) }).await;
    let mut stream = stream.unwrap();
    drain(&peer);
    let _next = new.welcome().await;
    assert_eq!(peer.expect(Kind::GoAway).await.code, Code::Draining);
    peer.send(|out| go_away(Code::Ok, 0).encode(out));
    soon(stream.write_all(b"more")).await.unwrap();
    soon(stream.shutdown()).await.unwrap();
    let mut frame = [0; HEADER_LEN + 4];
    soon(mux.read_exact(&mut frame)).await.unwrap();
    assert_eq!(&frame[HEADER_LEN..], b"more");
    drop(mux);
    drop(stream);
    peer.expect_end().await;
}

#[tokio::test]
async fn names_that_the_old_gateway_agreed_to_while_the_hello_was_out_are_told_the_new_one() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let connect = tokio::spawn(old.service().url(&new.url).topics(["t"]).connect());
    let mut peer = old.welcome().await;
    let service: Service = soon(connect).await.unwrap().unwrap();
    drain(&peer);
    let caller = new.accept().await;
    assert_eq!(caller.topics, ["t"]);
    let register = service.register("m", |_| async { Ok(frontier_sdk::Response::new("")) });
    soon(async { tokio::join!(register, peer.agree()) }).await.0.unwrap();
    soon(async { tokio::join!(service.unsubscribe("t"), peer.agree()) }).await.0.unwrap();
    let mut next = caller.welcome();
    assert_eq!(next.agree().await, (Names::Methods, vec!["m".to_owned()]));
    let taken_back = next.expect(Kind::Unregister).await;
    assert!(!peer.has_frame(), "it stays until all is said");
    let ack = RegisterAck { change: Registration::Remove, code: Code::Ok, text: "" };
    next.send(|out| ack.encode(taken_back.id, out));
    part(peer).await;
}

#[tokio::test]
async fn its_own_new_connection_may_supersede_the_old_one() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, mut peer, caller) = moving(&mut old, &mut new).await;
    peer.send(|out| go_away(Code::Superseded, 0).encode(out));
    peer.expect(Kind::GoAway).await;
    peer.expect_end().await;
    let mut next = caller.welcome();
    assert_eq!(call(&edge, &mut next, "there").await, "there");
}

#[tokio::test]
async fn one_that_was_superseded_by_another_does_not_come_back() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, mut peer, caller) = moving(&mut old, &mut new).await;
    peer.send(|out| go_away(Code::Superseded, 0).encode(out));
    peer.expect(Kind::GoAway).await;
    peer.expect_end().await;
    drop(old);
    caller.reject(Code::Overloaded, "").await;
    assert_eq!(soon(edge.closed()).await, Closed::Superseded);
}

#[tokio::test]
async fn a_close_on_the_way_leaves_the_old_gateway_in_good_order() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, peer, _caller) = moving(&mut old, &mut new).await;
    let (closed, ()) = soon(async { tokio::join!(edge.close(), part_with(peer, Code::Ok)) }).await;
    closed.unwrap();
    assert_eq!(edge.closed().await, Closed::Local);
}

#[tokio::test]
async fn a_close_waits_for_what_is_in_flight_on_the_old_connection() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, mut peer, caller) = moving(&mut old, &mut new).await;
    let in_flight = edge.call("m", "");
    tokio::pin!(in_flight);
    assert!(futures_util::poll!(&mut in_flight).is_pending());
    let question = peer.expect(Kind::Request).await;
    let next = caller.welcome();
    assert_eq!(peer.expect(Kind::GoAway).await.code, Code::Draining);
    let finish = async {
        part_with(next, Code::Ok).await;
        peer.send(|out| go_away(Code::Ok, 0).encode(out));
        peer.respond(question.id, b"ok");
        peer.expect_end().await;
    };
    let (closed, called, ()) = soon(async { tokio::join!(edge.close(), in_flight, finish) }).await;
    closed.unwrap();
    assert_eq!(called.unwrap().data, "ok");
}
