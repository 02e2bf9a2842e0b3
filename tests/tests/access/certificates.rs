//! Client certificates as identities.

use crate::world::{World, edge_refused, unauthenticated};
use frontier_sdk::{ClientTls, EdgeId};
use frontier_tests::{Authority, SERVER_NAME, Validity, within};

pub(crate) const MTLS: &str = "
edgebound:
  listen:
    addr: HERE
    tls:
      enable: true
      certs: [{cert: DIR/server.pem, key: DIR/server.key}]
      mtls: optional
      ca_certs: [DIR/ca.pem]
      crls: [DIR/revoked.crl]
  auth: {methods: [{mtls: {edge_id: 'uri:urn:frontier:edge:{id}', labels: {region: 'uri:urn:region:{region}'}}}]}
servicebound: {listen: {addr: HERE}}
";

/// A gateway that takes the certificates of `ca`.
pub(crate) async fn start(ca: &Authority, yaml: &str) -> World {
    let server = ca.server(&[SERVER_NAME], Validity::Now);
    let world = World::new().with("ca.pem", ca.pem()).with("revoked.crl", ca.revoke(&[]));
    world.with("server.pem", server.cert()).with("server.key", server.key()).start(yaml).await
}

fn edge(ca: &Authority, uris: &[&str]) -> ClientTls {
    ca.client("sensor", uris, Validity::Now).shown_by(ca.trusted())
}

#[tokio::test]
async fn a_name_in_the_certificate_gives_the_edge_its_id() {
    let ca = Authority::new("ca");
    let world = start(&ca, MTLS).await;
    let tls = edge(&ca, &["urn:frontier:edge:7"]);
    let edge = within("it gets in", world.tls_edge(0).tls(tls.clone()).connect()).await.unwrap();
    assert_eq!(edge.id(), EdgeId(7));
    let refused = edge_refused(world.tls_edge(0).tls(tls).id(EdgeId(8))).await;
    assert_eq!(refused, unauthenticated("the credentials are for another EdgeID"));
}

#[tokio::test]
async fn without_a_certificate_nobody_gets_in() {
    let ca = Authority::new("ca");
    let world = start(&ca, MTLS).await;
    let refused = edge_refused(world.tls_edge(0).tls(ca.trusted()).token("frt_seven")).await;
    assert_eq!(refused, unauthenticated("credentials are missing: a client certificate is needed here"));
}

#[tokio::test]
async fn a_certificate_without_such_a_name_is_refused() {
    let ca = Authority::new("ca");
    let world = start(&ca, MTLS).await;
    let refused = edge_refused(world.tls_edge(0).tls(edge(&ca, &["urn:other"]))).await;
    let text = "the client certificate names no EdgeID in the form that is expected here";
    assert_eq!(refused, unauthenticated(text));
    let two = edge(&ca, &["urn:frontier:edge:7", "urn:frontier:edge:8"]);
    let refused = edge_refused(world.tls_edge(0).tls(two)).await;
    assert_eq!(refused, unauthenticated("the client certificate names more than one EdgeID"));
}
