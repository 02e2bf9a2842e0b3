//! A service that is at many gateways has its place in the directory for each of them.

use crate::world::{World, echo, turn};
use frontier_sdk::{EdgeId, Service, ServiceId, Status};
use frontier_test_redis::Server;
use frontier_tests::{DEADLINE, eventually};
use std::collections::BTreeMap;

async fn world(redis: &Server) -> World {
    let addr = redis.addr().to_string();
    World::start(
        |frontlas| {
            frontlas.set("redis.standalone.addr", addr.as_str()).set("frontier_plane.expiration.alive", "2s")
        },
        3,
    )
    .await
}

#[tokio::test]
async fn a_service_of_a_cluster_is_known_at_each_gateway_by_an_id_of_its_own() {
    let _turn = turn().await;
    let redis = Server::start();
    let mut world = world(&redis).await;
    let service = world.service().id(ServiceId(77)).connect().await.expect("the service connects");
    let other = world.service().connect().await.expect("another one connects");
    for service in [&service, &other] {
        world.is_connected(service, &["f0", "f1", "f2"]).await;
    }
    world.tells(&["f0", "f1", "f2"], 2, |_| Ok(())).await;
    let all = world.replicas()[0].all().await.expect("it answers");
    let known: BTreeMap<u64, String> =
        all.services.into_iter().map(|it| (it.service_id, it.frontier_id)).collect();
    for service in [&service, &other] {
        for frontier in service.frontiers() {
            assert_eq!(frontier.service_id, service.id().at(&frontier.id));
            assert_eq!(known.get(&frontier.service_id.0), Some(&frontier.id));
        }
    }
    let mut status = service.status();
    // A gateway that goes takes its own away and no other.
    world.gateways[0].1.kill().await;
    world.tells(&["f1", "f2"], 2, |_| Ok(())).await;
    // Another one with the same id takes over everywhere, and there is one of them then.
    let successor = world.service().id(ServiceId(77)).connect().await.expect("the service connects");
    assert_eq!(status.closed().await, frontier_sdk::Closed::Superseded);
    world.is_connected(&successor, &["f1", "f2"]).await;
    world.tells(&["f1", "f2"], 2, |_| Ok(())).await;
    assert_eq!(other.status().get(), Status::Connected);
}

/// A token fixes the service's own id, and so the one that it has at the gateway.
#[tokio::test]
async fn an_id_that_credentials_fix_holds_in_the_whole_cluster() {
    let _turn = turn().await;
    let redis = Server::start();
    let mut world = world(&redis).await;
    // The hash of `secret`.
    let tokens = "- {hash: 'sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b', service_id: 77, service: all}";
    world
        .join_with("f3", |gateway| {
            let file = gateway.file("tokens.yaml");
            std::fs::write(&file, tokens).expect("a file can be written");
            let method = serde_json::json!({"token": {"file": file}});
            gateway.set("servicebound.auth.methods", serde_json::json!([method]))
        })
        .await;
    let connect = |id| world.service().id(ServiceId(id)).token("secret").connect();
    let service = connect(77).await.expect("the service connects");
    world.is_connected(&service, &["f0", "f1", "f2", "f3"]).await;
    world.tells(&["f0", "f1", "f2", "f3"], 1, |_| Ok(())).await;
    let other = connect(78).await.expect("the service connects elsewhere");
    let is_kept_out = async || {
        let frontiers = other.frontiers();
        let connected = frontiers.iter().map(|it| it.is_connected).collect::<Vec<_>>();
        (connected == [true, true, true, false]).then_some(())
    };
    eventually(DEADLINE, "it is connected where anyone may be", is_kept_out).await;
    let log = world.gateway("f3").log().clone();
    eventually(DEADLINE, "it is refused", async || log.find("ServiceID").or_else(|| log.find("refused")))
        .await;
}

/// Two services of one gateway each that have been given one id: the directory has one place for them, but
/// neither is disturbed.
#[tokio::test]
async fn one_id_at_two_gateways_is_no_take_over() {
    let _turn = turn().await;
    let redis = Server::start();
    let world = world(&redis).await;
    let connect = async |gateway: usize| -> Service {
        let service = world.gateways[gateway].1.service("s").id(ServiceId(77)).register("echo", echo);
        service.connect().await.expect("a service connects")
    };
    let services = [connect(0).await, connect(1).await];
    let mut watches = services.each_ref().map(Service::status);
    let edges =
        [0, 1].map(|gateway| world.gateways[gateway].1.edge().id(EdgeId(gateway as u64 + 1)).connect());
    let [first, second] = edges;
    let edges = [first.await.expect("an edge"), second.await.expect("an edge")];
    let mut replica = world.replicas().remove(0);
    let is_known = async || {
        let all = replica.all().await.ok()?;
        (all.service_count == 1 && all.edge_count == 2).then_some(())
    };
    eventually(DEADLINE, "one of them is known", is_known).await;
    // Redis is emptied: all is told anew, which comes more than once.
    for _ in 0..2 {
        assert_eq!(redis.cli(&["FLUSHALL"]), "OK");
        let mut replica = world.replicas().remove(1);
        let is_known = async || {
            let all = replica.all().await.ok()?;
            (all.service_count == 1 && all.edge_count == 2).then_some(())
        };
        eventually(DEADLINE, "one of them is known", is_known).await;
        for edge in &edges {
            edge.call("echo", "").await.expect("an answer");
        }
    }
    for (watch, service) in watches.iter_mut().zip(&services) {
        let lost = tokio::time::timeout(std::time::Duration::ZERO, watch.changed()).await;
        assert!(lost.is_err(), "{lost:?}");
        assert_eq!(service.id(), ServiceId(77));
    }
}
