//! Frontlas over TLS.

use crate::world::{World, knows};
use frontier_sdk::{ClientTls, ClusterService, ConnectError, Edge};
use frontier_tests::within;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::time::Duration;

#[tokio::test]
async fn frontlas_is_trusted_by_its_ca_and_by_no_other() {
    let made = || generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate is made");
    let (CertifiedKey { cert, signing_key }, other) = (made(), made());
    let dir = tempfile::tempdir().unwrap();
    let (cert_file, key_file) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert_file, cert.pem()).unwrap();
    std::fs::write(&key_file, signing_key.serialize_pem()).unwrap();
    // Below `listen` with the address, which the world fills in.
    let tls = format!(
        "tls: {{enable: true, certs: [{{cert: '{}', key: '{}'}}]}}",
        cert_file.display(),
        key_file.display()
    );
    let world = World::listening(&tls, "watch_interval: 10ms").await;
    let _first = world.frontier("f1").await;
    let url = format!("https://localhost:{}", world.addr.port());
    let trusting = |pem: String| ClientTls::new().ca_pem(pem);

    let builder = ClusterService::builder(&*url).frontlas_tls(trusting(cert.pem()));
    let service = builder.allow_downgrade(true).connect();
    let service = within("the service connects", service).await.unwrap();
    knows(&service, &["f1"]).await;
    let edge = Edge::builder(format!("frontlas+https://localhost:{}", world.addr.port()));
    let edge = edge.tls(trusting(cert.pem())).allow_downgrade(true);
    within("the edge connects", edge.clone().connect()).await.unwrap();

    // The gateway is without TLS, which frontlas is not: nobody goes there unless allowed to.
    let service = ClusterService::builder(&*url).frontlas_tls(trusting(cert.pem())).connect();
    let error = within("an error", service).await.unwrap_err();
    assert!(matches!(error, ConnectError::Downgrade(_)), "{error}");
    let edge = edge.allow_downgrade(false).connect_timeout(Duration::from_secs(3));
    let error = within("an error", edge.connect()).await.unwrap_err().to_string();
    assert!(error.contains("allow the downgrade"), "{error}");

    let wrong = ClusterService::builder(&*url).tls(trusting(other.cert.pem()));
    let error = wrong.connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", error).await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}
