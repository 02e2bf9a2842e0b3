//! Which side of a connection one is, and its limits.

/// Which side of a connection one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The dialler, whose streams have odd numbers.
    Client,
    /// The acceptor, whose streams have even numbers.
    Server,
}

impl Role {
    /// The number of this side's first stream.
    pub(crate) fn first_stream(self) -> u32 {
        match self {
            Self::Client => 1,
            Self::Server => 2,
        }
    }

    /// Whether a stream of this number is one that this side opens.
    pub(crate) fn opens(self, stream: u32) -> bool {
        stream % 2 == self.first_stream() % 2
    }
}

/// The limits of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Streams that may be held at once, whoever opened them. A peer that opens more breaks the rules.
    pub max_streams: usize,
    /// What the receive windows of all streams together may grow by beyond their first size, in bytes.
    pub window_growth: usize,
    /// The longest body of a frame that is sent, in bytes.
    pub max_body: usize,
}
