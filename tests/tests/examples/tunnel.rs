//! The `tunnel` example, with curl at both ends.

use crate::program::Program;
use crate::web;
use frontier_tests::{DEADLINE, Gateway, eventually, tool, within};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Output;
use std::time::{Duration, Instant};
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
    to_edge_with(gateway, target, &[], &[]).await
}

/// The same, each end with more options.
async fn to_edge_with(gateway: &Gateway, target: SocketAddr, expose: &[&str], listen: &[&str]) -> Tunnel {
    let (target, edges, services) = (target.to_string(), gateway.edge_url(), gateway.service_url());
    let arguments = ["expose", "--name", "web", "--target", &target, "--gateway", &edges];
    let expose = Program::example("tunnel", arguments.iter().chain(expose));
    expose.prints("exposed").await;
    let arguments = ["listen", "--edge", "web", "--addr", "127.0.0.1:0", "--gateway", &services];
    let listen = Program::example("tunnel", arguments.iter().chain(listen));
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

/// The keepalive timers of the system, as `/proc/net/tcp` shows them: for connections from this local port.
fn has_keepalive(port: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // Local address, state, and which timer runs: 01 is ESTABLISHED, 02 keepalive.
        fields[1].ends_with(&format!(":{port:04X}")) && fields[3] == "01" && fields[5].starts_with("02:")
    })
}

/// A host that lost its power says nothing: without a question its connection would hold a stream for ever.
#[tokio::test]
async fn the_system_asks_a_silent_tcp_side_on_both_ends_whether_it_is_there() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::start().await;
    let tunnel = to_edge(&gateway, target.local_addr().unwrap()).await;
    let _near = TcpStream::connect(tunnel.addr).await.unwrap();
    let (_far, from) = within("the tunnel connects", target.accept()).await.unwrap();
    for port in [tunnel.addr.port(), from.port()] {
        let asked = async || has_keepalive(port).then_some(());
        eventually(DEADLINE, "a keepalive timer runs", asked).await;
    }
}

#[tokio::test]
async fn a_connection_on_which_nothing_moves_is_broken_off_where_that_is_wanted() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::builder().set("limits.streams_per_connection", 1).start().await;
    let options = ["--idle-timeout", "1"];
    let tunnel = to_edge_with(&gateway, target.local_addr().unwrap(), &options, &[]).await;
    let mut idle = TcpStream::connect(tunnel.addr).await.unwrap();
    let (mut far, _) = within("the tunnel connects", target.accept()).await.unwrap();
    // It holds the only stream.
    is_reset(&mut TcpStream::connect(tunnel.addr).await.unwrap()).await;
    tunnel.listen.prints("(limits.streams_per_connection)").await;
    is_reset(&mut idle).await;
    is_reset(&mut far).await;
    tunnel.expose.prints("--idle-timeout").await;
    // There is room again.
    let again = async || {
        let mut near = TcpStream::connect(tunnel.addr).await.ok()?;
        near.write_all(b"x").await.ok()?;
        let accepted = tokio::time::timeout(Duration::from_millis(500), target.accept()).await;
        accepted.ok()?.ok().map(|(far, _)| (near, far))
    };
    eventually(DEADLINE, "the stream is free", again).await;
}

#[tokio::test]
async fn a_connection_on_which_something_moves_is_never_idle() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::start().await;
    let options = ["--idle-timeout", "2"];
    let tunnel = to_edge_with(&gateway, target.local_addr().unwrap(), &options, &options).await;
    let mut near = TcpStream::connect(tunnel.addr).await.unwrap();
    let (mut far, _) = within("the tunnel connects", target.accept()).await.unwrap();
    let start = Instant::now();
    let mut turn = tokio::time::interval(Duration::from_millis(100));
    // One way only, for longer than the limit.
    while start.elapsed() < Duration::from_secs(3) {
        turn.tick().await;
        near.write_all(b"x").await.unwrap();
        within("it comes through", far.read_exact(&mut [0; 1])).await.unwrap();
    }
}
