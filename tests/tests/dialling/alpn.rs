//! Terminators of TLS that let nobody in but with an application protocol that they know.

use frontier_sdk::{ClientTls, Edge};
use frontier_tests::{
    Authority, DEADLINE, Frontlas, Gateway, SERVER_NAME, Validity, eventually, replace, within,
};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Ends TLS in front of `target`, for clients that offer `h2` or `http/1.1`, or nothing.
async fn strict_terminator(target: SocketAddr) -> SocketAddr {
    let identity = Authority::common().server(&[SERVER_NAME], Validity::Now);
    let folder = tempfile::tempdir().unwrap();
    let files = identity.write(folder.path(), "terminator");
    let chain = CertificateDer::pem_file_iter(files.cert).unwrap().collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(files.key).unwrap();
    let config = ServerConfig::builder_with_provider(frontier_transport::crypto_provider())
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut secured) = acceptor.accept(stream).await else { return };
                let mut plain = TcpStream::connect(target).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut secured, &mut plain).await;
            });
        }
    });
    addr
}

fn edge(terminator: SocketAddr, tls: ClientTls) -> frontier_sdk::Builder<Edge> {
    Edge::builder(format!("tls://{terminator}")).tls(tls)
}

#[tokio::test]
async fn an_edge_passes_a_strict_terminator_if_it_offers_what_that_knows_or_nothing() {
    let gateway = Gateway::start().await;
    let terminator = strict_terminator(gateway.edges()).await;
    let trusted = || Authority::common().trusted();
    let refused = edge(terminator, trusted()).connect_timeout(Duration::from_millis(500)).connect();
    let error = within("an error", refused).await.unwrap_err().to_string();
    assert!(error.contains("takes none of the application protocols that it was offered (ALPN)"), "{error}");
    for offered in [&["h2"][..], &["frontier/1", "http/1.1"], &[]] {
        within("it gets in", edge(terminator, trusted().alpn(offered)).connect()).await.unwrap();
    }
}

#[tokio::test]
async fn a_gateway_reaches_frontlas_behind_a_strict_terminator() {
    let frontlas = Frontlas::builder().start().await;
    let terminator = strict_terminator(frontlas.plane()).await;
    let member = |id: &str| {
        let builder = Gateway::builder();
        let ca = builder.file("terminators-ca.pem");
        replace(&ca, Authority::common().pem());
        builder
            .set("frontlas.enable", true)
            .set("frontlas.dial.addrs", json!([format!("tls://{terminator}")]))
            .set("frontlas.dial.tls.ca_certs", json!([ca]))
            .set("frontlas.dial.tls.server_name", SERVER_NAME)
            .set("daemon.frontier_id", id)
    };
    let refused = member("f1").start().await;
    let told =
        async || refused.log().lines().into_iter().find(|line| line.contains("frontlas can't be reached"));
    let line = eventually(DEADLINE, "it says why", told).await;
    assert!(line.contains("(ALPN)") && line.contains("wss"), "{line}");
    let taken = member("f2").set("frontlas.dial.tls.alpn", json!([])).start().await;
    let joined = async || frontlas.log().lines().into_iter().find(|line| line.contains("f2"));
    eventually(DEADLINE, "it has joined", joined).await;
    drop(taken);
}
