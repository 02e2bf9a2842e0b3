//! `forward`, with curl at both ends of TCP, and sockets at those of UDP.

use crate::world::{World, prints};
use frontier_tests::{
    Authority, DEADLINE, Gateway, Network, Process, SERVER_NAME, Validity, eventually, tool, web, within,
};
use nix::sys::signal::Signal;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Output;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

/// Both ends of a tunnel.
pub(crate) struct Tunnel {
    remote: Process,
    local: Process,
    pub(crate) addr: SocketAddr,
}

/// From a service to what is beside an edge.
pub(crate) async fn to_edge(world: &World, target: SocketAddr) -> Tunnel {
    to_edge_with(world, &target.to_string(), "127.0.0.1:0", &[], &[]).await
}

/// The same, each end with more options.
async fn to_edge_with(world: &World, target: &str, listen: &str, far: &[&str], near: &[&str]) -> Tunnel {
    let remote = world.start(&[&["forward", "remote", "--name", "web", "--target", target], far].concat());
    prints(&remote, "web leads to ").await;
    let local = world.start(&[&["forward", "local", "--edge", "web", "--listen", listen], near].concat());
    let addr = listening(&local).await;
    Tunnel { remote, local, addr }
}

async fn listening(local: &Process) -> SocketAddr {
    let line = prints(local, "listening on ").await;
    line.trim_start_matches("listening on ").trim_start_matches("udp://").parse().unwrap()
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
    let tunnel = to_edge(&World::at(&gateway), web::serve().await).await;
    for len in [0, 1, 1000, 10 * 1024 * 1024] {
        let page = fetched(curl(format!("http://{}/bytes/{len}/7", tunnel.addr)).await);
        assert!(page == web::body(len, 7), "{} of {len} bytes", page.len());
    }
}

#[tokio::test]
async fn fifty_curls_at_once_get_their_own_pages() {
    let gateway = Gateway::start().await;
    let tunnel = to_edge(&World::at(&gateway), web::serve().await).await;
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
    let (world, target) = (World::at(&gateway), web::serve().await.to_string());
    let remote = world.start(&["forward", "remote", "--as", "service", "--name", "web", "--target", &target]);
    prints(&remote, "web leads to ").await;
    let local = world.start(&["forward", "local", "--service", "web", "--listen", "127.0.0.1:0"]);
    let page = fetched(curl(format!("http://{}/bytes/1000/7", listening(&local).await)).await);
    assert_eq!(page, web::body(1000, 7));
}

#[tokio::test]
async fn half_a_page_is_an_error() {
    let gateway = Gateway::start().await;
    let tunnel = to_edge(&World::at(&gateway), web::serve().await).await;
    let output = curl(format!("http://{}/broken", tunnel.addr)).await;
    // A failure while receiving. An end in good order would be 18, a part of the file.
    assert_eq!(output.status.code(), Some(56), "{}", String::from_utf8_lossy(&output.stderr));
    prints(&tunnel.remote, "broken off").await;
    prints(&tunnel.local, "broken off").await;
}

#[tokio::test]
async fn the_end_of_one_direction_leaves_the_other_open() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::start().await;
    let tunnel = to_edge(&World::at(&gateway), target.local_addr().unwrap()).await;
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
    let tunnel = to_edge(&World::at(&gateway), target.local_addr().unwrap()).await;
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
    let tunnel = to_edge(&World::at(&gateway), target.local_addr().unwrap()).await;
    let mut near = TcpStream::connect(tunnel.addr).await.unwrap();
    let (mut far, _) = within("the tunnel connects", target.accept()).await.unwrap();
    far.write_all(b"some").await.unwrap();
    within("some comes through", near.read_exact(&mut [0; 4])).await.unwrap();
    tunnel.remote.signal(Signal::SIGKILL);
    is_reset(&mut near).await;
    // Nobody is there any more: a new connection is not left open either.
    is_reset(&mut TcpStream::connect(tunnel.addr).await.unwrap()).await;
    prints(&tunnel.local, "edge not online").await;
}

#[tokio::test]
async fn a_target_that_is_not_there_is_a_reset() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gateway = Gateway::start().await;
    let tunnel = to_edge(&World::at(&gateway), closed).await;
    is_reset(&mut TcpStream::connect(tunnel.addr).await.unwrap()).await;
    prints(&tunnel.remote, "can't connect").await;
}

#[tokio::test]
async fn a_second_edge_of_the_name_takes_over_and_the_first_says_so() {
    let gateway = Gateway::start().await;
    let mut first = to_edge(&World::at(&gateway), web::serve().await).await;
    let _second = to_edge(&World::at(&gateway), web::serve().await).await;
    assert_eq!(first.remote.exit().await, Some(1));
    prints(&first.remote, "a newer connection took over").await;
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
    let tunnel = to_edge(&World::at(&gateway), target.local_addr().unwrap()).await;
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
    let (world, addr) = (World::at(&gateway), target.local_addr().unwrap().to_string());
    let tunnel = to_edge_with(&world, &addr, "127.0.0.1:0", &["--idle-timeout", "1s"], &[]).await;
    let mut idle = TcpStream::connect(tunnel.addr).await.unwrap();
    let (mut far, _) = within("the tunnel connects", target.accept()).await.unwrap();
    // It holds the only stream.
    is_reset(&mut TcpStream::connect(tunnel.addr).await.unwrap()).await;
    prints(&tunnel.local, "(limits.streams_per_connection)").await;
    is_reset(&mut idle).await;
    is_reset(&mut far).await;
    prints(&tunnel.remote, "--idle-timeout").await;
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
    let (world, addr) = (World::at(&gateway), target.local_addr().unwrap().to_string());
    let options = ["--idle-timeout", "2s"];
    let tunnel = to_edge_with(&world, &addr, "127.0.0.1:0", &options, &options).await;
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

/// Echoes datagrams, each twice: they may be one answer or several.
async fn udp_echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_535];
        while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
            for _ in 0..2 {
                socket.send_to(&buffer[..len], from).await.unwrap();
            }
        }
    });
    addr
}

/// Sends it until an answer comes: datagrams may be lost.
async fn echoed(socket: &UdpSocket, datagram: &[u8]) {
    let mut buffer = vec![0; 65_535];
    let answered = async || {
        socket.send(datagram).await.ok()?;
        let received = tokio::time::timeout(Duration::from_millis(500), socket.recv(&mut buffer)).await;
        (buffer[..received.ok()?.ok()?] == *datagram).then_some(())
    };
    eventually(DEADLINE, "a datagram comes back", answered).await;
}

#[tokio::test]
async fn datagrams_go_both_ways_and_each_sender_gets_its_own() {
    let gateway = Gateway::start().await;
    let (world, target) = (World::at(&gateway), format!("udp://{}", udp_echo().await));
    let tunnel = to_edge_with(&world, &target, "udp://127.0.0.1:0", &[], &["--idle-timeout", "1s"]).await;
    let mut sockets = Vec::new();
    for seed in 0..3 {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(tunnel.addr).await.unwrap();
        for len in [0, 1, 1400, 60_000] {
            let datagram = web::body(len, seed);
            echoed(&socket, &datagram).await;
        }
        sockets.push(socket);
    }
    // Whoever is silent is forgotten, and comes again as a new flow.
    prints(&tunnel.local, "done").await;
    for (socket, seed) in sockets.iter().zip(10..) {
        echoed(socket, &web::body(100, seed)).await;
    }
}

#[tokio::test]
async fn datagrams_to_a_tcp_target_are_refused_and_told() {
    let gateway = Gateway::start().await;
    let (world, target) = (World::at(&gateway), web::serve().await.to_string());
    let tunnel = to_edge_with(&world, &target, "udp://127.0.0.1:0", &[], &[]).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(b"x", tunnel.addr).await.unwrap();
    prints(&tunnel.remote, "must be of one kind").await;
    prints(&tunnel.local, "broken off").await;
}

#[tokio::test]
async fn both_ends_come_back_after_the_gateway_was_started_again() {
    let mut gateway = Gateway::start().await;
    let world = World::at(&gateway);
    let tunnel = to_edge(&world, web::serve().await).await;
    let page = || curl(format!("http://{}/bytes/1000/7", tunnel.addr));
    assert_eq!(fetched(page().await), web::body(1000, 7));
    gateway.restart().await;
    let again = async || Some(page().await).filter(|output| output.status.success());
    let output = eventually(DEADLINE, "a page comes again", again).await;
    assert_eq!(fetched(output), web::body(1000, 7));
}

#[tokio::test]
async fn it_goes_over_tls_with_a_certificate_on_one_side_and_a_token_on_the_other() {
    let ca = Authority::new("clients");
    let builder = Gateway::over(Network::Tls).mtls(&ca, &[]);
    ca.client("edge", &[], Validity::Now).write(builder.dir(), "client");
    let world = World::new();
    let made = world.run(&["token", "new"]).await.text();
    let (token, hash) = made.trim_end().split_once('\n').unwrap();
    std::fs::write(world.path("service.token"), token.trim_start_matches("token: ")).unwrap();
    let tokens = builder.file("tokens.yaml");
    std::fs::write(&tokens, format!("- {{hash: '{}'}}\n", hash.trim_start_matches("hash: "))).unwrap();
    let methods = serde_json::json!([{"token": {"file": tokens}}]);
    let gateway = builder.set("servicebound.auth.methods", methods).start().await;
    let file = |name: &str| gateway.dir().join(name).to_str().unwrap().to_owned();
    let added = [
        "context",
        "add",
        "lab",
        "--edgebound",
        &gateway.edge_url(),
        "--servicebound",
        &gateway.service_url(),
        "--ca",
        &file("ca.pem"),
        "--server-name",
        SERVER_NAME,
        "--cert",
        &file("client.pem"),
        "--key",
        &file("client.key"),
        "--service-token-file",
        "service.token",
    ];
    world.run(&added).await.text();
    let tunnel = to_edge(&world, web::serve().await).await;
    let page = fetched(curl(format!("http://{}/bytes/1000/7", tunnel.addr)).await);
    assert_eq!(page, web::body(1000, 7));
}
