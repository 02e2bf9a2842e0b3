//! What a source has read, as requests to edges and services; and what becomes of them, back to the source.

use super::payload::PayloadLeg;
use crate::inner_leg::Inner;
use frontier_exchange::{
    Batch, CloseReason, CorrelationId, Destination, Envelope, Exchange, Inbound, Outcome, Outgoing, Outlet,
    Peer, QueueError, Queued, RequestKind, scatter,
};
use frontier_mq::{Answer, Delivery, Receive, Recipient, SourceHandle};
use frontier_protocol::{Code, EdgeId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::oneshot;
use tracing::error;

/// Payloads up to this go in the frame of their message; longer ones come on a leg.
const MAX_INLINE: usize = 64 << 10;

/// Set in the ids of requests of which a task hears, and not the source itself.
const OF_TASK: u64 = 1 << 63;

/// Delivers for one source. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Courier(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    exchange: Arc<Exchange>,
    replies: Arc<Replies>,
    /// In whose name edges are asked, and services.
    peers: OnceLock<[Arc<Peer>; 2]>,
    last_id: AtomicU64,
}

/// Who hears what became of requests.
#[derive(Debug)]
pub(super) struct Replies {
    source: SourceHandle,
    /// By the ids of their requests.
    tasks: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
}

impl Courier {
    pub(super) fn new(exchange: Arc<Exchange>, source: SourceHandle) -> Self {
        let replies = Arc::new(Replies { source, tasks: Mutex::default() });
        let inner = Shared { exchange, replies, peers: OnceLock::new(), last_id: AtomicU64::new(0) };
        Self(Arc::new(inner))
    }

    /// The outlet of a peer in whose name it asks.
    pub(super) fn outlet(&self, asks_services: bool) -> Box<dyn Outlet> {
        Box::new(RepliesOutlet { replies: self.0.replies.clone(), asks_services })
    }

    /// In whose name it asks edges, and services. Before that nothing is delivered.
    pub(super) fn set_peers(&self, asks_edges: &Arc<Peer>, asks_services: &Arc<Peer>) {
        // Set once.
        let _ = self.0.peers.set([asks_edges.clone(), asks_services.clone()]);
    }

    pub(super) fn exchange(&self) -> &Arc<Exchange> {
        &self.0.exchange
    }

    pub(super) fn source(&self) -> &SourceHandle {
        &self.0.replies.source
    }

    /// Sends it to one edge, and waits for what becomes of it.
    pub(super) async fn ask_edge(&self, edge: u64, delivery: &Delivery) -> Answer {
        let id = OF_TASK | self.0.last_id.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.0.replies.tasks.lock().insert(id, answer);
        self.send(id, Destination::Edge(EdgeId(edge)), delivery, &mut self.0.exchange.batch());
        answered.await.unwrap_or_else(|_| Answer::Failed("the request was dropped".to_owned()))
    }

    fn send(&self, id: u64, to: Destination<'_>, delivery: &Delivery, batch: &mut Batch<'_>) {
        let Some([asks_edges, asks_services]) = self.0.peers.get() else {
            return self.0.replies.end(id, Answer::Failed("it has not started".to_owned()));
        };
        let requester = match to {
            Destination::Edge(_) => asks_edges,
            _ => asks_services,
        };
        let kind = if delivery.is_call { RequestKind::Call } else { RequestKind::Message };
        let custom = match to {
            // A service takes the end of it for the EdgeID, and there is none.
            Destination::NameFor { edge: None, .. } => &b""[..],
            _ => &delivery.custom[..],
        };
        let timeout_ms = u32::try_from(delivery.timeout.as_millis()).unwrap_or(u32::MAX);
        let deadline = self.0.exchange.deadline(timeout_ms, Instant::now());
        let name = &*delivery.name;
        let is_inline = delivery.payload.len() <= MAX_INLINE;
        let payload = if is_inline { &delivery.payload[..] } else { &b""[..] };
        let envelope =
            Envelope { kind, id, wants_reply: true, to, name, custom, trace: b"", payload, deadline };
        if is_inline {
            let sent = self.0.exchange.on(requester, Inbound::Request(envelope), batch);
            if let Err(violation) = sent {
                error!(%violation, "a message of a broker was not sent");
                self.0.replies.end(id, Answer::Failed(violation.to_string()));
            }
            return;
        }
        let Some(to) = owned(to) else { return };
        let (courier, requester, delivery) = (self.clone(), requester.clone(), delivery.clone());
        let custom = custom.to_vec();
        tokio::spawn(async move {
            let len = delivery.payload.len() as u64;
            let envelope = Envelope {
                to,
                name: &delivery.name,
                custom: &custom,
                payload: b"",
                ..envelope_of(kind, id, deadline)
            };
            let leg = Box::new(Inner(PayloadLeg::new(delivery.payload.clone())));
            let exchange = &courier.0.exchange;
            if let Err(violation) = exchange.on_payload_request(&requester, envelope, len, leg, false).await {
                error!(%violation, "a message of a broker was not sent");
                courier.0.replies.end(id, Answer::Failed(violation.to_string()));
            }
        });
    }
}

fn envelope_of(kind: RequestKind, id: u64, deadline: Instant) -> Envelope<'static> {
    let to = Destination::Name;
    Envelope { kind, id, wants_reply: true, to, name: "", custom: b"", trace: b"", payload: b"", deadline }
}

/// Those destinations that a source has, without what they may borrow.
fn owned(to: Destination<'_>) -> Option<Destination<'static>> {
    match to {
        Destination::Edge(edge) => Some(Destination::Edge(edge)),
        Destination::NameFor { edge, key } => Some(Destination::NameFor { edge, key }),
        _ => None,
    }
}

impl Receive for Courier {
    fn deliver(&self, deliveries: Vec<Delivery>) {
        let mut batch = self.0.exchange.batch();
        for delivery in deliveries {
            let number = delivery.number;
            match &delivery.to {
                Recipient::Edge(edge) => {
                    self.send(number, Destination::Edge(EdgeId(*edge)), &delivery, &mut batch);
                }
                Recipient::Service(edge) => {
                    let edge = edge.map(EdgeId);
                    let key = edge.map_or_else(|| key(&delivery), |edge| edge.0);
                    self.send(number, Destination::NameFor { edge, key }, &delivery, &mut batch);
                }
                Recipient::Labels(labels, had_by) => {
                    let (labels, had_by) = (labels.clone(), had_by.clone());
                    tokio::spawn(super::fan_out::run(self.clone(), delivery, labels, had_by));
                }
            }
        }
    }
}

/// What a service is chosen by: messages of one key go to one service, others to any.
fn key(delivery: &Delivery) -> u64 {
    let Some(key) = &delivery.key else { return scatter(delivery.number) };
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl Replies {
    fn end(&self, id: u64, answer: Answer) {
        if id & OF_TASK == 0 {
            return self.source.answered(id, answer);
        }
        if let Some(task) = self.tasks.lock().remove(&id) {
            // It may have stopped waiting.
            let _ = task.send(answer);
        }
    }
}

/// The outlet of a peer in whose name a source asks.
#[derive(Debug)]
struct RepliesOutlet {
    replies: Arc<Replies>,
    asks_services: bool,
}

impl Outlet for RepliesOutlet {
    fn request(&self, _: &Outgoing<'_>) -> Result<Queued, QueueError> {
        Err(QueueError::Closed("a source takes no requests".into()))
    }

    fn reply(
        &self,
        id: u64,
        _: RequestKind,
        _: Option<EdgeId>,
        outcome: Outcome<'_>,
    ) -> Result<Queued, QueueError> {
        self.replies.end(id, answer(outcome, self.asks_services));
        Ok(Queued::SENT)
    }

    fn cancel(&self, _: CorrelationId) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn close(&self, _: CloseReason) {}

    fn is_closed(&self) -> bool {
        false
    }
}

/// What a source makes of an outcome.
fn answer(outcome: Outcome<'_>, asks_services: bool) -> Answer {
    let text = || match std::str::from_utf8(outcome.payload) {
        Ok("") | Err(_) => outcome.code.to_string(),
        Ok(text) => format!("{}: {}", outcome.code, text.chars().take(300).collect::<String>()),
    };
    match outcome.code {
        Code::Ok => Answer::Done,
        Code::EdgeNotOnline | Code::ServiceNotOnline | Code::TopicNotOnline => Answer::Absent(text()),
        // It has no room, or goes elsewhere: that passes, and is no fault of the message.
        Code::Overloaded | Code::Draining => Answer::Absent(text()),
        // No service has it yet; an edge that is there does not have it.
        Code::MethodNotFound if asks_services => Answer::Absent(text()),
        Code::MethodNotFound | Code::Denied | Code::TooLarge | Code::Protocol | Code::Unauthenticated => {
            Answer::Refused(text())
        }
        _ => Answer::Failed(text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: Code, asks_services: bool) -> Answer {
        answer(Outcome { code, detail: 0, custom: b"", payload: b"why" }, asks_services)
    }

    #[test]
    fn who_is_not_there_is_waited_for_and_what_would_fail_again_is_not_tried_again() {
        assert_eq!(answered(Code::Ok, false), Answer::Done);
        for code in [Code::EdgeNotOnline, Code::TopicNotOnline, Code::ServiceNotOnline, Code::Overloaded] {
            assert_eq!(answered(code, false), Answer::Absent(format!("{code}: why")));
        }
        assert!(matches!(answered(Code::MethodNotFound, true), Answer::Absent(_)));
        assert!(matches!(answered(Code::MethodNotFound, false), Answer::Refused(_)));
        for code in [Code::Denied, Code::TooLarge, Code::Protocol] {
            assert!(matches!(answered(code, true), Answer::Refused(_)), "{code}");
        }
        for code in [Code::NotDone, Code::Disconnected, Code::Deadline, Code::Application] {
            assert!(matches!(answered(code, true), Answer::Failed(_)), "{code}");
        }
    }
}
