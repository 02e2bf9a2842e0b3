//! Whether a gateway says that it is ready: with what it depends on, and while it stops.

use crate::http::{becomes, get, metrics_of, observed};
use crate::scrape::Scrape;
use frontier_sdk::EdgeId;
use frontier_tests::{DEADLINE, Frontlas, eventually};

#[tokio::test]
async fn a_gateway_without_its_frontlas_is_degraded_and_in_service() {
    let mut frontlas = Frontlas::builder().start().await;
    let gateway = observed()
        .set("frontlas.enable", true)
        .set("frontlas.dial.addrs", vec![frontlas.plane().to_string()])
        .set("daemon.frontier_id", "g")
        .start()
        .await;
    let addr = metrics_of(&gateway).await;
    let edge = gateway.edge().id(EdgeId(1)).connect().await.unwrap();
    let is = async |expected: &str| {
        let told = async || becomes(addr, 200).await.contains(expected).then_some(());
        eventually(DEADLINE, expected, told).await;
    };
    is("\"status\":\"ready\"").await;
    let reports =
        async || (Scrape::of(addr).await.value("frontier_frontlas_lag_seconds") == 0.0).then_some(());
    eventually(DEADLINE, "all is reported", reports).await;
    assert_eq!(Scrape::of(addr).await.value("frontier_frontlas_connected"), 1.0);
    frontlas.kill().await;
    is("\"degraded\":[\"frontlas has not been reached for ").await;
    assert_eq!(get(addr, "/healthz?ready", "*/*").await.0, 200);
    let scrape = Scrape::of(addr).await;
    assert_eq!(scrape.value("frontier_frontlas_connected"), 0.0);
    assert_eq!(scrape.value("frontier_frontlas_disconnects_total"), 1.0);
    assert!(scrape.value("frontier_frontlas_lag_seconds") > 0.0);
    frontlas.start_again().await;
    is("\"degraded\":[]").await;
    drop(edge);
}

#[tokio::test]
async fn a_gateway_that_drains_is_not_ready_and_tells_on() {
    let mut gateway = observed().start().await;
    let addr = metrics_of(&gateway).await;
    becomes(addr, 200).await;
    // It waits for a while whether the edge goes elsewhere, which it can't.
    let edge = gateway.edge().reconnect(false).connect().await.unwrap();
    gateway.terminate();
    becomes(addr, 503).await;
    assert_eq!(Scrape::of(addr).await.value("frontier_draining"), 1.0);
    assert_eq!(gateway.process().exit().await, Some(0));
    drop(edge);
}
