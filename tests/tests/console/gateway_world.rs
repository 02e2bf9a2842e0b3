//! A gateway whose console is looked at: an edge that answers, one that will not come again, a service, and operators.

use crate::browser::Browser;
use crate::world::log_in;
use frontier_access::authn::token;
use frontier_sdk::{Edge, EdgeId, HandlerError, Request, Service};
use frontier_tests::{Gateway, RawPeer, echo, replace, within};
use serde_json::json;
use std::net::SocketAddr;

pub(crate) const READER: &str = "frt_a-reader";
pub(crate) const OPERATOR: &str = "frt_an-operator";
pub(crate) const ADMIN: &str = "frt_an-admin";

/// A gateway, and who is connected to it.
pub(crate) struct GatewayWorld {
    pub(crate) gateway: Gateway,
    control: SocketAddr,
    /// Edge 7: `echo` answers with its argument, `fails` with an error, `hangs` not at all; it acks each message.
    pub(crate) edge: Edge,
    pub(crate) raw: RawPeer,
    pub(crate) service: Service,
}

impl GatewayWorld {
    pub(crate) async fn start() -> Self {
        let builder = Gateway::builder();
        let file = builder.file("operators.yaml");
        let entry = |token: &str, role: &str| format!("- {{hash: '{}', role: {role}}}\n", token::hash(token));
        replace(&file, entry(READER, "read") + &entry(OPERATOR, "operate") + &entry(ADMIN, "admin"));
        let builder = builder.set("controlplane.auth.methods", json!([{"token": {"file": file}}]));
        let builder = builder.set("controlplane.listen.addr", "127.0.0.1:0").set("reload.enforce", true);
        let gateway = builder.start().await;
        let control = gateway.control().await;
        let edge = gateway
            .edge()
            .id(EdgeId(7))
            .meta("sn-42")
            .register("echo", |request: Request| async move { Ok(request.data.into()) })
            .register("fails", |_: Request| async { Err(HandlerError::new(42, "no more paper")) })
            .register("hangs", |_: Request| std::future::pending());
        let edge = within("an edge connects", edge.connect()).await.unwrap();
        let receiver = edge.clone();
        tokio::spawn(async move {
            while let Some(message) = receiver.recv().await {
                message.done();
            }
        });
        let raw = RawPeer::edge(gateway.edges()).await;
        let service = gateway.service("files").topics(["uploads"]).connect().await.unwrap();
        echo(&service, "put").await.unwrap();
        Self { gateway, control, edge, raw, service }
    }

    /// The address of its control plane.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.control)
    }

    /// A browser that has logged in.
    pub(crate) async fn browser(&self, token: &str) -> Browser {
        log_in(self.control, token).await
    }
}
