//! An outlet that remembers what it was asked to send, as if the peer behind it had not read it yet.

use super::legs::{self, Acceptance, MemoryLeg};
use super::sent::{Sent, SentFrom, SentReply, SentRequest};
use crate::outgoing::Outgoing;
use crate::outlet::{CloseReason, Departure, OpenError, Outlet, QueueError, Queued};
use crate::{
    BoxFuture, CorrelationId, Latch, NameChanges, NewLeg, Outcome, Registration, RegistrationError,
    RemoteCaller, RequestKind, Unsent,
};
use frontier_protocol::EdgeId;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::Notify;

/// The outlet; all its clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    has_room: Notify,
}

#[derive(Debug)]
struct State {
    sent: Vec<Sent>,
    /// Whether a wake is due for what is queued.
    is_unwoken: bool,
    wakes: usize,
    /// How many more requests are queued before it is full.
    room: usize,
    /// The longest payload that it takes.
    longest: usize,
    is_sealed: bool,
    closed: Option<CloseReason>,
    /// Whether a reply is noted that comes after the end.
    notes_late_replies: bool,
    written: u64,
    streams: u32,
    open_error: Option<OpenError>,
    /// Until when no leg is opened.
    opens_after: Option<Arc<Latch>>,
    acceptances: VecDeque<Acceptance>,
    opened: Vec<MemoryLeg>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            sent: Vec::new(),
            is_unwoken: false,
            wakes: 0,
            room: usize::MAX,
            longest: usize::MAX,
            is_sealed: false,
            closed: None,
            notes_late_replies: false,
            written: 0,
            streams: 0,
            open_error: None,
            opens_after: None,
            acceptances: VecDeque::new(),
            opened: Vec::new(),
        }
    }
}

impl Recorder {
    /// Everything that was sent since, in its order: the peer has read it.
    pub(crate) fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut self.0.state.lock().sent)
    }

    /// The requests of these, which the peer has read.
    pub(crate) fn take_requests(&self) -> Vec<SentRequest> {
        self.take_some(|sent| match sent {
            Sent::Request(request) => Some(request.clone()),
            _ => None,
        })
    }

    /// The replies of these.
    pub(crate) fn take_replies(&self) -> Vec<SentReply> {
        self.take_some(|sent| match sent {
            Sent::Reply(reply) => Some(reply.clone()),
            _ => None,
        })
    }

    /// Which of its requests the peer was told that nobody waits for.
    pub(crate) fn take_cancels(&self) -> Vec<CorrelationId> {
        self.take_some(|sent| match sent {
            Sent::Cancel(correlation) => Some(*correlation),
            _ => None,
        })
    }

    fn take_some<T>(&self, pick: impl Fn(&Sent) -> Option<T>) -> Vec<T> {
        let mut taken = Vec::new();
        self.0.state.lock().sent.retain(|sent| match pick(sent) {
            Some(it) => {
                taken.push(it);
                false
            }
            None => true,
        });
        taken
    }

    /// The requests that the peer has not read, as a wire gives them back.
    pub(crate) fn unsent(&self) -> Vec<Unsent> {
        let requests = self.take_requests().into_iter();
        let unsent = |request: SentRequest| {
            let SentRequest { correlation, name, custom, trace, payload, from, .. } = request;
            let edge = match from {
                SentFrom::Edge(edge) | SentFrom::Service { edge, .. } | SentFrom::ByName { edge, .. } => edge,
                SentFrom::Unnamed => 0,
            };
            Some(Unsent {
                edge: EdgeId(edge),
                correlation: correlation?,
                name: name.into(),
                custom: custom.into(),
                trace: trace.into(),
                payload: payload.into(),
            })
        };
        requests.filter_map(unsent).collect()
    }

    /// How often it was woken.
    pub(crate) fn wakes(&self) -> usize {
        self.0.state.lock().wakes
    }

    /// From here on only so many requests are queued.
    pub(crate) fn set_room(&self, room: usize) {
        self.0.state.lock().room = room;
        self.0.has_room.notify_waiters();
    }

    /// From here on a reply that comes after the end of the connection is noted, though nobody hears it.
    pub(crate) fn note_late_replies(&self) {
        self.0.state.lock().notes_late_replies = true;
    }

    /// From here on a longer payload is too large.
    pub(crate) fn set_longest(&self, longest: usize) {
        self.0.state.lock().longest = longest;
    }

    /// What the peer has read since the start, in bytes.
    pub(crate) fn set_written(&self, written: u64) {
        self.0.state.lock().written = written;
    }

    pub(crate) fn set_streams(&self, streams: u32) {
        self.0.state.lock().streams = streams;
    }

    /// From here on no leg is opened.
    pub(crate) fn refuse_legs(&self, error: OpenError) {
        self.0.state.lock().open_error = Some(error);
    }

    /// From here on a leg is opened only after that.
    pub(crate) fn open_after(&self, latch: &Arc<Latch>) {
        self.0.state.lock().opens_after = Some(latch.clone());
    }

    /// What becomes of the next leg that is opened, behind those of which it was said before.
    pub(crate) fn accept_next(&self, acceptance: Acceptance) {
        self.0.state.lock().acceptances.push_back(acceptance);
    }

    /// The peer's end of the legs that were opened to it.
    pub(crate) fn take_opened(&self) -> Vec<MemoryLeg> {
        std::mem::take(&mut self.0.state.lock().opened)
    }

    pub(crate) fn close_reason(&self) -> Option<CloseReason> {
        self.0.state.lock().closed.clone()
    }

    fn push(&self, sent: Sent) -> Result<Queued, QueueError> {
        let mut state = self.0.state.lock();
        if let Some(reason) = &state.closed {
            let error = QueueError::Closed(reason.to_string().into());
            if state.notes_late_replies && matches!(sent, Sent::Reply(_)) {
                state.sent.push(sent);
            }
            return Err(error);
        }
        let payload = match &sent {
            Sent::Request(request) => {
                if state.is_sealed {
                    return Err(QueueError::Sealed);
                }
                if state.room == 0 {
                    return Err(QueueError::Full);
                }
                request.payload.len()
            }
            Sent::Reply(reply) => reply.payload.len(),
            _ => 0,
        };
        if payload > state.longest {
            return Err(QueueError::TooLarge("it is longer than the peer takes".into()));
        }
        match sent {
            Sent::Request(_) => state.room -= 1,
            Sent::Seal => state.is_sealed = true,
            _ => {}
        }
        state.sent.push(sent);
        Ok(Queued { needs_wake: !std::mem::replace(&mut state.is_unwoken, true) })
    }
}

impl Outlet for Recorder {
    fn request(&self, request: &Outgoing<'_>) -> Result<Queued, QueueError> {
        self.push(Sent::Request(SentRequest::of(request)))
    }

    fn reply(
        &self,
        id: u64,
        kind: RequestKind,
        edge: Option<EdgeId>,
        outcome: Outcome<'_>,
    ) -> Result<Queued, QueueError> {
        self.push(Sent::Reply(SentReply::of(id, kind, edge, outcome)))
    }

    fn cancel(&self, correlation: CorrelationId) -> Result<Queued, QueueError> {
        self.push(Sent::Cancel(correlation))
    }

    fn registered(
        &self,
        id: u64,
        change: Registration,
        outcome: Result<(), &RegistrationError>,
    ) -> Result<Queued, QueueError> {
        self.push(Sent::Registered { id, change, error: outcome.err().cloned() })
    }

    fn give_back(
        &self,
        request: &Outgoing<'_>,
        edge: EdgeId,
        caller: Option<&RemoteCaller>,
    ) -> Result<Queued, QueueError> {
        let request = SentRequest::of(request);
        self.push(Sent::GivenBack { request, edge: edge.0, caller: caller.map(|caller| caller.id.0) })
    }

    fn offer(&self, names: &NameChanges) -> Result<Queued, QueueError> {
        self.push(Sent::Offer(names.clone()))
    }

    fn go_away(&self, departure: &Departure<'_>) -> Result<Queued, QueueError> {
        self.push(Sent::GoAway(departure.text.to_owned()))
    }

    fn seal(&self) -> Result<Queued, QueueError> {
        self.push(Sent::Seal)
    }

    fn open(&self) -> BoxFuture<'_, Result<Box<dyn NewLeg>, OpenError>> {
        Box::pin(async {
            let opens_after = self.0.state.lock().opens_after.clone();
            if let Some(latch) = opens_after {
                latch.wait().await;
            }
            let mut state = self.0.state.lock();
            if let Some(error) = &state.open_error {
                return Err(error.clone());
            }
            if state.closed.is_some() {
                return Err(OpenError::Closed);
            }
            let acceptance = state.acceptances.pop_front().unwrap_or_default();
            let (near, far) = legs::pair(legs::WINDOW);
            state.opened.push(far);
            Ok(near.opened(acceptance))
        })
    }

    fn writable(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            loop {
                let notified = self.0.has_room.notified();
                {
                    let state = self.0.state.lock();
                    if state.room > 0 || state.closed.is_some() {
                        return;
                    }
                }
                notified.await;
            }
        })
    }

    fn wake(&self) {
        let mut state = self.0.state.lock();
        state.is_unwoken = false;
        state.wakes += 1;
    }

    fn close(&self, reason: CloseReason) {
        self.0.state.lock().closed.get_or_insert(reason);
        self.0.has_room.notify_waiters();
    }

    fn is_closed(&self) -> bool {
        self.0.state.lock().closed.is_some()
    }

    fn backlog(&self) -> usize {
        self.0.state.lock().sent.len()
    }

    fn written(&self) -> u64 {
        self.0.state.lock().written
    }

    fn streams(&self) -> u32 {
        self.0.state.lock().streams
    }
}
