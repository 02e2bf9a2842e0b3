//! What an outlet was asked to send, owned.

use crate::outgoing::{Outgoing, Sender};
use crate::{CorrelationId, NameChanges, Outcome, Registration, RegistrationError, RequestKind};
use frontier_protocol::{Code, EdgeId};

/// Something that an outlet was asked to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Request(SentRequest),
    Reply(SentReply),
    Cancel(CorrelationId),
    Registered { id: u64, change: Registration, error: Option<RegistrationError> },
    GivenBack { request: SentRequest, edge: u64, caller: Option<u64> },
    Offer(NameChanges),
    GoAway(String),
    Seal,
}

/// A request, as its target was sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentRequest {
    pub(crate) kind: RequestKind,
    pub(crate) correlation: Option<CorrelationId>,
    pub(crate) from: SentFrom,
    pub(crate) name: String,
    pub(crate) custom: Vec<u8>,
    pub(crate) trace: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) timeout_ms: u32,
}

/// Who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SentFrom {
    Edge(u64),
    Unnamed,
    Service { service: u64, edge: u64, returns: bool },
    ByName { edge: u64, returns: bool },
}

/// A reply, as the requester was sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentReply {
    pub(crate) id: u64,
    pub(crate) kind: RequestKind,
    pub(crate) edge: Option<u64>,
    pub(crate) code: Code,
    pub(crate) detail: u32,
    pub(crate) custom: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

impl SentRequest {
    pub(super) fn of(request: &Outgoing<'_>) -> Self {
        let Outgoing { kind, correlation, from, name, custom, trace, payload, timeout_ms } = *request;
        let from = match from {
            Sender::Edge { id, .. } => SentFrom::Edge(id.0),
            Sender::Unnamed => SentFrom::Unnamed,
            Sender::Service { service, edge, returns } => {
                SentFrom::Service { service: service.id.0, edge: edge.0, returns }
            }
            Sender::ByName { edge, returns } => SentFrom::ByName { edge: edge.id.0, returns },
        };
        let (custom, trace, payload) = (custom.to_vec(), trace.to_vec(), payload.to_vec());
        Self { kind, correlation, from, name: name.to_owned(), custom, trace, payload, timeout_ms }
    }

    /// Under which its reply comes.
    pub(crate) fn correlation(&self) -> CorrelationId {
        self.correlation.expect("it is replied to")
    }
}

impl SentReply {
    pub(super) fn of(id: u64, kind: RequestKind, edge: Option<EdgeId>, outcome: Outcome<'_>) -> Self {
        let Outcome { code, detail, custom, payload } = outcome;
        let (custom, payload) = (custom.to_vec(), payload.to_vec());
        Self { id, kind, edge: edge.map(|edge| edge.0), code, detail, custom, payload }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.payload.clone()).expect("it is text")
    }
}
