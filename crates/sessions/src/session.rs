//! One session: who uses it, and how it stands.

mod access;
mod ending;
mod reading;
mod timers;

pub use reading::{Reading, Start};
pub use timers::Expired;

use crate::batch::Commit;
use crate::client::{Client, ClientCounts, EndReason, Next, Taken, Verdict};
use crate::fault::{Fault, FaultCode};
use crate::id::{BatchId, ClientId, Sequence, SessionId};
use crate::limits::Limits;
use crate::message::Request;
use crate::settings::{SessionKind, Settings};
use crate::store::{Completion, Recovered, StoredRequest};
use crate::throttle::Throttle;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a session stands.
///
/// ```text
///   Started ──first client──▶ Running ◀──a client──▶ Idle
///      │      no client          │    last one left   │
///      │      in time            │                    │ none comes in time
///      └────────────────────┬────┴────────────────────┤
///                           ▼ closed, failed          ▼
///                        Finished ◀───────────── Suspended, if it is durable
/// ```
///
/// Nothing is taken by one that is finished. One that is suspended is kept by its store, and attached to again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// No client has come.
    Started,
    /// There are clients.
    Running,
    /// There are none any more.
    Idle,
    /// It is in its store alone.
    Suspended,
    /// It has ended.
    Finished,
}

/// Why a session has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// A client has closed it.
    Closed,
    /// Nobody has used it for too long.
    TimedOut,
    /// It can't go on: why.
    Failed(String),
}

/// One session, without the bodies of its requests and responses.
///
/// What changes what is stored comes in two halves: the first says what is to be stored, and the second, once it is, makes it
/// so. In between nothing else may be asked of the session.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    settings: Settings,
    creator: Option<Arc<str>>,
    limits: Limits,
    throttle: Throttle,
    /// How often a call is tried again.
    resend_limit: u32,
    state: SessionState,
    closing: Option<Closing>,
    /// Since when it is in this state.
    since: Instant,
    members: BTreeMap<ClientId, Member>,
    /// Clients that have requests to call, in turn.
    ready: VecDeque<ClientId>,
    /// Clients whose queues were dropped, the latest last.
    gone: VecDeque<(ClientId, EndReason)>,
    lives: u64,
    /// How many calls were taken, in all.
    taken: u64,
    /// When to look at the timers, at the latest.
    wake: Option<Instant>,
    totals: ClientCounts,
}

#[derive(Debug)]
struct Member {
    client: Client,
    quiet_since: Instant,
    is_ready: bool,
}

impl Member {
    /// The client takes its turn, if it has anything to call.
    fn note_ready(&mut self, client: &ClientId, ready: &mut VecDeque<ClientId>) {
        if !self.is_ready && self.client.queued() > 0 {
            self.is_ready = true;
            ready.push_back(client.clone());
        }
    }
}

/// Requests that are to be stored.
#[derive(Debug)]
pub struct Sending {
    /// Requests from this place on are to be discarded before.
    pub discard: Option<Sequence>,
    /// These are to be appended. Those that have come before are not among them.
    pub requests: Vec<StoredRequest>,
    /// With this commit, where requests are computed as they come: what is accepted is kept as far as the store keeps it.
    pub commit: Option<Commit>,
}

/// Requests that are to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushing {
    /// Requests from this place on are to be discarded before.
    pub discard: Option<Sequence>,
    /// What is to be stored.
    pub commit: Commit,
}

impl Session {
    /// A new one.
    #[must_use]
    pub fn new(
        id: SessionId,
        settings: Settings,
        creator: Option<Arc<str>>,
        limits: Limits,
        throttle: Throttle,
        resend_limit: u32,
        now: Instant,
    ) -> Self {
        let wake = now.checked_add(settings.timeouts.client_connection);
        Self {
            id,
            settings,
            creator,
            limits,
            throttle,
            resend_limit,
            state: SessionState::Started,
            closing: None,
            since: now,
            members: BTreeMap::new(),
            ready: VecDeque::new(),
            gone: VecDeque::new(),
            lives: 0,
            taken: 0,
            wake,
            totals: ClientCounts::default(),
        }
    }

    /// Adds what was committed of it before its broker ended. Nothing may have been asked of it yet.
    pub fn recover(&mut self, clients: Vec<Recovered>, now: Instant) {
        for (id, was) in clients {
            self.lives += 1;
            let owner = self.creator.clone();
            let client = Client::recovered(id.clone(), self.lives, self.settings.kind, owner, was);
            self.members.insert(id.clone(), Member { client, quiet_since: now, is_ready: false });
            self.note_ready(&id);
        }
    }

    /// Requests come: what is to be stored of them. [`appended`](Self::appended) follows.
    ///
    /// # Errors
    /// By its state, the client's, who asks, the batch id, the limits; and [`FaultCode::Throttled`].
    pub fn send(
        &mut self,
        who: Option<&str>,
        client: &ClientId,
        batch: BatchId,
        requests: Vec<Request>,
        now: Instant,
    ) -> Result<Sending, Fault> {
        self.check(who)?;
        self.limits.check(&requests)?;
        let is_throttling = self.throttles();
        let member = self.member(who, client, now)?;
        let (discards, fresh) = member.client.admit(batch, requests)?;
        if is_throttling && !fresh.is_empty() {
            let text =
                "too many requests wait, or responses were not fetched: more are taken once there are fewer";
            return Err(Fault::new(FaultCode::Throttled, text));
        }
        let mut discard = None;
        if member.client.batch() < batch {
            discard = Some(member.client.begin(batch)).filter(|_| discards);
        }
        let requests = member.client.place(fresh);
        let commit = member.client.implied_commit(requests.len() as u64);
        Ok(Sending { discard, requests, commit })
    }

    /// They are stored.
    pub fn appended(&mut self, client: &ClientId, requests: Vec<StoredRequest>) {
        if let Some(member) = self.members.get_mut(client) {
            member.client.appended(requests);
            self.note_ready(client);
        }
    }

    /// A client flushes its requests, or ends them: what is to be stored. `sent` is how many it has sent with this batch id, if
    /// it says so. With a higher one than before, what a durable session has not committed is gone, as where requests come with
    /// it. [`committed`](Self::committed) follows.
    ///
    /// # Errors
    /// By its state, the client's, who asks, the batch id, and if fewer have come than were sent.
    pub fn flush(
        &mut self,
        who: Option<&str>,
        client: &ClientId,
        batch: Option<BatchId>,
        sent: Option<u64>,
        ends: bool,
        now: Instant,
    ) -> Result<Flushing, Fault> {
        self.check(who)?;
        let member = self.member(who, client, now)?;
        let batch = batch.unwrap_or_else(|| member.client.batch());
        member.client.flush(batch, sent, ends)
    }

    /// It is stored.
    pub fn committed(&mut self, client: &ClientId, commit: &Commit) {
        if let Some(member) = self.members.get_mut(client) {
            member.client.committed(commit);
            self.note_ready(client);
        }
    }

    /// How many requests there were to call, in all: those that were taken, as often as they were, and those that wait.
    #[must_use]
    pub fn offered(&self) -> u64 {
        let is_open = self.closing.is_none();
        self.taken + if is_open { self.members.values().map(|it| it.client.queued()).sum() } else { 0 }
    }

    /// What is to be called next: the clients take turns.
    pub fn next_call(&mut self) -> Next {
        if self.closing.is_some() {
            return Next::Idle;
        }
        while let Some(id) = self.ready.pop_front() {
            let Some(member) = self.members.get_mut(&id) else { continue };
            let next = member.client.next_call();
            match &next {
                Next::Idle => {
                    member.is_ready = false;
                    continue;
                }
                Next::Take(_) => {
                    self.taken += 1;
                    self.ready.push_back(id);
                }
                Next::Fetch(..) => self.ready.push_front(id),
            }
            return next;
        }
        Next::Idle
    }

    /// What was read from the store after [`Next::Fetch`].
    pub fn refill(&mut self, client: &ClientId, requests: Vec<StoredRequest>) {
        if let Some(member) = self.members.get_mut(client) {
            member.client.refill(requests);
        }
    }

    /// A call has ended: what is to be stored, if anything. Nothing is of a request whose client was dropped meanwhile.
    pub fn finish(&mut self, taken: Taken, verdict: Verdict, now: Instant) -> Option<(ClientId, Completion)> {
        let id = taken.client.clone();
        let member = self.members.get_mut(&id).filter(|member| member.client.knows(&taken))?;
        let completion = member.client.finish(taken, verdict, self.resend_limit);
        member.note_ready(&id, &mut self.ready);
        if member.client.is_done() {
            member.quiet_since = now;
            self.wake_by(now, self.settings.timeouts.client_idle);
        }
        completion.map(|completion| (id, completion))
    }

    /// The client, made if there is none, which does something now.
    fn member(&mut self, who: Option<&str>, client: &ClientId, now: Instant) -> Result<&mut Member, Fault> {
        if !self.members.contains_key(client) {
            if self.members.len() >= self.limits.clients {
                let text = format!("the session has {} clients, the most there may be", self.limits.clients);
                return Err(Fault::new(FaultCode::TooManyClients, text));
            }
            self.lives += 1;
            self.gone.retain(|(gone, _)| gone != client);
            let made = Client::new(client.clone(), self.lives, self.settings.kind, who.map(Arc::from));
            self.members.insert(client.clone(), Member { client: made, quiet_since: now, is_ready: false });
        }
        self.wake_by(now, self.settings.timeouts.client_idle);
        (self.state, self.since) = (SessionState::Running, now);
        let is_theirs = |member: &mut Member| member.client.check_owner(who);
        match self.members.get_mut(client) {
            Some(member) => {
                is_theirs(member)?;
                member.client.touch();
                member.quiet_since = now;
                Ok(member)
            }
            // It was made above.
            None => Err(Fault::new(FaultCode::SendRejected, "the client is gone")),
        }
    }

    /// The client takes its turn, if it has anything to call.
    fn note_ready(&mut self, client: &ClientId) {
        if let Some(member) = self.members.get_mut(client) {
            member.note_ready(client, &mut self.ready);
        }
    }

    /// Whether no more requests are taken, as too many wait.
    pub fn throttles(&mut self) -> bool {
        if self.settings.kind != SessionKind::Interactive {
            return false;
        }
        let counts = self.members.values().map(|member| member.client.counts());
        let messages: u64 = counts.map(|it| it.queued + it.running + it.unfetched).sum();
        self.throttle.update(usize::try_from(messages).unwrap_or(usize::MAX))
    }

    fn wake_by(&mut self, now: Instant, after: Duration) {
        let at = now.checked_add(after).filter(|_| self.closing.is_none());
        self.wake = match (self.wake, at) {
            (Some(wake), Some(at)) => Some(wake.min(at)),
            (wake, at) => wake.or(at),
        };
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// As it was created.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.state
    }

    /// Why it has ended, if it has.
    #[must_use]
    pub fn closing(&self) -> Option<&Closing> {
        self.closing.as_ref()
    }

    /// The client of this id, if there is one.
    #[must_use]
    pub fn client(&self, client: &ClientId) -> Option<&Client> {
        self.members.get(client).map(|member| &member.client)
    }

    /// How the requests and responses of all its clients stand, with those of clients that are gone.
    #[must_use]
    pub fn counts(&self) -> ClientCounts {
        let mut counts = ClientCounts { unfetched: 0, queued: 0, running: 0, uncommitted: 0, ..self.totals };
        self.members.values().for_each(|member| add(&mut counts, &member.client.counts()));
        counts
    }
}

fn add(sum: &mut ClientCounts, counts: &ClientCounts) {
    let ClientCounts { received, uncommitted, queued, running, answered, failed, unfetched } = counts;
    sum.received += received;
    sum.uncommitted += uncommitted;
    sum.queued += queued;
    sum.running += running;
    sum.answered += answered;
    sum.failed += failed;
    sum.unfetched += unfetched;
}

#[cfg(test)]
mod tests;
