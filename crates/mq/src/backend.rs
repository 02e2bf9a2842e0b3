//! The seam between what all sinks do and what one broker asks for.

use crate::pending::Pending;
use crate::{Message, SendError};

/// A broker, as a sink connects to it.
pub(crate) trait Backend: Send + Sync + 'static {
    type Session: Session;

    /// Whether the broker recognizes a message that it is sent once more. What was in flight when the connection was
    /// lost goes out again then, and else is lost as far as anybody knows.
    const RECOGNIZES: bool;

    /// Whether the message could ever be sent.
    fn check(&self, message: &Message) -> Result<(), SendError>;

    /// Connects, within the time that the supervisor gives it. The error is one line.
    fn connect(&mut self) -> impl Future<Output = Result<Self::Session, String>> + Send;
}

/// A connection to a broker.
pub(crate) trait Session: Send {
    /// Takes what is pending, sends it, and says what became of it, until the connection is of no use any more: why, in
    /// one line. It is dropped at any await where the supervisor has given it up.
    fn run(&mut self, pending: &Pending) -> impl Future<Output = String> + Send;
}
