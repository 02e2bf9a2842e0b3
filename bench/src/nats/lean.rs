//! Client and service that speak the NATS protocol themselves, with the same connection as the relay's.

pub(super) mod client;
mod protocol;
pub(super) mod service;
