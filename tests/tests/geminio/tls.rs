//! Clients of the original over TLS, which name no protocol: with certificates, and without.

use crate::client::Client;
use crate::observed::get;
use frontier_tests::{Authority, Gateway, Validity};
use frontier_transport::Network;

#[tokio::test]
async fn both_wires_come_to_a_port_with_tls_and_certificates_are_asked_of_both() {
    let ca = Authority::new("edges");
    let gateway = Gateway::over(Network::Tls).mtls(&ca, &[]).start().await;
    let tls = gateway.tls();
    let meta = br#"{"service":"svc","topics":["t"]}"#;
    let service = Client::dial_tls(gateway.services(), &tls).await.unwrap();
    let mut service = service.introduced(0, meta).await.unwrap();
    service.register("echo").await;
    tokio::spawn(service.echo());
    // With TLS 1.3 a client learns at its first read that it is refused.
    if let Ok(client) = Client::dial_tls(gateway.edges(), &tls).await {
        assert_eq!(client.introduced(0, b"").await.err().as_deref(), Some("the connection ended"));
    }
    let identity = ca.client("edge-7", &[], Validity::Now);
    let shown = identity.shown_by(gateway.tls());
    let edge = Client::dial_tls(gateway.edges(), &shown).await.unwrap();
    let mut edge = edge.introduced(0, b"meta").await.unwrap();
    assert_eq!(edge.call("echo", b"", b"payload").await, Ok(b"payload".to_vec()));
    let payload = vec![7; 300_000];
    assert_eq!(edge.call("echo", b"", &payload).await, Ok(payload));
    let listed = get(gateway.control().await, &format!("/v1/edges/{}", edge.id)).await;
    assert!(listed.contains(r#""network":"geminio+tls""#), "{listed}");
    let ours = gateway.edge().tls(identity.shown_by(gateway.tls())).connect().await.unwrap();
    assert_eq!(ours.call("echo", "x").await.unwrap().data, "x");
    edge.close().await;
}

#[tokio::test]
async fn a_listener_with_tls_may_be_for_them_alone() {
    let gateway = Gateway::over(Network::Tls).set("edgebound.listen.network", "geminio+tls").start().await;
    let edge = Client::dial_tls(gateway.edges(), &gateway.tls()).await.unwrap();
    edge.introduced(0, b"").await.unwrap().close().await;
    assert!(gateway.edge().connect().await.is_err(), "a link is none of theirs");
    assert!(Client::connect(gateway.edges(), 0, b"").await.is_err(), "nor are packets without TLS");
}
