//! A relay for batch jobs: they send a message with one request, and are told what the broker has said of it.
//!
//! ```text
//!   job ─▶ gRPC, HTTP ─▶ who? ─▶ allowed target? ─▶ rate? ─▶ seen before? ─▶ Line ─▶ Sink ─▶ broker
//!    ▲                                                                        │
//!    └───── Answer: a number and a text ◀──── within the caller's time ◀──────┘
//! ```
//!
//! Each request ends exactly once with an [`Answer`], before the caller's time is over. Targets are those of the
//! configuration, and so are all credentials that brokers are shown. A message is sent again only where it is certain
//! that it was not stored.
//!
//! [`Relay`] is the port with its targets; [`Handle::send`] is the same for whoever is in the process.

mod answer;
mod caller;
mod counters;
mod grpc;
mod keys;
mod line;
mod order;
mod rates;
mod relay;
mod rest;
mod servers;
mod settings;
mod targets;

pub use answer::{Answer, Fault};
pub use caller::{PLANE, Who};
pub use counters::Via;
pub use order::{Order, Ordered, Target};
pub use relay::{Handle, Relay};
pub use settings::{AmqpTargets, Brokers, KafkaTargets, RelayConfig};
