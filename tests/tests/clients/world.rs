//! A cluster of one gateway, with peers that do what they are asked to.

use frontier_api::cluster::GetEdgesCountRequest;
use frontier_api::cluster::cluster_service_client::ClusterServiceClient;
use frontier_sdk::{Edge, EdgeId, HandlerError, Request, Service};
use frontier_tests::{Broker, DEADLINE, Frontlas, Gateway, eventually, replace};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tonic::transport::Endpoint;

/// What operators show at both planes.
pub(crate) const TOKEN: &str = "the-token-of-anna";

/// The edges: among them the one that has the greatest id that there is.
pub(crate) const EDGES: [u64; 3] = [1, 2, u64::MAX];

/// Gateway and frontlas, both of which ask for credentials, and who is connected.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) frontlas: Frontlas,
    pub(crate) control: SocketAddr,
    methods: Value,
    _service: Service,
    _edges: Vec<Edge>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let gateway = Gateway::builder();
        let tokens = gateway.file("operators.yaml");
        let hash = frontier_credentials::token::hash(TOKEN.as_bytes()).expect("a token has a hash");
        replace(
            &tokens,
            format!("- {{{}', name: Anna, role: admin}}\n", hash.replacen("hash: ", "hash: '", 1)),
        );
        let methods = json!([{"token": {"file": tokens}}]);
        let frontlas = Frontlas::builder()
            .set("control_plane.auth.methods", methods.clone())
            // The fuzzer tries wrong ones, again and again.
            .set("access.throttle.failures", 1000)
            .start()
            .await;
        let gateway = gateway
            .set("controlplane.auth.methods", methods.clone())
            .set("access.throttle.failures", 1000)
            .set("daemon.frontier_id", "g1")
            .set("frontlas.enable", true)
            .set("frontlas.dial.addrs", vec![frontlas.plane().to_string()])
            .start()
            .await;
        let service = gateway.service("files").topics(["up", "down"]).connect().await.unwrap();
        frontier_tests::echo(&service, "echo").await.unwrap();
        // Short and long ones, which the fuzzer finds by itself.
        for method in ["0".to_owned(), "0".repeat(255)] {
            frontier_tests::echo(&service, &method).await.unwrap();
        }
        tokio::spawn({
            let service = service.clone();
            async move {
                while let Some(message) = service.recv().await {
                    message.done();
                }
            }
        });
        let mut edges = Vec::new();
        for id in EDGES {
            edges.push(edge(&gateway, id).await);
        }
        let control = gateway.control().await;
        let world = Self { gateway, frontlas, control, methods, _service: service, _edges: edges };
        world.is_reported().await;
        world
    }

    /// A broker behind the gateway, which asks for the same credentials.
    pub(crate) async fn broker(&self) -> Broker {
        Broker::of(&self.gateway)
            .set("sessions.auth.methods", self.methods.clone())
            .set("access.throttle.failures", 1000)
            .start()
            .await
    }

    /// Where a path of the gateway's control plane is.
    pub(crate) fn gateway_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.control)
    }

    /// Where a path of frontlas' control plane is.
    pub(crate) fn frontlas_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.frontlas.control())
    }

    /// Frontlas knows of every edge.
    async fn is_reported(&self) {
        let channel = Endpoint::from_shared(self.frontlas_url("")).unwrap().connect_lazy();
        let client = ClusterServiceClient::new(channel);
        let count = async || {
            let mut request = tonic::Request::new(GetEdgesCountRequest {});
            request.metadata_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
            let count = client.clone().get_edges_count(request).await.ok()?.into_inner().count;
            (count == EDGES.len() as u64).then_some(())
        };
        eventually(DEADLINE, "frontlas knows of the edges", count).await;
    }
}

/// One that echoes, fails when it is asked to, and takes each message.
async fn edge(gateway: &Gateway, id: u64) -> Edge {
    let echo = |request: Request| async move { Ok(request.data.into()) };
    let edge = gateway
        .edge()
        .id(EdgeId(id))
        .meta(format!("sn-{id}"))
        .register("echo", echo)
        .register("0", echo)
        .register(&"0".repeat(255), echo)
        .register("fails", |_: Request| async { Err(HandlerError::new(42, "no more paper")) })
        .connect()
        .await
        .unwrap();
    tokio::spawn({
        let edge = edge.clone();
        async move {
            while let Some(message) = edge.recv().await {
                message.done();
            }
        }
    });
    edge
}
