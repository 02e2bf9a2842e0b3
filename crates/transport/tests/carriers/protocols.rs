//! Peers that speak another protocol than the port.

use crate::authority::{ALWAYS, Authority};
use crate::bridge;
use crate::gateway::{Gateway, call, soon};
use frontier_transport::{ClientTls, Network, ServerTlsConfig, TlsVersion, crypto_provider};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const NO_TLS: &str = "the TLS handshake failed: the client does not speak TLS";

#[tokio::test]
async fn each_mix_up_is_told_on_both_sides() {
    let ca = Authority::new("ca");
    let tls = || ClientTls::new().ca_file(ca.ca());
    let secure = || Some(ca.server(&["localhost"], ALWAYS).serving());
    let it = "the peer broke the protocol: it speaks";
    let plain_for_tls = format!("{it} TLS, where plain TCP was expected");
    let plain_for_http = format!("{it} HTTP or the like, where plain TCP was expected");
    let cases = [
        (Network::Tls, secure(), "tcp", plain_for_tls.as_str(), NO_TLS),
        (Network::Tls, secure(), "ws", "the peer speaks TLS, where plain HTTP was expected", NO_TLS),
        (Network::Tcp, None, "tls", "the server does not speak TLS", &plain_for_tls),
        (Network::Tcp, None, "wss", "the server does not speak TLS", &plain_for_tls),
        (Network::Tcp, None, "ws", "the peer does not speak HTTP", &plain_for_http),
        (
            Network::Ws,
            None,
            "tcp",
            &plain_for_http,
            "the WebSocket upgrade failed: the peer does not speak HTTP",
        ),
        (
            Network::Ws,
            None,
            "wss",
            "the server does not speak TLS",
            "the WebSocket upgrade failed: the peer speaks TLS, where plain HTTP was expected",
        ),
        (Network::Ws, secure(), "ws", "the peer speaks TLS, where plain HTTP was expected", NO_TLS),
        (
            Network::Ws,
            secure(),
            "tls",
            &plain_for_http,
            "the WebSocket upgrade failed: the peer does not speak HTTP",
        ),
    ];
    for (network, config, scheme, told, logged) in cases {
        let mut gateway = Gateway::start(network, config);
        let (client, server) = gateway.refuses(scheme, tls()).await;
        assert!(client.ends_with(told), "{scheme} to {network:?}: {client}");
        assert_eq!(server, logged, "{scheme} to {network:?}");
    }
}

/// Of the same library, but with versions, protocols and trust of its own.
fn foreign(versions: &[&'static rustls::SupportedProtocolVersion], alpn: &[&[u8]]) -> rustls::ClientConfig {
    let mut config = rustls::ClientConfig::builder_with_provider(crypto_provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config
}

/// What the gateway says of a client with this configuration.
async fn hello(gateway: &mut Gateway, config: rustls::ClientConfig) -> String {
    let mut client =
        rustls::ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    let mut io = TcpStream::connect(("127.0.0.1", gateway.port)).await.unwrap();
    io.write_all(&hello).await.unwrap();
    let mut answer = Vec::new();
    soon(io.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.is_empty(), "it is told why");
    gateway.accepted().await.unwrap_err()
}

#[tokio::test]
async fn versions_and_protocols_that_are_not_ours() {
    use rustls::version::{TLS12, TLS13};
    let ca = Authority::new("ca");
    let config =
        ServerTlsConfig { min_version: TlsVersion::Tls13, ..ca.server(&["localhost"], ALWAYS).serving() };
    let mut gateway = Gateway::tls(config);
    let old = hello(&mut gateway, foreign(&[&TLS12], &[])).await;
    assert_eq!(
        old,
        "the TLS handshake failed: no TLS parameters in common with the client: no version of TLS that is allowed here"
    );
    let other = hello(&mut gateway, foreign(&[&TLS13], &[b"h2"])).await;
    assert_eq!(
        other,
        "the TLS handshake failed: the client speaks none of the application protocols that are served here (ALPN)"
    );
}

#[tokio::test]
async fn garbage_and_early_ends_are_errors() {
    let ca = Authority::new("ca");
    let mut gateway = Gateway::tls(ca.server(&["localhost"], ALWAYS).serving());
    let mut garbage = vec![0x16, 3, 1, 0x40, 0];
    garbage.extend((0..0x4000_u32).map(|i| (i * 31 % 251) as u8));
    let endless_handshake =
        [&[0x16, 3, 1, 0, 5, 1, 0, 0xff, 0xff, 0][..], &[0x16, 3, 1, 0, 1, 0].repeat(20_000)].concat();
    for bytes in [garbage, endless_handshake, b"\x16".to_vec(), Vec::new()] {
        let mut io = TcpStream::connect(("127.0.0.1", gateway.port)).await.unwrap();
        let _ = io.write_all(&bytes).await;
        let _ = io.shutdown().await;
        let error = gateway.accepted().await.unwrap_err();
        assert!(error.starts_with("the TLS handshake failed: "), "{error}");
    }
}

#[tokio::test]
async fn a_slow_client_gets_there() {
    let ca = Authority::new("ca");
    let mut gateway = Gateway::tls(ca.server(&["localhost"], ALWAYS).serving());
    let drip = bridge::drip_in_front_of(gateway.port).await;
    for scheme in ["tls", "wss"] {
        call(&format!("{scheme}://localhost:{drip}"), ClientTls::new().ca_file(ca.ca())).await.unwrap();
        gateway.accepted().await.unwrap();
    }
}
