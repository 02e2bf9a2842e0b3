//! The whole: gateways report to frontlas by themselves, edges and the service find them there.

use crate::world::{knows, who};
use frontier_sdk::{ClusterService, Code, Edge, EdgeId, Request, Response};
use frontier_tests::{DEADLINE, Gateway, eventually, within};
use frontlas::{Config, Node};
use futures_util::future::join_all;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

const EDGES: u64 = 60;

/// A frontlas as the daemon runs it, with its directory in memory.
struct Frontlas {
    control: String,
    plane: String,
    _stop: DropGuard,
}

impl Frontlas {
    async fn start() -> Self {
        let yaml = "
control_plane: {listen: {addr: '127.0.0.1:0'}, watch_interval: 20ms}
frontier_plane: {listen: {addr: '127.0.0.1:0'}, expiration: {alive: 2s}}
";
        let config = Config::parse(yaml, &|_| None).expect("the settings of a test are right");
        let node = Node::bind(&config).await.unwrap_or_else(|error| panic!("{error}"));
        let (control, plane) =
            (node.control_plane_addr().to_string(), node.frontier_plane_addr().to_string());
        let stop = CancellationToken::new();
        tokio::spawn(node.run(stop.clone()));
        Self { control, plane, _stop: stop.drop_guard() }
    }

    async fn gateway(&self, id: &str) -> Gateway {
        let builder = Gateway::builder().set("frontlas.enable", true).set("daemon.frontier_id", id);
        builder.set("frontlas.dial.addrs", vec![self.plane.clone()]).start().await
    }

    async fn edge(&self, id: u64) -> Edge {
        let edge = Edge::builder(format!("frontlas://{}", self.control))
            .id(EdgeId(id))
            .backoff(Duration::from_millis(10), Duration::from_millis(200))
            .connect_timeout(DEADLINE)
            .register("who", |_: Request| async { Ok(Response::new("edge")) })
            .connect();
        within("an edge connects", edge).await.expect("it connects")
    }

    async fn service(&self) -> ClusterService {
        let service = ClusterService::builder(format!("http://{}", self.control))
            .name("all")
            .backoff(Duration::from_millis(10), Duration::from_millis(200))
            .call_timeout(DEADLINE)
            .connect_timeout(DEADLINE)
            .connect();
        within("the service connects", service).await.expect("it connects")
    }
}

#[tokio::test]
async fn when_a_gateway_is_killed_its_edges_are_reached_through_the_others() {
    let frontlas = Frontlas::start().await;
    let mut gateways =
        [frontlas.gateway("f1").await, frontlas.gateway("f2").await, frontlas.gateway("f3").await];
    let service = frontlas.service().await;
    knows(&service, &["f1", "f2", "f3"]).await;
    service.register("echo", |req| async move { Ok(Response::new(req.data)) }).await.unwrap();
    let edges = join_all((1..=EDGES).map(|id| frontlas.edge(id))).await;
    let all = || join_all(edges.iter().map(|edge| who(&service, edge.id())));
    let is_known = async || all().await.iter().all(Result::is_ok).then_some(());
    eventually(DEADLINE, "all edges are known", is_known).await;

    gateways[0].kill().await;
    // Calls are answered, wait for their edge, or are told that what was in flight is lost.
    let answered = async || {
        let answers = all().await;
        let lost =
            |error: &frontier_sdk::Error| matches!(error.code(), Code::Disconnected | Code::EdgeNotOnline);
        for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert!(lost(error), "{error}");
        }
        answers.iter().all(Result::is_ok).then_some(())
    };
    eventually(Duration::from_secs(5), "all edges are reached again", answered).await;
    let echoes = join_all(edges.iter().map(|edge| within("an echo", edge.call("echo", "x")))).await;
    for (echo, (edge, id)) in echoes.into_iter().zip(edges.iter().zip(1..)) {
        assert_eq!((echo.unwrap().data.as_ref(), edge.id()), (&b"x"[..], EdgeId(id)));
    }
    knows(&service, &["f2", "f3"]).await;

    let _fourth = frontlas.gateway("f4").await;
    knows(&service, &["f2", "f3", "f4"]).await;
    let newcomer = frontlas.edge(EDGES + 1).await;
    assert_eq!(within("an echo", newcomer.call("echo", "x")).await.unwrap().data, "x");
}
