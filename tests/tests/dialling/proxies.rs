//! Edges behind proxies that are not ours: tinyproxy for CONNECT, microsocks for SOCKS5.

use frontier_sdk::{ClusterService, ConnectError, Edge, EdgeId};
use frontier_tests::{
    DEADLINE, Frontlas, Gateway, Network, Process, connect_error, echo, eventually, tool, within,
};
use serde_json::json;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::net::TcpStream;

/// A proxy that lets `edge` with the password `s3cret` through.
struct Proxy {
    port: u16,
    process: Process,
    _config: Option<NamedTempFile>,
}

impl Proxy {
    async fn http() -> Self {
        let port = free_port();
        let config = NamedTempFile::new().unwrap();
        let text = format!("Port {port}\nListen 127.0.0.1\nTimeout 60\nBasicAuth edge s3cret\n");
        std::fs::write(config.path(), text).unwrap();
        let mut command = Command::new(tool("tinyproxy", "tinyproxy-bin"));
        command.arg("-d").arg("-c").arg(config.path());
        Self::start(port, Process::spawn("tinyproxy", command), Some(config)).await
    }

    async fn socks() -> Self {
        let port = free_port();
        let mut command = Command::new(tool("microsocks", "microsocks"));
        command.args(["-i", "127.0.0.1", "-p", &port.to_string(), "-u", "edge", "-P", "s3cret"]);
        Self::start(port, Process::spawn("microsocks", command), None).await
    }

    async fn start(port: u16, process: Process, config: Option<NamedTempFile>) -> Self {
        let answers = async || TcpStream::connect(("127.0.0.1", port)).await.ok();
        eventually(DEADLINE, "the proxy listens", answers).await;
        Self { port, process, _config: config }
    }

    fn url(&self, scheme: &str, user: &str) -> String {
        format!("{scheme}://{user}127.0.0.1:{}", self.port)
    }
}

/// One that nobody has now. These programs can't be told to choose one.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn edges_reach_their_gateway_through_a_proxy_over_everything_but_quic() {
    let (http, socks) = (Proxy::http().await, Proxy::socks().await);
    for network in [Network::Tcp, Network::Tls, Network::Ws] {
        let gateway = Gateway::over(network).start().await;
        let service = gateway.service("s").connect().await.unwrap();
        echo(&service, "echo").await.unwrap();
        for proxy in [http.url("http", "edge:s3cret@"), socks.url("socks5", "edge:s3cret@")] {
            let edge = gateway.edge().id(EdgeId(7)).proxy(proxy).connect().await.unwrap();
            let reply = within("an answer", edge.call("echo", "through")).await.unwrap();
            assert_eq!(reply.data, "through");
            edge.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_a_proxy_says_against_it_is_told_and_no_password_shown() {
    let (http, socks) = (Proxy::http().await, Proxy::socks().await);
    let gateway = Gateway::start().await;
    for (proxy, text) in [
        (http.url("http", "edge:wr0ng@"), "does not take these credentials (4"),
        (http.url("http", ""), "does not take these credentials (407"),
        (socks.url("socks5", "edge:wr0ng@"), "does not take these credentials"),
        (socks.url("socks5", ""), "does not take these credentials"),
    ] {
        let error = connect_error(|| gateway.edge().proxy(&proxy)).await;
        assert!(error.contains(text) && error.contains("the proxy "), "{error}");
        assert!(!error.contains("wr0ng"), "{error}");
    }
    let closed = format!("tcp://127.0.0.1:{}", free_port());
    let edge = || Edge::builder(&closed).proxy(socks.url("socks5", "edge:s3cret@"));
    let error = connect_error(edge).await;
    assert!(error.contains("it answered `5 connection refused`"), "{error}");
}

#[tokio::test]
async fn what_no_proxy_can_do_is_said() {
    let gateway = Gateway::over(Network::Quic).start().await;
    let error = gateway.edge().proxy("http://127.0.0.1:1").connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::ProxyOverQuic(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains("QUIC") && text.contains("wss or tls"), "{text}");
    let wrong = gateway.edge().proxy("https://user:s3cret@h:1").connect().await.unwrap_err();
    assert!(matches!(wrong, ConnectError::Proxy(_)) && !wrong.to_string().contains("s3cret"), "{wrong}");
    let wrong = gateway.edge().header("Upgrade", "x").connect_timeout(Duration::from_secs(1)).connect();
    assert!(matches!(wrong.await, Err(ConnectError::Header(_))));
}

#[tokio::test]
async fn frontlas_and_the_gateways_that_it_lists_are_reached_through_the_proxy() {
    let proxy = Proxy::socks().await;
    let frontlas = Frontlas::builder().start().await;
    let gateway = Gateway::builder()
        .set("frontlas.enable", true)
        .set("frontlas.dial.addrs", json!([frontlas.plane().to_string()]))
        .start()
        .await;
    let url = || proxy.url("socks5", "edge:s3cret@");
    let service = ClusterService::builder(format!("http://{}", frontlas.control())).proxy(url());
    let service = service
        .name("s")
        .register("echo", |request| async move { Ok(frontier_sdk::Response::new(request.data)) });
    let _service = within("the service connects", service.connect()).await.unwrap();
    let edge = Edge::builder(format!("frontlas://{}", frontlas.control())).proxy(url());
    let edge = within("the edge connects", edge.connect()).await.unwrap();
    let answers = async || edge.call("echo", "through").await.ok();
    assert_eq!(eventually(DEADLINE, "an answer", answers).await.data, "through");
    for to in [frontlas.control(), gateway.edges(), gateway.services()] {
        proxy.process.log().line(&format!("connected to {}:{}", to.ip(), to.port())).await;
    }
}

#[tokio::test]
async fn a_proxy_of_the_environment_keeps_nobody_from_this_machine_and_is_told_where_it_would_be_used() {
    let gateway = Gateway::start().await;
    let start = |url: &str| {
        let mut command = Command::new(Process::binary("peer-under-test"));
        command.args(["edge", url, "none", "none"]).env("ALL_PROXY", "https://user:s3cret@h:1");
        for other in ["all_proxy", "NO_PROXY", "no_proxy"] {
            command.env_remove(other);
        }
        Process::spawn("peer", command)
    };
    let here = start(&gateway.edge_url());
    eventually(DEADLINE, "it is connected", async || here.log().find("connected ")).await;
    let elsewhere = start("tcp://gateway.test:1");
    eventually(DEADLINE, "it is told", async || elsewhere.log().find("ALL_PROXY")).await;
    assert_eq!(elsewhere.log().find("s3cret"), None);
}
