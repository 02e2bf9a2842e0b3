//! What is registered is registered everywhere.

use crate::world::{World, knows};
use frontier_sdk::{Code, EdgeId, HandlerError, Response};
use frontier_tests::{DEADLINE, Gateway, eventually, within};

#[tokio::test]
async fn a_gateway_that_refuses_a_name_does_not_keep_others_from_taking_it() {
    let world = World::new().await;
    let narrow = Gateway::builder().set("limits.names_per_service", 1);
    let (first, second) = (world.frontier("f1").await, world.frontier_of("f2", narrow).await);
    let edges = [world.edge(1, &first).await, world.edge(2, &second).await];
    let service = world.connect().await;
    knows(&service, &["f1", "f2"]).await;
    for method in ["one", "two"] {
        let echo = |req: frontier_sdk::Request| async move { Ok(Response::new(req.data)) };
        service.register(method, echo).await.unwrap();
        assert_eq!(within("an answer", edges[0].call(method, "x")).await.unwrap().data, "x");
    }
    let refused = within("an answer", edges[1].call("two", "x")).await.unwrap_err();
    assert_eq!(refused.code(), Code::MethodNotFound);
    assert_eq!(within("an answer", edges[1].call("one", "x")).await.unwrap().data, "x");
    service.unregister("one").await.unwrap();
    for edge in &edges {
        let gone = within("an answer", edge.call("one", "x")).await.unwrap_err();
        assert_eq!(gone.code(), Code::MethodNotFound);
    }
    // A gateway that is told all names with the first word refuses the whole service. It is told less then.
    service.register("three", |_| async { Ok(Response::default()) }).await.unwrap();
    let narrow = Gateway::builder().set("limits.names_per_service", 1);
    let third = world.frontier_of("f3", narrow).await;
    knows(&service, &["f1", "f2", "f3"]).await;
    let edge = world.edge(3, &third).await;
    let takes_one = async || {
        let (two, three) = (edge.call("two", "").await, edge.call("three", "").await);
        (two.is_ok() != three.is_ok()).then_some(())
    };
    eventually(DEADLINE, "one of the names is taken", takes_one).await;
}

#[tokio::test]
async fn what_all_refuse_is_an_error_and_is_not_tried_again() {
    let world = World::new().await;
    let narrow = Gateway::builder().set("limits.names_per_service", 1);
    let _first = world.frontier_of("f1", narrow).await;
    let service = world.connect().await;
    service.register("one", |_| async { Ok(Response::default()) }).await.unwrap();
    let refused = service.register("two", |_| async { Ok(Response::default()) }).await.unwrap_err();
    assert_eq!(refused.code(), Code::Overloaded);
    service.unregister("one").await.unwrap();
    service.subscribe("two").await.unwrap();
}

#[tokio::test]
async fn ids_are_given_out_and_edges_are_announced_on_every_gateway() {
    let world = World::new().await;
    let frontiers = [world.frontier("f1").await, world.frontier("f2").await];
    let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let service = world
        .service()
        .on_edge_id(|meta| async move {
            let id = std::str::from_utf8(&meta).ok().and_then(|meta| meta.parse().ok());
            id.map(EdgeId).ok_or_else(|| HandlerError::new(1, "no number"))
        })
        .on_edge_online(move |edge| {
            let _ = sender.send(edge.id);
            async { Ok(()) }
        })
        .connect();
    let service = within("the service connects", service).await.unwrap();
    knows(&service, &["f1", "f2"]).await;
    for (frontier, id) in frontiers.iter().zip([17, 18]) {
        let edge = frontier.gateway.edge().meta(id.to_string()).connect();
        let edge = within("the edge connects", edge).await.unwrap();
        assert_eq!(edge.id(), EdgeId(id));
        assert_eq!(within("the event", heard.recv()).await, Some(EdgeId(id)));
    }
}
