//! New certificates under connections that stand.

use crate::authority::{ALWAYS, Authority};
use crate::gateway::{Gateway, call, echoes};
use frontier_transport::{ClientAuth, ClientTls, Network, ServerTls, ServerTlsConfig};

#[tokio::test]
async fn new_connections_see_what_is_new_and_others_stay() {
    sees_what_is_new(Network::Tls).await;
    sees_what_is_new(Network::Quic).await;
}

async fn sees_what_is_new(network: Network) {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let (server, renewed) = (old.server(&["localhost"], ALWAYS), new.server(&["localhost"], ALWAYS));
    let gateway = Gateway::start(network, Some(server.serving()));
    let url = gateway.url(network.as_str());
    let (trusts_old, trusts_new) = (ClientTls::new().ca_file(old.ca()), ClientTls::new().ca_file(new.ca()));
    let mut before = call(&url, trusts_old.clone()).await.unwrap();
    call(&url, trusts_new.clone()).await.unwrap_err();

    std::fs::copy(&renewed.cert, &server.cert).unwrap();
    let tls = gateway.tls.clone().unwrap();
    let half = tls.reload().unwrap_err().to_string();
    assert!(half.contains("the key does not belong to the certificate"), "{half}");
    call(&url, trusts_old.clone()).await.unwrap();

    std::fs::copy(&renewed.key, &server.key).unwrap();
    tls.reload().unwrap();
    call(&url, trusts_new).await.unwrap();
    call(&url, trusts_old).await.unwrap_err();
    echoes(&mut before, 8).await.unwrap();

    let other = old.server(&["localhost"], ALWAYS);
    tls.adopt(&ServerTls::load(other.serving()).unwrap());
    call(&url, ClientTls::new().ca_file(old.ca())).await.unwrap();
    tls.reload().unwrap();
    call(&url, ClientTls::new().ca_file(old.ca())).await.unwrap();
    echoes(&mut before, 9).await.unwrap();
}

#[tokio::test]
async fn who_is_revoked_does_not_get_in_again() {
    let ca = Authority::new("ca");
    let edge = ca.client("edge", ALWAYS);
    let config = ServerTlsConfig {
        client_auth: ClientAuth::Required,
        ca_certs: vec![ca.ca()],
        ..ca.server(&["localhost"], ALWAYS).serving()
    };
    let mut gateway = Gateway::tls(config.clone());
    let tls = edge.shown_by(ClientTls::new().ca_file(ca.ca()));
    let mut before = call(&gateway.url("tls"), tls.clone()).await.unwrap();
    gateway.accepted().await.unwrap();
    let crls = vec![ca.revoke(&[edge.serial], 2090)];
    gateway.tls.as_ref().unwrap().replace(ServerTlsConfig { crls, ..config }).unwrap();
    let (_, logged) = gateway.refuses("tls", tls).await;
    assert_eq!(logged, "the TLS handshake failed: the client's certificate is revoked");
    echoes(&mut before, 8).await.unwrap();
}
