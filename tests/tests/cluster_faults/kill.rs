//! A gateway is killed.

use crate::calls::{Calls, Failure, Pace, answered};
use crate::fleet::connect;
use crate::world::{CONVERGENCE_TIMEOUT, Places, World, turn};
use frontier_sdk::{ClusterService, Code, Edge, Status};
use frontier_test_redis::Server;
use frontier_tests::eventually;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

const EDGES: u64 = 3000;

/// More files and sockets than a frontlas has open for some gateways and a service.
const MAX_OPEN_FILES: usize = 200;

const LEASE_TIME: Duration = Duration::from_secs(10);

/// Within this of its SDK's notice an edge can be called again, but for one of a hundred; unless the machine
/// is so slow that connecting all of them took long, too: then within twice that.
const REACHED_TIMEOUT: Duration = Duration::from_secs(5);

/// Not more than a busy machine can do.
const PACE: Pace = Pace { edge: Duration::from_secs(6), service: Duration::from_millis(10), callers: 4 };

/// How long an edge took to connect, and to be reached again, from when its SDK saw that it had lost its
/// gateway. It is called all the time, and each call is answered or fails in time.
async fn comes_back(service: ClusterService, edge: Edge) -> (Duration, Duration) {
    let mut status = edge.status();
    while status.get() != Status::Reconnecting {
        status.changed().await;
    }
    let lost = Instant::now();
    let connects = async {
        while status.get() != Status::Connected {
            status.changed().await;
        }
        lost.elapsed()
    };
    tokio::join!(connects, is_reached(&service, &edge, lost))
}

async fn is_reached(service: &ClusterService, edge: &Edge, lost: Instant) -> Duration {
    loop {
        match answered(service.call(edge.id(), "echo", "back")).await {
            Ok(_) => return lost.elapsed(),
            Err(error) => {
                assert!(is_expected(error.code()), "edge {}: {error}", edge.id());
                assert!(lost.elapsed() < CONVERGENCE_TIMEOUT, "edge {}: {error}", edge.id());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// The 99th percentile and the longest.
fn summary(what: &str, mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort_unstable();
    let (median, late, last) =
        (took[took.len() / 2], took[(took.len() - 1) * 99 / 100], took[took.len() - 1]);
    println!("{what} again: median {median:?}, p99 {late:?}, the last {last:?}");
    (late, last)
}

/// What a call to an edge that has lost its gateway may fail with.
fn is_expected(code: Code) -> bool {
    matches!(code, Code::Disconnected | Code::EdgeNotOnline)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_thousand_edges_of_three_gateways_outlive_one_of_them() {
    let _turn = turn().await;
    let limit = frontier_daemon::process::raise_open_files().expect("the limit can be raised");
    assert!(limit >= 8192, "3,000 edges need more than {limit} open files: raise the hard limit");
    let redis = Server::start();
    let on_redis = |frontlas: frontier_tests::FrontlasBuilder| {
        frontlas
            .set("redis.standalone.addr", redis.addr().to_string())
            .set("frontier_plane.expiration.alive", format!("{}s", LEASE_TIME.as_secs()))
    };
    let mut world = World::start(on_redis, 3).await;
    let service = world.service().connect().await.expect("the service connects");
    world.is_connected(&service, &["f0", "f1", "f2"]).await;
    let begun = Instant::now();
    let edges = connect(&world, 1..=EDGES).await;
    let connecting = begun.elapsed();
    println!("{EDGES} edges have connected within {connecting:?}");
    let everyone: BTreeSet<u64> = (1..=EDGES).collect();
    let is_everyone = |places: &Places| {
        let known: BTreeSet<u64> = places.keys().copied().collect();
        let missing = everyone.difference(&known).count();
        if known == everyone { Ok(()) } else { Err(format!("{missing} edges are missing")) }
    };
    world.tells(&["f0", "f1", "f2"], 1, |all| is_everyone(&all.places())).await;
    let before = world.replicas()[0].all().await.expect("it answers").places();
    let (lost, stay): (Vec<Edge>, Vec<Edge>) =
        edges.iter().cloned().partition(|edge| before[&edge.id().0] == "f0");
    println!("{} of them are at the gateway that is killed", lost.len());

    for frontlas in &world.frontlas {
        // Edges have asked it, and have left again.
        let few = async || (frontlas.open_files() < MAX_OPEN_FILES).then_some(());
        eventually(CONVERGENCE_TIMEOUT, "edges keep no connection to frontlas", few).await;
    }

    let calls = Calls::start(&edges, &service, PACE);
    calls.go_on(300).await;
    let mut coming = JoinSet::new();
    for edge in &lost {
        coming.spawn(comes_back(service.clone(), edge.clone()));
    }
    world.gateways[0].1.kill().await;
    let killed = Instant::now();
    let took = tokio::time::timeout(2 * CONVERGENCE_TIMEOUT, coming.join_all()).await;
    let (connected, reached): (Vec<_>, Vec<_>) =
        took.expect("every edge can be called again").into_iter().unzip();
    println!("all edges were back {:?} after the kill; from their SDK's notice on", killed.elapsed());
    summary("connected", connected);
    let (late, last) = summary("reached", reached);
    assert!(late <= REACHED_TIMEOUT.max(2 * connecting), "99 of 100 edges were reached only after {late:?}");
    assert!(last <= CONVERGENCE_TIMEOUT, "the last edge was reached only after {last:?}");
    calls.go_on(300).await;

    // No ghosts, and every count is true.
    tokio::time::sleep_until(killed + LEASE_TIME).await;
    world.tells(&["f1", "f2"], 1, |all| is_everyone(&all.places())).await;
    world.is_connected(&service, &["f1", "f2"]).await;
    calls.go_on(300).await;
    let answered = calls.answered();
    let failed = calls.stop().await;
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for Failure { way, edge, error } in &failed {
        assert_eq!(before[edge], "f0", "{way:?}: the gateway of edge {edge} was not killed: {error}");
        assert!(is_expected(error.code()), "{way:?}: edge {edge}: {error}");
        *kinds.entry(format!("{way:?} {:?}", error.code())).or_default() += 1;
    }
    println!("{answered:?} calls were answered up and down, and failed: {kinds:?}");
    assert!(stay.iter().chain(&lost).all(|edge| edge.status().get() == Status::Connected));
}
