//! Topics to browsers: whoever subscribes gets the messages of a topic, over WebSocket or server-sent events. It knows no
//! exchange: the gateway puts messages into an [`Inbox`], and hears when they have their number.
//!
//! ```text
//!   producer ─▶ Inbox ─▶ pump ─▶ channel: number, text, history, last values ─▶ reader ─▶ WebSocket ─▶ tab
//!                          └─▶ receipts                                           └────▶ events    ─▶ tab
//! ```
//!
//! - A message gets a number and its text once. What goes out is shared by all who read it, compressed or not.
//! - A subscriber holds no queue. It reads on from its own place, out of what the channel keeps for all; and who is too far
//!   behind gets the newest value of each key in place of all. So one who stalls costs what it was last given, and nobody
//!   waits for it.
//! - Everything is bounded: what waits to be taken, what is kept of each topic, what one subscriber is given at once, how
//!   many there are.

mod bridge;
mod channel;
mod counters;
mod deflate;
mod envelope;
mod events;
mod flat;
mod frame;
mod history;
mod key;
mod last_values;
mod message;
mod notice;
mod places;
mod position;
mod pump;
mod reader;
mod routes;
mod settings;
mod subscriber;
#[cfg(test)]
mod testing;
mod tickets;
mod visitor;
mod websocket;

pub use bridge::{Bridge, Handle, Policy};
pub use counters::{ChannelCounts, Transport};
pub use key::KeyRule;
pub use message::Message;
pub use pump::{Full, Inbox, Post};
pub use settings::{BridgeConfig, ChannelLimits, FlatConfig, TopicConfig};
pub use visitor::PLANE;
