use super::methods::Methods;
use crate::Message;
use crate::handlers::Handlers;
use crate::options::Options;
use crate::queue::Queue;
use crate::stream::Stream;
use frontier_protocol::Code;

/// Streams that were opened by the other side and that nobody has accepted yet.
const ACCEPT_QUEUE: usize = 64;

/// Where what the other side begins goes to. A client's own, or one that several clients share: then its
/// bounds are for all of them together.
pub(crate) struct Intake {
    pub(crate) methods: Methods,
    pub(crate) inbox: Queue<Message>,
    pub(crate) accepts: Queue<Stream>,
}

impl Intake {
    pub(crate) fn new(options: &Options, handlers: Handlers) -> Self {
        Self {
            methods: Methods::new(handlers),
            inbox: Queue::new(options.receive_queue),
            accepts: Queue::new(ACCEPT_QUEUE),
        }
    }

    /// Takes nothing more, and gives back what nobody has taken.
    pub(crate) fn close(&self) {
        self.accepts.close();
        for message in self.inbox.close() {
            message.receipt.settle(Code::Draining, "");
        }
    }

    /// As [`close`](Self::close), and lets go of the handlers.
    pub(crate) fn finish(&self) {
        self.close();
        self.methods.clear();
    }
}
