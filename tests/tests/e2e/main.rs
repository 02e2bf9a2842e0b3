//! Edges and services through the client library against the real gateway.

mod balancing;
mod bulk;
mod callers;
mod calls;
mod chaos;
mod connecting;
mod drain;
mod edge_ids;
mod messages;
mod presence;
mod processes;
mod services;
mod shutdown;
mod streams;
mod take_over;
