//! Several listeners for one side, and every carrier to reach them, from the configuration to the SDK.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use frontier::{Config, Gateway};
use frontier_sdk::{ClientTls, ConnectError, Edge, Request, Response, Service};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Files of a CA, and of a certificate for `localhost` that is good for servers and clients.
struct Pki {
    dir: tempfile::TempDir,
}

impl Pki {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let write = |name: &str, pem: String| std::fs::write(dir.path().join(name), pem).unwrap();
        write("ca.pem", ca.pem());
        write("cert.pem", params.signed_by(&key, &ca).unwrap().pem());
        write("key.pem", key.serialize_pem());
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn tls(&self) -> ClientTls {
        ClientTls::new().ca_file(self.path("ca.pem"))
    }

    fn config(&self) -> Config {
        let text = include_str!("listeners.yaml").replace("DIR", self.dir.path().to_str().unwrap());
        Config::parse(&text, &|_| None).unwrap()
    }
}

fn edge(url: String, tls: ClientTls) -> frontier_sdk::Builder<Edge> {
    Edge::builder(url).tls(tls).connect_timeout(Duration::from_secs(2))
}

#[tokio::test]
async fn edges_come_by_every_carrier_and_meet_one_service() {
    let pki = Pki::new();
    let gateway = Gateway::bind(&pki.config()).unwrap();
    let ports: Vec<u16> = gateway.edgebound_all().iter().map(|addr| addr.port()).collect();
    let services = gateway.servicebound().port();
    assert_eq!(gateway.servicebound_all().len(), 1);
    let stop = CancellationToken::new();
    let gateway = tokio::spawn(gateway.run(stop.clone()));

    let tls = pki.tls().identity_files(pki.path("cert.pem"), pki.path("key.pem"));
    let service = Service::builder(format!("tls://localhost:{services}")).tls(tls.clone());
    let service = service.name("echo").connect().await.unwrap();
    service.register("echo", |req: Request| async move { Ok(Response::new(req.data)) }).await.unwrap();
    let carriers = [("tcp", 0), ("tls", 1), ("wss", 1), ("ws", 2), ("wss", 3), ("tls", 4)];
    for (scheme, listener) in carriers {
        let url = format!("{scheme}://localhost:{}", ports[listener]);
        let edge = edge(url, tls.clone()).connect().await.unwrap_or_else(|error| panic!("{scheme}: {error}"));
        for size in [0, 100, 1_000_000] {
            let data = vec![7; size];
            assert_eq!(edge.call("echo", data.clone()).await.unwrap().data, data, "{scheme}");
        }
        edge.close().await.unwrap();
    }

    // Without a certificate: not where one is required.
    let url = format!("tls://localhost:{}", ports[4]);
    let error = edge(url, pki.tls()).connect().await.unwrap_err().to_string();
    assert!(error.contains("we have shown no certificate, and one is required"), "{error}");
    let url = format!("tls://localhost:{}", ports[1]);
    let error = edge(url, ClientTls::new().ca_file(Path::new("/nowhere"))).connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls(_)), "{error}");
    assert_eq!(error.to_string(), "the TLS settings are wrong: /nowhere: there is no such file");

    stop.cancel();
    gateway.await.unwrap().unwrap();
}

/// Each listener of a side lets in only its own, but what they let in counts together.
#[tokio::test]
async fn the_limits_of_a_side_hold_for_all_its_listeners() {
    let pki = Pki::new();
    let mut config = pki.config();
    config.limits.connections = 1;
    let gateway = Gateway::bind(&config).unwrap();
    let ports: Vec<u16> = gateway.edgebound_all().iter().map(|addr| addr.port()).collect();
    let gateway = tokio::spawn(gateway.run(CancellationToken::new()));
    let first = edge(format!("tcp://localhost:{}", ports[0]), pki.tls()).connect().await.unwrap();
    let second = edge(format!("wss://localhost:{}", ports[1]), pki.tls()).connect().await.unwrap_err();
    assert!(second.to_string().contains("1 connections are open, the most there may be"), "{second}");
    first.close().await.unwrap();
    gateway.abort();
}

/// A handshake that does not end takes no longer than any other, whatever it has begun with.
#[tokio::test]
async fn who_dawdles_over_a_handshake_is_dropped() {
    let pki = Pki::new();
    let mut config = pki.config();
    config.limits.handshake_timeout = Duration::from_millis(100);
    let gateway = Gateway::bind(&config).unwrap();
    let addrs = gateway.edgebound_all().to_vec();
    let gateway = tokio::spawn(gateway.run(CancellationToken::new()));
    for addr in addrs {
        for start in [&b""[..], b"\0\0", b"\x16\x03\x01\x01\0\x01", b"GET / HTTP/1.1\r\nHost: a\r\n"] {
            let mut io = TcpStream::connect(addr).await.unwrap();
            io.write_all(start).await.unwrap();
            let mut answer = Vec::new();
            let ended = io.read_to_end(&mut answer);
            // Its end, whether it is told why or not: there may be something that was never read.
            let _ = tokio::time::timeout(Duration::from_secs(10), ended).await.expect("it is dropped");
        }
    }
    gateway.abort();
}

/// Those that stand are served over the socket that new ones would come to, so it can't be closed.
#[tokio::test]
async fn over_quic_too_a_gateway_that_drains_refuses_at_once_and_serves_who_is_there() {
    let pki = Pki::new();
    let text = include_str!("quic.yaml").replace("DIR", pki.dir.path().to_str().unwrap());
    let gateway = Gateway::bind(&Config::parse(&text, &|_| None).unwrap()).unwrap();
    let url = format!("quic://localhost:{}", gateway.edgebound().port());
    let services = format!("tcp://{}", gateway.servicebound());
    let stop = CancellationToken::new();
    let running = tokio::spawn(gateway.run(stop.clone()));
    let service = Service::builder(services).connect().await.unwrap();
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, waits) = tokio::sync::watch::channel(false);
    let hold = move |_: Request| {
        let _ = started.send(());
        let mut waits = waits.clone();
        async move {
            let _ = waits.wait_for(|go_on| *go_on).await;
            Ok(Response::new("done"))
        }
    };
    service.register("hold", hold).await.unwrap();
    let there = edge(url.clone(), pki.tls()).connect().await.unwrap();
    let held = tokio::spawn(async move { there.call("hold", "").await });
    starts.recv().await.unwrap();
    stop.cancel();
    // Within the time for one attempt there are many: none waits for an answer that does not come.
    let refused = edge(url, pki.tls()).connect().await.unwrap_err();
    let ConnectError::Timeout { .. } = &refused else { panic!("{refused}") };
    assert!(refused.to_string().contains("refused"), "{refused}");
    go_on.send(true).unwrap();
    assert_eq!(held.await.unwrap().unwrap().data, "done");
    tokio::time::timeout(Duration::from_secs(30), running).await.expect("it ends").unwrap().unwrap();
}
