//! Messages that came, and the acks that their senders wait for.

use crate::TraceContext;
use crate::{Error, HandlerError};
use bytes::Bytes;
use frontier_protocol::{Code, EdgeId};
use parking_lot::Mutex;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// A message from the other side.
///
/// Its sender waits to hear what became of it: say [`done`](Self::done) or [`fail`](Self::fail).
/// A message that is dropped without either is reported to its sender as [`Code::NotDone`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Message {
    /// What it is about. May be empty in a message from a service to an edge.
    pub topic: Arc<str>,
    /// The payload. Above 4 KiB a slice of what was read off the connection: holding it holds that buffer.
    pub data: Bytes,
    /// The sender's header.
    pub custom: Bytes,
    /// The edge that sent it, if an edge did.
    pub edge_id: Option<EdgeId>,
    /// The trace that the message belongs to, if its sender has said so.
    pub trace: Option<TraceContext>,
    pub(crate) receipt: Receipt,
}

impl Message {
    /// Tells the sender that the message has had its effect. Does not wait.
    pub fn done(self) {
        self.receipt.settle(Code::Ok, 0, "");
    }

    /// Tells the sender that the message had no effect, and why: with a text, any error, or a [`HandlerError`] that
    /// has a number of the application's own or asks to try again later. The sender gets [`Code::Application`], or
    /// [`Code::Overloaded`]. Does not wait.
    ///
    /// ```
    /// # use frontier_sdk::{HandlerError, Message};
    /// # fn take(message: Message, other: Message) {
    /// message.fail("disk full");
    /// other.fail(HandlerError::new(7, "disk full"));
    /// # }
    /// ```
    pub fn fail(self, error: impl Into<HandlerError>) {
        let error = error.into();
        let (code, detail) = error.to_wire();
        self.receipt.settle(code, detail, &error.text);
    }

    /// A message as it would come, to try what handles it without a gateway; and what its sender hears of it.
    ///
    /// ```
    /// use frontier_sdk::{Code, EdgeId, HandlerError, Message};
    ///
    /// fn store(message: Message) {
    ///     match &message.data[..] {
    ///         b"" => message.fail(HandlerError::new(7, "nothing to store")),
    ///         _ => message.done(),
    ///     }
    /// }
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let (mut message, outcome) = Message::new("telemetry", "21.5");
    /// message.edge_id = Some(EdgeId(42));
    /// store(message);
    /// outcome.await.unwrap();
    ///
    /// let (message, outcome) = Message::new("telemetry", "");
    /// store(message);
    /// assert_eq!(outcome.await.unwrap_err().application(), Some(7));
    /// # });
    /// ```
    #[must_use]
    pub fn new(topic: &str, data: impl Into<Bytes>) -> (Self, MessageOutcome) {
        let (sender, receiver) = oneshot::channel();
        let receipt = Receipt::new(Arc::new(Observer(Mutex::new(Some(sender)))), 0);
        let (topic, data, custom) = (topic.into(), data.into(), Bytes::new());
        (Self { topic, data, custom, edge_id: None, trace: None, receipt }, MessageOutcome(receiver))
    }
}

/// What the sender of a message that was made by [`Message::new`] hears of it, when awaited.
#[derive(Debug)]
pub struct MessageOutcome(oneshot::Receiver<Result<(), Error>>);

impl Future for MessageOutcome {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A receipt settles when it is dropped, so the channel has its value by then.
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|heard| heard.unwrap_or_else(|_| Err(Error::new(Code::NotDone, ""))))
    }
}

/// Stands for the connection to a sender.
struct Observer(Mutex<Option<oneshot::Sender<Result<(), Error>>>>);

impl Settle for Observer {
    fn settle(&self, _: u64, code: Code, detail: u32, text: &str) {
        let heard = if code == Code::Ok { Ok(()) } else { Err(Error::from_wire(code, detail, text)) };
        if let Some(sender) = self.0.lock().take() {
            // Nobody may want to know.
            let _ = sender.send(heard);
        }
    }
}

/// What a message is acked to.
pub(crate) trait Settle: Send + Sync {
    /// Sends the ack of the message `id`. Called exactly once for each receipt.
    fn settle(&self, id: u64, code: Code, detail: u32, text: &str);
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

    pub(crate) fn settle(mut self, code: Code, detail: u32, text: &str) {
        self.take(code, detail, text);
    }

    fn take(&mut self, code: Code, detail: u32, text: &str) {
        if let Some((to, id)) = self.0.take() {
            to.settle(id, code, detail, text);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.take(Code::NotDone, 0, "");
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
    use std::time::Duration;

    #[derive(Default)]
    struct Record(Mutex<Vec<(u64, Code, u32, String)>>);

    impl Settle for Record {
        fn settle(&self, id: u64, code: Code, detail: u32, text: &str) {
            self.0.lock().push((id, code, detail, text.into()));
        }
    }

    fn message(record: &Arc<Record>, id: u64) -> Message {
        Message {
            topic: "t".into(),
            data: Bytes::new(),
            custom: Bytes::new(),
            edge_id: None,
            trace: None,
            receipt: Receipt::new(record.clone(), id),
        }
    }

    #[test]
    fn each_message_is_settled_exactly_once() {
        let record = Arc::<Record>::default();
        message(&record, 1).done();
        message(&record, 2).fail("full");
        drop(message(&record, 3));
        message(&record, 4).fail(HandlerError::new(7, "full"));
        message(&record, 5).fail(HandlerError::retry_later("later", Duration::from_millis(9)));
        let expected = [
            (1, Code::Ok, 0, ""),
            (2, Code::Application, 0, "full"),
            (3, Code::NotDone, 0, ""),
            (4, Code::Application, 7, "full"),
            (5, Code::Overloaded, 9, "later"),
        ];
        let expected = expected.map(|(id, code, detail, text)| (id, code, detail, text.to_owned()));
        assert_eq!(*record.0.lock(), expected);
    }

    #[test]
    fn the_fields_can_be_moved_out() {
        let record = Arc::<Record>::default();
        let Message { data, receipt, .. } = message(&record, 1);
        drop(data);
        receipt.settle(Code::Ok, 0, "");
        assert_eq!(record.0.lock().len(), 1);
    }
}
