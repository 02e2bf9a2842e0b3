//! What a service is told of edges at other gateways, and asked about them.

use super::{IDS, Trio};
use frontier_sdk::{Code, EdgeId, HandlerError};
use frontier_tests::{Change, DEADLINE, Presence, eventually};

/// Waits until the gateway's edges are told of there.
async fn is_known(trio: &Trio, gateway: usize, presence: &Presence) {
    let told = async || {
        let edge = trio.gateways[gateway].edge().reconnect(false).connect().await.ok()?;
        let is_told = !presence.of_edge(edge.id()).is_empty();
        edge.close().await.ok()?;
        is_told.then_some(())
    };
    eventually(DEADLINE, "the service hears of edges", told).await;
}

#[tokio::test]
async fn an_edge_anywhere_is_told_of_once_when_it_comes_and_once_when_it_goes() {
    let trio = Trio::start().await;
    let service = trio.gateways[0].service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    for (gateway, name) in IDS.iter().enumerate() {
        is_known(&trio, gateway, &presence).await;
        for turn in 0..5 {
            let id = EdgeId(100 + gateway as u64);
            let meta = format!("{name} {turn}");
            let edge =
                trio.gateways[gateway].edge().id(id).meta(meta).reconnect(false).connect().await.unwrap();
            edge.close().await.unwrap();
            let events = presence.wait(id, 2 * turn + 2).await;
            let changes: Vec<Change> = events.iter().map(|(change, _)| *change).collect();
            assert_eq!(changes, [Change::Online, Change::Offline].repeat(turn + 1));
        }
    }
}

#[tokio::test]
async fn a_newer_connection_comes_after_the_end_of_the_older_one() {
    let trio = Trio::start().await;
    let service = trio.gateways[0].service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    is_known(&trio, 1, &presence).await;
    let connect =
        |meta: &'static str| trio.gateways[1].edge().id(EdgeId(7)).meta(meta).reconnect(false).connect();
    let _old = connect("old").await.unwrap();
    let _new = connect("new").await.unwrap();
    let events = presence.wait(EdgeId(7), 3).await;
    let expected = [(Change::Online, "old"), (Change::Offline, "old"), (Change::Online, "new")];
    assert_eq!(events, expected.map(|(change, meta)| (change, meta.into())));
}

#[tokio::test]
async fn a_service_at_another_gateway_gives_out_ids_and_refuses() {
    let trio = Trio::start().await;
    let service = trio.gateways[0].service("s").connect().await.unwrap();
    let give = |meta: bytes::Bytes| async move {
        match &meta[..] {
            b"bad" => Err(HandlerError::new(1, "not you")),
            _ => Ok(EdgeId(4711)),
        }
    };
    service.on_edge_id(give).await.unwrap();
    let given = async || {
        let edge = trio.gateways[1].edge().meta("good").reconnect(false).connect().await.unwrap();
        (edge.id() == EdgeId(4711)).then_some(())
    };
    eventually(DEADLINE, "it is asked", given).await;
    let error = trio.gateways[1].edge().meta("bad").connect().await.unwrap_err();
    assert_eq!(error.code(), Code::Denied);
    assert!(error.to_string().contains("not you"), "{error}");
}
