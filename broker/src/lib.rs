//! The broker of work sessions: clients send it requests, hosts compute them, clients fetch the responses.
//!
//! ```text
//!   client ── REST, WebSocket, gRPC ─▶ rest, grpc ─▶ Api ─▶ Sessions ─▶ a task for each session, which owns it and its part of the store
//!                                               │  ▲
//!                              offered, ended   ▼  │ grants
//!                                        a task for each service, which owns its Dispatcher
//!                                               ▲
//!   host ── gateway ── sessions.host ─▶ Hosts ──┘         a call for each grant: sessions.execute, over the gateway
//! ```
//!
//! It reaches hosts with the SDK alone: it is a service, they are edges. What is decided is in `frontier-sessions`.

mod api;
mod broker;
pub mod cli;
pub mod config;
mod dispatch;
mod execution;
mod gate;
mod gateway;
mod grpc;
mod hosts;
mod leading;
mod metrics;
mod reader;
mod reload;
mod rest;
mod scaling;
mod session;
mod sessions;

pub use broker::{Broker, BrokerError};
pub use config::Config;
pub use gateway::Gateway;
pub use reload::Live;
