//! What a sink says of its messages, for the edges that wait for it.

use frontier_exchange::{
    CorrelationId, Exchange, Inbound, Outcome as ReplyOutcome, Peer, Reply, RequestKind,
};
use frontier_mq::{Cause, Confirm, Outcome, SendError};
use frontier_protocol::Code;
use std::sync::{Arc, OnceLock, Weak};
use tracing::error;

/// Passes on what becomes of messages.
#[derive(Debug)]
pub(super) struct Confirms {
    exchange: Arc<Exchange>,
    /// Weak, since the peer has the sink, and the sink has this.
    peer: OnceLock<Weak<Peer>>,
}

impl Confirms {
    pub(super) fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange, peer: OnceLock::new() }
    }

    /// In whose name it speaks. Before that nothing can have been sent.
    pub(super) fn set_peer(&self, peer: &Arc<Peer>) {
        // Set once.
        let _ = self.peer.set(Arc::downgrade(peer));
    }
}

impl Confirm for Confirms {
    fn ended(&self, outcomes: Vec<Outcome>) {
        let Some(peer) = self.peer.get().and_then(Weak::upgrade) else { return };
        let mut batch = self.exchange.batch();
        for Outcome { token, result } in outcomes {
            let (code, text) = match &result {
                Ok(()) => (Code::Ok, ""),
                Err(error) => (code(error.cause), &*error.text),
            };
            let outcome = ReplyOutcome { code, detail: 0, custom: b"", payload: text.as_bytes() };
            let kind = RequestKind::Message;
            let reply = Reply { correlation: CorrelationId(token), kind, outcome, edge: None };
            if let Err(violation) = self.exchange.on(&peer, Inbound::Reply(reply), &mut batch) {
                error!(%violation, "a confirm was not taken");
            }
        }
    }
}

/// The code for a message that was not confirmed. Whoever may try again is told so by it.
pub(super) fn code(cause: Cause) -> Code {
    match cause {
        Cause::NotConnected | Cause::NoTarget => Code::TopicNotOnline,
        Cause::Overloaded | Cause::Busy => Code::Overloaded,
        Cause::TooLarge => Code::TooLarge,
        Cause::Denied | Cause::Refused => Code::Denied,
        Cause::Deadline | Cause::Unanswered => Code::Deadline,
        Cause::Lost => Code::Disconnected,
        Cause::Closing => Code::Draining,
    }
}

/// The same with the text.
pub(super) fn refusal(error: &SendError) -> (Code, String) {
    (code(error.cause), error.text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_tried_again_is_told_so() {
        let for_good = [Cause::TooLarge, Cause::Denied, Cause::Refused];
        for cause in Cause::ALL {
            assert_eq!(code(cause).is_retryable(), !for_good.contains(&cause), "{}", cause.label());
        }
    }
}
