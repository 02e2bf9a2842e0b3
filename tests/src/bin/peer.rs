//! An edge or a service as a process of its own: `peer-under-test edge|service URL`. It answers `echo`,
//! and goes on until it is killed.

use frontier_sdk::{Edge, HandlerError, Request, Response, Service};
use std::error;
use std::time::Duration;

const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, url] = &arguments[..] else { return Err("usage: peer-under-test edge|service URL".into()) };
    match role.as_str() {
        "edge" => {
            let edge = Edge::builder(url).backoff(BACKOFF.0, BACKOFF.1).connect().await?;
            edge.register("echo", echo).await?;
            println!("connected {}", edge.id());
            std::future::pending().await
        }
        "service" => {
            let service = Service::builder(url).name("peer").backoff(BACKOFF.0, BACKOFF.1).connect().await?;
            service.register("echo", echo).await?;
            println!("connected {}", service.id());
            std::future::pending().await
        }
        other => Err(format!("no such role: {other}").into()),
    }
}

async fn echo(request: Request) -> Result<Response, HandlerError> {
    Ok(Response::new(request.data))
}
