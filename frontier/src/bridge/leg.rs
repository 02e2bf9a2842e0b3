//! A large message on its way to the bridge: it comes in pieces, is put together, and goes into the inbox when it is whole.

use super::outlet::{Inboxes, Refused, edge_of};
use crate::inner_leg::{Inner, InnerLeg};
use bytes::Bytes;
use frontier_bridge::Message;
use frontier_exchange::{BeginError, BoxFuture, CorrelationId, Failure, Head, Leg, NewLeg, RequestKind};
use frontier_protocol::Code;
use std::io;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// A leg that was opened, of which it is not known yet what for.
#[derive(Debug)]
pub(super) struct NewMessageLeg {
    pub(super) inboxes: Arc<Inboxes>,
    pub(super) permit: OwnedSemaphorePermit,
}

/// A message that comes.
#[derive(Debug)]
struct MessageLeg {
    inboxes: Arc<Inboxes>,
    topic: String,
    edge: u64,
    custom: Bytes,
    receipt: Option<CorrelationId>,
    /// What has come of it: never more than a message may have.
    payload: Vec<u8>,
    is_refused: bool,
    _permit: OwnedSemaphorePermit,
}

impl NewLeg for NewMessageLeg {
    fn begin<'a>(self: Box<Self>, head: Head<'a>) -> BoxFuture<'a, Result<Box<dyn Leg>, BeginError>> {
        Box::pin(async move {
            let Self { inboxes, permit } = *self;
            let refused = |code, text: String| Err(BeginError::Refused(Failure::new(code, text)));
            let (request, len) = match head {
                Head::Request(request, len) if request.kind == RequestKind::Message => (request, len),
                _ => return refused(Code::StreamRefused, "the bridge takes messages alone".to_owned()),
            };
            if len > inboxes.message_size as u64 {
                return refused(Code::TooLarge, inboxes.too_large());
            }
            Ok(Box::new(Inner(MessageLeg {
                topic: request.name.to_owned(),
                edge: edge_of(&request.from),
                custom: Bytes::copy_from_slice(request.custom),
                receipt: request.correlation,
                payload: Vec::new(),
                is_refused: false,
                inboxes,
                _permit: permit,
            })) as Box<dyn Leg>)
        })
    }
}

impl MessageLeg {
    fn refuse<T>(&mut self, why: &'static str) -> io::Result<T> {
        self.is_refused = true;
        Err(io::Error::other(why))
    }
}

impl InnerLeg for MessageLeg {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.payload.len() + bytes.len() > self.inboxes.message_size {
            return self.refuse("more has come than was announced");
        }
        self.payload.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn finish(&mut self) -> io::Result<()> {
        let payload = std::mem::take(&mut self.payload).into();
        let message = Message::now(self.edge, std::mem::take(&mut self.custom), payload);
        match self.inboxes.offer(&self.topic, message, self.receipt.take()) {
            Ok(()) => Ok(()),
            Err(Refused::Full) => self.refuse("too many messages of the topic wait for the bridge"),
            Err(Refused::TooLarge | Refused::NoTopic) => self.refuse("the bridge does not take it"),
        }
    }

    fn is_over(&self) -> bool {
        self.is_refused
    }

    fn is_refused(&self) -> bool {
        self.is_refused
    }
}
