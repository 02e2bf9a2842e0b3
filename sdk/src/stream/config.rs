//! The limits of a stream.

use frontier_protocol::MIN_MAX_FRAME;
use std::time::Duration;

/// Limits of a stream. What the other end may make this one hold is bounded by them.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// The longest frame that is sent or taken, in bytes. Both ends must agree on it: the gateway
    /// between them does not look.
    pub max_frame: usize,
    /// Raw bytes that are held while someone waits for a message or an answer behind them.
    pub raw_buffer: usize,
    /// Messages that are held until [`recv`](super::Stream::recv) takes them.
    pub receive_queue: usize,
    /// Handlers that run at once. A call beyond them is answered with
    /// [`Code::Overloaded`](frontier_protocol::Code::Overloaded).
    pub max_calls: usize,
    /// How long a call or a message waits for its answer, unless it says otherwise.
    pub call_timeout: Duration,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            max_frame: MIN_MAX_FRAME as usize,
            raw_buffer: 256 * 1024,
            receive_queue: 64,
            max_calls: 64,
            call_timeout: Duration::from_secs(30),
        }
    }
}
