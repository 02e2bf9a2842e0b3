//! The limits of a stream.

use frontier_protocol::MIN_MAX_FRAME;
use std::time::Duration;

/// Limits of a stream. What the other end may make this one hold is bounded by them.
///
/// ```no_run
/// # use frontier_sdk::{Edge, StreamConfig};
/// # async fn example() -> Result<(), frontier_sdk::Error> {
/// let config = StreamConfig::default().receive_queue(8).max_calls(4);
/// let edge = Edge::builder("tcp://127.0.0.1:30012").stream_config(config.clone()).connect().await?;
/// let stream = edge.open_stream("files").config(config.raw_buffer(1 << 20)).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
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

impl StreamConfig {
    /// The same with another [`max_frame`](Self::max_frame).
    #[must_use]
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// The same with another [`raw_buffer`](Self::raw_buffer).
    #[must_use]
    pub fn raw_buffer(mut self, bytes: usize) -> Self {
        self.raw_buffer = bytes;
        self
    }

    /// The same with another [`receive_queue`](Self::receive_queue).
    #[must_use]
    pub fn receive_queue(mut self, messages: usize) -> Self {
        self.receive_queue = messages;
        self
    }

    /// The same with another [`max_calls`](Self::max_calls).
    #[must_use]
    pub fn max_calls(mut self, calls: usize) -> Self {
        self.max_calls = calls;
        self
    }

    /// The same with another [`call_timeout`](Self::call_timeout).
    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }
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
