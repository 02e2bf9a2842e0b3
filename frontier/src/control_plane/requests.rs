//! Calls and messages that an operator has the gateway send.

use super::queries::{find_edge, find_service};
use frontier_access::authn::OperatorRole;
use frontier_admin::{ApiError, Operator, PeerFault};
use frontier_exchange::{Exchange, OwnReply, Peer, RequestKind};
use frontier_protocol::{Code, is_reserved};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How many there are at once. They share what the gateway itself may have in flight with `edge_online` and the like.
const AT_ONCE: usize = 256;

/// The longest method or topic, in bytes: a frame has no room for more.
const MAX_NAME: usize = 255;

/// What is left of the time that a request may take, for the answer.
const ANSWER_TIME: Duration = Duration::from_millis(100);

/// Who a request is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiver {
    Edge(u64),
    Service(u64),
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'a> {
    pub(super) kind: RequestKind,
    /// The method or the topic.
    pub(super) name: &'a str,
    pub(super) payload: &'a [u8],
    pub(super) timeout_ms: u32,
}

/// Sends them.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    exchange: Arc<Exchange>,
    places: Arc<Semaphore>,
    longest: Duration,
}

impl Requests {
    /// None takes longer than a request to the control plane may.
    pub(super) fn new(exchange: Arc<Exchange>, request_timeout: Duration) -> Self {
        let longest = request_timeout.saturating_sub(ANSWER_TIME).max(request_timeout / 2);
        Self { exchange, places: Arc::new(Semaphore::new(AT_ONCE)), longest }
    }

    /// Gives the answer's payload.
    pub(super) async fn send(
        &self,
        operator: &Operator,
        to: Receiver,
        sent: Sent<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        let action = if sent.kind == RequestKind::Call { "call" } else { "publish" };
        // Longer ones are refused below.
        let name: String = sent.name.chars().take(MAX_NAME).flat_map(char::escape_debug).collect();
        let object = match to {
            Receiver::Edge(id) => format!("edge {id}: {name}"),
            Receiver::Service(id) => format!("service {id}: {name}"),
        };
        let send = async { answer(self.send_to(&self.find(to)?, sent).await?) };
        operator.perform(OperatorRole::Operate, action, &object, send).await
    }

    fn find(&self, to: Receiver) -> Result<Arc<Peer>, ApiError> {
        match to {
            Receiver::Edge(id) => find_edge(&self.exchange, id),
            Receiver::Service(id) => find_service(&self.exchange, id),
        }
    }

    async fn send_to(&self, peer: &Arc<Peer>, sent: Sent<'_>) -> Result<OwnReply, ApiError> {
        let Sent { kind, name, payload, timeout_ms } = sent;
        if name.is_empty() || name.len() > MAX_NAME {
            let what = if kind == RequestKind::Call { "method" } else { "topic" };
            return Err(ApiError::invalid(format!("{what} must have 1 to {MAX_NAME} bytes")));
        }
        if is_reserved(name) {
            return Err(ApiError::invalid(format!("{name} is asked by the gateway itself alone")));
        }
        let _place = self.places.try_acquire().map_err(|_| ApiError::TooManyRequests(AT_ONCE))?;
        let timeout = match timeout_ms {
            0 => self.longest,
            ms => Duration::from_millis(ms.into()).min(self.longest),
        };
        Ok(self.exchange.request_of_operator(peer, kind, name, payload, timeout).await)
    }
}

fn answer(reply: OwnReply) -> Result<Vec<u8>, ApiError> {
    let fault = match reply.code {
        Code::Ok => return Ok(reply.payload),
        Code::Deadline => PeerFault::Late,
        Code::Overloaded | Code::Draining => PeerFault::Busy,
        Code::Disconnected => PeerFault::Gone,
        Code::TooLarge => PeerFault::TooLarge,
        _ => PeerFault::Failed,
    };
    let text = reply.text();
    Err(ApiError::Peer { fault, code: reply.code.to_string(), detail: reply.detail, text })
}
