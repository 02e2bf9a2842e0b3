//! Calls and messages of the gateway to one peer, for an operator.

use super::{Called, OwnCall, OwnReply};
use crate::outgoing::Sender;
use crate::{Exchange, Failure, Peer, RequestKind};
use frontier_protocol::Code;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Exchange {
    /// The gateway itself sends `target` a call or a message, and waits for what becomes of it. Rules and quotas are not
    /// asked: whoever may do this may do it to anybody.
    ///
    /// # Cancel safety
    /// Dropped, the request is taken back: the peer may have done it.
    pub async fn request_of_operator(
        &self,
        target: &Arc<Peer>,
        kind: RequestKind,
        name: &str,
        payload: &[u8],
        timeout: Duration,
    ) -> OwnReply {
        let call = OwnCall { kind, method: name, custom: &[], payload, may_repeat: false };
        match self.call_peer(target, Sender::Unnamed, call, Instant::now() + timeout).await {
            Called::Replied(reply) => reply,
            Called::NotThere | Called::Unknown => {
                OwnReply::failure(Failure::new(Code::Disconnected, target.lost()))
            }
        }
    }
}
