//! What the relay and the NATS client are built of: the leanest connection that batches.

pub(crate) use connection::{Connection, Peer};
pub(crate) use outbox::Outbox;
pub(crate) use slot::Slot;

mod connection;
mod outbox;
mod slot;
