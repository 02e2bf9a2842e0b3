//! The metrics of a frontlas, on both of its ports.

use crate::http::{becomes, observed};
use crate::pages::documented;
use crate::scrape::Scrape;
use frontier_sdk::EdgeId;
use frontier_test_redis::Server;
use frontier_tests::{Authority, DEADLINE, Frontlas, SERVER_NAME, Validity, eventually, replace};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;

#[tokio::test]
async fn the_page_has_every_metric_of_a_frontlas_and_they_tell_of_the_cluster() {
    let redis = Server::start();
    let files = tempfile::tempdir().unwrap();
    let server = Authority::common().server(&[SERVER_NAME], Validity::Now).write(files.path(), "frontlas");
    let ca = files.path().join("ca.pem");
    replace(&ca, Authority::common().pem());
    let frontlas = Frontlas::builder()
        .set("frontier_plane.listen.network", "tls")
        .set("frontier_plane.listen.tls.certs", json!([{"cert": server.cert, "key": server.key}]))
        .set("redis.standalone.addr", redis.addr().to_string())
        .set("observability.enable", true)
        .set("observability.addr", "127.0.0.1:0")
        .start()
        .await;
    let told = async || {
        let line = frontlas.log().find("the metrics plane listens")?;
        line.split_once("addr=")?.1.split_whitespace().next()?.parse::<SocketAddr>().ok()
    };
    let addr = eventually(DEADLINE, "it listens for scrapes", told).await;
    let gateway = observed()
        .set("frontlas.enable", true)
        .set("frontlas.dial.network", "tls")
        .set("frontlas.dial.tls", json!({"ca_certs": [ca], "server_name": SERVER_NAME}))
        .set("frontlas.dial.addrs", vec![frontlas.plane().to_string()])
        .start()
        .await;
    let edge = gateway.edge().id(EdgeId(1)).connect().await.unwrap();
    becomes(addr, 200).await;
    let counts = async || Scrape::of(addr).await.find("frontlas_edges").filter(|count| *count == 1.0);
    eventually(DEADLINE, "the edge is counted", counts).await;
    let scrape = Scrape::of(addr).await;
    for (sample, expected) in [
        ("frontlas_frontiers", 1.0),
        ("frontlas_frontier_connections", 1.0),
        ("frontlas_ready", 1.0),
        ("frontlas_redis_connected", 1.0),
        ("frontlas_watches", 0.0),
    ] {
        assert_eq!(scrape.value(sample), expected, "{sample}");
    }
    assert!(scrape.value("frontlas_redis_operation_duration_seconds_count{operation=\"write\"}") > 0.0);
    assert_eq!(crate::gateway::check(&scrape.text), "");
    let page: BTreeMap<_, _> = documented("Of frontlas").into_iter().chain(documented("Of both")).collect();
    assert_eq!(format!("{:#?}", scrape.families()), format!("{page:#?}"));
    assert_eq!(Scrape::of(frontlas.control()).await.families(), page, "the control plane tells the same");
    drop(edge);
}
