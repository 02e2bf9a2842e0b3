//! Services that reach edges at another gateway.

mod access;
mod addresses;
mod calls;
mod failures;
mod moves;
mod streams;

use crate::world::{Frontlas, member};
use frontier_sdk::{Code, Edge, EdgeId, Request, Response, Service};
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually};
use std::net::SocketAddr;

/// A gateway of a cluster that forwards.
fn forwarding(id: &str, frontlas: &[SocketAddr]) -> GatewayBuilder {
    member(id, frontlas).set("frontlas.forward.enable", true)
}

/// Two gateways of one cluster: services are at the one, edges at the other.
struct Pair {
    frontlas: Frontlas,
    /// The owner gateway: has the edges.
    owner: Gateway,
    /// The origin gateway: has the services.
    origin: Gateway,
}

impl Pair {
    async fn start() -> Self {
        let frontlas = Frontlas::patient();
        let start = |id| forwarding(id, &[frontlas.addr]).start();
        let (owner, origin) = tokio::join!(start("owner"), start("origin"));
        is_member(&origin).await;
        Self { frontlas, owner, origin }
    }

    /// An edge at the owner gateway, of which frontlas knows.
    async fn edge(&self, id: u64) -> Edge {
        let edge = edge(&self.owner, id).await;
        self.frontlas.finds(id, "owner").await;
        edge
    }

    async fn service(&self) -> Service {
        self.origin.service("files").connect().await.expect("a service connects")
    }
}

/// An edge that answers `echo`, and `where` with the port that it is connected to.
async fn edge(gateway: &Gateway, id: u64) -> Edge {
    let port = gateway.edges().to_string();
    let echo = |request: Request| async move { Ok(Response::new(request.data).custom(request.custom)) };
    let tell = move |_: Request| {
        let port = port.clone();
        async move { Ok(Response::new(port)) }
    };
    let edge = gateway.edge().id(EdgeId(id)).reconnect(false).register("echo", echo).register("where", tell);
    edge.connect().await.expect("an edge connects")
}

/// Waits until it has frontlas to ask.
async fn is_member(gateway: &Gateway) {
    let service = gateway.service("asks").connect().await.expect("a service connects");
    let asked = async || {
        let error = service.call(EdgeId(u64::MAX), "", "").await.expect_err("there is no such edge");
        (error.code() == Code::EdgeNotOnline).then_some(())
    };
    eventually(DEADLINE, "it is a member of the cluster", asked).await;
}

/// Waits until the edge answers.
async fn answers(service: &Service, id: u64) -> String {
    let called = async || {
        let answer = service.call(EdgeId(id), "where", "").await;
        match answer {
            Ok(answer) => Some(String::from_utf8_lossy(&answer.data).into_owned()),
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                None
            }
        }
    };
    eventually(DEADLINE, "the edge answers", called).await
}
