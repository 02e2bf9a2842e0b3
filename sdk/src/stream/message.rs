//! A message that came on a stream, and the ack that its sender waits for.

use super::core::Core;
use super::error::clip;
use super::inbox::Delivery;
use crate::HandlerError;
use bytes::Bytes;
use frontier_protocol::{Ack, Code};
use std::fmt;
use std::sync::Arc;

/// A message that came on a stream.
///
/// Its sender waits to hear what became of it: say [`done`](Self::done) or [`fail`](Self::fail).
/// A message that is dropped without either is reported to its sender as [`Code::NotDone`].
///
/// Once this side of the stream was shut down nothing more can be said, and the sender gets
/// [`Code::Disconnected`].
#[derive(Debug)]
#[non_exhaustive]
pub struct StreamMessage {
    /// What it is about. May be empty.
    pub topic: String,
    /// The payload. Above 4 KiB a slice of what was read off the connection: holding it holds that buffer.
    pub data: Bytes,
    /// The sender's header.
    pub custom: Bytes,
    receipt: Receipt,
}

impl StreamMessage {
    pub(super) fn new(delivery: Delivery, core: &Arc<Core>) -> Self {
        let Delivery { topic, data, custom, ack } = delivery;
        Self { topic, data, custom, receipt: Receipt(ack.map(|id| (core.clone(), id))) }
    }

    /// Tells the sender that the message had its effect. Does not wait.
    pub fn done(mut self) {
        self.receipt.settle(Code::Ok, 0, "");
    }

    /// Tells the sender that the message had no effect, and why, as [`Message::fail`](crate::Message::fail) does, with
    /// as much of the text as fits 4 KiB. Does not wait.
    pub fn fail(mut self, error: impl Into<HandlerError>) {
        let error = error.into();
        let (code, detail) = error.to_wire();
        self.receipt.settle(code, detail, &error.text);
    }
}

/// The duty to answer a message, discharged at the latest when dropped.
struct Receipt(Option<(Arc<Core>, u64)>);

impl Receipt {
    fn settle(&mut self, code: Code, detail: u32, text: &str) {
        if let Some((core, id)) = self.0.take() {
            let ack = Ack { code, detail, text: clip(text) };
            core.answer_or_close(|out| ack.encode(id, out));
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.settle(Code::NotDone, 0, "");
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({:?})", self.0.as_ref().map(|(_, id)| id))
    }
}
