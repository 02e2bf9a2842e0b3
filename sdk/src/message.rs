//! Messages that came, and the acks that their senders wait for.

use bytes::Bytes;
use frontier_protocol::{Code, EdgeId};
use std::fmt;
use std::sync::Arc;

/// A message from the other side.
///
/// Its sender waits to hear what became of it: say [`done`](Self::done) or [`fail`](Self::fail).
/// A message that is dropped without either is reported to its sender as [`Code::NotDone`].
#[derive(Debug)]
pub struct Message {
    /// What it is about. May be empty in a message from a service to an edge.
    pub topic: Arc<str>,
    /// The payload. A slice of what was read off the connection: holding it holds that buffer.
    pub data: Bytes,
    /// The sender's header.
    pub custom: Bytes,
    /// The edge that sent it, if an edge did.
    pub edge_id: Option<EdgeId>,
    pub(crate) receipt: Receipt,
}

impl Message {
    /// Tells the sender that the message has had its effect. Does not wait.
    pub fn done(self) {
        self.receipt.settle(Code::Ok, "");
    }

    /// Tells the sender that the message had no effect, and why. The sender gets
    /// [`Code::Application`]. Does not wait.
    pub fn fail(self, text: impl AsRef<str>) {
        self.receipt.settle(Code::Application, text.as_ref());
    }
}

/// What a message is acked to.
pub(crate) trait Settle: Send + Sync {
    /// Sends the ack of the message `id`. Called exactly once for each receipt.
    fn settle(&self, id: u64, code: Code, text: &str);
}

/// The duty to tell a sender what became of its message. Discharged at the latest when dropped.
pub(crate) struct Receipt(Option<(Arc<dyn Settle>, u64)>);

impl Receipt {
    /// Nobody wants to know.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// `to` wants to know of the message `id`.
    pub(crate) fn new(to: Arc<dyn Settle>, id: u64) -> Self {
        Self(Some((to, id)))
    }

    /// Whether nobody wants to know.
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn settle(mut self, code: Code, text: &str) {
        self.take(code, text);
    }

    fn take(&mut self, code: Code, text: &str) {
        if let Some((to, id)) = self.0.take() {
            to.settle(id, code, text);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.take(Code::NotDone, "");
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({:?})", self.0.as_ref().map(|(_, id)| id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[derive(Default)]
    struct Record(Mutex<Vec<(u64, Code, String)>>);

    impl Settle for Record {
        fn settle(&self, id: u64, code: Code, text: &str) {
            self.0.lock().push((id, code, text.into()));
        }
    }

    fn message(record: &Arc<Record>, id: u64) -> Message {
        Message {
            topic: "t".into(),
            data: Bytes::new(),
            custom: Bytes::new(),
            edge_id: None,
            receipt: Receipt::new(record.clone(), id),
        }
    }

    #[test]
    fn each_message_is_settled_exactly_once() {
        let record = Arc::<Record>::default();
        message(&record, 1).done();
        message(&record, 2).fail("full");
        drop(message(&record, 3));
        let expected = [(1, Code::Ok, ""), (2, Code::Application, "full"), (3, Code::NotDone, "")];
        assert_eq!(*record.0.lock(), expected.map(|(id, code, text)| (id, code, text.to_owned())));
    }

    #[test]
    fn the_fields_can_be_moved_out() {
        let record = Arc::<Record>::default();
        let Message { data, receipt, .. } = message(&record, 1);
        drop(data);
        receipt.settle(Code::Ok, "");
        assert_eq!(record.0.lock().len(), 1);
    }
}
