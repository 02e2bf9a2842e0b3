//! The `tunnel` example, with curl at both ends.

use crate::program::Program;
use crate::web;
use frontier_tests::{Gateway, tool, within};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Output;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Both ends of a tunnel.
pub(crate) struct Tunnel {
    expose: Program,
    listen: Program,
    pub(crate) addr: SocketAddr,
}

/// From a service to what an edge exposes.
pub(crate) async fn to_edge(gateway: &Gateway, target: SocketAddr) -> Tunnel {
    let (target, edges, services) = (target.to_string(), gateway.edge_url(), gateway.service_url());
    let arguments = ["expose", "--name", "web", "--target", &target, "--gateway", &edges];
    let expose = Program::example("tunnel", arguments);
    expose.prints("exposed").await;
    let arguments = ["listen", "--edge", "web", "--addr", "127.0.0.1:0", "--gateway", &services];
    let listen = Program::example("tunnel", arguments);
    let addr = listening(&listen).await;
    Tunnel { expose, listen, addr }
}

async fn listening(listen: &Program) -> SocketAddr {
    let line = listen.prints("listening on ").await;
    line.trim_start_matches("listening on ").parse().unwrap()
}

async fn curl(url: String) -> Output {
    let mut curl = tokio::process::Command::new(tool("curl", "curl"));
    curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "60", &url]);
    within("curl", curl.kill_on_drop(true).output()).await.unwrap()
}

fn fetched(output: Output) -> Vec<u8> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A connection that is reset is an error to whoever reads from it.
async fn is_reset(connection: &mut TcpStream) {
    let read = within("a reset comes through", connection.read(&mut [0; 1])).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn curl_fetches_pages() {
    let gateway = Gateway::start().await;
    let tunnel = to_edge(&gateway, web::serve().await).await;
    for len in [0, 1, 1000, 10 * 1024 * 1024] {
        let page = fetched(curl(format!("http://{}/bytes/{len}/7", tunnel.addr)).await);
        assert!(page == web::body(len, 7), "{} of {len} bytes", page.len());
    }
}

#[tokio::test]
async fn fifty_curls_at_once_get_their_own_pages() {
    let gateway = Gateway::start().await;
    let tunnel = to_edge(&gateway, web::serve().await).await;
    let mut curls = JoinSet::new();
    for seed in 0..50 {
        let url = format!("http://{}/bytes/200000/{seed}", tunnel.addr);
        curls.spawn(async move { (seed, fetched(curl(url).await)) });
    }
    for (seed, page) in curls.join_all().await {
        assert!(page == web::body(200_000, seed), "{seed}: {} bytes", page.len());
    }
}

#[tokio::test]
async fn the_other_way_round_curl_reaches_what_is_beside_a_service() {
    let gateway = Gateway::start().await;
    let (target, edges, services) =
        (web::serve().await.to_string(), gateway.edge_url(), gateway.service_url());
    let arguments =
        ["expose", "--as", "service", "--name", "web", "--target", &target, "--gateway", &services];
    let expose = Program::example("tunnel", arguments);
    expose.prints("exposed").await;
    let arguments = ["listen", "--service", "web", "--addr", "127.0.0.1:0", "--gateway", &edges];
    let listen = Program::example("tunnel", arguments);
    let page = fetched(curl(format!("http://{}/bytes/1000/7", listening(&listen).await)).await);
    assert_eq!(page, web::body(1000, 7));
}

#[tokio::test]
async fn half_a_page_is_an_error() {
    let gateway = Gateway::start().await;
    let tunnel = to_edge(&gateway, web::serve().await).await;
    let output = curl(format!("http://{}/broken", tunnel.addr)).await;
    // A failure while receiving. An end in good order would be 18, a part of the file.
    assert_eq!(output.status.code(), Some(56), "{}", String::from_utf8_lossy(&output.stderr));
    tunnel.expose.prints("broken off").await;
    tunnel.listen.prints("broken off").await;
}

#[tokio::test]
async fn the_end_of_one_direction_leaves_the_other_open() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::start().await;
    let tunnel = to_edge(&gateway, target.local_addr().unwrap()).await;
    let mut near = TcpStream::connect(tunnel.addr).await.unwrap();
    near.write_all(b"request").await.unwrap();
    near.shutdown().await.unwrap();
    let (mut far, _) = within("the tunnel connects", target.accept()).await.unwrap();
    let mut request = String::new();
    within("the end comes through", far.read_to_string(&mut request)).await.unwrap();
    assert_eq!(request, "request");
    far.write_all(b"answer").await.unwrap();
    drop(far);
    let mut answer = String::new();
    within("the answer comes back", near.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "answer");
}

#[tokio::test]
async fn a_client_that_breaks_off_is_a_reset_at_the_target() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::start().await;
    let tunnel = to_edge(&gateway, target.local_addr().unwrap()).await;
    let near = TcpStream::connect(tunnel.addr).await.unwrap();
    let (mut far, _) = within("the tunnel connects", target.accept()).await.unwrap();
    near.set_zero_linger().unwrap();
    drop(near);
    is_reset(&mut far).await;
}

#[tokio::test]
async fn an_edge_that_is_lost_is_a_reset() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::start().await;
    let mut tunnel = to_edge(&gateway, target.local_addr().unwrap()).await;
    let mut near = TcpStream::connect(tunnel.addr).await.unwrap();
    let (mut far, _) = within("the tunnel connects", target.accept()).await.unwrap();
    far.write_all(b"some").await.unwrap();
    within("some comes through", near.read_exact(&mut [0; 4])).await.unwrap();
    tunnel.expose.kill();
    is_reset(&mut near).await;
    // Nobody is there any more: a new connection is not left open either.
    is_reset(&mut TcpStream::connect(tunnel.addr).await.unwrap()).await;
    tunnel.listen.prints("edge not online").await;
}

#[tokio::test]
async fn a_target_that_is_not_there_is_a_reset() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gateway = Gateway::start().await;
    let tunnel = to_edge(&gateway, closed).await;
    is_reset(&mut TcpStream::connect(tunnel.addr).await.unwrap()).await;
    tunnel.expose.prints("can't connect").await;
}

#[tokio::test]
async fn a_second_edge_of_the_name_takes_over_and_the_first_says_so() {
    let gateway = Gateway::start().await;
    let mut first = to_edge(&gateway, web::serve().await).await;
    let _second = to_edge(&gateway, web::serve().await).await;
    assert_eq!(first.expose.exits().await, Some(1));
    first.expose.prints("a newer connection took over").await;
    let page = fetched(curl(format!("http://{}/bytes/1000/7", first.addr)).await);
    assert_eq!(page, web::body(1000, 7));
}
