//! `frontctl` as a program against the real gateway and frontlas: what it prints, and what it exits with.

#![expect(clippy::unwrap_used, reason = "a test fails where it can not go on, in its helpers as well")]

mod contexts;
mod data;
mod directory;
mod doctor;
mod forward;
mod guide;
mod load;
mod refusals;
mod ssh;
mod streams;
mod world;
