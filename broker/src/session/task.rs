//! The task that owns a session.

mod serving;

use super::flights::Flights;
use super::{Command, Link, Room, View};
use crate::dispatch::{DispatchHandle, Event, Mailbox};
use crate::execution::{Caller, Done};
use crate::leading::Leading;
use frontier_sessions as domain;
use frontier_sessions::{
    AttemptId, Budget, ClientId, Closing, Completion, Ending, Grant, Log, Next, SessionKind, SessionPlan,
    SessionState, StoreError,
};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
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
    pub(crate) room: Room,
}

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
    room: Room,
    view: Arc<watch::Sender<View>>,
}

/// Starts the task. `on_end` runs when it has ended, however it has.
pub(crate) fn start(parts: Parts, on_end: impl FnOnce() + Send + 'static) -> Link {
    let Parts { session, log, dispatch, caller, outlives, draining, leading, room } = parts;
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
        room,
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

/// Adds those of one client to the others of it.
fn gather(all: &mut BTreeMap<ClientId, Vec<Completion>>, client: ClientId, mut row: Vec<Completion>) {
    match all.entry(client) {
        Entry::Vacant(place) => {
            place.insert(row);
        }
        Entry::Occupied(mut before) => before.get_mut().append(&mut row),
    }
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
        let mut pressure = self.room.pressure();
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

    /// Calls have ended: their responses are stored together.
    async fn on_done(&mut self, first: Done) {
        let now = Instant::now();
        let mut completions: BTreeMap<ClientId, Vec<Completion>> = BTreeMap::new();
        // Those of one client mostly come one after the other.
        let mut row: Option<(ClientId, Vec<Completion>)> = None;
        let mut next = Some(first);
        let mut count = 0;
        while let Some(Done { attempt, taken, verdict, ending }) = next {
            self.ended.push((attempt, ending));
            let settled = self.calls.settle(attempt, taken, verdict);
            let finished = settled.and_then(|(taken, verdict)| self.session.finish(taken, verdict, now));
            match (finished, &mut row) {
                (None, _) => {}
                (Some((client, completion)), Some((last, row))) if client == *last => row.push(completion),
                (Some((client, completion)), row) => {
                    let before = row.replace((client, vec![completion]));
                    before.into_iter().for_each(|(last, row)| gather(&mut completions, last, row));
                }
            }
            count += 1;
            next = if count < MOST_DONE { self.calls.ended() } else { None };
        }
        row.into_iter().for_each(|(last, row)| gather(&mut completions, last, row));
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
