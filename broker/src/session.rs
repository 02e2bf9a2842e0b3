//! One session of this broker: a task that owns it, and the handle by which it is asked.

mod task;

pub(crate) use task::{Parts, start};

use frontier_sessions::{
    BatchId, ClientCounts, ClientId, Closing, EndOfResponses, Fault, FaultCode, Position, Request, SessionId,
    SessionKind, SessionRecord, SessionState, Start, StoredResponse,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

/// How long to wait for a change at most, where one may have come before.
const MOMENT: Duration = Duration::from_millis(100);

/// The name of who asks; `None` where nobody is asked who they are.
pub(crate) type Who = Option<Arc<str>>;

type Reply<T> = oneshot::Sender<Result<T, Fault>>;

/// What a session is asked.
pub(crate) enum Command {
    Attach(Who, Option<SessionKind>, Reply<()>),
    Send { who: Who, client: ClientId, batch: BatchId, requests: Vec<Request>, reply: Reply<()> },
    Flush { who: Who, client: ClientId, flush: Flush, reply: Reply<Flushed> },
    Read { who: Who, client: ClientId, start: Start, most: usize, bytes: usize, reply: Reply<Responses> },
    Acknowledge { client: ClientId, before: Position, reply: Reply<()> },
    Purge { who: Who, client: ClientId, reply: Reply<bool> },
    Close(Who, Reply<()>),
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
    commands: mpsc::Sender<Command>,
    view: watch::Receiver<View>,
}

impl Session {
    pub(crate) fn id(&self) -> SessionId {
        self.record.id
    }

    /// How it stands.
    pub(crate) fn view(&self) -> View {
        self.view.borrow().clone()
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

    pub(crate) async fn send(
        &self,
        who: Who,
        client: ClientId,
        batch: BatchId,
        requests: Vec<Request>,
    ) -> Result<(), Fault> {
        self.ask(|reply| Command::Send { who, client, batch, requests, reply }).await
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
        let mut view = self.view.clone();
        let deadline = tokio::time::Instant::now() + patience;
        // Whoever waits is there, and is heard of often enough.
        let idle = self.record.settings.timeouts.client_idle / 3;
        loop {
            view.mark_unchanged();
            let (who, client) = (who.clone(), client.clone());
            let read = |reply| Command::Read { who, client, start, most, bytes, reply };
            let found = self.ask(read).await?;
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
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
        let mut view = self.view.clone();
        view.mark_unchanged();
        let _ = timeout(MOMENT, view.changed()).await;
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Fault> {
        self.used_at.store(crate::sessions::now_ms(), Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        if self.commands.send(command(reply)).await.is_err() {
            return Err(self.ended());
        }
        answer.await.unwrap_or_else(|_| Err(self.ended()))
    }

    /// Why it answers no more.
    fn ended(&self) -> Fault {
        match self.view().closing {
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
