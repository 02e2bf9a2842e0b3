//! Edges and services of the SDK, with the options of a test.

use crate::{Authority, Gateway};
use bytes::Bytes;
use frontier_sdk::{Builder, ClientTls, Edge, Error, Request, Response, Service};
use std::time::Duration;

/// How soon a lost connection is made anew: tests wait for it.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));

impl Gateway {
    /// An edge of this gateway, to be connected.
    pub fn edge(&self) -> Builder<Edge> {
        edge(self.edge_url(), self.tls())
    }

    /// A service of this gateway, to be connected.
    pub fn service(&self, name: &str) -> Builder<Service> {
        service(self.service_url(), name, self.tls())
    }
}

impl crate::StallProxy {
    /// An edge that connects through this network.
    pub fn edge(&self) -> Builder<Edge> {
        edge(self.url(), Authority::common().trusted())
    }

    /// A service that connects through this network.
    pub fn service(&self, name: &str) -> Builder<Service> {
        service(self.url(), name, Authority::common().trusted())
    }
}

fn edge(url: String, tls: ClientTls) -> Builder<Edge> {
    Edge::builder(url).tls(tls).backoff(BACKOFF.0, BACKOFF.1).call_timeout(crate::DEADLINE)
}

fn service(url: String, name: &str, tls: ClientTls) -> Builder<Service> {
    Service::builder(url).name(name).tls(tls).backoff(BACKOFF.0, BACKOFF.1).call_timeout(crate::DEADLINE)
}

/// Why the connections of an edge come to nothing. Since it would try again and again it is given little
/// time, and more if that was not enough for a single attempt.
///
/// # Panics
/// If it connects, or no attempt comes to an end.
pub async fn connect_error(edge: impl Fn() -> Builder<Edge>) -> String {
    for timeout in [300, 1_000, 3_000, 10_000].map(Duration::from_millis) {
        let error = edge().connect_timeout(timeout).connect().await.expect_err("nobody is let in here");
        let text = error.to_string();
        if !text.ends_with("has not answered yet") {
            return text;
        }
    }
    panic!("no attempt comes to an end");
}

/// Registers a method that answers with its argument.
///
/// # Errors
/// What the gateway says against it.
pub async fn echo(service: &Service, method: &str) -> Result<(), Error> {
    service.register(method, |request: Request| async move { Ok(Response::new(request.data)) }).await
}

/// Registers a method that always gives the same answer.
///
/// # Errors
/// What the gateway says against it.
pub async fn answers_with(service: &Service, method: &str, answer: impl Into<Bytes>) -> Result<(), Error> {
    let answer = answer.into();
    let handler = move |_: Request| {
        let answer = answer.clone();
        async move { Ok(Response::new(answer)) }
    };
    service.register(method, handler).await
}
