use super::greeting::code;
use super::{Context, PATIENCE};
use crate::DirectoryError;
use crate::model::{Event, Kind, Lease, Mark, NewFrontier, Presence, Stamp, Verdict};
use frontier_protocol::{Code, EdgeId, Entry, Op, Part, Report, ReportAck, Superseded};
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, info, warn};

/// A report as it was read, owned.
pub(super) struct Order {
    id: u64,
    draining: bool,
    content: Content,
}

enum Content {
    Changes(Vec<Event>),
    Snapshot { first: bool, last: bool, present: Vec<Presence> },
}

/// What a frontier is answered, owned.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) id: u64,
    pub(super) code: Code,
    resync: bool,
    superseded: Vec<Superseded>,
    text: String,
}

/// A report that can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a snapshot tells that something is offline")]
pub(super) struct OfflineInSnapshot;

/// Speaks for one frontier to the directory: one thing after the other, each with a deadline.
pub(super) struct Reporter {
    context: Arc<Context>,
    frontier: NewFrontier,
    /// The right to speak. When it is lost, the frontier is asked for a snapshot, and only with that is a
    /// new one taken: so a connection whose frontier is gone never takes it from a later one.
    lease: Arc<Lease>,
    is_lost: bool,
    /// Whether a snapshot has begun on this connection.
    has_begun: bool,
    /// Whether the directory knows, by this lease, that the frontier drains.
    is_marked: bool,
}

/// What came of keeping a frontier alive.
pub(super) struct Refreshed {
    /// The session of the lease under which that was tried.
    session: u64,
    result: Result<(), DirectoryError>,
}

impl Order {
    pub(super) fn read(id: u64, report: &Report<'_>) -> Result<Self, OfflineInSnapshot> {
        let events = report.entries.iter().map(event);
        let content = match report.part {
            Part::Changes => Content::Changes(events.collect()),
            Part::Snapshot { first, last } => {
                let present = events.map(|event| match event {
                    Event::Online(presence) => Ok(presence),
                    Event::Offline { .. } => Err(OfflineInSnapshot),
                });
                Content::Snapshot { first, last, present: present.collect::<Result<_, _>>()? }
            }
        };
        Ok(Self { id, draining: report.draining, content })
    }
}

fn event(entry: &Entry<'_>) -> Event {
    let Entry { op, id, stamp, addr, name } = *entry;
    let stamp = Stamp(stamp);
    match op {
        Op::EdgeOnline => Event::Online(Presence::edge(id, addr, stamp)),
        Op::ServiceOnline => Event::Online(Presence::service(id, name, addr, stamp)),
        Op::EdgeOffline => Event::Offline { kind: Kind::Edge, id, stamp },
        Op::ServiceOffline => Event::Offline { kind: Kind::Service, id, stamp },
    }
}

impl Answer {
    /// Unasked: a snapshot, please.
    pub(super) fn resync() -> Self {
        Self { id: 0, code: Code::Ok, resync: true, superseded: Vec::new(), text: "send a snapshot".into() }
    }

    pub(super) fn as_ack(&self) -> ReportAck<'_> {
        let Self { code, resync, superseded, text, .. } = self;
        ReportAck { code: *code, detail: 0, resync: *resync, superseded: superseded.clone(), text }
    }
}

impl Reporter {
    pub(super) fn new(context: Arc<Context>, frontier: NewFrontier, lease: Lease) -> Self {
        let lease = Arc::new(lease);
        Self { context, frontier, lease, is_lost: false, has_begun: false, is_marked: false }
    }

    /// Takes a report to the directory. What went wrong is in the answer.
    pub(super) async fn take(&mut self, order: Order) -> Answer {
        let done = within(self.tell(&order)).await;
        let (code, resync, text) = match &done {
            Ok(_) => (Code::Ok, false, String::new()),
            Err(error) => self.failed(error),
        };
        Answer { id: order.id, code, resync, superseded: done.unwrap_or_default(), text }
    }

    /// The connections that are stale.
    async fn tell(&mut self, order: &Order) -> Result<Vec<Superseded>, DirectoryError> {
        let content = &order.content;
        if let Content::Snapshot { first: true, .. } = content {
            self.begin().await?;
        } else if self.is_lost || !self.has_begun {
            return Err(DirectoryError::Lost);
        }
        let directory = &self.context.directory;
        if order.draining && !self.is_marked {
            directory.mark(&self.lease, Mark::Draining).await?;
            self.is_marked = true;
        }
        match content {
            Content::Changes(events) => {
                let verdicts = directory.apply(&self.lease, events).await?;
                let told = events.iter().map(|event| match event {
                    Event::Online(presence) => Some(presence),
                    Event::Offline { .. } => None,
                });
                Ok(superseded(told, &verdicts))
            }
            Content::Snapshot { last, present, .. } => {
                let verdicts = directory.resync_chunk(&self.lease, present).await?;
                if *last {
                    directory.resync_end(&self.lease).await?;
                }
                Ok(superseded(present.iter().map(Some), &verdicts))
            }
        }
    }

    /// Begins a snapshot, with a new lease if the old one is lost.
    async fn begin(&mut self) -> Result<(), DirectoryError> {
        self.has_begun = true;
        let directory = &self.context.directory;
        if !self.is_lost {
            match directory.resync_begin(&self.lease).await {
                Err(DirectoryError::Lost) => {}
                begun => return begun,
            }
        }
        self.lease = Arc::new(directory.join(&self.frontier, Some(self.lease.incarnation())).await?);
        (self.is_lost, self.is_marked) = (false, false);
        info!(frontier = self.frontier.id, "frontier has joined again");
        directory.resync_begin(&self.lease).await
    }

    /// The right to speak, for a [`refresh`] that goes on beside reports.
    pub(super) fn lease(&self) -> Arc<Lease> {
        self.lease.clone()
    }

    /// What to tell the frontier, if anything, when it was to be kept alive.
    ///
    /// # Errors
    /// When the directory did not answer.
    pub(super) fn refreshed(&mut self, refreshed: Refreshed) -> Result<Option<Answer>, DirectoryError> {
        if self.is_lost {
            // It may have missed that, or failed to join.
            return Ok(Some(Answer::resync()));
        }
        match refreshed.result {
            Ok(()) => Ok(None),
            Err(error @ DirectoryError::Unavailable(_)) => Err(error),
            // That lease was known to be lost, and is another one now.
            Err(_) if refreshed.session != self.lease.session() => Ok(None),
            Err(error) => {
                let (code, ..) = self.failed(&error);
                let code = if code == Code::Superseded { code } else { Code::Ok };
                Ok(Some(Answer { code, ..Answer::resync() }))
            }
        }
    }

    /// Takes the frontier and all that is on it away.
    pub(super) async fn leave(&mut self) {
        if self.is_lost {
            return;
        }
        if let Err(error) = within(self.context.directory.leave(&self.lease)).await {
            warn!(frontier = self.frontier.id, %error, "a frontier's leave is left to its time to live");
        }
    }

    /// The frontier's connection is lost. It may come again.
    pub(super) async fn away(&mut self) {
        if self.is_lost {
            return;
        }
        match within(self.context.directory.mark(&self.lease, Mark::Away)).await {
            // It has come again already, or is gone.
            Ok(()) | Err(DirectoryError::Lost) => {}
            Err(error) => {
                debug!(frontier = self.frontier.id, %error, "it is not noted that a frontier is away")
            }
        }
    }

    /// What to tell the frontier of an error: the code, whether to send a snapshot, and words.
    fn failed(&mut self, error: &DirectoryError) -> (Code, bool, String) {
        match error {
            DirectoryError::Lost => {
                if !self.is_lost {
                    debug!(frontier = self.frontier.id, "the lease is lost");
                }
                self.is_lost = true;
                (Code::Internal, true, "send a snapshot".into())
            }
            DirectoryError::Unavailable(_) => {
                debug!(frontier = self.frontier.id, %error, "the directory did not take a report");
                (Code::Internal, false, error.to_string())
            }
            DirectoryError::Replaced | DirectoryError::Invalid(_) => {
                self.is_lost = true;
                (code(error), false, error.to_string())
            }
        }
    }
}

async fn within<T>(done: impl Future<Output = Result<T, DirectoryError>>) -> Result<T, DirectoryError> {
    tokio::time::timeout(PATIENCE, done).await.unwrap_or_else(|_| Err(no_answer(PATIENCE)))
}

fn no_answer(within: Duration) -> DirectoryError {
    DirectoryError::Unavailable(format!("the directory gave no answer in {within:?}"))
}

/// Keeps the frontier alive, and all that is on it. The directory may spread that over some time, which holds
/// up no report.
pub(super) async fn refresh(context: Arc<Context>, lease: Arc<Lease>) -> Refreshed {
    let directory = &context.directory;
    // The next one is due then.
    let patience = PATIENCE.max(directory.ttl() / 3);
    let result = match tokio::time::timeout(patience, directory.refresh(&lease)).await {
        Ok(result) => result,
        Err(_) => Err(no_answer(patience)),
    };
    Refreshed { session: lease.session(), result }
}

/// The edges whose reported connection is stale.
fn superseded<'a>(told: impl Iterator<Item = Option<&'a Presence>>, verdicts: &[Verdict]) -> Vec<Superseded> {
    let stale = |(presence, verdict): (Option<&Presence>, &Verdict)| match (presence?, verdict) {
        (Presence { id, stamp, service: None, .. }, Verdict::Superseded { .. }) => {
            Some(Superseded { edge: EdgeId(*id), stamp: stamp.0 })
        }
        _ => None,
    };
    told.zip(verdicts).filter_map(stale).collect()
}
