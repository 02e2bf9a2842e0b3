//! The library against a gateway of which the tests play every part.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod blocking;
mod calls;
mod close;
mod connect;
mod detached;
mod drain;
mod first_program;
mod gateway;
mod handlers;
mod many_calls;
mod messages;
mod reconnect;
mod registration;
mod silent;
mod streams;
mod told_methods;
