//! The task that owns a session.

use super::flights::Flights;
use super::{Command, Flush, Flushed, Link, Responses, Sent, View};
use crate::dispatch::{DispatchHandle, Event, Mailbox};
use crate::execution::{Caller, Done};
use crate::leading::Leading;
use frontier_sessions as domain;
use frontier_sessions::{
    AttemptId, BatchId, Budget, ClientId, Closing, Completion, Ending, Fault, FaultCode, Flushing, Grant,
    Log, Next, Position, Request, SessionKind, SessionPlan, SessionState, Start, StoreError,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How many commands may wait.
const WAITING: usize = 64;

/// How many calls that have ended are looked at before anything else is.
const MOST_DONE: usize = 1024;

/// How much is read from the store at once, to be called.
const REFILL: Budget = Budget { items: 1024, bytes: 4 << 20 };

/// The pause before the store is asked again that did not answer.
const STORE_PAUSE: Duration = Duration::from_millis(200);

/// What a session is made of.
pub(crate) struct Parts {
    pub(crate) session: domain::Session,
    pub(crate) log: Box<dyn Log>,
    pub(crate) dispatch: DispatchHandle,
    pub(crate) caller: Arc<Caller>,
    /// Whether it is there after the broker has ended.
    pub(crate) outlives: bool,
    /// Whether the broker is stopping.
    pub(crate) draining: Arc<AtomicBool>,
    pub(crate) leading: Leading,
    pub(crate) pressure: Pressure,
    /// It is kept with others, which may have what can be forgotten.
    pub(crate) has_neighbours: bool,
    /// How many bytes of fetched responses each client keeps where there is no room.
    pub(crate) left: usize,
}

/// Tells all sessions that there is no room: when it did so last.
pub(crate) type Pressure = Arc<watch::Sender<Option<Instant>>>;

/// How often all sessions are told at most.
const PRESSING: Duration = Duration::from_millis(250);

struct Task {
    session: domain::Session,
    log: Box<dyn Log>,
    dispatch: DispatchHandle,
    mailbox: Arc<Mailbox>,
    /// Grants that wait until it is sure that the session is here.
    held: Vec<Grant>,
    calls: Flights,
    /// Calls that have ended, to be told.
    ended: Vec<(AttemptId, Ending)>,
    offered: u64,
    outlives: bool,
    draining: Arc<AtomicBool>,
    leading: Leading,
    pressure: Pressure,
    has_neighbours: bool,
    left: usize,
    view: Arc<watch::Sender<View>>,
}

/// Starts the task. `on_end` runs when it has ended, however it has.
pub(crate) fn start(parts: Parts, on_end: impl FnOnce() + Send + 'static) -> Link {
    let Parts { session, log, dispatch, caller, outlives, draining, leading, pressure, has_neighbours, left } =
        parts;
    let view = Arc::new(watch::Sender::new(view(&session)));
    let (commands, receiver) = mpsc::channel(WAITING);
    let over = CancellationToken::new();
    let link = Link { commands, view: view.subscribe(), over: over.clone() };
    let id = session.id();
    let calls = Flights::new(id, caller, session.settings().timeouts.operation);
    let task = Task {
        session,
        log,
        dispatch: dispatch.clone(),
        mailbox: Arc::default(),
        held: Vec::new(),
        calls,
        ended: Vec::new(),
        offered: 0,
        outlives,
        draining,
        leading,
        pressure,
        has_neighbours,
        left,
        view: view.clone(),
    };
    let running = tokio::spawn(task.run(receiver));
    tokio::spawn(async move {
        if let Err(error) = running.await {
            tracing::error!(%error, session = %id, "a session has failed by a fault of the broker");
            let failed = Closing::Failed("a fault of the broker".to_owned());
            view.send_modify(|view| (view.state, view.closing) = (SessionState::Finished, Some(failed)));
        }
        // Whatever it had at hosts counts no more.
        dispatch.tell(Event::Closed(id)).await;
        on_end();
        over.cancel();
    });
    link
}

/// How a session stands, for all who look.
pub(crate) fn view(session: &domain::Session) -> View {
    View { state: session.state(), closing: session.closing().cloned(), counts: session.counts() }
}

impl Task {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let opened = Event::Opened {
            session: self.session.id(),
            service: self.session.settings().service.as_str().into(),
            plan: SessionPlan::from(self.session.settings()),
            mailbox: self.mailbox.clone(),
        };
        self.dispatch.tell(opened).await;
        let mut pressure = self.pressure.subscribe();
        // One that was taken up again has something to call before anybody asks for it.
        self.report().await;
        while !self.is_over() {
            let deadline = self.session.deadline();
            let timer = async {
                match deadline {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.on_command(command).await,
                    None => return,
                },
                Some(done) = self.calls.next() => self.on_done(done).await,
                grants = self.mailbox.take() => self.on_grants(grants).await,
                () = self.leading.assured(), if !self.held.is_empty() => self.on_grants(Vec::new()).await,
                Ok(()) = pressure.changed() => drop(self.forget_fetched().await),
                () = timer => self.on_time().await,
            }
            self.report().await;
        }
        self.give_out_rest(commands).await;
    }

    fn is_over(&self) -> bool {
        matches!(self.session.state(), SessionState::Finished | SessionState::Suspended)
    }

    /// One that has failed still gives out what is answered, for as long as one that nobody uses is kept.
    async fn give_out_rest(&mut self, mut commands: mpsc::Receiver<Command>) {
        self.calls.clear();
        if !matches!(self.session.closing(), Some(Closing::Failed(_))) {
            return;
        }
        let end = sleep(self.session.settings().timeouts.session_idle);
        tokio::pin!(end);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None | Some(Command::Close(..)) => break,
                    Some(command) => self.on_command(command).await,
                },
                () = &mut end => return self.delete_unless_durable().await,
            }
        }
        self.delete().await;
    }

    /// What was promised to be kept is kept: nobody has said that it is not wanted any more.
    async fn delete_unless_durable(&mut self) {
        if self.session.settings().kind == SessionKind::Interactive {
            self.delete().await;
        }
    }

    async fn on_command(&mut self, command: Command) {
        let now = Instant::now();
        // Whoever has gone away does not want the answer.
        match command {
            Command::Attach(who, kind, reply) => {
                let _ = reply.send(self.session.attach(who.as_deref(), kind, now));
            }
            Command::Send { who, client, batch, requests, reply } => {
                let _ = reply.send(self.send(who.as_deref(), &client, batch, requests, now).await);
            }
            Command::Flush { who, client, flush, reply } => {
                let _ = reply.send(self.flush(who.as_deref(), &client, flush, now).await);
            }
            Command::Read { who, client, start, most, bytes, reply } => {
                let budget = Budget { items: most, bytes };
                let _ = reply.send(self.read(who.as_deref(), &client, start, budget, now).await);
            }
            Command::Acknowledge { client, before, reply } => {
                let _ = reply.send(self.acknowledge(&client, before, now).await);
            }
            Command::Purge { who, client, reply } => {
                let _ = reply.send(self.purge(who.as_deref(), &client, now).await);
            }
            Command::Close(who, reply) => {
                let checked = self.session.check(who.as_deref());
                if checked.is_ok() {
                    self.session.close(Closing::Closed, now);
                    self.delete().await;
                    self.report().await;
                }
                let _ = reply.send(checked);
            }
        }
    }

    async fn send(
        &mut self,
        who: Option<&str>,
        client: &ClientId,
        batch: BatchId,
        requests: Vec<Request>,
        now: Instant,
    ) -> Result<Sent, Fault> {
        let sending = self.session.send(who, client, batch, requests, now)?;
        if let Some(from) = sending.discard {
            let discarded = self.log.discard(client, from).await;
            self.stored(discarded)?;
        }
        if !sending.requests.is_empty() {
            let mut appended = self.log.append(client, sending.requests.clone(), sending.commit).await;
            if appended == Err(StoreError::Full) && self.forget_fetched().await {
                appended = self.log.append(client, sending.requests.clone(), sending.commit).await;
            }
            match appended {
                Err(StoreError::Full) => {
                    // Others may have what can be forgotten as well.
                    self.pressure.send_if_modified(|told_at| {
                        let is_due = self.has_neighbours
                            && told_at.is_none_or(|at| now.saturating_duration_since(at) >= PRESSING);
                        *told_at = if is_due { Some(now) } else { *told_at };
                        is_due
                    });
                    return Ok(Sent::Full(sending.requests.into_iter().map(|it| it.request).collect()));
                }
                appended => self.stored(appended)?,
            }
            self.session.appended(client, sending.requests);
        }
        Ok(Sent::Stored)
    }

    /// Forgets the responses that were fetched, as there is no room. Whether there were any.
    async fn forget_fetched(&mut self) -> bool {
        let fetched = self.session.forget_fetched(self.left);
        for (client, before) in &fetched {
            if let Err(error) = self.log.forget(client, *before).await {
                self.fail_if_lost(&error);
            }
        }
        !fetched.is_empty()
    }

    async fn flush(
        &mut self,
        who: Option<&str>,
        client: &ClientId,
        flush: Flush,
        now: Instant,
    ) -> Result<Flushed, Fault> {
        let Flush { batch, sent, ends } = flush;
        let Flushing { discard, commit } = self.session.flush(who, client, batch, sent, ends, now)?;
        if let Some(from) = discard {
            let discarded = self.log.discard(client, from).await;
            self.stored(discarded)?;
        }
        let committed = self.log.commit(client, commit).await;
        self.stored(committed)?;
        self.session.committed(client, &commit);
        if ends {
            self.wake_readers();
        }
        let counts = self.session.client(client).map(domain::Client::counts).unwrap_or_default();
        Ok(Flushed { pending: counts.queued + counts.running, committed: commit.before })
    }

    async fn read(
        &mut self,
        who: Option<&str>,
        client: &ClientId,
        start: Start,
        budget: Budget,
        now: Instant,
    ) -> Result<Responses, Fault> {
        let reading = self.session.read(who, client, start, now)?;
        let mut responses = Vec::new();
        if reading.from < reading.until && budget.items > 0 {
            let read = self.log.responses(client, reading.from, budget).await;
            responses = self.stored(read)?;
        }
        let next = responses.last().map_or(reading.from, |last| last.position + 1);
        let remaining = reading.until.saturating_sub(next);
        Ok(Responses { responses, next, remaining, end: reading.end.filter(|_| remaining == 0) })
    }

    async fn acknowledge(&mut self, client: &ClientId, before: Position, now: Instant) -> Result<(), Fault> {
        let (is_new, forget) = self.session.acknowledge(client, before, now);
        if is_new {
            let acknowledged = self.log.acknowledge(client, before).await;
            self.stored(acknowledged)?;
        }
        if let Some(before) = forget {
            let forgotten = self.log.forget(client, before).await;
            self.stored(forgotten)?;
        }
        Ok(())
    }

    async fn purge(&mut self, who: Option<&str>, client: &ClientId, now: Instant) -> Result<bool, Fault> {
        let was_there = self.session.purge(who, client, now)?;
        if was_there {
            self.wake_readers();
            let purged = self.log.purge(client).await;
            self.stored(purged)?;
        }
        Ok(was_there)
    }

    /// What the store's answer means for who asks. A session that has another owner is lost to this broker.
    fn stored<T>(&mut self, result: Result<T, StoreError>) -> Result<T, Fault> {
        result.map_err(|error| {
            let code = match error {
                StoreError::Full => FaultCode::StorageFull,
                StoreError::Unsupported(_) => FaultCode::Unsupported,
                StoreError::Unavailable(_) | StoreError::Exists => FaultCode::StoreUnavailable,
                StoreError::Damaged(_) => FaultCode::SessionFailure,
                StoreError::Fenced => FaultCode::NotOwner,
            };
            self.fail_if_lost(&error);
            Fault::new(code, error.to_string())
        })
    }

    /// Whether the session can't go on: it has another owner, or the store has not kept it.
    fn fail_if_lost(&mut self, error: &StoreError) -> bool {
        let why = match error {
            StoreError::Fenced => "another broker has the session, or it is gone from its store".to_owned(),
            StoreError::Damaged(why) => {
                tracing::error!(%why, session = %self.session.id(), "a session is damaged in the store");
                why.clone()
            }
            StoreError::Exists
            | StoreError::Full
            | StoreError::Unsupported(_)
            | StoreError::Unavailable(_) => return false,
        };
        self.session.close(Closing::Failed(why), Instant::now());
        true
    }

    /// Calls have ended: their responses are stored together.
    async fn on_done(&mut self, first: Done) {
        let now = Instant::now();
        let mut completions: BTreeMap<ClientId, Vec<Completion>> = BTreeMap::new();
        let mut next = Some(first);
        let mut count = 0;
        while let Some(Done { attempt, taken, verdict, ending }) = next {
            self.ended.push((attempt, ending));
            let settled = self.calls.settle(attempt, taken, verdict);
            let finished = settled.and_then(|(taken, verdict)| self.session.finish(taken, verdict, now));
            if let Some((client, completion)) = finished {
                completions.entry(client).or_default().push(completion);
            }
            count += 1;
            next = if count < MOST_DONE { self.calls.ended() } else { None };
        }
        for (client, completions) in completions {
            self.complete(&client, completions).await;
        }
    }

    /// Stores responses, however long that takes: what was accepted is answered.
    async fn complete(&mut self, client: &ClientId, completions: Vec<Completion>) {
        loop {
            match self.log.complete(client, completions.clone()).await {
                Ok(()) => return,
                Err(error) if self.fail_if_lost(&error) => return,
                Err(error) => {
                    tracing::warn!(%error, session = %self.session.id(), "responses are not stored yet");
                    sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    async fn on_grants(&mut self, grants: Vec<Grant>) {
        self.held.extend(grants);
        // Whoever may not have the sessions any more has nothing computed.
        if !self.leading.is_assured() {
            return;
        }
        for grant in std::mem::take(&mut self.held) {
            let is_used = match grant.hedges {
                Some(first) => self.calls.begin_second(first, grant),
                None => match self.next().await {
                    Some(taken) => {
                        self.calls.begin(grant, taken);
                        true
                    }
                    None => false,
                },
            };
            if !is_used {
                self.ended.push((grant.attempt, Ending::Unused));
            }
        }
    }

    /// The next request to call, from the store if it is not held.
    async fn next(&mut self) -> Option<domain::Taken> {
        // What outlives the broker is computed after the restart, or by another one.
        if self.outlives && self.draining.load(Ordering::SeqCst) {
            return None;
        }
        loop {
            match self.session.next_call() {
                Next::Take(taken) => return Some(taken),
                Next::Idle => return None,
                Next::Fetch(client, from) => match self.log.requests(&client, from, REFILL).await {
                    Ok(requests) if !requests.is_empty() => self.session.refill(&client, requests),
                    Ok(_) => {
                        let why = "requests are missing in the store".to_owned();
                        self.session.close(Closing::Failed(why), Instant::now());
                    }
                    Err(error) if self.fail_if_lost(&error) => {}
                    Err(_) => sleep(STORE_PAUSE).await,
                },
            }
        }
    }

    async fn on_time(&mut self) {
        let expired = self.session.on_time(Instant::now());
        if !expired.purged.is_empty() {
            self.wake_readers();
        }
        for client in &expired.purged {
            if let Err(error) = self.log.purge(client).await {
                tracing::warn!(%error, session = %self.session.id(), "a client's queues are not dropped");
            }
        }
        if expired.session && self.session.state() == SessionState::Finished {
            self.delete().await;
        }
    }

    /// Drops it from the store, however long that takes: else it would come back with the next broker.
    async fn delete(&mut self) {
        let mut was_told = false;
        loop {
            match self.log.delete().await {
                Ok(()) | Err(StoreError::Fenced) => return,
                Err(error) => {
                    if !std::mem::replace(&mut was_told, true) {
                        tracing::warn!(%error, session = %self.session.id(), "a session is not dropped from the store yet");
                    }
                    sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    /// Whoever waits for responses of a client looks again: none may follow, which no number tells.
    fn wake_readers(&self) {
        self.view.send_modify(|_| {});
    }

    /// Tells the dispatchers what has changed, and all who look.
    async fn report(&mut self) {
        let offered = self.session.offered();
        if offered != self.offered || !self.ended.is_empty() {
            self.offered = offered;
            let ended = std::mem::take(&mut self.ended);
            self.dispatch.tell(Event::Turn { session: self.session.id(), offered, ended }).await;
        }
        let now = view(&self.session);
        self.view.send_if_modified(|view| {
            let has_changed = view.counts != now.counts || view.state != now.state;
            *view = now;
            has_changed
        });
    }
}
