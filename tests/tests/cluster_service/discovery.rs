//! All gateways are found, those that were there and those that come.

use crate::world::{World, knows, who};
use frontier_sdk::{Code, Message, Response};
use frontier_tests::within;

#[tokio::test]
async fn edges_on_all_gateways_are_reached_and_reach_the_service() {
    let world = World::new().await;
    let (first, second) = (world.frontier("f1").await, world.frontier("f2").await);
    let edges = [world.edge(1, &first).await, world.edge(2, &second).await];
    let service = world.service().topics(["telemetry"]).connect().await.unwrap();
    knows(&service, &["f1", "f2"]).await;
    service.register("echo", |req| async move { Ok(Response::new(req.data)) }).await.unwrap();
    for (edge, frontier) in edges.iter().zip(["f1", "f2"]) {
        assert_eq!(who(&service, edge.id()).await.unwrap(), frontier);
        let reply = within("an echo", edge.call("echo", "hello")).await.unwrap();
        assert_eq!(reply.data, "hello");

        let (sent, received) = tokio::join!(within("an ack", edge.publish("telemetry", "21")), async {
            let message = within("a message", service.recv()).await.expect("it goes on");
            let from = message.edge_id;
            Message::done(message);
            from
        });
        assert_eq!((sent, received), (Ok(()), Some(edge.id())));

        let (opened, accepted) = tokio::join!(
            within("a stream", async { edge.open_stream("cluster").await }),
            within("a stream", service.accept_stream())
        );
        opened.unwrap();
        assert_eq!(accepted.unwrap().peer(), &frontier_sdk::Peer::Edge(edge.id()));

        let (opened, accepted) = tokio::join!(
            within("a stream", async { service.open_stream(edge.id()).await }),
            within("a stream", edge.accept_stream())
        );
        opened.unwrap();
        accepted.unwrap();
    }
    let error = who(&service, frontier_sdk::EdgeId(3)).await.unwrap_err();
    assert_eq!(error.code(), Code::EdgeNotOnline);
    // Three times the fragment: it goes on a stream of its own.
    let long = vec![7; 200_000];
    service.publish(edges[1].id(), long.clone()).unacked().await.unwrap();
    assert_eq!(within("a message", edges[1].recv()).await.unwrap().data, long);
}

#[tokio::test]
async fn a_gateway_that_comes_later_is_connected_to_with_all_that_was_registered() {
    let world = World::new().await;
    let _first = world.frontier("f1").await;
    let service = world.connect().await;
    service.register("echo", |req| async move { Ok(Response::new(req.data)) }).await.unwrap();
    service.subscribe("telemetry").await.unwrap();
    let second = world.frontier("f2").await;
    knows(&service, &["f1", "f2"]).await;
    let edge = world.edge(2, &second).await;
    assert_eq!(within("an echo", edge.call("echo", "x")).await.unwrap().data, "x");
    assert_eq!(who(&service, edge.id()).await.unwrap(), "f2");
    let (sent, ()) = tokio::join!(within("an ack", edge.publish("telemetry", "21")), async {
        Message::done(within("a message", service.recv()).await.expect("it goes on"));
    });
    assert_eq!(sent, Ok(()));
}

#[tokio::test]
async fn without_a_watch_the_gateways_are_listed() {
    // No place for anybody who watches, but one, which is taken.
    let world = World::with("watch_interval: 10ms, watchers: 1").await;
    let _first = world.frontier("f1").await;
    let watches = world.connect().await;
    let polls = world.connect().await;
    let second = world.frontier("f2").await;
    for service in [&watches, &polls] {
        knows(service, &["f1", "f2"]).await;
        assert_eq!(who(service, world.edge(2, &second).await.id()).await.unwrap(), "f2");
    }
}
