//! What the exchange sends to a peer, encoded as frames of its lane.

use super::encode::{encode_request, reply_custom};
use super::leg::NewNativeLeg;
use super::remote_callers::{encode_caller, encode_edge};
use frontier_exchange::{
    BoxFuture, CloseReason, CorrelationId, Departure, NameChanges, NewLeg, OpenError, Outcome, Outgoing,
    Outlet, QueueError, Queued, Registration, RegistrationError, RemoteCaller, RequestKind, Sender,
};
use frontier_protocol::{
    Ack, Cancel, Code, Custom, EdgeId, EncodeError, FEATURE_EDGE_METHODS, FEATURE_TRACE, Flags, GoAway,
    HEADER_LEN, Offer, OfferEntry, RegisterAck, Response, Returned, TAIL_LEN,
};
use frontier_transport::{LinkHandle, Priority, PushError};
use std::time::Duration;

/// Bytes of a call, a message or a response in front of its name.
const ADDRESSED_LEN: usize = HEADER_LEN + 8;

/// Bytes beside a trace context.
const TRACE_OVERHEAD: usize = 2;

/// A peer on a link.
#[derive(Debug)]
pub(crate) struct NativeOutlet {
    link: LinkHandle,
    /// The longest frame that the peer takes, in bytes.
    max_frame: u32,
    /// The longest frame that is taken from the peer at the start of a stream, in bytes.
    first_frame: u32,
    /// Whether it is another gateway, which says when a payload may come.
    is_owner_gateway: bool,
    /// Whether it is another gateway that is told which replies have no tail.
    tells_tails: bool,
    /// Whether it takes trace contexts.
    takes_traces: bool,
    /// Whether it may tell what methods it answers, if it is an edge.
    tells_methods: bool,
}

impl NativeOutlet {
    /// To a peer that takes frames of `max_frame` bytes, and is taken frames of `first_frame` bytes from.
    pub(crate) fn new(link: LinkHandle, max_frame: u32, first_frame: usize) -> Self {
        let first_frame = u32::try_from(first_frame).unwrap_or(u32::MAX);
        Self {
            link,
            max_frame,
            first_frame,
            is_owner_gateway: false,
            tells_tails: false,
            takes_traces: false,
            tells_methods: false,
        }
    }

    /// The same to another gateway, which is asked for its edges.
    pub(crate) fn owner_gateway(self) -> Self {
        Self { is_owner_gateway: true, ..self }
    }

    /// The same to another gateway, which asks here, and by name as well.
    pub(crate) fn origin_gateway(self) -> Self {
        Self { tells_tails: true, ..self }
    }

    /// The same to a peer with which these features were agreed on.
    pub(crate) fn with_features(self, features: u32) -> Self {
        let has = |feature| features & feature != 0;
        Self { takes_traces: has(FEATURE_TRACE), tells_methods: has(FEATURE_EDGE_METHODS), ..self }
    }

    /// The trace context that may go with a request of `len` bytes, itself aside.
    #[inline]
    fn trace<'a>(&self, trace: &'a [u8], len: usize) -> &'a [u8] {
        let may_go = !trace.is_empty() && self.takes_traces && self.takes(len + trace.len() + TRACE_OVERHEAD);
        if may_go { trace } else { b"" }
    }

    fn takes(&self, frame_len: usize) -> bool {
        frame_len <= self.max_frame as usize
    }

    #[cold]
    fn too_long(&self, what: &str, whose: &str) -> QueueError {
        let max = self.max_frame;
        let text = format!("{what} is longer than the {max} bytes that {whose} takes (limits.frame_size)");
        QueueError::TooLarge(text.into())
    }

    #[inline]
    fn push(
        &self,
        priority: Priority,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<Queued, QueueError> {
        match self.link.push(priority, encode) {
            Ok(needs_wake) => Ok(Queued { needs_wake }),
            Err(error) => Err(refused(&error)),
        }
    }
}

impl Outlet for NativeOutlet {
    #[inline]
    fn request(&self, request: &Outgoing<'_>) -> Result<Queued, QueueError> {
        let caller;
        let custom = match request.from {
            Sender::Edge(id) => Custom::tailed(request.custom, id),
            Sender::Unnamed => Custom::plain(request.custom),
            Sender::Service { service, edge, .. } => {
                caller = encode_caller(service);
                Custom::forwarded(request.custom, &caller, edge)
            }
            Sender::ByName { edge, .. } => {
                caller = encode_edge(edge);
                Custom::forwarded(request.custom, &caller, edge.id)
            }
        };
        let len = request.name.len() + custom.body().len() + custom.added() + request.payload.len();
        if !self.takes(ADDRESSED_LEN + len) {
            return Err(self.too_long("the frame", "its receiver"));
        }
        let custom = custom.traced(self.trace(request.trace, ADDRESSED_LEN + len));
        self.push(Priority::Request, |out| {
            encode_request(request, custom, request.payload, Flags::default(), out)
        })
    }

    #[inline]
    fn reply(
        &self,
        id: u64,
        kind: RequestKind,
        edge: Option<EdgeId>,
        outcome: Outcome<'_>,
    ) -> Result<Queued, QueueError> {
        let Outcome { code, detail, custom, payload } = outcome;
        let tail = if edge.is_some() { TAIL_LEN } else { 0 };
        if !self.takes(ADDRESSED_LEN + custom.len() + tail + payload.len()) {
            return Err(self.too_long("the answer", "its requester"));
        }
        self.push(Priority::Reply, |out| match kind {
            RequestKind::Call => {
                let custom = reply_custom(custom, edge);
                let flags = reply_flags(self.tells_tails, edge);
                Response { code, detail, custom, payload }.encode_with(id, flags, out)
            }
            RequestKind::Message => {
                let text = std::str::from_utf8(payload).unwrap_or_default();
                Ack { code, detail, text }.encode(id, out)
            }
        })
    }

    fn cancel(&self, correlation: CorrelationId) -> Result<Queued, QueueError> {
        self.push(Priority::Reply, |out| Cancel::encode(correlation.0, out))
    }

    fn registered(
        &self,
        id: u64,
        change: Registration,
        outcome: Result<(), &RegistrationError>,
    ) -> Result<Queued, QueueError> {
        let (code, text) = match outcome {
            Ok(()) => (Code::Ok, String::new()),
            Err(error) => (error.code(), error.to_string()),
        };
        self.push(Priority::Reply, |out| RegisterAck { change, code, text: &text }.encode(id, out))
    }

    fn may_register(&self) -> bool {
        self.tells_methods
    }

    fn give_back(
        &self,
        request: &Outgoing<'_>,
        edge: EdgeId,
        caller: Option<&RemoteCaller>,
    ) -> Result<Queued, QueueError> {
        let Outgoing { timeout_ms, name, custom, trace, payload, .. } = *request;
        let (encoded, flags) = match caller {
            Some(caller) => (&*caller.encoded, Flags::default()),
            // It knows its edge.
            None => (&b""[..], Flags::BY_NAME),
        };
        let custom = Custom::forwarded(custom, encoded, edge);
        let len = name.len() + custom.body().len() + custom.added() + payload.len();
        let custom = custom.traced(self.trace(trace, ADDRESSED_LEN + len));
        let id = request.correlation.map_or(0, |correlation| correlation.0);
        self.push(Priority::Reply, |out| {
            Returned { timeout_ms, name, custom, payload }.encode_with(id, flags, out)
        })
    }

    fn offer(&self, names: &NameChanges) -> Result<Queued, QueueError> {
        let NameChanges { is_first, is_last, changes } = names;
        let entries =
            changes.iter().map(|it| OfferEntry { of: it.of, name: &it.name, is_offered: it.is_offered });
        let offer = Offer { is_first: *is_first, is_last: *is_last, entries: entries.collect() };
        self.push(Priority::Reply, |out| offer.encode(0, out))
    }

    fn go_away(&self, departure: &Departure<'_>) -> Result<Queued, QueueError> {
        let Departure { grace, delay, alternatives, stays, text } = *departure;
        let notice = GoAway {
            delay_ms: millis(delay),
            alternatives: alternatives.to_vec(),
            stays,
            ..GoAway::new(Code::Draining, millis(grace), text)
        };
        self.push(Priority::Reply, |out| notice.encode(out))
    }

    fn seal(&self) -> Result<Queued, QueueError> {
        let sealed = self.link.seal(|out| GoAway::new(Code::Ok, 0, "").encode(out));
        sealed.map(|needs_wake| Queued { needs_wake }).map_err(|error| refused(&error))
    }

    fn open(&self) -> BoxFuture<'_, Result<Box<dyn NewLeg>, OpenError>> {
        Box::pin(async {
            let stream = self.link.open_stream().await.map_err(|error| match error {
                frontier_transport::OpenError::TooMany(limit) => OpenError::TooMany(limit),
                frontier_transport::OpenError::Leaving => OpenError::Leaving,
                frontier_transport::OpenError::Closed => OpenError::Closed,
            })?;
            let leg: Box<dyn NewLeg> = Box::new(NewNativeLeg {
                stream,
                link: self.link.clone(),
                first_frame: self.first_frame as usize,
                is_owner_gateway: self.is_owner_gateway,
                tells_tails: self.tells_tails,
                takes_traces: self.takes_traces,
            });
            Ok(leg)
        })
    }

    fn writable(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // Closed: whoever sends next is told.
            let _ = self.link.writable().await;
        })
    }

    fn wake(&self) {
        self.link.wake();
    }

    fn close(&self, reason: CloseReason) {
        self.link.close(match reason {
            CloseReason::Superseded => frontier_transport::CloseReason::Superseded,
            CloseReason::Silent => frontier_transport::CloseReason::Silent,
            CloseReason::SlowPeer => frontier_transport::CloseReason::SlowPeer,
            CloseReason::Kicked => frontier_transport::CloseReason::Kicked,
            CloseReason::Refused(code, text) => frontier_transport::CloseReason::Refused(code, text),
            CloseReason::Local => frontier_transport::CloseReason::Local,
        });
    }

    fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    fn backlog(&self) -> usize {
        self.link.backlog()
    }

    fn written(&self) -> u64 {
        self.link.written()
    }

    fn streams(&self) -> u32 {
        self.link.streams()
    }
}

/// The flags of a reply: to another gateway, which could not tell, that it has no tail.
pub(super) fn reply_flags(tells_tails: bool, edge: Option<EdgeId>) -> Flags {
    if tells_tails && edge.is_none() { Flags::UNTAILED } else { Flags::default() }
}

fn refused(error: &PushError) -> QueueError {
    match error {
        PushError::Full(_) => QueueError::Full,
        PushError::Closed(reason) => QueueError::Closed(reason.to_string().into()),
        PushError::Sealed => QueueError::Sealed,
        PushError::Encode(error) => QueueError::TooLarge(error.to_string().into()),
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
