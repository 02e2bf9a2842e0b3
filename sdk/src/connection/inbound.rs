//! What becomes of each frame that comes on the lane.

use super::backlog::{Backlog, Queued};
use super::losses::Losses;
use super::running::ReserveError;
use super::timers::Clock;
use super::topics::Topics;
use super::{Answer, Connection, Job};
use crate::client::Client;
use crate::kept::kept;
use crate::message::Receipt;
use crate::queue::Refused;
use crate::{Error, Message, Request, Response, TraceContext};
use bytes::Bytes;
use frontier_protocol as wire;
use frontier_protocol::{Ack, Code, Custom, EdgeId, Flags, Frame, GoAway, Kind, ParseError, Role, Side};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How many of the gateways are kept that a draining one names.
const MAX_ALTERNATIVES: usize = 8;

/// What to do with the frames that come: hand answers to those who wait, requests to handlers,
/// messages to the queue.
pub(super) struct Inbound {
    client: Arc<Client>,
    connection: Arc<Connection>,
    backlog: Backlog,
    topics: Topics,
    clock: Clock,
    losses: Losses,
    /// Messages of this read.
    messages: u32,
}

/// The gateway says that it leaves.
#[derive(Debug)]
pub(super) struct GoAwayNotice {
    pub(super) code: Code,
    pub(super) grace: Duration,
    /// After how long to begin to go elsewhere.
    pub(super) delay: Duration,
    /// Where to.
    pub(super) alternatives: Vec<String>,
    /// Whether it stays itself, and only asks the client to move.
    pub(super) stays: bool,
    pub(super) text: String,
}

impl Inbound {
    pub(super) fn new(client: Arc<Client>, connection: Arc<Connection>) -> Self {
        let backlog = Backlog::new(client.clone(), connection.clone());
        Self {
            client,
            connection,
            backlog,
            topics: Topics::default(),
            clock: Clock::default(),
            losses: Losses::default(),
            messages: 0,
        }
    }

    /// Starts handlers that had to wait for others to end.
    pub(super) fn start_waiting(&mut self) {
        self.time_passed();
        self.backlog.start(&mut self.clock);
    }

    /// All frames of one read are dealt with. How many of them the program takes at once: messages, and requests to quick
    /// handlers.
    pub(super) fn batch_ended(&mut self) -> u32 {
        std::mem::take(&mut self.messages) + self.backlog.batch_ended()
    }

    /// When to call [`check_handlers`](Self::check_handlers).
    pub(super) fn next_check(&mut self) -> Option<Instant> {
        let Self { backlog, clock, .. } = self;
        backlog.next_check(|| *clock.now())
    }

    /// Sees that no handler holds up the others.
    pub(super) fn check_handlers(&self, now: Instant) {
        self.backlog.check(now);
    }

    /// Something else was done, or waited for, since the last frame.
    pub(super) fn time_passed(&mut self) {
        self.clock.forget();
    }

    /// Deals with one frame. `detached` is its payload if that came on a stream of its own.
    pub(super) fn take(
        &mut self,
        frame: &Frame,
        detached: Option<Bytes>,
    ) -> Result<Option<GoAwayNotice>, ParseError> {
        let is_misplaced =
            carries_payload(frame.kind) && frame.flags.has(Flags::DETACHED) && detached.is_none();
        if is_misplaced || !Side::Gateway.may_send(frame.kind) {
            return Err(ParseError::Invalid { kind: frame.kind, field: "place on the lane" });
        }
        if frame.kind != Kind::Request {
            self.time_passed();
        }
        match frame.kind {
            Kind::Request => self.request(frame, detached)?,
            Kind::Publish => self.publish(frame, detached)?,
            Kind::Response => self.response(frame, detached)?,
            Kind::Ack => {
                let Ack { code, detail, text } = Ack::parse(frame)?;
                self.complete(frame.id, frame.kind, || outcome(code, detail, text));
            }
            Kind::RegisterAck | Kind::UnregisterAck => {
                let ack = wire::RegisterAck::parse(frame)?;
                self.complete(frame.id, frame.kind, || outcome(ack.code, 0, ack.text));
            }
            Kind::Cancel => self.backlog.cancel(frame.id),
            Kind::Ping => self.connection.notify(|out| {
                wire::pong(frame.id, out);
                Ok(())
            }),
            Kind::GoAway => {
                let GoAway { code, grace_ms, delay_ms, alternatives, stays, text } = GoAway::parse(frame)?;
                let ms = |ms: u32| Duration::from_millis(ms.into());
                let alternatives = alternatives.into_iter().take(MAX_ALTERNATIVES).map(str::to_owned);
                return Ok(Some(GoAwayNotice {
                    code,
                    grace: ms(grace_ms),
                    delay: ms(delay_ms),
                    alternatives: alternatives.collect(),
                    stays,
                    text: text.to_owned(),
                }));
            }
            // A pong is heard as bytes. The rest has been refused above.
            _ => {}
        }
        Ok(None)
    }

    fn request(&mut self, frame: &Frame, detached: Option<Bytes>) -> Result<(), ParseError> {
        let request = wire::Request::parse(frame)?;
        let Some((method, handler)) = self.client.intake.methods.get(request.method) else {
            let text = format!("no handler for `{}`", request.method);
            self.connection.refuse_request(frame.id, Code::MethodNotFound, &text);
            return Ok(());
        };
        let taken = match self.backlog.reserve(frame.id) {
            Ok(taken) => taken,
            Err(ReserveError::Full) => {
                self.connection.refuse_request(
                    frame.id,
                    Code::Overloaded,
                    "as many handlers run and wait as max_handlers allows",
                );
                return Ok(());
            }
            Err(ReserveError::Duplicate) => {
                return Err(ParseError::Invalid { kind: frame.kind, field: "id, which is in use" });
            }
        };
        let timeout = match request.timeout_ms {
            0 => self.client.options.call_timeout,
            ms => Duration::from_millis(ms.into()),
        };
        let deadline = *self.clock.now() + timeout;
        let job = Job::new(self.connection.clone(), frame.id, deadline);
        // The gateway's own requests are about an edge, not from one.
        let has_tail = !wire::is_reserved(request.method);
        let (custom, edge_id, trace) = self.split(frame, request.custom, has_tail)?;
        let data = detached.unwrap_or_else(|| frame.body.slice_ref(request.payload));
        let request = Request { method, data, custom, edge_id, trace, deadline: deadline.into_std() };
        self.backlog.push(Queued { id: frame.id, handler, request, job }, taken, &mut self.clock);
        Ok(())
    }

    fn publish(&mut self, frame: &Frame, detached: Option<Bytes>) -> Result<(), ParseError> {
        let publish = wire::Publish::parse(frame)?;
        let receipt = if frame.flags.has(Flags::ACKED) {
            self.connection.work_begins();
            Receipt::new(self.connection.clone(), frame.id)
        } else {
            Receipt::none()
        };
        let (custom, edge_id, trace) = self.split(frame, publish.custom, true)?;
        let message = Message {
            topic: self.topics.name(publish.topic),
            data: detached.unwrap_or_else(|| kept(frame.body.slice_ref(publish.payload))),
            custom: kept(custom),
            edge_id,
            trace,
            receipt,
        };
        match self.client.intake.inbox.push(message) {
            Ok(()) => self.messages += 1,
            Err(Refused::Full(message)) => {
                if message.receipt.is_none() {
                    self.losses.note(&message.topic, *self.clock.now());
                }
                message.receipt.settle(
                    Code::Overloaded,
                    0,
                    "as many messages wait to be received as receive_queue allows",
                );
            }
            Err(Refused::Closed(message)) => message.receipt.settle(Code::Draining, 0, ""),
        }
        Ok(())
    }

    fn response(&self, frame: &Frame, detached: Option<Bytes>) -> Result<(), ParseError> {
        let response = wire::Response::parse(frame)?;
        self.complete(frame.id, frame.kind, || {
            if response.code != Code::Ok {
                let text = String::from_utf8_lossy(response.payload);
                return Err(Error::from_wire(response.code, response.detail, &text));
            }
            let (custom, _) = self.split_tail(frame, response.custom, true);
            Ok(Response { data: detached.unwrap_or_else(|| frame.body.slice_ref(response.payload)), custom })
        });
        Ok(())
    }

    fn complete(&self, id: u64, kind: Kind, answer: impl FnOnce() -> Answer) {
        if let Some(completion) = self.connection.pending.complete(id, kind, answer) {
            self.client.executor.deliver(completion);
        }
    }

    /// The user's part of a custom header, the EdgeID that the exchange added for a service, and the trace context that the
    /// sender did.
    fn split(
        &self,
        frame: &Frame,
        custom: Custom<'_>,
        has_tail: bool,
    ) -> Result<(Bytes, Option<EdgeId>, Option<TraceContext>), ParseError> {
        let (custom, edge) = self.split_tail(frame, custom, has_tail);
        if !frame.flags.has(Flags::TRACED) {
            return Ok((custom, edge, None));
        }
        let (own, trace) = TraceContext::split(&custom, frame.flags)
            .ok_or(ParseError::Invalid { kind: frame.kind, field: "trace context" })?;
        Ok((custom.slice_ref(own), edge, trace))
    }

    /// The same, but for the trace context.
    fn split_tail(&self, frame: &Frame, custom: Custom<'_>, has_tail: bool) -> (Bytes, Option<EdgeId>) {
        let received = custom.body();
        let tailed = match self.connection.role {
            Role::Service if has_tail => Custom::split_tail(received),
            _ => None,
        };
        match tailed {
            Some((body, edge)) => (frame.body.slice_ref(body), Some(edge)),
            None => (frame.body.slice_ref(received), None),
        }
    }
}

fn carries_payload(kind: Kind) -> bool {
    matches!(kind, Kind::Request | Kind::Publish | Kind::Response)
}

fn outcome(code: Code, detail: u32, text: &str) -> Result<Response, Error> {
    match code {
        Code::Ok => Ok(Response::default()),
        code => Err(Error::from_wire(code, detail, text)),
    }
}
