//! What methods an edge answers: told to gateways that want to know, and to no others.

use crate::gateway::{Gateway, Peer, soon};
use frontier_protocol::{
    Code, FEATURE_EDGE_METHODS, GoAway, Kind, Names, Register, RegisterAck, Registration, Response as Answer,
};
use frontier_sdk::{Edge, Request, Response};

async fn ok(_: Request) -> Result<Response, frontier_sdk::HandlerError> {
    Ok(Response::new("ok"))
}

/// The next frame, which must be a registration of methods: its id, what it changes, and the names.
async fn told(peer: &mut Peer) -> (u64, Registration, Vec<String>) {
    let frame = peer.next().await;
    let Register { change, of, names } = Register::parse(&frame).unwrap();
    assert_eq!(of, Names::Methods);
    (frame.id, change, names.into_iter().map(str::to_owned).collect())
}

fn answer(peer: &Peer, id: u64, change: Registration, code: Code) {
    peer.send(|out| RegisterAck { change, code, text: "" }.encode(id, out));
}

async fn answers(peer: &mut Peer, method: &str) -> Code {
    peer.request(77, method, b"");
    Answer::parse(&peer.expect(Kind::Response).await).unwrap().code
}

/// An edge that answers `first`, and what its gateway has been told with the Hello.
async fn connected(gateway: &mut Gateway, features: u32) -> (Edge, Peer) {
    let connect = tokio::spawn(gateway.edge().register("first", ok).connect());
    let caller = gateway.accept().await;
    assert_eq!(
        (&caller.methods[..], caller.features & FEATURE_EDGE_METHODS),
        (&["first".to_owned()][..], 0x10)
    );
    let peer = caller.welcome_with(features);
    (soon(connect).await.unwrap().unwrap(), peer)
}

#[tokio::test]
async fn methods_are_told_as_they_come_and_go_and_again_with_the_next_hello() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = connected(&mut gateway, FEATURE_EDGE_METHODS).await;
    edge.register("second", ok).await.unwrap();
    let (id, change, names) = told(&mut peer).await;
    assert_eq!((change, &*names[0]), (Registration::Add, "second"));
    // Nothing is waited for, and what comes meanwhile is told together.
    edge.unregister("first").await.unwrap();
    edge.register("third", ok).await.unwrap();
    edge.register("fourth", ok).await.unwrap();
    edge.register("second", ok).await.unwrap();
    answer(&peer, id, change, Code::Ok);
    let (id, change, names) = told(&mut peer).await;
    assert_eq!((change, names), (Registration::Add, vec!["fourth".into(), "third".into()]));
    answer(&peer, id, change, Code::Ok);
    let (id, change, names) = told(&mut peer).await;
    assert_eq!((change, names), (Registration::Remove, vec!["first".into()]));
    answer(&peer, id, change, Code::Ok);

    peer.cut();
    let caller = gateway.accept().await;
    assert_eq!(caller.methods, ["fourth", "second", "third"]);
    // Between the Hello and the Welcome.
    edge.register("fifth", ok).await.unwrap();
    let mut peer = caller.welcome_with(FEATURE_EDGE_METHODS);
    assert_eq!(told(&mut peer).await.2, ["fifth"]);
}

#[tokio::test]
async fn a_gateway_that_does_not_want_to_know_is_told_no_more() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = connected(&mut gateway, 0).await;
    edge.register("second", ok).await.unwrap();
    edge.unregister("first").await.unwrap();
    // A registration would come before the answer.
    assert_eq!(answers(&mut peer, "second").await, Code::Ok);
    assert_eq!(answers(&mut peer, "first").await, Code::MethodNotFound);
    peer.cut();
    assert_eq!(gateway.accept().await.methods, ["second"], "another gateway may want to");
}

#[tokio::test]
async fn an_edge_that_is_not_to_tell_tells_nothing() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().register("first", ok).tell_methods(false).connect());
    let caller = gateway.accept().await;
    assert_eq!((caller.methods.len(), caller.features & FEATURE_EDGE_METHODS), (0, 0));
    let mut peer = caller.welcome_with(FEATURE_EDGE_METHODS);
    let edge = soon(connect).await.unwrap().unwrap();
    edge.register("second", ok).await.unwrap();
    assert_eq!(answers(&mut peer, "second").await, Code::Ok);
    assert_eq!(answers(&mut peer, "first").await, Code::Ok);
}

#[tokio::test]
async fn what_a_gateway_refuses_is_answered_all_the_same_and_not_told_it_again() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = connected(&mut gateway, FEATURE_EDGE_METHODS).await;
    edge.register("second", ok).await.unwrap();
    let (id, change, _) = told(&mut peer).await;
    answer(&peer, id, change, Code::Overloaded);
    assert_eq!(answers(&mut peer, "second").await, Code::Ok);
    edge.register("third", ok).await.unwrap();
    assert_eq!(told(&mut peer).await.2, ["third"]);
    peer.cut();
    assert_eq!(gateway.accept().await.methods, ["first", "second", "third"], "the next one may have room");
}

#[tokio::test]
async fn methods_that_do_not_fit_the_hello_are_told_behind_it_and_nobody_waits_for_that() {
    let mut gateway = Gateway::bind();
    let mut builder = gateway.edge();
    for n in 0..10 {
        builder = builder.register(&format!("{n}{}", "m".repeat(30_000)), ok);
    }
    let connect = tokio::spawn(builder.connect());
    let caller = gateway.accept().await;
    assert_eq!(caller.methods.len(), 8);
    let mut peer = caller.welcome_with(FEATURE_EDGE_METHODS);
    let _edge = soon(connect).await.unwrap().unwrap();
    assert_eq!(told(&mut peer).await.2.len(), 2);
}

#[tokio::test]
async fn an_edge_that_moves_tells_its_new_gateway() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, mut peer) = connected(&mut old, FEATURE_EDGE_METHODS).await;
    edge.register("second", ok).await.unwrap();
    let (id, change, _) = told(&mut peer).await;
    answer(&peer, id, change, Code::Ok);
    let notice = GoAway { alternatives: vec![&new.url], ..GoAway::new(Code::Draining, 10_000, "update") };
    peer.send(|out| notice.encode(out));
    let caller = new.accept().await;
    assert_eq!(caller.methods, ["first", "second"]);
    let mut peer = caller.welcome_with(FEATURE_EDGE_METHODS);
    // Wherever the edge is by now, the new gateway hears of it.
    edge.register("third", ok).await.unwrap();
    assert_eq!(told(&mut peer).await.2, ["third"]);
}
