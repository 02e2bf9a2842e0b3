//! The server's certificate, as clients see it.

use crate::authority::{ALWAYS, Authority, FUTURE, PAST};
use crate::gateway::{Gateway, call};
use frontier_transport::{ClientTls, Network, ServerTlsConfig, TlsVersion};

#[tokio::test]
async fn a_link_stands_over_each_version() {
    let ca = Authority::new("ca");
    let server = ca.server(&["localhost"], ALWAYS);
    for min_version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let mut gateway = Gateway::tls(ServerTlsConfig { min_version, ..server.serving() });
        call(&gateway.url("tls"), ClientTls::new().ca_file(ca.ca())).await.unwrap();
        let peer = gateway.accepted().await.unwrap();
        assert_eq!((peer.network, peer.certificate), (Network::Tls, None));
        assert_eq!(peer.server_name.as_deref(), Some("localhost"));
    }
}

#[tokio::test]
async fn an_address_is_as_good_as_a_name() {
    let ca = Authority::new("ca");
    let mut gateway = Gateway::tls(ca.server(&["127.0.0.1"], ALWAYS).serving());
    let url = format!("tls://127.0.0.1:{}", gateway.port);
    call(&url, ClientTls::new().ca_file(ca.ca())).await.unwrap();
    assert_eq!(gateway.accepted().await.unwrap().server_name, None);
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_has_its_own_words() {
    let (ca, other) = (Authority::new("ca"), Authority::new("other"));
    let good = ca.server(&["localhost"], ALWAYS).serving();
    let tls = || ClientTls::new().ca_file(ca.ca());
    let unknown = "our certificate is not signed by a CA that is trusted there";
    let expired = "our certificate has expired, or is not valid yet";
    let client = ca.client("edge", ALWAYS);
    let cases = [
        (
            good.clone(),
            ClientTls::new().ca_file(other.ca()),
            "the server's certificate is not signed by a CA that is trusted here",
            unknown,
        ),
        (ca.server(&["localhost"], PAST).serving(), tls(), "the server's certificate has expired", expired),
        (
            ca.server(&["localhost"], FUTURE).serving(),
            tls(),
            "the server's certificate is not valid yet",
            expired,
        ),
        (
            good.clone(),
            tls().server_name("gateway.example"),
            "the server's certificate is for localhost, not for gateway.example",
            "our certificate is not valid there, or not for its name",
        ),
        (
            client.serving(),
            tls().server_name("edge.example"),
            "the server's certificate is not meant for a server",
            "our certificate is not meant for this",
        ),
    ];
    for (server, tls, told, logged) in cases {
        for network in [Network::Tls, Network::Quic] {
            let mut gateway = Gateway::start(network, Some(server.clone()));
            let url = gateway.url(network.as_str());
            let (client, server) = gateway.refuses(network.as_str(), tls.clone()).await;
            assert_eq!(client, format!("the TLS handshake with {url} failed: {told}"));
            assert_eq!(server, format!("the TLS handshake failed: the client refused: {logged}"));
        }
    }
}

#[tokio::test]
async fn the_name_that_is_asked_for_chooses_the_certificate() {
    let (a, b, c) = (Authority::new("a"), Authority::new("b"), Authority::new("c"));
    let pairs = [
        a.server(&["localhost", "a.example"], ALWAYS),
        b.server(&["*.edges.example"], ALWAYS),
        c.server(&["exact.edges.example"], ALWAYS),
    ];
    let certs = pairs.iter().map(|pair| pair.files()).collect();
    let gateway = Gateway::tls(ServerTlsConfig { certs, ..ServerTlsConfig::default() });
    // Each name with whom it is shown by: only that CA is trusted.
    let cases = [
        ("a.example", &a),
        ("A.EXAMPLE", &a),
        ("b.edges.example", &b),
        ("exact.edges.example", &c),
        ("localhost", &a),
    ];
    for (name, authority) in cases {
        let tls = ClientTls::new().ca_file(authority.ca()).server_name(name);
        call(&gateway.url("tls"), tls).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    // A name of nobody, one that is too deep for the wildcard, and none at all.
    for name in ["elsewhere", "x.y.edges.example", "127.0.0.1"] {
        let tls = ClientTls::new().ca_file(a.ca()).server_name(name);
        let error = call(&gateway.url("tls"), tls).await.unwrap_err();
        assert!(error.contains("localhost") && error.contains("a.example"), "{name}: {error}");
    }
}

#[tokio::test]
async fn who_says_so_takes_any_certificate() {
    let gateway = Gateway::tls(Authority::new("ca").server(&["elsewhere"], PAST).serving());
    call(&gateway.url("tls"), ClientTls::new().danger_accept_any_certificate()).await.unwrap();
}

#[tokio::test]
async fn a_client_reads_its_files_at_each_connect() {
    let (ca, other) = (Authority::new("ca"), Authority::new("other"));
    let gateway = Gateway::tls(ca.server(&["localhost"], ALWAYS).serving());
    let trusted = other.ca();
    let tls = ClientTls::new().ca_file(&trusted);
    call(&gateway.url("tls"), tls.clone()).await.unwrap_err();
    std::fs::copy(ca.ca(), &trusted).unwrap();
    call(&gateway.url("tls"), tls.clone()).await.unwrap();
    std::fs::remove_file(&trusted).unwrap();
    let error = call(&gateway.url("tls"), tls).await.unwrap_err();
    let missing = format!("the TLS settings are wrong: {}: there is no such file", trusted.display());
    assert_eq!(error, missing);
}
