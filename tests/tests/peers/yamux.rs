//! hashicorp/yamux, in both roles, between clients and the gateway: it is what peers in Go speak.

use crate::traffic::{Post, TIMEOUT};
use bytes::Bytes;
use frontier_sdk::{Edge, Request, Response, Service};
use frontier_tests::{DEADLINE, Gateway, Process, eventually, tool};
use nix::sys::signal::Signal;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Where the bridge's source is.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/yamux");

/// Longer than a stream may wait for its acknowledgement at the bridge.
const LATE: Duration = Duration::from_secs(3);

/// More than goes in a frame.
const DETACHED: usize = 100_000;

/// A bridge between two connections of that library.
struct Bridge {
    process: Process,
    url: String,
}

impl Bridge {
    /// Of the program that stands in the gateway's folder.
    async fn to(gateway: &Gateway, addr: SocketAddr) -> Self {
        let program = gateway.dir().join("bridge");
        if !program.exists() {
            build(&program).await;
        }
        let mut command = Command::new(program);
        command.arg(addr.to_string());
        let mut process = Process::spawn("bridge", command);
        let url = eventually(DEADLINE, "the bridge listens", async || {
            let line = process.log().find("listening ");
            assert!(line.is_some() || process.is_running(), "{:?}", process.log().lines());
            Some(format!("tcp://{}", line?.split_once(' ')?.1))
        });
        let url = url.await;
        Self { process, url }
    }

    /// Neither connection was lost, nor any stream.
    #[track_caller]
    fn is_whole(&self) {
        for word in ["ended:", "lost", "no stream", "[ERR]"] {
            assert_eq!(self.process.log().find(word), None);
        }
    }
}

async fn build(program: &std::path::Path) {
    let mut command = tokio::process::Command::new(tool("go", "golang-go"));
    command.args(["build", "-mod=readonly", "-o"]).arg(program).arg(".").current_dir(SOURCE);
    command.env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0").kill_on_drop(true);
    let built = tokio::time::timeout(Duration::from_secs(240), command.output()).await;
    let built = built.expect("go builds in time").expect("go starts");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

/// A service and an edge, each behind a bridge of its own.
struct World {
    _gateway: Gateway,
    bridges: [Bridge; 2],
    service: Service,
    edge: Edge,
}

impl World {
    async fn start() -> Self {
        let gateway = Gateway::start().await;
        let near = Bridge::to(&gateway, gateway.services()).await;
        let service = Service::builder(&near.url).name("slow").call_timeout(TIMEOUT).connect().await.unwrap();
        let answer = |request: Request| async move {
            tokio::time::sleep(LATE).await;
            Ok(Response::new(request.data))
        };
        service.register("late", answer).await.unwrap();
        let far = Bridge::to(&gateway, gateway.edges()).await;
        let edge = Edge::builder(&far.url).call_timeout(TIMEOUT).reconnect(false).connect().await.unwrap();
        Self { _gateway: gateway, bridges: [near, far], service, edge }
    }

    async fn late_call(&self) {
        let data = Bytes::from(vec![7; DETACHED]);
        let answer = self.edge.call("late", data.clone()).await;
        let logs = || self.bridges.each_ref().map(|bridge| bridge.process.log().lines());
        let answer = answer.unwrap_or_else(|error| panic!("{error:?}: {:?}", logs()));
        assert!(answer.data == data);
    }
}

#[tokio::test]
async fn an_edge_works_behind_another_make_of_the_multiplexer() {
    let gateway = Gateway::start().await;
    let post = Post::at(&gateway).await;
    let bridge = Bridge::to(&gateway, gateway.edges()).await;
    let edge = post.works_with(&bridge.url, &[0, 1000, 60_000, DETACHED, 3_000_000]).await;
    post.has_seen_only(&[&edge]).await;
    bridge.is_whole();
}

#[tokio::test]
async fn a_stream_that_is_answered_late_ends_no_connection() {
    let world = World::start().await;
    let (opened, accepted) =
        tokio::join!(world.edge.open_stream("slow").into_future(), world.service.accept_stream());
    let (mut near, mut far) = (opened.unwrap(), accepted.unwrap());
    near.write_all(b"question").await.unwrap();
    near.shutdown().await.unwrap();
    let answer = async {
        let mut question = Vec::new();
        far.read_to_end(&mut question).await.unwrap();
        tokio::time::sleep(LATE).await;
        far.write_all(&question).await.unwrap();
        far.shutdown().await.unwrap();
    };
    let mut came = Vec::new();
    let (_, read, ()) = tokio::join!(answer, near.read_to_end(&mut came), world.late_call());
    read.unwrap();
    assert_eq!(came, b"question");
    world.bridges.iter().for_each(Bridge::is_whole);
}

#[tokio::test]
async fn no_payload_of_many_at_once_is_lost_on_its_way_to_one_who_is_late() {
    let world = World::start().await;
    let calls = (0..600).map(|_| world.late_call());
    futures_util::future::join_all(calls).await;
    world.bridges.iter().for_each(Bridge::is_whole);
}

#[tokio::test]
async fn a_dialler_that_opens_no_more_streams_loses_none_that_is_open() {
    let world = World::start().await;
    let (mut near, mut far) = {
        let (opened, accepted) =
            tokio::join!(world.edge.open_stream("slow").into_future(), world.service.accept_stream());
        (opened.unwrap(), accepted.unwrap())
    };
    near.write_all(b"before").await.unwrap();
    let process = &world.bridges[1].process;
    process.signal(Signal::SIGUSR1);
    eventually(DEADLINE, "it leaves", async || process.log().find("leaving")).await;
    far.write_all(b"behind it").await.unwrap();
    far.shutdown().await.unwrap();
    let mut came = Vec::new();
    near.read_to_end(&mut came).await.unwrap();
    assert_eq!(came, b"behind it");
    // What goes on the lane still goes.
    let answer = world.edge.call("late", "small").await.expect("an answer");
    assert_eq!(answer.data, "small");
    world.bridges.iter().for_each(Bridge::is_whole);
}
