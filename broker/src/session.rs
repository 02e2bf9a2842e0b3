//! One session of this broker: a task that owns it, and the handle by which it is asked.

mod flights;
mod room;
mod task;

pub(crate) use room::{Pressure, Room};
pub(crate) use task::{Parts, start, view};

use arc_swap::ArcSwap;
use frontier_sessions::{
    BatchId, ClientCounts, ClientId, Closing, EndOfResponses, Fault, FaultCode, Position, Request, SessionId,
    SessionKind, SessionRecord, SessionState, Start, StoredResponse,
};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long to wait for a change at most, where one may have come before.
const MOMENT: Duration = Duration::from_millis(100);

/// The name of who asks; `None` where nobody is asked who they are.
pub(crate) type Who = Option<Arc<str>>;

/// How long requests wait at most for room in the store, looked at so often, before they are refused.
const ROOM_PATIENCE: Duration = Duration::from_secs(1);
const ROOM_LOOK: Duration = Duration::from_millis(20);

type Reply<T> = oneshot::Sender<Result<T, Fault>>;

/// What a session is asked.
pub(crate) enum Command {
    Attach(Who, Option<SessionKind>, Reply<()>),
    Send { who: Who, client: ClientId, batch: BatchId, requests: Vec<Request>, reply: Reply<Sent> },
    Flush { who: Who, client: ClientId, flush: Flush, reply: Reply<Flushed> },
    Read { who: Who, client: ClientId, start: Start, most: usize, bytes: usize, reply: Reply<Responses> },
    Acknowledge { client: ClientId, before: Position, reply: Reply<()> },
    Purge { who: Who, client: ClientId, reply: Reply<bool> },
    Close(Who, Reply<()>),
}

/// What became of requests.
pub(crate) enum Sent {
    Stored,
    /// There is no room; here they are again.
    Full(Vec<Request>),
    /// Too much waits; here they are again.
    Throttled(Fault, Vec<Request>),
}

/// Requests that were not taken.
pub(crate) struct NotTaken {
    pub(crate) why: Fault,
    /// They, where they may be sent again.
    pub(crate) requests: Vec<Request>,
}

impl From<Fault> for NotTaken {
    fn from(why: Fault) -> Self {
        Self { why, requests: Vec::new() }
    }
}

impl From<NotTaken> for Fault {
    fn from(not_taken: NotTaken) -> Self {
        not_taken.why
    }
}

/// A flush, or the end of the requests.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flush {
    pub(crate) batch: Option<BatchId>,
    /// How many requests were sent with it.
    pub(crate) sent: Option<u64>,
    pub(crate) ends: bool,
}

/// What was flushed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flushed {
    /// Requests of the client that are not answered.
    pub(crate) pending: u64,
    /// Requests of the client that are committed.
    pub(crate) committed: u64,
}

/// Some responses.
#[derive(Debug)]
pub(crate) struct Responses {
    pub(crate) responses: Vec<StoredResponse>,
    /// Where the next ones begin.
    pub(crate) next: Position,
    /// How many more there are.
    pub(crate) remaining: u64,
    /// If there are none after these.
    pub(crate) end: Option<EndOfResponses>,
}

/// How a session stands, for all who look.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) state: SessionState,
    pub(crate) closing: Option<Closing>,
    pub(crate) counts: ClientCounts,
}

/// A session, to be asked.
pub(crate) struct Session {
    pub(crate) record: SessionRecord,
    /// When it was used last, in milliseconds since 1970.
    used_at: AtomicU64,
    link: ArcSwap<Link>,
    /// How long an answer may take, which waits for the store.
    patience: Duration,
    /// How it is taken up again once it is suspended, by one at a time.
    revive: Revive,
    reviving: Mutex<()>,
}

/// How a suspended session is taken up again.
pub(crate) type Revive = Arc<dyn Fn(SessionId) -> BoxFuture<'static, Result<Link, Fault>> + Send + Sync>;

/// The way to the task that owns a session.
pub(crate) struct Link {
    commands: mpsc::Sender<Command>,
    view: watch::Receiver<View>,
    /// Cancelled once the task has ended, and everybody who has to know that does.
    over: CancellationToken,
}

impl Link {
    /// To no task: the session is in its store alone.
    pub(crate) fn suspended(view: View) -> Self {
        let view = View { state: SessionState::Suspended, ..view };
        let over = CancellationToken::new();
        over.cancel();
        Self { commands: mpsc::channel(1).0, view: watch::Sender::new(view).subscribe(), over }
    }
}

impl Session {
    pub(crate) fn new(record: SessionRecord, link: Link, patience: Duration, revive: Revive) -> Self {
        let used_at = AtomicU64::new(crate::sessions::now_ms());
        let (link, reviving) = (ArcSwap::from_pointee(link), Mutex::new(()));
        Self { record, used_at, link, patience, revive, reviving }
    }

    pub(crate) fn id(&self) -> SessionId {
        self.record.id
    }

    /// How it stands.
    pub(crate) fn view(&self) -> View {
        self.link.load().view.borrow().clone()
    }

    /// When it was used last, in milliseconds since 1970.
    pub(crate) fn used_at(&self) -> u64 {
        self.used_at.load(Ordering::Relaxed)
    }

    /// Whether `who` may look at it.
    pub(crate) fn check_access(&self, who: &Who) -> Result<(), Fault> {
        match (&self.record.creator, who) {
            (Some(creator), Some(who)) if creator != who && !self.record.settings.shared => {
                Err(Fault::new(FaultCode::AccessDenied, format!("the session {} is not shared", self.id())))
            }
            _ => Ok(()),
        }
    }

    pub(crate) async fn attach(&self, who: Who, kind: Option<SessionKind>) -> Result<(), Fault> {
        self.ask(|reply| Command::Attach(who, kind, reply)).await
    }

    /// Sends requests. While the store is full they wait for a moment.
    pub(crate) async fn send(
        &self,
        who: Who,
        client: ClientId,
        batch: BatchId,
        mut requests: Vec<Request>,
    ) -> Result<(), NotTaken> {
        let deadline = Instant::now() + ROOM_PATIENCE;
        loop {
            let (who, client) = (who.clone(), client.clone());
            match self.ask(|reply| Command::Send { who, client, batch, requests, reply }).await? {
                Sent::Stored => return Ok(()),
                Sent::Throttled(why, requests) => return Err(NotTaken { why, requests }),
                Sent::Full(_) if Instant::now() >= deadline => {
                    return Err(Fault::new(FaultCode::StorageFull, "the store is full").into());
                }
                Sent::Full(again) => requests = again,
            }
            sleep(ROOM_LOOK).await;
        }
    }

    pub(crate) async fn flush(&self, who: Who, client: ClientId, flush: Flush) -> Result<Flushed, Fault> {
        self.ask(|reply| Command::Flush { who, client, flush, reply }).await
    }

    pub(crate) async fn acknowledge(&self, client: ClientId, before: Position) -> Result<(), Fault> {
        self.ask(|reply| Command::Acknowledge { client, before, reply }).await
    }

    pub(crate) async fn purge(&self, who: Who, client: ClientId) -> Result<bool, Fault> {
        self.ask(|reply| Command::Purge { who, client, reply }).await
    }

    /// Closes it; once more does no harm.
    pub(crate) async fn close(&self, who: Who) -> Result<(), Fault> {
        self.check_access(&who)?;
        match self.ask(|reply| Command::Close(who, reply)).await {
            Err(Fault { code: FaultCode::SessionFinished | FaultCode::SessionFailure, .. }) => Ok(()),
            done => done,
        }
    }

    /// At most so many responses with so many bytes, one at least if there is any: waits for the first one for at most
    /// `patience`.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn responses(
        &self,
        who: &Who,
        client: &ClientId,
        mut start: Start,
        (most, bytes): (usize, usize),
        patience: Duration,
    ) -> Result<Responses, Fault> {
        let deadline = Instant::now() + patience;
        // Whoever waits is there, and is heard of often enough.
        let idle = self.record.settings.timeouts.client_idle / 3;
        loop {
            let mut view = self.link.load().view.clone();
            view.mark_unchanged();
            let (who, client) = (who.clone(), client.clone());
            let read = |reply| Command::Read { who, client, start, most, bytes, reply };
            let found = self.ask(read).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            if !found.responses.is_empty() || found.end.is_some() || left.is_zero() {
                return Ok(found);
            }
            if start == Start::Begin {
                start = Start::At(found.next);
            }
            // One that has ended says so when it is asked again.
            let _ = timeout(left.min(idle), view.changed()).await;
        }
    }

    /// Waits until something has changed, or for a moment.
    pub(crate) async fn changed(&self) {
        let mut view = self.link.load().view.clone();
        view.mark_unchanged();
        let _ = timeout(MOMENT, view.changed()).await;
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Fault> {
        self.used_at.store(crate::sessions::now_ms(), Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        let mut command = command(reply);
        let asking = async {
            loop {
                let link = self.link.load_full();
                match link.commands.send(command).await {
                    Ok(()) => break,
                    Err(mpsc::error::SendError(back)) => command = back,
                }
                self.resume(&link).await?;
            }
            answer.await.unwrap_or_else(|_| Err(self.ended()))
        };
        match timeout(self.patience, asking).await {
            Ok(answered) => answered,
            // It may be done still; said again, it is done once.
            Err(_) => Err(Fault::new(FaultCode::StoreUnavailable, "the session waits for its store")),
        }
    }

    /// Takes it up again, if the task behind `ended` has ended since nobody used it.
    async fn resume(&self, ended: &Arc<Link>) -> Result<(), Fault> {
        if !is_suspended(&ended.view.borrow()) {
            return Err(self.ended());
        }
        let _one = self.reviving.lock().await;
        // Else its end would be taken for that of the next one.
        ended.over.cancelled().await;
        if Arc::ptr_eq(&self.link.load_full(), ended) {
            self.link.store(Arc::new((self.revive)(self.id()).await?));
        }
        Ok(())
    }

    /// Why it answers no more.
    fn ended(&self) -> Fault {
        let view = self.view();
        if is_suspended(&view) {
            let text = format!("the session {} is being suspended", self.id());
            return Fault::new(FaultCode::Draining, text);
        }
        match view.closing {
            Some(Closing::Failed(why)) => Fault::new(FaultCode::SessionFailure, why),
            Some(Closing::TimedOut) => {
                let text = format!("the session {} was not used for too long", self.id());
                Fault::new(FaultCode::SessionFinished, text)
            }
            Some(Closing::Closed) | None => {
                Fault::new(FaultCode::SessionFinished, format!("the session {} was closed", self.id()))
            }
        }
    }
}

fn is_suspended(view: &View) -> bool {
    view.closing.is_none() && view.state == SessionState::Suspended
}
