//! The control plane through its port.

mod access;
mod grpc;
mod health;
mod http;
mod limits;
mod old_client;
mod paging;
mod rest;
mod switch;
mod tls;
mod watch_grpc;
mod watch_sse;
mod world;
