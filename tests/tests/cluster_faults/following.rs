//! Gateways come, go and change their addresses, and applications fail.

use crate::world::{World, turn};
use frontier_sdk::{ClusterService, Edge, EdgeId, HandlerError, Request, Response, Status};
use frontier_test_redis::Server;
use frontier_tests::{DEADLINE, eventually};
use std::time::Duration;

async fn fails(_: Request) -> Result<Response, HandlerError> {
    Err(HandlerError::new(7, "on purpose"))
}

/// Calls that the application fails, both ways, and those that it answers.
async fn call(service: &ClusterService, edge: &Edge) {
    for _ in 0..5 {
        let (down, up) = tokio::join!(
            service.call(edge.id(), "fails", "").timeout(DEADLINE).into_future(),
            edge.call("fails", "").timeout(DEADLINE).into_future()
        );
        for failed in [down, up] {
            let error = failed.expect_err("it fails");
            assert_eq!((error.application(), error.text()), (Some(7), "on purpose"), "{error}");
        }
        let (down, up) = tokio::join!(
            service.call(edge.id(), "echo", "down").timeout(DEADLINE).into_future(),
            edge.call("echo", "up").timeout(DEADLINE).into_future()
        );
        assert_eq!(
            (down.expect("an answer").data, up.expect("an answer").data),
            ("down".into(), "up".into())
        );
    }
}

/// Waits until the edge is reached and reaches the service again.
async fn is_back(service: &ClusterService, edge: &Edge) {
    let echoes = async || {
        let down = service.call(edge.id(), "echo", "").timeout(Duration::from_secs(5)).await;
        let up = edge.call("echo", "").timeout(Duration::from_secs(5)).await;
        (down.is_ok() && up.is_ok()).then_some(())
    };
    eventually(2 * DEADLINE, "the edge is back", echoes).await;
}

#[tokio::test]
async fn what_becomes_of_gateways_is_followed_and_what_becomes_of_calls_disturbs_nobody() {
    let _turn = turn().await;
    let redis = Server::start();
    let on_redis = |frontlas: frontier_tests::FrontlasBuilder| {
        let frontlas = frontlas.set("redis.standalone.addr", redis.addr().to_string());
        frontlas.set("frontier_plane.expiration.alive", "2s")
    };
    let mut world = World::start(on_redis, 1).await;
    let service = world.service().register("fails", fails).connect().await.expect("the service connects");
    let edge = world.edge(1).register("fails", fails).connect().await.expect("the edge connects");
    is_back(&service, &edge).await;
    let (mut of_service, mut of_edge) = (service.status(), edge.status());
    call(&service, &edge).await;

    world.join("f1").await;
    world.is_connected(&service, &["f0", "f1"]).await;
    let newcomer = world.gateways[1].1.edge().id(EdgeId(2)).register("fails", fails);
    let newcomer = newcomer.register("echo", crate::world::echo).connect().await.expect("an edge connects");
    is_back(&service, &newcomer).await;
    call(&service, &newcomer).await;
    call(&service, &edge).await;
    for status in [&mut of_service, &mut of_edge] {
        let changed = tokio::time::timeout(Duration::ZERO, status.changed()).await;
        assert!(changed.is_err(), "nothing was lost, and yet: {changed:?}");
    }

    // Another process has its id, elsewhere.
    world.gateways[0].1.kill().await;
    world.join("f0").await;
    let address = world.gateways[2].1.service_url();
    let is_followed = async || {
        let frontiers = service.frontiers();
        let first = frontiers.first().filter(|it| it.id == "f0" && it.address == address)?;
        first.is_connected.then_some(())
    };
    eventually(2 * DEADLINE, "its new address is followed", is_followed).await;
    let late = world.gateways[2].1.edge().id(EdgeId(3)).register("fails", fails);
    let late = late.register("echo", crate::world::echo).connect().await.expect("an edge connects");
    for edge in [&edge, &late] {
        is_back(&service, edge).await;
        call(&service, edge).await;
    }

    // And one goes in good order.
    newcomer.close().await.expect("the edge leaves");
    world.gateways[1].1.terminate();
    world.is_connected(&service, &["f0"]).await;
    world
        .tells(&["f0"], 1, |all| match all.places().keys().copied().collect::<Vec<_>>()[..] {
            [1, 3] => Ok(()),
            ref others => Err(format!("{others:?}")),
        })
        .await;
    is_back(&service, &edge).await;
    call(&service, &edge).await;
    assert_eq!((service.status().get(), edge.status().get()), (Status::Connected, Status::Connected));
}
