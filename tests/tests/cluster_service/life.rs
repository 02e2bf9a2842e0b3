//! The beginning and the end.

use crate::world::{World, knows, who};
use frontier_sdk::{Closed, Code, Request, Response, ServiceId, Status};
use frontier_tests::{DEADLINE, eventually, within};
use std::time::Duration;

#[tokio::test]
async fn a_close_lets_handlers_end_and_may_be_repeated() {
    let world = World::new().await;
    let frontiers = [world.frontier("f1").await, world.frontier("f2").await];
    let edges = [world.edge(1, &frontiers[0]).await, world.edge(2, &frontiers[1]).await];
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let slow = move |_: Request| {
        let _ = begun.send(());
        async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(Response::new("done"))
        }
    };
    let service = world.service().register("slow", slow).connect().await.unwrap();
    knows(&service, &["f1", "f2"]).await;
    let calls = edges.clone().map(|edge| tokio::spawn(async move { edge.call("slow", "").await }));
    for _ in &calls {
        within("the handler runs", has_begun.recv()).await;
    }
    let again = service.clone();
    let (first, second) = tokio::join!(within("the close", service.close()), again.close());
    assert_eq!((first, second), (Ok(()), Ok(())));
    for call in calls {
        assert_eq!(within("the answer", call).await.unwrap().unwrap().data, "done");
    }
    assert_eq!(service.close().await, Ok(()));
    assert_eq!(service.closed().await, Closed::Local);
    assert!(service.recv().await.is_none() && service.accept_stream().await.is_none());
    assert_eq!(who(&service, edges[0].id()).await.unwrap_err().code(), Code::Cancelled);
    let late = service.register("late", |_| async { Ok(Response::default()) }).await;
    assert_eq!(late.unwrap_err().code(), Code::Cancelled);
    for edge in &edges {
        let gone = within("an answer", edge.call("slow", "")).await.unwrap_err();
        assert_eq!(gone.code(), Code::MethodNotFound);
    }
}

#[tokio::test]
async fn dropping_the_last_handle_ends_it_at_once() {
    let world = World::new().await;
    let first = world.frontier("f1").await;
    let edge = world.edge(1, &first).await;
    let service = world.service().register("echo", |req| async move { Ok(Response::new(req.data)) });
    let service = service.connect().await.unwrap();
    within("an echo", edge.call("echo", "")).await.unwrap();
    let mut status = service.status();
    drop(service);
    assert_eq!(within("the end", status.closed()).await, Closed::Local);
    let is_gone = async || edge.call("echo", "").await.is_err().then_some(());
    eventually(DEADLINE, "the gateway sees it", is_gone).await;
}

#[tokio::test]
async fn one_id_everywhere_and_whoever_comes_with_it_later_takes_over() {
    let world = World::new().await;
    let _frontiers = [world.frontier("f1").await, world.frontier("f2").await];
    let connect = || world.service().id(ServiceId(77)).connect();
    let first = within("the service connects", connect()).await.unwrap();
    knows(&first, &["f1", "f2"]).await;
    assert_eq!((first.id(), first.status().get()), (ServiceId(77), Status::Connected));
    let second = within("the service connects", connect()).await.unwrap();
    assert_eq!(within("the end", first.closed()).await, Closed::Superseded);
    knows(&second, &["f1", "f2"]).await;
    assert_ne!(world.connect().await.id(), world.connect().await.id());
}
