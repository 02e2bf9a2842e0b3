//! The bridge to browsers, as its subscribers see it: Python's `websockets` and curl, with edges of the SDK that publish.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod access;
mod drain;
mod events;
mod flat;
mod limits;
mod measuring;
mod messages;
mod slow;
mod subscriber;
mod world;
