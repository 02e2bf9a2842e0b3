//! Gateways that are lost.

use crate::world::{World, knows, who};
use frontier_sdk::{Code, Response, Status};
use frontier_tests::{DEADLINE, Gateway, eventually, replace, within};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_gateway_that_comes_back_is_connected_to_again_and_calls_wait_for_it() {
    let world = World::new().await;
    let mut first = world.frontier("f1").await;
    let second = world.frontier("f2").await;
    let (lost, stays) = (world.edge(1, &first).await, world.edge(2, &second).await);
    let service = world.connect().await;
    service.register("echo", |req| async move { Ok(Response::new(req.data)) }).await.unwrap();
    knows(&service, &["f1", "f2"]).await;

    let restart = async {
        first.gateway.restart().await;
    };
    let ((), answer, other) = tokio::join!(
        restart,
        async {
            // In flight, or begun while there is no connection.
            loop {
                match who(&service, lost.id()).await {
                    Err(error) if error.code() == Code::Disconnected => {}
                    answer => break answer,
                }
            }
        },
        who(&service, stays.id())
    );
    assert_eq!(other.unwrap(), "f2");
    // The edge may be behind its service: then it is not online yet.
    assert!(answer.is_ok() || answer.is_err_and(|error| error.code() == Code::EdgeNotOnline));
    knows(&service, &["f1", "f2"]).await;
    let echo = async || lost.call("echo", "x").timeout(Duration::from_secs(2)).await.ok();
    let echo = eventually(DEADLINE, "the method is there again", echo).await;
    assert_eq!(echo.data, "x");
    assert_eq!(service.status().get(), Status::Connected);
}

#[tokio::test]
async fn a_gateway_that_refuses_the_service_for_a_while_has_it_back() {
    let world = World::new().await;
    let hash = frontier_credentials::token::hash(&b"frt_service"[..]).expect("a token has a hash");
    let good = format!("- {{{}'}}\n", hash.replacen("hash: ", "hash: '", 1));
    let guarded = Gateway::builder().set("reload.enforce", true);
    let file = guarded.file("tokens.yaml");
    replace(&file, &good);
    let guarded = guarded.set("servicebound.auth.methods", json!([{"token": {"file": file}}]));
    let gateway = world.frontier_of("f1", guarded).await;
    let service = within("it connects", world.service().token("frt_service").connect()).await.unwrap();
    let edge = world.edge(1, &gateway).await;

    let mut status = service.status();
    replace(&file, "[]");
    let refused = Status::Refused { code: Code::Unauthenticated, text: "unknown token".into() };
    within("it is refused", async {
        while status.get() != refused {
            status.changed().await;
        }
    })
    .await;
    replace(&file, &good);
    within("it is back", async {
        while status.get() != Status::Connected {
            status.changed().await;
        }
    })
    .await;
    assert_eq!(who(&service, edge.id()).await.unwrap(), "f1");
}

#[tokio::test]
async fn a_call_waits_for_an_edge_whose_gateway_is_lost_to_turn_up_elsewhere() {
    let world = World::new().await;
    let mut first = world.frontier("f1").await;
    let second = world.frontier("f2").await;
    let edge = world.edge(1, &first).await;
    let service = world.connect().await;
    assert_eq!(who(&service, edge.id()).await.unwrap(), "f1");
    drop(edge);
    first.gateway.kill().await;
    let is_lost = async || (!service.frontiers()[0].is_connected).then_some(());
    eventually(DEADLINE, "the loss is seen", is_lost).await;

    let (answer, edge) = tokio::join!(who(&service, frontier_sdk::EdgeId(1)), world.edge(1, &second));
    assert_eq!((answer.as_deref(), edge.id()), (Ok("f2"), frontier_sdk::EdgeId(1)));

    let gone = world.frontier("f3").await;
    let edge = world.edge(3, &gone).await;
    knows_connected(&service, "f3").await;
    drop(gone);
    let call = service.call(edge.id(), "who", "").timeout(Duration::from_millis(500));
    let error = within("an error", call).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

async fn knows_connected(service: &frontier_sdk::ClusterService, id: &str) {
    let is_so = async || service.frontiers().iter().any(|f| f.id == id && f.is_connected).then_some(());
    eventually(DEADLINE, "it is connected", is_so).await;
}

#[tokio::test]
async fn an_error_of_the_application_disturbs_nobody() {
    use frontier_sdk::{HandlerError, Request};
    let world = World::new().await;
    let first = world.frontier("f1").await;
    let edge = world.edge(1, &first).await;
    let fails = |_: Request| async { Err::<Response, _>(HandlerError::new(7, "on purpose")) };
    edge.register("fails", fails).await.unwrap();
    edge.register("never", |_: Request| std::future::pending()).await.unwrap();
    let service = world.connect().await;
    let long = tokio::spawn({
        let (service, edge) = (service.clone(), edge.id());
        async move { service.call(edge, "never", "").timeout(Duration::from_secs(2)).await }
    });
    for _ in 0..20 {
        let failed = within("an error", service.call(edge.id(), "fails", "")).await.unwrap_err();
        assert_eq!((failed.application(), failed.text()), (Some(7), "on purpose"));
        let late = service.call(edge.id(), "never", "").timeout(Duration::from_millis(1));
        assert_eq!(within("an error", late).await.unwrap_err().code(), Code::Deadline);
        let unknown = within("an error", service.call(edge.id(), "nothing", "")).await.unwrap_err();
        assert_eq!(unknown.code(), Code::MethodNotFound);
        assert_eq!(who(&service, edge.id()).await.unwrap(), "f1");
    }
    let long = within("the long call", long).await.unwrap().unwrap_err();
    assert_eq!(long.code(), Code::Deadline, "its connection was never lost");
}
