//! The client library of Frontier, a gateway between **edges** (devices, agents, jobs: many, outside)
//! and **services** (back-end processes: few, inside). Both dial the gateway, keep one connection, and
//! send each other messages, calls and streams through it.
//!
//! # An edge
//! ```no_run
//! use frontier_sdk::{Edge, Request, Response};
//! # use tokio::io::AsyncWriteExt;
//! # async fn example(payload: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
//! let edge = Edge::builder("tcp://127.0.0.1:30012").meta("sn-42").connect().await?;
//!
//! edge.publish("telemetry", payload).await?; // returns when the receiver is done with it
//! let reply = edge.call("echo", "hello").await?;
//! assert_eq!(reply.data, "hello");
//!
//! edge.register("reboot", |req: Request| async move { Ok(Response::new(req.data)) }).await?;
//!
//! let mut stream = edge.open_stream("files").await?; // raw bytes, messages and calls
//! stream.write_all(b"raw bytes").await?;
//!
//! while let Some(message) = edge.recv().await {
//!     println!("{}: {:?}", message.topic, message.data);
//!     message.done();
//! }
//! # Ok(()) }
//! ```
//!
//! # A service
//! ```no_run
//! use frontier_sdk::{EdgeId, HandlerError, Response, Service};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let service = Service::builder("tcp://127.0.0.1:30011")
//!     .name("files")
//!     .topics(["telemetry"])
//!     // Who is who, and who may come in at all.
//!     .on_edge_id(|meta| async move {
//!         match &meta[..] {
//!             b"sn-42" => Ok(EdgeId(42)),
//!             _ => Err(HandlerError::new(1, "unknown serial number")),
//!         }
//!     })
//!     .on_edge_online(|edge| async move { Ok(println!("{} from {}", edge.id, edge.addr)) })
//!     .connect()
//!     .await?;
//!
//! service.register("echo", |req| async move { Ok(Response::new(req.data)) }).await?;
//!
//! let edge = EdgeId(42);
//! service.call(edge, "reboot", "now").await?;
//! service.publish(edge, "a new config").topic("config").await?;
//! let _stream = service.open_stream(edge).meta("logs").await?;
//! # Ok(()) }
//! ```
//!
//! # Deadlines, errors, backpressure
//! Whatever waits has a deadline: its own, or the builder's call timeout.
//! ```no_run
//! # use frontier_sdk::{Code, Edge};
//! # use std::time::Duration;
//! # async fn example(edge: Edge) {
//! match edge.call("echo", "hello").timeout(Duration::from_secs(2)).await {
//!     Ok(reply) => println!("{:?}", reply.data),
//!     Err(error) if error.code() == Code::MethodNotFound => println!("nobody registered it"),
//!     Err(error) if error.is_retryable() => println!("later, perhaps: {error}"),
//!     Err(error) => println!("{error}"),
//! }
//! # }
//! ```
//! When the gateway reads more slowly than calls are made, callers wait for room. When handlers or the
//! receiving user are too slow, the other side is told [`Code::Overloaded`] at once; nothing is
//! dropped in silence, but for unacked messages.
//!
//! # When the connection is lost
//! A new one is made, by the rules of the [`Builder`], and begins with everything that was registered. Meanwhile:
//! - calls and messages that were in flight fail with [`Code::Disconnected`]; nobody knows whether they
//!   had their effect;
//! - those that are begun wait for the new connection, within their deadlines;
//! - handlers that run are dropped at their next `.await`, because nobody waits for their answer;
//! - messages in the queue stay there. Their senders were told of the loss and may send them again;
//! - streams are reset.
//!
//! It ends for good, with a [`Closed`] reason, when a newer connection takes over the id. A gateway that refuses a client which was
//! connected before is asked again, with pauses that grow to minutes and [`Status::Refused`] meanwhile. If the gateway announces that it goes away, a connection to another one is made
//! first; then everything new goes over that, and what is in flight comes to its end on the old one.
//!
//! # A cluster
//! The feature `cluster`, off unless asked for, adds `ClusterService`, a service of all gateways that one
//! frontlas knows, and URLs `frontlas://host:port` for edges, which then choose among those gateways. It
//! brings gRPC along, which an edge on a small device may not want.
//!
//! # Payloads with types, and tests
//! The feature `json` adds `to_json`, `Request::json`, `Response::from_json` and the like; `serde` alone lets ids stand in
//! documents of one's own. [`Request::new`], [`Message::new`], [`EdgeEvent::new`] and [`EdgeIdRequest::new`] make what
//! handlers get, to try them without a gateway. The crate `frontier-testing` has a gateway in memory, for all of a program.
//!
//! # Hosts of work sessions
//! The feature `host` adds `ServiceHost`, an edge that computes the requests of work sessions.
//!
//! # Clients of work sessions
//! The feature `session` adds `Session`, `DurableSession` and `BrokerClient`, which have requests computed by the hosts of a service: typed bodies,
//! responses as a stream, and connections that are made again. It brings gRPC along.
//!
//! # Traces
//! A [`TraceContext`] travels with calls, messages and streams, and handlers see it. The feature `trace` takes it from the
//! current span of `tracing` and runs handlers in spans that go on from it; what exports them is the program's own.
//!
//! # What blocks what
//! On a runtime of several threads, as `#[tokio::main]` makes, a thread of the SDK carries the connections of all clients of
//! the process (`frontier-io`), and calls no code of the program's: handlers, sources of tokens and whoever waits for an
//! answer run on the runtime on which `connect` was awaited. A connection that one caller uses, or whose requests the program
//! answers at once, is carried there too while that goes on, and goes back to the thread within 40 ms when the runtime is held up. So a handler that blocks its thread, for a minute or for good,
//! takes one thread of the program's: heartbeats are answered, other calls come and go, and quick handlers run on the
//! other threads. Once all threads are blocked no handler starts and no caller goes on, but the connections still stand.
//! What takes long belongs into `tokio::task::spawn_blocking` for that reason. A task that another one has woken just before
//! that blocked waits for it, as everywhere in tokio.
//!
//! On a current-thread runtime everything stays on that, also the clock of a test that is paused; there, blocking code
//! holds up the connection too. [`Builder::io_thread`] chooses otherwise.
//!
//! # Costs
//! Three tasks and one socket per client; the thread for connections, once. A call is encoded straight into the outbox and costs one
//! allocation beside its answer's; a payload over 64 KiB travels on a stream of its own, delays no
//! small one, and may be overtaken by one that was sent later. Hundreds of calls of one task are cheaper as [`Calls`]. Received payloads are slices of the
//! read buffer. A handler that has shown to be quick costs no task for a request that it answers at once.

mod builder;
mod call;
mod calls;
mod client;
#[cfg(feature = "cluster")]
mod cluster;
mod connect_error;
mod connection;
mod credentials;
mod delivery;
mod edge;
mod error;
mod executor;
#[cfg(feature = "cluster")]
mod frontlas;
mod handler;
mod handler_error;
mod handlers;
#[cfg(feature = "host")]
pub mod host;
mod io_thread;
#[cfg(feature = "json")]
mod json;
mod kept;
mod message;
mod open_stream;
mod options;
mod publish;
mod queue;
mod request;
mod service;
#[cfg(feature = "session")]
mod session;
mod status;
mod stream;
mod supervisor;
mod trace;

pub use builder::Builder;
pub use bytes::Bytes;
pub use call::Call;
pub use calls::{CallId, Calls};
#[cfg(feature = "cluster")]
pub use cluster::{ClusterService, FrontierStatus};
pub use connect_error::ConnectError;
pub use edge::Edge;
pub use error::Error;
pub use frontier_protocol::{CATCH_ALL, Code, EdgeId, Fault, ServiceId};
pub use frontier_transport::{
    ClientTls, ClientTlsError, Downgrade, EndpointError, HeaderError, ProxyUrlError, ProxyVariableError,
    QuicClient, TlsVersion,
};
pub use handler_error::HandlerError;
#[cfg(feature = "host")]
pub use host::{HostBuilder, HostError, HostRequest, ServiceHost};
#[cfg(feature = "json")]
pub use json::to_json;
pub use message::{Message, MessageOutcome};
pub use open_stream::OpenStream;
pub use publish::Publish;
pub use request::{Request, Response};
pub use service::{EdgeEvent, EdgeIdRequest, Serves, Service};
#[cfg(feature = "session")]
pub use session::{
    BrokerClient, BrokerResponse, DurableSession, ResponseFault, ResponseStart, ResponseTask, Responses,
    Session, SessionError, SessionStartInfo, SessionStatus,
};
pub use status::{Closed, Status, StatusWatch};
pub use stream::{
    Outgoing, Peer, Stream, StreamConfig, StreamError, StreamMessage, StreamRequest, StreamResponse,
};
pub use trace::TraceContext;
