//! Takes the reports of one frontier to the directory.

use super::context::{Context, DIRECTORY_TIMEOUT, code, with_timeout};
use crate::model::{Event, Kind, Lease, Mark, NewFrontier, Presence, Timestamp, Verdict};
use crate::{Bounds, DirectoryError};
use frontier_access::PeerText;
use frontier_protocol::{Code, EdgeId, Entry, Op, Part, Report, ReportAck, Superseded};
use std::sync::Arc;
use tracing::debug;

/// A [`Report`] that has been checked, without its frame.
pub(super) struct OwnedReport {
    id: u64,
    draining: bool,
    content: Content,
}

enum Content {
    Changes(Vec<Event>),
    Snapshot { first: bool, last: bool, present: Vec<Presence> },
}

/// A [`ReportAck`] to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OwnedAck {
    pub(super) id: u64,
    pub(super) code: Code,
    resync: bool,
    superseded: Vec<Superseded>,
    held: Vec<Superseded>,
    text: String,
}

/// A report that breaks the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a snapshot with an entry that is offline: it may only have those that are online")]
pub(super) struct OfflineInSnapshot;

/// Reports for one frontier: one operation after the other, each with a deadline.
///
/// When the lease is lost, the frontier is asked for a snapshot, and only with that does it join again: so the
/// connection of a frontier that is gone never takes the lease from a later one.
pub(super) struct Reporter {
    context: Arc<Context>,
    frontier: NewFrontier,
    lease: Arc<Lease>,
    is_lost: bool,
    /// Whether a snapshot has begun on this connection: changes before it would have nothing to apply to.
    has_snapshot: bool,
    /// Whether the frontier has been marked as draining under this lease.
    is_draining: bool,
    /// Whether it was logged that it has more than it may.
    is_full: bool,
}

/// What came of a report that the directory has taken.
struct Done {
    /// The reported connections that a later one has superseded.
    superseded: Vec<Superseded>,
    /// Those that may not displace the connections that hold their ids.
    held: Vec<Superseded>,
    /// Of what the frontier has more than it may.
    full: Option<Kind>,
}

/// What came of a [`refresh`].
pub(super) struct RefreshOutcome {
    /// The session of the lease that was to be refreshed.
    session: u64,
    result: Result<(), DirectoryError>,
}

impl OwnedReport {
    pub(super) fn new(id: u64, report: &Report<'_>) -> Result<Self, OfflineInSnapshot> {
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
    let Entry { op, id, stamp, addr, name, claim } = *entry;
    let stamp = Timestamp(stamp);
    match op {
        Op::EdgeOnline => Event::Online(Presence { claim, ..Presence::edge(id, addr, stamp) }),
        Op::ServiceOnline => Event::Online(Presence { claim, ..Presence::service(id, name, addr, stamp) }),
        Op::EdgeOffline => Event::Offline { kind: Kind::Edge, id, stamp },
        Op::ServiceOffline => Event::Offline { kind: Kind::Service, id, stamp },
    }
}

impl OwnedAck {
    /// Requests a snapshot, without a report before it.
    pub(super) fn resync() -> Self {
        let text = "send a snapshot".into();
        Self { id: 0, code: Code::Ok, resync: true, superseded: Vec::new(), held: Vec::new(), text }
    }

    pub(super) fn as_ack(&self) -> ReportAck<'_> {
        let Self { code, resync, superseded, held, text, .. } = self;
        let (superseded, held) = (superseded.clone(), held.clone());
        ReportAck { code: *code, detail: 0, resync: *resync, superseded, held, text }
    }
}

impl Reporter {
    pub(super) fn new(context: Arc<Context>, frontier: NewFrontier, lease: Lease) -> Self {
        let lease = Arc::new(lease);
        Self {
            context,
            frontier,
            lease,
            is_lost: false,
            has_snapshot: false,
            is_draining: false,
            is_full: false,
        }
    }

    /// Takes a report to the directory. The ack says what went wrong.
    pub(super) async fn report(&mut self, report: OwnedReport) -> OwnedAck {
        let done = with_timeout(DIRECTORY_TIMEOUT, self.apply(&report)).await;
        let (code, resync, text) = match &done {
            Ok(Done { full: None, .. }) => (Code::Ok, false, String::new()),
            Ok(Done { full: Some(kind), .. }) => self.full(*kind),
            Err(error) => self.failed(error),
        };
        let (superseded, held) = done.map(|done| (done.superseded, done.held)).unwrap_or_default();
        OwnedAck { id: report.id, code, resync, superseded, held, text }
    }

    async fn apply(&mut self, report: &OwnedReport) -> Result<Done, DirectoryError> {
        let content = &report.content;
        if let Content::Snapshot { first: true, .. } = content {
            self.begin_snapshot().await?;
        } else if self.is_lost || !self.has_snapshot {
            return Err(DirectoryError::Lost);
        }
        let directory = &self.context.directory;
        if report.draining && !self.is_draining {
            directory.mark(&self.lease, Mark::Draining).await?;
            self.is_draining = true;
        }
        match content {
            Content::Changes(events) => {
                let verdicts = directory.apply(&self.lease, events).await?;
                let reported = events.iter().map(|event| match event {
                    Event::Online(presence) => Some(presence),
                    Event::Offline { .. } => None,
                });
                Ok(Done::new(reported, &verdicts))
            }
            Content::Snapshot { last, present, .. } => {
                let verdicts = directory.resync_chunk(&self.lease, present).await?;
                if *last {
                    directory.resync_end(&self.lease).await?;
                }
                Ok(Done::new(present.iter().map(Some), &verdicts))
            }
        }
    }

    /// Begins a snapshot; joins again first if the lease is lost.
    async fn begin_snapshot(&mut self) -> Result<(), DirectoryError> {
        self.has_snapshot = true;
        let directory = &self.context.directory;
        if !self.is_lost {
            match directory.resync_begin(&self.lease).await {
                Err(DirectoryError::Lost) => {}
                begun => return begun,
            }
        }
        self.lease = Arc::new(directory.join(&self.frontier, Some(self.lease.incarnation())).await?);
        (self.is_lost, self.is_draining) = (false, false);
        self.context.log.joined_again(&self.frontier.id);
        directory.resync_begin(&self.lease).await
    }

    /// For a [`refresh`], which goes on beside reports.
    pub(super) fn lease(&self) -> Arc<Lease> {
        self.lease.clone()
    }

    /// What to send to the frontier, if anything, after a refresh.
    ///
    /// # Errors
    /// When the directory did not answer.
    pub(super) fn refreshed(&mut self, outcome: RefreshOutcome) -> Result<Option<OwnedAck>, DirectoryError> {
        if self.is_lost {
            // The frontier may have missed the last request, or failed to join.
            return Ok(Some(OwnedAck::resync()));
        }
        match outcome.result {
            Ok(()) => Ok(None),
            Err(error @ DirectoryError::Unavailable(_)) => Err(error),
            // The lease has been replaced meanwhile.
            Err(_) if outcome.session != self.lease.session() => Ok(None),
            Err(error) => {
                let (code, ..) = self.failed(&error);
                let code = if code == Code::Superseded { code } else { Code::Ok };
                Ok(Some(OwnedAck { code, ..OwnedAck::resync() }))
            }
        }
    }

    /// Removes the frontier and all that is on it.
    pub(super) async fn leave(&mut self) {
        if self.is_lost {
            return;
        }
        if let Err(error) = with_timeout(DIRECTORY_TIMEOUT, self.context.directory.leave(&self.lease)).await {
            let what = "can't remove a frontier that leaves: it stays for its time to live";
            self.context.log.lease_failed(&self.frontier.id, &error, what);
        }
    }

    /// Marks that the frontier's connection is lost: nobody new should be sent there.
    pub(super) async fn mark_away(&mut self) {
        if self.is_lost {
            return;
        }
        let marked = self.context.directory.mark(&self.lease, Mark::Away);
        match with_timeout(DIRECTORY_TIMEOUT, marked).await {
            // It is connected again already, or gone.
            Ok(()) | Err(DirectoryError::Lost) => {}
            Err(error) => {
                let frontier = PeerText(&self.frontier.id);
                debug!(%frontier, error = %PeerText(error), "can't mark a frontier as away")
            }
        }
    }

    /// What the ack says where the frontier has more than it may. The rest of the report has been taken.
    fn full(&mut self, kind: Kind) -> (Code, bool, String) {
        let key = Bounds::key(kind);
        if !std::mem::replace(&mut self.is_full, true) {
            let what = "a frontier has more than it may: nobody finds the others by frontlas";
            self.context.log.lease_fell_short(&self.frontier.id, Some(key), what);
        }
        (
            Code::TooLarge,
            false,
            format!("the frontier has as many as it may, by {key}: the others are left out"),
        )
    }

    /// What the ack says of an error: its code, whether to send a snapshot, and its text.
    fn failed(&mut self, error: &DirectoryError) -> (Code, bool, String) {
        match error {
            DirectoryError::Lost => {
                if !self.is_lost {
                    let what = "the lease of a frontier is lost, and with it who is there: it is asked for a snapshot";
                    self.context.log.lease_fell_short(&self.frontier.id, None, what);
                }
                self.is_lost = true;
                (Code::Internal, true, "send a snapshot".into())
            }
            DirectoryError::Unavailable(_) => {
                let frontier = PeerText(&self.frontier.id);
                debug!(%frontier, error = %PeerText(error), "the directory did not take a report");
                (Code::Internal, false, error.to_string())
            }
            DirectoryError::Replaced | DirectoryError::Invalid(_) => {
                self.is_lost = true;
                (code(error), false, error.to_string())
            }
        }
    }
}

/// Keeps the frontier alive, and all that is on it. The directory may spread that over some time, which holds
/// up no report.
pub(super) async fn refresh(context: Arc<Context>, lease: Arc<Lease>) -> RefreshOutcome {
    let directory = &context.directory;
    // The next one is due then.
    let timeout = DIRECTORY_TIMEOUT.max(directory.ttl() / 3);
    let result = with_timeout(timeout, directory.refresh(&lease)).await;
    RefreshOutcome { session: lease.session(), result }
}

impl Done {
    /// By the verdicts on what was reported, of which `None` is no connection that was made.
    fn new<'a>(reported: impl Iterator<Item = Option<&'a Presence>>, verdicts: &[Verdict]) -> Self {
        let mut done = Self { superseded: Vec::new(), held: Vec::new(), full: None };
        for (presence, verdict) in reported.zip(verdicts) {
            match (presence, verdict) {
                (Some(Presence { id, stamp, service: None, .. }), Verdict::Superseded { .. }) => {
                    done.superseded.push(Superseded { edge: EdgeId(*id), stamp: stamp.0 });
                }
                (Some(Presence { id, stamp, service: None, .. }), Verdict::Held { .. }) => {
                    done.held.push(Superseded { edge: EdgeId(*id), stamp: stamp.0 });
                }
                (Some(presence), Verdict::Full) => done.full = Some(presence.kind()),
                _ => {}
            }
        }
        done
    }
}
