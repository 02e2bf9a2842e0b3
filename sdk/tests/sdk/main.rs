//! The library against a gateway of which the tests play every part.

mod calls;
mod close;
mod connect;
mod detached;
mod gateway;
mod handlers;
mod messages;
mod reconnect;
mod registration;
mod streams;
