//! The examples of the client library, as programs against the real gateway: what they print and how they
//! end is what a user sees.

#![expect(clippy::unwrap_used, reason = "a test fails where it can not go on, in its helpers as well")]

mod chatroom;
mod diagnosis;
mod file;
mod program;
mod quickstart;
