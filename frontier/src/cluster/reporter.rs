//! What frontlas is told of this gateway's connections: which report comes next, and what its answer means.

use super::clock::Clock;
use frontier_access::PeerText;
use frontier_exchange::{Change, Connection, Follower, Key, Missed};
use frontier_protocol::{EncodeError, Entry, Op, Part, Report, ReportAck, retry_after};
use frontier_transport::Backoff;
use std::collections::VecDeque;
use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, warn};

/// Entries in one report.
const MAX_ENTRIES: usize = 512;

/// Bytes of one report; a frame holds some more.
const MAX_BYTES: usize = 192 * 1024;

/// What an entry takes at most, without its name.
const MAX_ENTRY_BYTES: usize = 21 + 64 + 18;

/// The least time from one snapshot to the next.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(1);

/// The first and the longest pause before a report is sent again that was not taken.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What is reported on one connection: first a snapshot, then changes, one report at a time.
///
/// ```text
///   snapshot due ─▶ Snapshot{first} … {last} ─▶ Changes, Changes, …
///        ▲  RESYNC, overflow │                     │
///        └───────────────────┴─────────────────────┘
/// ```
pub(super) struct Reporter {
    /// Of the registry, whose changes are reported.
    follower: Arc<Follower>,
    source: Source,
    /// The report that is on its way, or that is to be sent again.
    current: Option<Current>,
    last_id: u64,
    /// Nothing is sent before.
    not_before: Option<Instant>,
    snapshot_at: Option<Instant>,
    backoff: Backoff,
    /// Whether frontlas judges with what connections claim their ids.
    tells_claims: bool,
    /// Whether the gateway drains.
    draining: bool,
    /// Whether frontlas has taken a report that says so.
    is_drain_reported: bool,
}

/// Where the next report comes from.
enum Source {
    SnapshotDue,
    Snapshot {
        rest: Peekable<std::vec::IntoIter<Connection>>,
        first: bool,
    },
    /// Changes that were taken and did not fit the last report.
    Changes(VecDeque<Change>),
}

struct Current {
    part: Part,
    changes: Vec<Change>,
    /// Whether it tells that the gateway drains.
    draining: bool,
    /// Its id, if it is on its way, and when it was sent.
    sent: Option<(u64, Instant)>,
}

/// What the connection is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Take a snapshot of the registry.
    TakeSnapshot,
    /// Send what [`Reporter::encode`] gives.
    Send,
    /// Nothing to do until the registry has changed.
    News,
    /// Nothing to do until then.
    At(Instant),
    /// Wait for an answer to what was sent then.
    Answer(Instant),
}

impl Reporter {
    pub(super) fn new(follower: Follower, tells_claims: bool, draining: bool) -> Self {
        Self {
            tells_claims,
            draining,
            is_drain_reported: false,
            follower: Arc::new(follower),
            source: Source::SnapshotDue,
            current: None,
            last_id: 0,
            not_before: None,
            snapshot_at: None,
            backoff: Backoff::equal_jitter(RETRY_PAUSE.0, RETRY_PAUSE.1),
        }
    }

    pub(super) fn follower(&self) -> Arc<Follower> {
        self.follower.clone()
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining
    }

    /// The gateway drains: that is told with the next report, which may have nothing else to tell.
    pub(super) fn drain(&mut self) {
        self.draining = true;
    }

    pub(super) fn next(&mut self, now: Instant) -> Next {
        if let Some((_, sent_at)) = self.current.as_ref().and_then(|current| current.sent) {
            return Next::Answer(sent_at);
        }
        if let Some(at) = self.not_before.filter(|at| *at > now) {
            return Next::At(at);
        }
        if self.current.is_none() && !self.fill() {
            return match self.source {
                Source::SnapshotDue => Next::TakeSnapshot,
                _ => Next::News,
            };
        }
        Next::Send
    }

    /// Goes on from a list of all that there is, taken just now.
    pub(super) fn snapshot(&mut self, all: Vec<Connection>, now: Instant) {
        debug!(connections = all.len(), "reporting a snapshot to frontlas");
        self.snapshot_at = Some(now);
        self.source = Source::Snapshot { rest: all.into_iter().peekable(), first: true };
    }

    /// Makes the next report. Whether there is one.
    fn fill(&mut self) -> bool {
        let (part, changes) = match &mut self.source {
            Source::SnapshotDue => return false,
            Source::Snapshot { rest, first } => {
                let mut room = Room::default();
                let mut changes = Vec::new();
                while let Some(connection) = rest.next_if(|next| room.takes(next.name.len())) {
                    changes.push(Change::Online(connection));
                }
                let (first, last) = (std::mem::take(first), rest.peek().is_none());
                if last {
                    self.source = Source::Changes(VecDeque::new());
                }
                (Part::Snapshot { first, last }, changes)
            }
            Source::Changes(taken) => {
                if taken.is_empty() {
                    match self.follower.take(MAX_ENTRIES) {
                        Ok(changes) => *taken = changes.into(),
                        Err(Missed) => {
                            debug!("the queue of changes has overflowed: a snapshot follows");
                            self.resync(Instant::now());
                            return false;
                        }
                    }
                }
                let mut room = Room::default();
                let count = taken.iter().take_while(|change| room.takes(name_len(change))).count();
                (Part::Changes, taken.drain(..count).collect::<Vec<_>>())
            }
        };
        let draining = self.draining;
        if part == Part::Changes && changes.is_empty() && (self.is_drain_reported || !draining) {
            return false;
        }
        self.current = Some(Current { part, changes, draining, sent: None });
        true
    }

    /// Appends the report that is due, and notes that it is on its way.
    pub(super) fn encode(
        &mut self,
        clock: &Clock,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let addrs: Vec<String> = current.changes.iter().map(addr).collect();
        let entries = current.changes.iter().zip(&addrs).map(|(change, addr)| {
            let entry = entry(change, addr, clock);
            Entry { claim: entry.claim.filter(|_| self.tells_claims), ..entry }
        });
        let report = Report { part: current.part, draining: current.draining, entries: entries.collect() };
        self.last_id += 1;
        current.sent = Some((self.last_id, now));
        report.encode(self.last_id, out)
    }

    /// Takes what frontlas answers. An answer to something else is dropped.
    pub(super) fn answered(&mut self, id: u64, ack: &ReportAck<'_>, now: Instant) {
        if id == 0 {
            // While a snapshot is under way its own answers tell whether it must begin again.
            let is_synced = matches!(self.source, Source::Changes(_))
                && self.current.as_ref().is_none_or(|current| current.part == Part::Changes);
            if ack.resync && is_synced {
                warn!(reason = ack.text, "frontlas has lost what it was told: it is told everything again");
                self.resync(now);
            }
            return;
        }
        let Some(current) = self.current.as_mut().filter(|it| it.sent.is_some_and(|(sent, _)| sent == id))
        else {
            return;
        };
        if ack.resync {
            warn!(reason = %PeerText(ack.text), "frontlas has lost what it was told: it is told everything again");
            return self.resync(now);
        }
        if ack.code.is_retryable() {
            debug!(code = %ack.code, reason = %PeerText(ack.text), "frontlas could not take a report: it is sent again");
            current.sent = None;
            let pause = retry_after(ack.code, ack.detail).unwrap_or_default().max(self.backoff.next_pause());
            self.not_before = Some(now + pause);
            return;
        }
        if ack.code != frontier_protocol::Code::Ok {
            warn!(code = %ack.code, reason = %PeerText(ack.text), "frontlas refuses a report: its entries are left out");
        }
        self.backoff.reset();
        self.is_drain_reported |= current.draining;
        self.current = None;
    }

    /// Drops what was not reported yet, and takes a snapshot soon.
    fn resync(&mut self, now: Instant) {
        self.follower.pause();
        self.current = None;
        self.source = Source::SnapshotDue;
        self.not_before = self.snapshot_at.map(|at| at + SNAPSHOT_INTERVAL).filter(|at| *at > now);
    }
}

/// How much fits one report.
#[derive(Default)]
struct Room {
    entries: usize,
    bytes: usize,
}

impl Room {
    /// Whether an entry with a name of that length still fits. The first one always does.
    fn takes(&mut self, name_len: usize) -> bool {
        let bytes = self.bytes + MAX_ENTRY_BYTES + name_len;
        let fits = self.entries == 0 || (self.entries < MAX_ENTRIES && bytes <= MAX_BYTES);
        if fits {
            (self.entries, self.bytes) = (self.entries + 1, bytes);
        }
        fits
    }
}

fn name_len(change: &Change) -> usize {
    match change {
        Change::Online(connection) => connection.name.len(),
        Change::Offline { .. } => 0,
    }
}

fn addr(change: &Change) -> String {
    match change {
        Change::Online(connection) => connection.addr.map_or_else(String::new, |addr| addr.to_string()),
        Change::Offline { .. } => String::new(),
    }
}

fn entry<'a>(change: &'a Change, addr: &'a str, clock: &Clock) -> Entry<'a> {
    let (key, epoch, name, claim) = match change {
        Change::Online(Connection { key, epoch, name, claim, .. }) => (*key, *epoch, &**name, Some(*claim)),
        Change::Offline { key, epoch } => (*key, *epoch, "", None),
    };
    let (op, id) = match (key, claim.is_some()) {
        (Key::Edge(id), true) => (Op::EdgeOnline, id),
        (Key::Edge(id), false) => (Op::EdgeOffline, id),
        (Key::Service(id), true) => (Op::ServiceOnline, id),
        (Key::Service(id), false) => (Op::ServiceOffline, id),
    };
    Entry { op, id, stamp: clock.stamp(epoch), addr, name, claim }
}

#[cfg(test)]
mod tests;
