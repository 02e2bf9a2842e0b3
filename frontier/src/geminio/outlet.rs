//! What the exchange sends to a peer, encoded as packets of its connection.

use super::lane::Lane;
use super::leg::StreamLeg;
use super::payload::{Gathering, MAX_PAYLOAD};
use super::{presence, text};
use crate::inner_leg::Inner;
use frontier_exchange::{
    BeginError, BoxFuture, CloseReason, CorrelationId, Departure, Failure, Head, Leg, NewLeg, OpenError,
    Outcome, Outgoing, Outlet, QueueError, Queued, Registration, RegistrationError, RequestKind, Sender,
    StreamHead, StreamSender,
};
use frontier_geminio as wire;
use frontier_protocol::{Code, EdgeId};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

/// A peer on a connection of this wire.
#[derive(Clone, Debug)]
pub(super) struct GeminioOutlet {
    pub(super) lane: Arc<Lane>,
    pub(super) is_edge: bool,
    /// The longest frame inside a stream, in bytes.
    pub(super) max_frame: usize,
    /// What the wire is called.
    pub(super) wire: &'static str,
}

fn kind(kind: RequestKind) -> wire::RequestKind {
    match kind {
        RequestKind::Call => wire::RequestKind::Call,
        RequestKind::Message => wire::RequestKind::Message,
    }
}

impl GeminioOutlet {
    fn queue_request(&self, request: &Outgoing<'_>, payload: &[u8]) -> Result<Queued, QueueError> {
        let Outgoing { correlation, from, name, custom, timeout_ms, .. } = *request;
        let tail = match from {
            Sender::Edge { id, .. } => Some(id.0),
            _ => None,
        };
        let timeout = Duration::from_millis(timeout_ms.into());
        let is_own = !self.is_edge && tail.is_none() && request.kind == RequestKind::Call;
        let packet = wire::Request {
            kind: kind(request.kind),
            session: wire::MAIN_SESSION,
            name: name.into(),
            // What is known of an edge has no place in the original's own calls.
            custom: if is_own { b"" } else { custom }.into(),
            tail,
            payload: if is_own { presence::payload(name, payload) } else { payload.into() },
            deadline: Some(SystemTime::now() + timeout),
        };
        let id = correlation.map_or_else(|| self.lane.next_id(), |correlation| correlation.0);
        match request.kind {
            RequestKind::Call => {
                let queued = self.lane.request(|out| packet.encode(id, out))?;
                if is_own && presence::asks_for_id(name) {
                    self.lane.note_id_request(id);
                }
                Ok(queued)
            }
            RequestKind::Message => {
                self.lane.message(id, Instant::now() + timeout, |out| packet.encode(id, out))
            }
        }
    }

    fn queue_reply(
        &self,
        id: u64,
        of: RequestKind,
        edge: Option<EdgeId>,
        outcome: Outcome<'_>,
    ) -> Result<Queued, QueueError> {
        let Outcome { code, custom, payload, .. } = outcome;
        let tailed;
        let custom = match edge {
            Some(edge) if !custom.is_empty() => {
                tailed = [custom, &edge.0.to_be_bytes()].concat();
                &tailed[..]
            }
            _ => custom,
        };
        let said = String::from_utf8_lossy(if code == Code::Ok { b"" } else { payload });
        let told = text::text(code, &said, self.is_edge);
        let outcome = if code == Code::Ok { Ok(payload) } else { Err(&*told) };
        self.lane.reply(|out| wire::Reply::encode(id, kind(of), wire::MAIN_SESSION, custom, outcome, out))
    }
}

impl Outlet for GeminioOutlet {
    fn request(&self, request: &Outgoing<'_>) -> Result<Queued, QueueError> {
        self.queue_request(request, request.payload)
    }

    fn reply(
        &self,
        id: u64,
        of: RequestKind,
        edge: Option<EdgeId>,
        outcome: Outcome<'_>,
    ) -> Result<Queued, QueueError> {
        self.queue_reply(id, of, edge, outcome)
    }

    /// Not every peer knows the word; a reply that nobody waits for is passed over.
    fn cancel(&self, _: CorrelationId) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn registered(
        &self,
        id: u64,
        _: Registration,
        outcome: Result<(), &RegistrationError>,
    ) -> Result<Queued, QueueError> {
        let error = outcome.err().map(ToString::to_string).unwrap_or_default();
        self.lane.reply(|out| wire::registered(id, wire::MAIN_SESSION, &error, out))
    }

    fn go_away(&self, departure: &Departure<'_>) -> Result<Queued, QueueError> {
        // The wire has no word for it: a peer that need not go is left alone, one that must is let go in its turn.
        if !departure.stays {
            self.lane.leave_at(Instant::now() + departure.delay);
        }
        Ok(Queued::SENT)
    }

    fn seal(&self) -> Result<Queued, QueueError> {
        self.lane.seal()
    }

    fn open(&self) -> BoxFuture<'_, Result<Box<dyn NewLeg>, OpenError>> {
        Box::pin(async {
            if self.lane.close_reason().is_some() {
                return Err(OpenError::Closed);
            }
            let most = self.lane.max_streams();
            if self.lane.streams() as usize >= most {
                return Err(OpenError::TooMany(u32::try_from(most).unwrap_or(u32::MAX)));
            }
            let leg: Box<dyn NewLeg> = Box::new(NewGeminioLeg(self.clone()));
            Ok(leg)
        })
    }

    fn writable(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.lane.writable())
    }

    fn wake(&self) {
        self.lane.work.notify_one();
    }

    fn close(&self, reason: CloseReason) {
        self.lane.close(match reason {
            CloseReason::Superseded => frontier_transport::CloseReason::Superseded,
            CloseReason::Silent => frontier_transport::CloseReason::Silent,
            CloseReason::SlowPeer => frontier_transport::CloseReason::SlowPeer,
            CloseReason::Refused(code, text) => frontier_transport::CloseReason::Refused(code, text),
            CloseReason::Local => frontier_transport::CloseReason::Local,
            CloseReason::Kicked => frontier_transport::CloseReason::Kicked,
        });
    }

    fn is_closed(&self) -> bool {
        self.lane.close_reason().is_some()
    }

    fn backlog(&self) -> usize {
        self.lane.backlog()
    }

    fn written(&self) -> u64 {
        self.lane.written()
    }

    fn streams(&self) -> u32 {
        self.lane.streams()
    }

    fn wire(&self) -> &'static str {
        self.wire
    }
}

/// A leg on which nothing was said yet.
#[derive(Debug)]
struct NewGeminioLeg(GeminioOutlet);

impl NewLeg for NewGeminioLeg {
    fn begin<'a>(self: Box<Self>, head: Head<'a>) -> BoxFuture<'a, Result<Box<dyn Leg>, BeginError>> {
        Box::pin(async move {
            let outlet = self.0;
            let too_large = |len: u64| {
                let text = format!(
                    "a payload of {len} bytes is over the {MAX_PAYLOAD} that the receiver's wire carries"
                );
                Err(BeginError::Refused(Failure::new(Code::TooLarge, text)))
            };
            let gathering: Gathering = match head {
                Head::Stream(head) => return outlet.open_stream(head).await,
                Head::Request(_, len) | Head::Reply(_, _, _, len) if len > MAX_PAYLOAD as u64 => {
                    return too_large(len);
                }
                Head::Request(request, _) => outlet.gather_request(request),
                Head::Reply(id, edge, outcome, _) => outlet.gather_reply(id, edge, outcome),
            };
            let leg: Box<dyn Leg> = Box::new(Inner(gathering));
            Ok(leg)
        })
    }
}

impl GeminioOutlet {
    fn gather_request(self, request: &Outgoing<'_>) -> Gathering {
        let Outgoing { kind, correlation, from, timeout_ms, .. } = *request;
        let (name, custom) = (request.name.to_owned(), request.custom.to_vec());
        let from = match from {
            Sender::Edge { id, .. } => Sender::Edge { id, authorization: None },
            _ => Sender::Unnamed,
        };
        let lane = self.lane.clone();
        let queue = move |payload: Vec<u8>| {
            let (name, custom) = (&*name, &custom[..]);
            let request =
                Outgoing { kind, correlation, from, name, custom, trace: b"", payload: b"", timeout_ms };
            self.queue_request(&request, &payload)
        };
        Gathering::new(lane, Box::new(queue))
    }

    fn gather_reply(self, id: u64, edge: Option<EdgeId>, outcome: Outcome<'_>) -> Gathering {
        let (code, custom) = (outcome.code, outcome.custom.to_vec());
        let lane = self.lane.clone();
        let queue = move |payload: Vec<u8>| {
            let outcome = Outcome { code, detail: 0, custom: &custom, payload: &payload };
            self.queue_reply(id, RequestKind::Call, edge, outcome)
        };
        Gathering::new(lane, Box::new(queue))
    }

    /// Opens a stream, and waits until the peer has taken it.
    async fn open_stream(self, head: StreamHead<'_>) -> Result<Box<dyn Leg>, BeginError> {
        let peer = match head.from {
            StreamSender::Edge(edge, _) => edge.to_string(),
            StreamSender::Service(_, name) => name.to_owned(),
            // These go to other gateways alone, which are not on this wire.
            StreamSender::Remote(..) | StreamSender::ByName(..) => return Err(BeginError::Lost),
        };
        let Self { lane, max_frame, .. } = self;
        let Some(session) = lane.add_stream(None) else {
            let failure = Failure::new(Code::Overloaded, "the receiver has as many streams as it may have");
            return Err(if lane.close_reason().is_some() {
                BeginError::Lost
            } else {
                BeginError::Refused(failure)
            });
        };
        // From here on its drop ends it.
        let leg = StreamLeg::new(lane.clone(), session, max_frame, None);
        let open = wire::Open { number: session, chooses: false, peer, meta: head.meta.to_vec() };
        let queued = lane.reply(|out| open.encode(lane.next_id(), out));
        if let Err(error) = queued {
            let failure = Failure::new(error.code(), error.to_string());
            let is_closed = matches!(error, QueueError::Closed(_));
            return Err(if is_closed { BeginError::Lost } else { BeginError::Refused(failure) });
        }
        lane.work.notify_one();
        let answer = std::future::poll_fn(|cx| {
            let answer = lane.with(session, |stream| {
                stream.wait_reader(cx.waker());
                stream.answer.take()
            });
            match answer {
                None => Poll::Ready(None),
                Some(None) => Poll::Pending,
                Some(answer) => Poll::Ready(answer),
            }
        });
        match answer.await {
            Some(Ok(())) => Ok(Box::new(leg)),
            Some(Err(text)) => Err(BeginError::Refused(Failure::new(Code::StreamRefused, text))),
            None => Err(BeginError::Lost),
        }
    }
}
