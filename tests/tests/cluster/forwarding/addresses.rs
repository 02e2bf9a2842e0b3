//! Where a gateway lets itself be led: what frontlas says of others is not enough to get its token.

use super::{answers, edge, is_member};
use crate::world::{Frontlas, member};
use frontier_sdk::{Code, EdgeId};
use frontier_tests::{Authority, Gateway, GatewayBuilder, Network, Validity};
use frontlas::{Directory, Event, NewFrontier, Presence};
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpListener;

/// The directory has the edge 7 at a gateway of this id and address.
async fn lures(frontlas: &Frontlas, id: &str, servicebound: String) {
    let frontier = NewFrontier {
        id: id.into(),
        advertised_sb_addr: servicebound,
        advertised_eb_addr: "tcp://192.0.2.1:1".into(),
    };
    let lease = frontlas.directory.join(&frontier, None).await.expect("it may join");
    let now = frontlas.directory.time().await.expect("it answers");
    let online = [Event::Online(Presence::edge(7, "192.0.2.1:2", now))];
    frontlas.directory.apply(&lease, &online).await.expect("it answers");
}

fn origin(frontlas: &Frontlas) -> GatewayBuilder {
    member("origin", &[frontlas.addr])
        .set("frontlas.forward.enable", true)
        .set("frontlas.forward.token", "frt_secret")
}

#[tokio::test]
async fn from_tls_no_gateway_is_followed_to_an_address_without() {
    let frontlas = Frontlas::patient();
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = trap.local_addr().unwrap();
    let builder = origin(&frontlas);
    let ca = builder.file("forward-ca.pem");
    frontier_tests::replace(&ca, Authority::common().pem());
    let secured = builder.set("frontlas.forward.tls.ca_certs", json!([ca])).start().await;
    is_member(&secured).await;
    let files = secured.service("files").connect().await.unwrap();
    for told in [format!("tcp://{addr}"), addr.to_string(), format!("ws://{addr}")] {
        lures(&frontlas, "trap", told.clone()).await;
        let error = files.call(EdgeId(7), "m", "").await.unwrap_err();
        assert!(error.text().contains("without TLS"), "{told}: {error}");
        assert!(error.text().contains("frontlas.forward.allow_downgrade"), "{told}: {error}");
    }
    secured.log().line("another gateway is not dialled").await;
    let dialled = tokio::time::timeout(Duration::from_millis(100), trap.accept()).await;
    assert!(dialled.is_err(), "nobody has come");
}

/// An earlier frontlas on the same store tells `host:port`.
#[tokio::test]
async fn a_gateway_is_reached_by_host_and_port_alone() {
    let frontlas = Frontlas::patient();
    let owner = Gateway::builder()
        .set("frontlas.enable", true)
        .set("frontlas.forward.enable", true)
        .set("frontlas.dial.addrs", json!(["127.0.0.1:1"]))
        .set("daemon.frontier_id", "owner")
        .start()
        .await;
    let origin = origin(&frontlas).start().await;
    is_member(&origin).await;
    let _edge = edge(&owner, 7).await;
    lures(&frontlas, "owner", owner.services().to_string()).await;
    let files = origin.service("files").connect().await.unwrap();
    assert_eq!(answers(&files, 7).await, owner.edges().to_string());
}

#[tokio::test]
async fn a_certificate_has_to_name_the_gateway_and_not_the_host_alone() {
    let frontlas = Frontlas::patient();
    let certified = |id: &str, name: &str| {
        let builder = Gateway::over(Network::Tls)
            .set("frontlas.enable", true)
            .set("frontlas.forward.enable", true)
            .set("frontlas.dial.addrs", json!(["127.0.0.1:1"]))
            .set("daemon.frontier_id", id);
        let own = Authority::common().server(&[name], Validity::Now).write(builder.dir(), "own");
        builder.certificates("servicebound", &[own]).start()
    };
    let (owner, thief) =
        (certified("owner", "owner.gw.example").await, certified("thief", "thief.gw.example").await);
    let builder = origin(&frontlas);
    let ca = builder.file("forward-ca.pem");
    frontier_tests::replace(&ca, Authority::common().pem());
    let origin = builder
        .set("frontlas.forward.tls.ca_certs", json!([ca]))
        .set("frontlas.forward.tls.server_name", "{frontier_id}.gw.example")
        .start()
        .await;
    is_member(&origin).await;
    let (_edge, _decoy) = (edge(&owner, 7).await, edge(&thief, 7).await);
    let files = origin.service("files").connect().await.unwrap();
    lures(&frontlas, "owner", thief.service_url()).await;
    let error = files.call(EdgeId(7), "where", "").await.unwrap_err();
    assert_eq!(error.code(), Code::Disconnected, "{error}");
    assert!(error.text().contains("owner.gw.example"), "{error}");
    lures(&frontlas, "owner", owner.service_url()).await;
    assert_eq!(answers(&files, 7).await, owner.edges().to_string());
}
