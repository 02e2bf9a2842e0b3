//! Edges that reach services at another gateway.

mod faults;
mod load;
mod presence;
mod traffic;

use crate::world::{Frontlas, member};
use frontier_sdk::{Edge, EdgeId, Request, Response, Service};
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, eventually};

const IDS: [&str; 3] = ["f1", "f2", "f3"];

/// Three gateways of one cluster that forward.
struct Trio {
    frontlas: Frontlas,
    gateways: Vec<Gateway>,
}

fn forwarding(frontlas: &Frontlas, id: &str) -> GatewayBuilder {
    member(id, &[frontlas.addr]).set("frontlas.forward.enable", true)
}

impl Trio {
    async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(set: impl Fn(GatewayBuilder) -> GatewayBuilder) -> Self {
        let frontlas = Frontlas::patient();
        let start = |id| set(forwarding(&frontlas, id)).start();
        let (first, second, third) = tokio::join!(start(IDS[0]), start(IDS[1]), start(IDS[2]));
        Self { frontlas, gateways: vec![first, second, third] }
    }

    /// An edge at the gateway of this number, which answers `echo`.
    async fn edge(&self, gateway: usize, id: u64) -> Edge {
        let builder = self.gateways[gateway].edge().id(EdgeId(id)).reconnect(false);
        builder.register("echo", echo).connect().await.expect("an edge connects")
    }

    /// A service at the gateway of this number that answers `echo` and `where`, and receives the topic `t`.
    async fn service(&self, gateway: usize) -> Service {
        self.builder(gateway).connect().await.expect("a service connects")
    }

    fn builder(&self, gateway: usize) -> frontier_sdk::Builder<Service> {
        let id = IDS[gateway];
        let tell = move |_: Request| async move { Ok(Response::new(id)) };
        let builder = self.gateways[gateway].service("files").reconnect(false);
        builder.topics(["t"]).register("echo", echo).register("where", tell)
    }
}

async fn echo(request: Request) -> Result<Response, frontier_sdk::HandlerError> {
    Ok(Response::new(request.data).custom(request.custom))
}

/// Waits until the edge reaches a service that answers `where`, and gives the gateway that it is at.
async fn reaches(edge: &Edge) -> String {
    let called = async || Some(text(edge.call("where", "").await.ok()?));
    eventually(DEADLINE, "the edge reaches a service", called).await
}

fn text(response: Response) -> String {
    String::from_utf8_lossy(&response.data).into_owned()
}
