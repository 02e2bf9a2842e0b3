//! Gateways and frontlas that are gone, or hang.

use super::{Pair, answers, edge, forwarding};
use crate::world::Frontlas;
use frontier_sdk::{Code, EdgeId, Error, Request, Service};
use frontier_tests::{DEADLINE, Gateway, StallProxy, eventually, within};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Longer than anything takes that is not waiting for a deadline.
const SHORT_TIMEOUT: Duration = Duration::from_secs(2);

async fn call(service: &Service, id: u64, timeout: Duration) -> Result<(), Error> {
    let call = service.call(EdgeId(id), "where", "").timeout(timeout);
    within("an answer", call).await.map(drop)
}

#[tokio::test]
async fn a_gateway_that_is_killed_is_an_error_that_says_so_and_is_found_again() {
    let mut pair = Pair::start().await;
    let service = pair.service().await;
    let first = pair.edge(7).await;
    answers(&service, 7).await;
    pair.owner.kill().await;
    let error = call(&service, 7, DEADLINE).await.unwrap_err();
    assert_eq!(error.code(), Code::Disconnected);
    assert!(error.text().contains("frontier owner"), "{}", error.text());
    // Meanwhile that is told without a new attempt each time.
    for _ in 0..20 {
        let error = call(&service, 7, DEADLINE).await.unwrap_err();
        assert_eq!(error.code(), Code::Disconnected);
        assert!(error.text().contains("frontier owner"), "{}", error.text());
    }
    drop(first);
    pair.owner = forwarding("owner", &[pair.frontlas.addr]).start().await;
    let _edge = pair.edge(7).await;
    answers(&service, 7).await;
}

/// Each has one answer, at once: nothing waits for its deadline, which is longer than the test may take.
#[tokio::test]
async fn what_is_under_way_when_a_gateway_is_killed_is_answered() {
    let mut pair = Pair::start().await;
    let service = pair.service().await;
    let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let sleeps = move |_: Request| {
        let begun = begun.clone();
        async move {
            // The test may be over.
            let _ = begun.send(());
            std::future::pending().await
        }
    };
    let edge = pair.owner.edge().id(EdgeId(7)).reconnect(false).register("sleep", sleeps);
    let _edge = edge.connect().await.unwrap();
    pair.frontlas.finds(7, "owner").await;
    let mut calling = JoinSet::new();
    for number in 0..200usize {
        let service = service.clone();
        calling.spawn(async move {
            let payload = vec![0; if number % 10 == 0 { 100_000 } else { 10 }];
            service.call(EdgeId(7), "sleep", payload).timeout(10 * DEADLINE).await.unwrap_err()
        });
    }
    for _ in 0..200 {
        within("a call comes", begins.recv()).await.unwrap();
    }
    pair.owner.kill().await;
    for error in within("all are answered", calling.join_all()).await {
        assert_eq!(
            (error.code(), error.text()),
            (Code::Disconnected, "the connection to frontier owner was lost")
        );
    }
}

#[tokio::test]
async fn a_gateway_that_hangs_costs_a_deadline_and_is_used_again_when_it_goes_on() {
    let pair = Pair::start().await;
    let service = pair.service().await;
    let _edge = pair.edge(7).await;
    answers(&service, 7).await;
    pair.owner.freeze();
    let begun = Instant::now();
    let error = call(&service, 7, SHORT_TIMEOUT).await.unwrap_err();
    assert_eq!(error.code(), Code::Deadline);
    let large = service.call(EdgeId(7), "echo", vec![0; 200_000]).timeout(SHORT_TIMEOUT);
    let error = within("an answer", large).await.unwrap_err();
    assert_eq!(error.code(), Code::Deadline);
    let stream = service.open_stream(EdgeId(7)).timeout(SHORT_TIMEOUT);
    let error = within("an answer", async { stream.await }).await.unwrap_err();
    assert_eq!(error.code(), Code::Deadline);
    assert!(begun.elapsed() < DEADLINE);
    pair.owner.thaw();
    answers(&service, 7).await;
}

#[tokio::test]
async fn without_frontlas_known_locations_go_on_and_new_ones_are_a_retryable_error() {
    let frontlas = Frontlas::patient();
    let plane = StallProxy::to(frontlas.addr).await;
    let owner = forwarding("owner", &[frontlas.addr]).start().await;
    let origin = forwarding("origin", &[plane.addr()]).start().await;
    let service = origin.service("files").connect().await.unwrap();
    let _edges = [edge(&owner, 1).await, edge(&owner, 2).await];
    frontlas.has([1, 2]).await;
    answers(&service, 1).await;
    plane.blackhole();
    plane.cut();
    let lost = async || origin.log().find("the connection to frontlas is lost");
    eventually(DEADLINE, "frontlas is lost", lost).await;
    call(&service, 1, DEADLINE).await.unwrap();
    let error = call(&service, 2, DEADLINE).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Code::Internal, true));
    let expected = "edge 2 is not online here, and where else can't be told: frontlas ";
    assert!(error.text().starts_with(expected), "{}", error.text());
    plane.cut();
    plane.heal();
    answers(&service, 2).await;
}

#[tokio::test]
async fn a_link_to_each_gateway_is_there_before_it_is_needed_and_made_anew_when_it_is_lost() {
    let frontlas = Frontlas::patient();
    let mut owner = forwarding("owner", &[frontlas.addr]).start().await;
    let origin = forwarding("origin", &[frontlas.addr]).set("frontlas.forward.idle", "1s").start().await;
    let linked = async |gateway: &Gateway, times: usize| {
        let count = async || {
            let lines = gateway.log().lines();
            let made = lines.iter().filter(|line| line.contains("another gateway asks here for its")).count();
            (made >= times).then_some(())
        };
        eventually(DEADLINE, "the link is made", count).await;
    };
    linked(&owner, 1).await;
    linked(&origin, 1).await;
    for times in 2..=3 {
        owner.kill().await;
        owner.start_again().await;
        // Nobody has asked for anything.
        linked(&origin, times).await;
        linked(&owner, 1).await;
    }
}

#[tokio::test]
async fn a_gateway_that_stops_ends_its_links_and_edges_are_found_where_they_went() {
    let mut pair = Pair::start().await;
    let (first, second) = (pair.service().await, pair.owner.service("other").connect().await.unwrap());
    let here = pair.edge(1).await;
    let there = edge(&pair.origin, 2).await;
    pair.frontlas.finds(2, "origin").await;
    answers(&first, 1).await;
    answers(&second, 2).await;
    drop(here);
    pair.owner.terminate();
    assert_eq!(pair.owner.process().exit().await, Some(0));
    let moved = edge(&pair.origin, 1).await;
    answers(&first, 1).await;
    drop((moved, there));
}

/// What is cut off at the end of the grace may be tried again, and the log tells how much that was.
#[tokio::test]
async fn calls_of_other_gateways_that_outlast_a_drain_fail_so_that_they_may_be_tried_again() {
    let frontlas = Frontlas::patient();
    let start = |id| forwarding(id, &[frontlas.addr]).set("daemon.grace", "3s").start();
    let (mut owner, origin) = tokio::join!(start("owner"), start("origin"));
    super::is_member(&origin).await;
    let (began, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let hang = move |_: Request| {
        began.send(()).expect("the test goes on");
        std::future::pending()
    };
    let edge = owner.edge().id(EdgeId(7)).reconnect(false).register("hang", hang).connect().await.unwrap();
    frontlas.finds(7, "owner").await;
    let service = std::sync::Arc::new(origin.service("files").connect().await.unwrap());
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { service.call(EdgeId(7), "hang", "").timeout(DEADLINE).await })
        })
        .collect();
    for _ in 0..3 {
        within("a call is there", begun.recv()).await.unwrap();
    }
    owner.terminate();
    for call in calls {
        let error = within("an answer", call).await.unwrap().unwrap_err();
        assert!(matches!(error.code(), Code::Disconnected | Code::Draining), "{error}");
        assert!(error.is_retryable(), "{error}");
    }
    assert_eq!(owner.process().exit().await, Some(0));
    let line = owner.log().find("the grace is over with edges still here");
    assert!(line.is_some(), "{:?}", owner.log().lines());
    drop(edge);
}
