//! Many clients at once, and who computes for them.

use crate::gateway::config;
use frontier_transport::{
    Bind, CertificateFiles, ClientTls, DialOptions, Endpoint, Link, Listener, Network, ServerTls,
    ServerTlsConfig, dial,
};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use tokio::task::JoinSet;

const CLIENTS: usize = 40;

/// What this thread has had of a processor.
fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    let micros = (usage.user_time() + usage.system_time()).num_microseconds();
    Duration::from_micros(micros.try_into().unwrap())
}

/// A certificate whose signatures take long, and what one of them takes.
fn slow_identity(dir: &std::path::Path) -> (ServerTlsConfig, Duration) {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096).unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let [cert, key_file] = ["cert.pem", "key.pem"].map(|name| dir.join(name));
    std::fs::write(&cert, params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let before = cpu();
    for _ in 0..10 {
        params.self_signed(&key).unwrap();
    }
    let certs = vec![CertificateFiles { cert, key: key_file }];
    (ServerTlsConfig { certs, ..ServerTlsConfig::default() }, (cpu() - before) / 10)
}

/// Time of a processor is counted and not that of a clock, so that it does not matter what else this machine does.
#[test]
fn a_storm_of_handshakes_costs_the_threads_that_carry_traffic_little() {
    let dir = tempfile::tempdir().unwrap();
    let (tls, signature) = slow_identity(dir.path());
    let bind = Bind {
        network: Network::Tls,
        tls: Some(ServerTls::load(tls).unwrap()),
        ..Bind::tcp(([127, 0, 0, 1], 0).into())
    };
    let (tell, port) = mpsc::channel();
    let gateway = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut listener = Listener::bind(bind).unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            let before = cpu();
            let mut links = JoinSet::new();
            for _ in 0..CLIENTS {
                links.spawn(listener.accept().await.incoming.link(Arc::new(config())));
            }
            let links = links.join_all().await;
            assert!(links.iter().all(Result::is_ok), "{links:?}");
            cpu() - before
        })
    });
    let endpoint: Endpoint = format!("tls://localhost:{}", port.recv().unwrap()).parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let clients = runtime.block_on(async {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let endpoint = endpoint.clone();
            clients.spawn(async move {
                let tls = ClientTls::new().danger_accept_any_certificate();
                let mut link =
                    dial(&endpoint, &DialOptions { tls, ..DialOptions::default() }, config()).await.unwrap();
                link.handle()
                    .send(frontier_transport::Priority::Reply, crate::gateway::message(1, b""))
                    .unwrap();
                drive(&mut link).await;
                link
            });
        }
        // Links are kept until everyone is in.
        tokio::task::spawn_blocking(move || gateway.join().unwrap()).await.unwrap()
    });
    let all = signature * u32::try_from(CLIENTS).unwrap();
    assert!(clients < all / 2, "{clients:?} on the thread that carries traffic, all signatures take {all:?}");
}

/// Sends what is queued.
async fn drive(link: &mut Link) {
    let _ = link.next().await;
}
