//! What daemons and their clients agree on.
//!
//! [`cluster`] is the control plane of frontlas, [`gateway`] that of a gateway, [`broker`] what clients of work sessions ask, and [`messagebroker`] the relay for batch jobs: messages, and by feature the
//! generated client and server. With the feature `json`, [`json`], [`gateway_json`] and [`session_json`] have what their REST sides answer,
//! [`ClusterRoute`], [`GatewayRoute`] and [`BrokerRoute`] where, and [`CLUSTER_OPENAPI`], [`GATEWAY_OPENAPI`] and [`BROKER_OPENAPI`]
//! say all of it to programs.
//!
//! The code is generated from `proto/` and checked in, so a build needs neither protoc nor a generator, and
//! readers find the code where they look for it; so are the OpenAPI documents, from `proto/`, the routes, and what the JSON
//! types write; that of work sessions, whose JSON is not protobuf's, from its types alone. A test generates all of it again, in pure Rust, and fails if what is checked in differs; `UPDATE_GENERATED=1 cargo test -p frontier-api` writes it.

#[cfg(feature = "json")]
mod binary;
#[cfg(feature = "json")]
mod number;
#[cfg(feature = "json")]
mod object;

/// The control plane of frontlas: `ClusterService`, and the `Health` that came with it.
///
/// `cluster_service_client::ClusterServiceClient` needs the feature `client`, the traits and adapters of the
/// servers need `server`.
#[rustfmt::skip]
#[allow(
    clippy::allow_attributes_without_reason,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]
#[path = "generated/cluster.rs"]
pub mod cluster;

/// The control plane of a gateway: `ControlPlane`.
#[rustfmt::skip]
#[allow(
    clippy::allow_attributes_without_reason,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]
#[path = "generated/gateway.rs"]
pub mod gateway;

/// Work sessions: `cloudsoa.BrokerService`.
#[rustfmt::skip]
#[allow(
    clippy::allow_attributes_without_reason,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]
#[path = "generated/broker.rs"]
pub mod broker;

/// The relay for batch jobs: `MessageBroker`, as the program has it that it stands in for.
#[rustfmt::skip]
#[allow(
    clippy::allow_attributes_without_reason,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]
#[path = "generated/messagebroker.rs"]
pub mod messagebroker;

/// KEDA's contract of external scalers: `ExternalScaler`.
#[rustfmt::skip]
#[allow(
    clippy::allow_attributes_without_reason,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]
#[path = "generated/externalscaler.rs"]
pub mod externalscaler;

/// What service hosts of CloudSOA answer: `ComputeService`.
#[rustfmt::skip]
#[allow(
    clippy::allow_attributes_without_reason,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]
#[path = "generated/compute.rs"]
pub mod compute;

#[cfg(feature = "json")]
pub mod gateway_json;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "json")]
mod routes;
#[cfg(feature = "json")]
pub mod session_json;

#[cfg(feature = "json")]
pub use object::Object;
#[cfg(feature = "json")]
pub use routes::{BrokerRoute, ClusterRoute, GatewayRoute};

/// The services and messages of [`cluster`] as protobuf describes them, for reflection: a `FileDescriptorSet`.
pub const CLUSTER_DESCRIPTORS: &[u8] = include_bytes!("generated/cluster.binpb");

/// The same of [`externalscaler`].
pub const EXTERNALSCALER_DESCRIPTORS: &[u8] = include_bytes!("generated/externalscaler.binpb");

/// The same of [`compute`].
pub const COMPUTE_DESCRIPTORS: &[u8] = include_bytes!("generated/compute.binpb");

/// The same of [`gateway`].
pub const GATEWAY_DESCRIPTORS: &[u8] = include_bytes!("generated/gateway.binpb");

/// The same of [`broker`].
pub const BROKER_DESCRIPTORS: &[u8] = include_bytes!("generated/broker.binpb");
/// The same of [`messagebroker`].
pub const MESSAGEBROKER_DESCRIPTORS: &[u8] = include_bytes!("generated/messagebroker.binpb");

/// The REST side of [`cluster`] as OpenAPI 3.1 describes it, in JSON.
#[cfg(feature = "json")]
pub const CLUSTER_OPENAPI: &str = include_str!("../openapi/frontlas.json");

/// The same of [`gateway`].
#[cfg(feature = "json")]
pub const GATEWAY_OPENAPI: &str = include_str!("../openapi/gateway.json");

/// The REST side of [`broker`], of which not all is in protobuf.
#[cfg(feature = "json")]
pub const BROKER_OPENAPI: &str = include_str!("../openapi/broker.json");
