//! The client's certificate, as the server sees it.

use crate::authority::{ALWAYS, Authority, FUTURE, Identity, PAST};
use crate::gateway::{Gateway, call};
use frontier_transport::{ClientAuth, ClientTls, Network, Party, ServerTlsConfig, TlsError, TlsVersion};
use std::time::{Duration, SystemTime};

struct World {
    ca: Authority,
    server: Identity,
}

impl World {
    fn new() -> Self {
        let ca = Authority::new("ca");
        let server = ca.server(&["localhost"], ALWAYS);
        Self { ca, server }
    }

    fn config(&self, client_auth: ClientAuth) -> ServerTlsConfig {
        ServerTlsConfig { client_auth, ca_certs: vec![self.ca.ca()], ..self.server.serving() }
    }

    fn tls(&self) -> ClientTls {
        ClientTls::new().ca_file(self.ca.ca())
    }
}

#[tokio::test]
async fn the_server_learns_who_the_client_is() {
    let world = World::new();
    let edge = world.ca.client("edge-7", ALWAYS);
    let both = [ClientAuth::Optional, ClientAuth::Required];
    for (client_auth, network) in both.into_iter().zip([Network::Tls, Network::Quic]) {
        let mut gateway = Gateway::start(network, Some(world.config(client_auth)));
        call(&gateway.url(network.as_str()), edge.shown_by(world.tls())).await.unwrap();
        let certificate = gateway.accepted().await.unwrap().certificate.unwrap();
        assert_eq!(certificate.subject_common_name.as_deref(), Some("edge-7"));
        assert_eq!(certificate.dns_names, ["edge.example"]);
        assert_eq!(certificate.uris, ["spiffe://example/edge/7"]);
        assert_eq!(certificate.emails, ["edge@example"]);
        assert_eq!(u64::from_str_radix(&certificate.serial, 16), Ok(edge.serial));
        assert!(certificate.not_after > SystemTime::now());
        assert!(!certificate.der.is_empty());
    }
}

#[tokio::test]
async fn an_optional_certificate_may_be_left_out() {
    let world = World::new();
    let mut gateway = Gateway::tls(world.config(ClientAuth::Optional));
    call(&gateway.url("tls"), world.tls()).await.unwrap();
    assert_eq!(gateway.accepted().await.unwrap().certificate, None);
}

#[tokio::test]
async fn both_sides_hear_why_a_client_is_refused() {
    let (world, other) = (World::new(), Authority::new("other"));
    let tls = || world.tls();
    let revoked = world.ca.client("revoked", ALWAYS);
    let expired = "our certificate has expired, or is not valid yet";
    let cases = [
        (tls(), "the client has shown no certificate", "we have shown no certificate, and one is required"),
        (
            other.client("stranger", ALWAYS).shown_by(tls()),
            "the client's certificate is not signed by a CA that is trusted here",
            "our certificate is not signed by a CA that is trusted there",
        ),
        (world.ca.client("old", PAST).shown_by(tls()), "the client's certificate has expired", expired),
        (
            world.ca.client("new", FUTURE).shown_by(tls()),
            "the client's certificate is not valid yet",
            expired,
        ),
        (revoked.shown_by(tls()), "the client's certificate is revoked", "our certificate is revoked"),
        (
            world.server.shown_by(tls()),
            "the client's certificate is not meant for a client",
            "our certificate is not meant for this",
        ),
    ];
    let crls = vec![world.ca.revoke(&[revoked.serial], 2090)];
    let config = ServerTlsConfig { crls, ..world.config(ClientAuth::Required) };
    let good = world.ca.client("good", ALWAYS);
    let schemes: [(_, &[_]); 2] = [(Network::Tls, &["tls", "wss"]), (Network::Quic, &["quic"])];
    for (network, schemes) in schemes {
        let mut gateway = Gateway::start(network, Some(config.clone()));
        for scheme in schemes {
            let url = gateway.url(scheme);
            for (tls, logged, told) in &cases {
                let (client, server) = gateway.refuses(scheme, tls.clone()).await;
                assert_eq!(server, format!("the TLS handshake failed: {logged}"));
                assert!(client.ends_with(&format!("the server refused: {told}")), "{url}: {client}");
            }
            call(&url, good.shown_by(tls())).await.unwrap();
            gateway.accepted().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_revocation_list_past_its_time_lets_nobody_in() {
    let world = World::new();
    let crls = vec![world.ca.revoke(&[], 2001)];
    let mut gateway = Gateway::tls(ServerTlsConfig { crls, ..world.config(ClientAuth::Required) });
    let warnings = gateway.tls.as_ref().unwrap().warnings();
    assert!(matches!(&warnings[..], [warning] if warning.contains("2001.crl")), "{warnings:?}");
    let edge = world.ca.client("edge", ALWAYS).shown_by(world.tls());
    let (_, server) = gateway.refuses("tls", edge).await;
    let expected = "the TLS handshake failed: the revocation list for the client's certificate has expired";
    assert_eq!(server, expected);
}

#[tokio::test]
async fn a_wrong_key_of_the_client_is_told_before_anything_is_dialled() {
    let world = World::new();
    let (a, b) = (world.ca.client("a", ALWAYS), world.ca.client("b", ALWAYS));
    let tls = world.tls().identity_files(&a.cert, &b.key).min_version(TlsVersion::Tls13);
    let error = call("tls://localhost:1", tls).await.unwrap_err();
    let key = b.key.display();
    let expected = format!("the TLS settings are wrong: {key}: the key does not belong to the certificate");
    assert_eq!(error, expected);
}

#[tokio::test]
async fn whoever_was_let_in_can_be_looked_at_again() {
    let world = World::new();
    let edge = world.ca.client("edge", ALWAYS);
    let now = SystemTime::now();
    for network in [Network::Tls, Network::Quic] {
        let mut gateway = Gateway::start(network, Some(world.config(ClientAuth::Required)));
        call(&gateway.url(network.as_str()), edge.shown_by(world.tls())).await.unwrap();
        let shown = gateway.accepted().await.unwrap().certificate.unwrap();
        let chain: Vec<_> = [&shown.der].into_iter().chain(&shown.intermediates).map(Vec::as_slice).collect();
        let tls = gateway.tls.clone().unwrap();
        assert_eq!(tls.check_client(&chain, now), Ok(()));
        assert_eq!(tls.check_client(&[], now), Err(TlsError::NoCertificate));
        let later = now + Duration::from_secs(100 * 365 * 86_400);
        assert_eq!(tls.check_client(&chain, later), Err(TlsError::Expired(Party::Client)));

        let crls = vec![world.ca.revoke(&[edge.serial], 2090)];
        tls.replace(ServerTlsConfig { crls, ..world.config(ClientAuth::Required) }).unwrap();
        assert_eq!(tls.check_client(&chain, now), Err(TlsError::Revoked(Party::Client)));

        let other = Authority::new("other");
        let ca_certs = vec![other.ca()];
        tls.replace(ServerTlsConfig { ca_certs, ..world.config(ClientAuth::Optional) }).unwrap();
        assert_eq!(tls.check_client(&chain, now), Err(TlsError::UnknownCa(Party::Client)));
        assert_eq!(tls.check_client(&[], now), Ok(()));

        tls.replace(world.server.serving()).unwrap();
        assert_eq!(tls.check_client(&chain, now), Ok(()), "nobody is asked for one");
    }
}
