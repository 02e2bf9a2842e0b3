//! The example `diagnosis`: readings of a stream, diagnosed by workers that come, leave and die, on a real Redis.

mod fleet;
mod load;
#[path = "../mq/resp.rs"]
#[expect(dead_code, reason = "there they read more")]
mod resp;
mod streams;
mod tab;
