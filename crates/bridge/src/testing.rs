//! Channels and messages for tests.

use crate::channel::Channel;
use crate::deflate::Deflater;
use crate::frame::Frame;
use crate::{ChannelLimits, KeyRule, Message, TopicConfig};
use bytes::Bytes;
use std::sync::Arc;

pub(crate) fn frame(number: u64, key: &str) -> Arc<Frame> {
    let mut text = Frame::room();
    text.extend_from_slice(b"{}");
    Arc::new(Frame::new(number, key.into(), text))
}

pub(crate) fn limits() -> ChannelLimits {
    let mib = 1024 * 1024;
    ChannelLimits {
        history: 100,
        history_size: mib,
        last_values: 1000,
        last_values_size: mib,
        lag: 100,
        page_size: mib,
    }
}

/// A channel whose messages have their custom header for a key.
pub(crate) fn channel(limits: ChannelLimits) -> Channel {
    let deflater = Arc::new(Deflater::new());
    Channel::of_topic(&TopicConfig { name: "test".to_owned(), key: KeyRule::Custom }, limits, deflater)
}

/// Publishes a message of this key.
pub(crate) fn say(channel: &Channel, key: &str) {
    channel.publish(&Message::now(1, Bytes::copy_from_slice(key.as_bytes()), Bytes::from_static(b"{}")));
    channel.announce();
}
