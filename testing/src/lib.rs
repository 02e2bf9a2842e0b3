//! A gateway in memory: for tests of programs that are edges or services.
//!
//! It is the gateway itself, with the wire, the exchange, the limits and the rules of the real one, and clients are those
//! of the SDK. Only the sockets are left out: connections are pipes within the process, so that a test needs no port, no
//! other process and no file, and any number of them run side by side.
//!
//! ```
//! use frontier_sdk::{Builder, Edge, Request, Response, Service};
//! use frontier_testing::Gateway;
//!
//! // What is tested takes a builder, and says what is its own.
//! async fn thermometer(edge: Builder<Edge>) -> Result<Edge, frontier_sdk::ConnectError> {
//!     edge.register("temperature", |_: Request| async { Ok(Response::new("21.5")) }).connect().await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In a #[tokio::test].
//! let gateway = Gateway::start();
//! let edge = thermometer(gateway.edge()).await?;
//! let service = gateway.service("tests").connect().await?;
//! let answer = service.call(edge.id(), "temperature", "").await?;
//! assert_eq!(answer.data, "21.5");
//!
//! // It stops as the real one does: everybody is told, and what is in flight ends.
//! gateway.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not show
//! TLS, WebSocket, QUIC and clusters: nothing is put over the pipes. And time passes as ever: with tokio's paused clock
//! heartbeats and deadlines of the two sides are not in step.

use frontier::{Config, MemoryPorts, StartError};
use frontier_config::ConfigErrors;
use frontier_sdk::{Builder, Edge, Service};
use frontier_transport::MemoryPort;
use std::time::Duration;
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What clients dial. Nobody looks it up: it only has to be a URL.
const EDGES: &str = "tcp://gateway.memory:30012";
const SERVICES: &str = "tcp://gateway.memory:30011";

/// How soon a lost connection is made anew: tests wait for it.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// Why there is no gateway.
#[derive(Debug, Error)]
pub enum Error {
    /// The configuration is wrong: all mistakes, each with its line and key.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Files that it names can't be used.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A gateway in memory, which runs until it is [stopped](Self::stop) or dropped.
///
/// A dropped one ends as well, but nobody waits for that.
#[derive(Debug)]
pub struct Gateway {
    ports: MemoryPorts,
    running: JoinHandle<()>,
    stop: DropGuard,
}

impl Gateway {
    /// With the defaults: everybody may connect and do everything.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start() -> Self {
        // The defaults are right, and name no file.
        Self::with("").expect("the defaults hold")
    }

    /// With this configuration, as YAML: rules, tokens, limits and so on. The address, network and TLS of its listeners
    /// are of no use here.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use frontier_sdk::Code;
    ///
    /// let gateway = frontier_testing::Gateway::with("limits: {payload_size: 64KiB}")?;
    /// let service = gateway.service("files").topics(["files"]).connect().await?;
    /// let edge = gateway.edge().connect().await?;
    /// let error = edge.publish("files", vec![0; 65 * 1024]).await.unwrap_err();
    /// assert_eq!(error.code(), Code::TooLarge);
    /// # drop(service);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`enum@Error`], if the configuration or a file that it names is wrong.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn with(yaml: &str) -> Result<Self, Error> {
        let config = Config::parse(yaml, &|_| None)?;
        let (gateway, ports) = frontier::Gateway::in_memory(&config)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let running = tokio::spawn(async move {
            // It fails only by a fault of its own, of which its clients hear.
            let _ = gateway.run(stopped).await;
        });
        Ok(Self { ports, running, stop: stop.drop_guard() })
    }

    /// An edge, to be set up further and connected.
    pub fn edge(&self) -> Builder<Edge> {
        reach(Edge::builder(EDGES), &self.ports.edges)
    }

    /// A service of this name, to be set up further and connected.
    pub fn service(&self, name: &str) -> Builder<Service> {
        reach(Service::builder(SERVICES).name(name), &self.ports.services)
    }

    /// Stops it as SIGTERM stops the real one: clients are told, and what is in flight may end. Since they have nowhere else
    /// to go, clients that do nothing are closed after two seconds.
    pub async fn stop(self) {
        drop(self.stop);
        // It has no panic of its own, and nobody else aborts it.
        let _ = self.running.await;
    }
}

fn reach<P>(builder: Builder<P>, port: &MemoryPort) -> Builder<P> {
    let port = port.clone();
    let connect = move |_url| {
        let port = port.clone();
        async move { port.connect().await }
    };
    builder.connect_with(connect).backoff(BACKOFF.0, BACKOFF.1)
}

/// The page about it, whose example is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/testing.md")]
struct Page;
