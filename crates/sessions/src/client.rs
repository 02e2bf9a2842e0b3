//! One client of a session: its queues of requests and responses, as numbers.

mod call;
mod responses;
mod state;

pub use call::{Next, Taken, Verdict};
pub(crate) use responses::Responses;
pub use responses::{EndOfResponses, EndReason};
pub use state::{ClientCounts, ClientState};

use crate::batch::{Batch, Commit};
use crate::fault::{Fault, FaultCode};
use crate::id::{BatchId, ClientId, MessageId, Sequence};
use crate::message::{Outcome, Request, Response};
use crate::session::Flushing;
use crate::settings::SessionKind;
use crate::store::{Completion, RecoveredClient, StoredRequest};
use ahash::AHashSet;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many requests are held with their bodies, to be dispatched without a look into the store, and how many bytes.
const WINDOW: usize = 1024;
const WINDOW_SIZE: usize = 4 << 20;

/// Of how many requests it is known that they were had, when their responses have made room.
const MAX_FORGOTTEN: usize = 65_536;

/// One client of a session.
#[derive(Debug)]
pub struct Client {
    id: ClientId,
    life: u64,
    kind: SessionKind,
    /// Whose its queues are; `None` for anybody's.
    owner: Option<Arc<str>>,
    pub(crate) state: ClientState,
    ended: bool,
    batch: Batch,
    ids: AHashSet<MessageId>,
    /// Of requests that were not committed, to be forgotten with them.
    uncommitted: Vec<MessageId>,
    /// The first request that was not taken.
    next: Sequence,
    /// What is held of those from there on.
    window: VecDeque<StoredRequest>,
    window_size: usize,
    /// Those that were taken before the broker's end and had no response: they are first, and not in a row.
    recovered: VecDeque<Sequence>,
    /// Those that were given back.
    again: VecDeque<Taken>,
    running: u64,
    pub(crate) responses: Responses,
    /// Requests whose responses made room, the oldest first.
    forgotten: VecDeque<MessageId>,
}

impl Client {
    pub(crate) fn new(id: ClientId, life: u64, kind: SessionKind, owner: Option<Arc<str>>) -> Self {
        Self {
            id,
            life,
            kind,
            owner,
            state: ClientState::Connected,
            ended: false,
            batch: Batch::default(),
            ids: AHashSet::default(),
            uncommitted: Vec::new(),
            next: 0,
            window: VecDeque::new(),
            window_size: 0,
            recovered: VecDeque::new(),
            again: VecDeque::new(),
            running: 0,
            responses: Responses::default(),
            forgotten: VecDeque::new(),
        }
    }

    /// As it was when its broker ended.
    pub(crate) fn recovered(
        id: ClientId,
        life: u64,
        kind: SessionKind,
        owner: Option<Arc<str>>,
        was: RecoveredClient,
    ) -> Self {
        let pending = was.pending.iter().map(|(_, message)| *message);
        let ids = pending.chain(was.answered.iter().map(|(_, message, _)| *message)).collect();
        let mut this = Self {
            ended: was.commit.ended,
            batch: Batch::recovered(&was.commit),
            ids,
            next: was.commit.before,
            recovered: was.pending.iter().map(|(sequence, _)| *sequence).collect(),
            responses: Responses::recovered(&was),
            ..Self::new(id, life, kind, owner)
        };
        this.state = ClientState::Disconnected;
        this
    }

    /// Whether `who` may use its queues.
    pub(crate) fn check_owner(&self, who: Option<&str>) -> Result<(), Fault> {
        match (&self.owner, who) {
            (Some(owner), Some(who)) if **owner != *who => {
                let text = format!("the client {} is somebody else's", self.id);
                Err(Fault::new(FaultCode::AccessDeniedQueue, text))
            }
            _ => Ok(()),
        }
    }

    /// It does something. Whether it was disconnected.
    pub(crate) fn touch(&mut self) -> bool {
        let was_gone = self.state == ClientState::Disconnected;
        if was_gone {
            self.state = match (self.ended, self.is_done()) {
                (false, _) => ClientState::Connected,
                (true, false) => ClientState::EndRequests,
                (true, true) => ClientState::GettingResponses,
            };
        }
        was_gone
    }

    /// Which of these requests are new, and whether what was not committed is to be dropped before them.
    pub(crate) fn admit(
        &self,
        batch: BatchId,
        requests: Vec<Request>,
    ) -> Result<(bool, Vec<Request>), Fault> {
        if self.state != ClientState::Connected {
            let text = format!("the client {} has ended its requests", self.id);
            return Err(Fault::new(FaultCode::SendRejected, text));
        }
        let is_higher = self.batch.admit(batch)?;
        let discards = is_higher && self.kind == SessionKind::Durable;
        let gone: AHashSet<_> =
            if discards { self.uncommitted.iter().copied().collect() } else { AHashSet::default() };
        let mut seen = AHashSet::with_capacity(requests.len());
        let is_new = |id: &MessageId| !self.ids.contains(id) || gone.contains(id);
        let fresh = requests.into_iter().filter(|it| is_new(&it.id) && seen.insert(it.id)).collect();
        Ok((discards, fresh))
    }

    /// Begins a higher batch id: where what was not committed began.
    pub(crate) fn begin(&mut self, batch: BatchId) -> Sequence {
        let gone = self.batch.begin(batch, self.kind == SessionKind::Durable);
        if self.kind == SessionKind::Durable {
            for id in self.uncommitted.drain(..) {
                self.ids.remove(&id);
            }
            self.drop_from(gone.start);
        }
        gone.start
    }

    /// Forgets the bodies from there on.
    fn drop_from(&mut self, from: Sequence) {
        while self.window.back().is_some_and(|it| it.sequence >= from) {
            let gone = self.window.pop_back();
            self.window_size -= gone.map_or(0, |it| it.request.size());
        }
    }

    /// Where requests that are about to be stored will be.
    pub(crate) fn place(&self, requests: Vec<Request>) -> Vec<StoredRequest> {
        let places = self.batch.end()..;
        places.zip(requests).map(|(sequence, request)| StoredRequest { sequence, request }).collect()
    }

    /// The commit that so many more requests come with: of a durable session that is the client's to say.
    pub(crate) fn implied_commit(&self, more: u64) -> Option<Commit> {
        (self.kind == SessionKind::Interactive && more > 0).then(|| self.batch.with(more))
    }

    pub(crate) fn batch(&self) -> BatchId {
        self.batch.id()
    }

    /// They are stored.
    pub(crate) fn appended(&mut self, requests: Vec<StoredRequest>) {
        self.batch.append(requests.len() as u64);
        self.ids.extend(requests.iter().map(|it| it.request.id));
        if self.kind == SessionKind::Durable {
            self.uncommitted.extend(requests.iter().map(|it| it.request.id));
        }
        for stored in requests {
            self.hold(stored);
        }
    }

    /// Keeps the body of a request that follows those that are held, if there is room.
    fn hold(&mut self, stored: StoredRequest) {
        let follows = stored.sequence == self.next + self.window.len() as u64;
        if follows && self.window.len() < WINDOW && self.window_size < WINDOW_SIZE {
            self.window_size += stored.request.size();
            self.window.push_back(stored);
        }
    }

    /// What a flush commits, or the end of the requests, and from where on requests are gone before it.
    pub(crate) fn flush(&mut self, batch: BatchId, sent: Option<u64>, ends: bool) -> Result<Flushing, Fault> {
        self.check_flush(ends)?;
        let discards = self.batch.admit(batch)? && self.kind == SessionKind::Durable;
        let left = if discards { self.batch.before() } else { self.batch.end() };
        if ends && left == 0 && sent.unwrap_or_default() == 0 {
            let text = format!("the client {} has sent no request that could be ended", self.id);
            return Err(Fault::new(FaultCode::NothingSent, text));
        }
        let mut commit = self.batch.commit(batch, sent, ends)?;
        let mut discard = None;
        if discards {
            discard = Some(self.begin(batch));
            commit = self.batch.commit(batch, sent, ends)?;
        }
        Ok(Flushing { discard, commit })
    }

    /// Whether it is in a state to flush its requests, or to end them.
    fn check_flush(&self, ends: bool) -> Result<(), Fault> {
        let refused = |code, text: &str| Err(Fault::new(code, format!("the client {} {text}", self.id)));
        match (ends, self.state) {
            (_, ClientState::Connected) => Ok(()),
            (true, ClientState::EndRequests | ClientState::AllRequestsDone) => {
                refused(FaultCode::EndedTwice, "has ended its requests before")
            }
            (true, ClientState::GettingResponses) => {
                refused(FaultCode::EndedAndAnswered, "has ended its requests, and they are answered")
            }
            (true, ClientState::Disconnected) => refused(FaultCode::EndRejected, "is gone"),
            (false, _) => refused(FaultCode::FlushRejected, "has ended its requests"),
        }
    }

    /// The commit is kept.
    pub(crate) fn committed(&mut self, commit: &Commit) {
        self.batch.committed(commit);
        self.uncommitted.clear();
        if commit.ended {
            self.ended = true;
            self.state = if self.is_done() { ClientState::AllRequestsDone } else { ClientState::EndRequests };
        }
    }

    /// Where the requests end that may be computed.
    fn limit(&self) -> Sequence {
        match self.kind {
            SessionKind::Interactive => self.batch.end(),
            SessionKind::Durable => self.batch.before(),
        }
    }

    /// How many requests wait for a host.
    pub(crate) fn queued(&self) -> u64 {
        self.limit().saturating_sub(self.next) + (self.again.len() + self.recovered.len()) as u64
    }

    /// Whether all that may be computed is answered.
    pub(crate) fn is_done(&self) -> bool {
        self.queued() == 0 && self.running == 0
    }

    /// What is to be called next.
    pub(crate) fn next_call(&mut self) -> Next {
        if let Some(taken) = self.again.pop_front() {
            self.running += 1;
            return Next::Take(taken);
        }
        let first = match self.recovered.front() {
            Some(first) => *first,
            None if self.next < self.limit() => self.next,
            None => return Next::Idle,
        };
        if self.window.front().is_none_or(|it| it.sequence != first) {
            self.window.clear();
            self.window_size = 0;
            return Next::Fetch(self.id.clone(), first);
        }
        let Some(stored) = self.window.pop_front() else { return Next::Idle };
        self.window_size -= stored.request.size();
        if self.recovered.pop_front().is_none() {
            self.next += 1;
        }
        self.running += 1;
        Next::Take(Taken { client: self.id.clone(), life: self.life, stored, tries: 0 })
    }

    /// Takes what was read from the store after a [`Next::Fetch`].
    pub(crate) fn refill(&mut self, requests: Vec<StoredRequest>) {
        self.window_size = requests.iter().map(|it| it.request.size()).sum();
        self.window = requests.into();
    }

    /// Whether a call is of this life of the client id.
    pub(crate) fn knows(&self, taken: &Taken) -> bool {
        taken.life == self.life
    }

    /// A call has ended. The completion is to be stored, if it is one.
    pub(crate) fn finish(&mut self, taken: Taken, verdict: Verdict, resend_limit: u32) -> Option<Completion> {
        self.running -= 1;
        let Taken { tries, .. } = taken;
        let outcome = match verdict {
            Verdict::Done(outcome) => outcome,
            Verdict::GivenBack => {
                self.again.push_back(taken);
                return None;
            }
            Verdict::Failed(_) if tries < resend_limit => {
                self.again.push_back(Taken { tries: tries + 1, ..taken });
                return None;
            }
            Verdict::Failed(why) => Outcome::Fault(crate::CallFault {
                code: FaultCode::RetryOperationError.name().into(),
                detail: 0,
                text: format!("the request has failed {} times: {why}", tries + 1).into(),
            }),
        };
        let StoredRequest { sequence, request } = taken.stored;
        let response = Response { request: request.id, user_data: request.user_data, outcome };
        let position = self.responses.add(&response);
        if self.state == ClientState::EndRequests && self.is_done() {
            self.state = ClientState::AllRequestsDone;
        }
        Some(Completion { sequence, position, response })
    }

    /// Responses of it are fetched.
    pub(crate) fn fetch(&mut self) {
        if self.state == ClientState::AllRequestsDone {
            self.state = ClientState::GettingResponses;
        }
    }

    /// Forgets what was fetched long ago: the place of the first response that is left, if that has changed.
    pub(crate) fn trim(&mut self, size: usize) -> Option<u64> {
        let ids = &mut self.ids;
        self.responses.trim(size, |id| {
            ids.remove(&id);
        })
    }

    /// The same where there is no room. Requests of these may still be sent again, by who has had no answer to them: which they
    /// were is known for longer.
    pub(crate) fn make_room(&mut self, size: usize) -> Option<u64> {
        let (ids, forgotten) = (&mut self.ids, &mut self.forgotten);
        self.responses.trim(size, |id| {
            forgotten.push_back(id);
            if forgotten.len() > MAX_FORGOTTEN
                && let Some(oldest) = forgotten.pop_front()
            {
                ids.remove(&oldest);
            }
        })
    }

    /// Whether it may be disconnected once it has done nothing for a time.
    pub(crate) fn may_leave(&self) -> bool {
        self.state != ClientState::Disconnected && self.is_done()
    }

    /// Whether its queues outlive it.
    pub(crate) fn keeps_queues(&self) -> bool {
        self.ended || (self.kind == SessionKind::Durable && self.batch.before() > 0)
    }

    /// Whether no more requests follow.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// How requests and responses stand.
    #[must_use]
    pub fn counts(&self) -> ClientCounts {
        let answered = self.responses.next();
        ClientCounts {
            received: self.batch.end(),
            uncommitted: self.batch.end() - self.batch.before(),
            queued: self.queued(),
            running: self.running,
            answered,
            failed: self.responses.failed(),
            unfetched: answered - self.responses.acknowledged(),
        }
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> ClientState {
        self.state
    }

    /// The first response that is still there.
    #[must_use]
    pub fn first_response(&self) -> u64 {
        self.responses.first()
    }

    /// The first response that was not fetched.
    #[must_use]
    pub fn current_response(&self) -> u64 {
        self.responses.acknowledged()
    }

    /// The place of the next response.
    #[must_use]
    pub fn next_response(&self) -> u64 {
        self.responses.next()
    }
}
