//! Calls that run much longer than their peers, and are made at a second host as well.
//!
//! ```text
//!   granted ──────── after, and factor × the quantile of the session's calls ────────▶ due
//!                                                                                       │ another host would begin it at once,
//!                                                                                       ▼ and the share is not used up
//!   whichever answers first counts ◀──────────────────────────────────── a second grant
//! ```
//!
//! Only places that nobody waits for are used, so it costs no other call its place.

use super::{Attempt, AttemptId, Dispatcher, Grant, SessionEntry};
use crate::id::SessionId;
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// When a call is made at a second host as well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HedgeConfig {
    /// Not before it has run for so long.
    pub after: Duration,
    /// Nor before it has run longer than this part of the latest calls of its session, from 0 to 1,
    pub quantile: f64,
    /// so many times as long.
    pub factor: f64,
    /// Of the calls of a session at most this part is, from 0 to 1, and one in any case.
    pub share: f64,
}

/// How many of the latest calls are looked at, and from how many on they say anything.
const LATEST: usize = 128;
const ENOUGH: usize = 20;

/// After how many more calls they are looked at again.
const STEP: u32 = 16;

/// How long one waits that can't be made a second time now.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How many free hosts are looked at for one of another node.
const MOST_LOOKED_AT: usize = 64;

/// How long the latest calls of a session took.
#[derive(Debug, Default)]
struct Peers {
    took: VecDeque<Duration>,
    since: u32,
    usual: Option<Duration>,
}

impl Peers {
    /// One more has been answered.
    fn add(&mut self, took: Duration, quantile: f64) {
        if self.took.len() == LATEST {
            self.took.pop_front();
        }
        self.took.push_back(took);
        self.since += 1;
        if self.took.len() >= ENOUGH && (self.usual.is_none() || self.since >= STEP) {
            let mut sorted: Vec<Duration> = self.took.iter().copied().collect();
            sorted.sort_unstable();
            self.usual = sorted.get(part_of(sorted.len() as u64 - 1, quantile)).copied();
            self.since = 0;
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a part of a count of calls"
)]
fn part_of(count: u64, part: f64) -> usize {
    (count as f64 * part) as usize
}

/// What is known of the calls of one session.
#[derive(Debug, Default)]
pub(super) struct Hedging {
    peers: Peers,
    /// Calls in flight that were not made a second time, the oldest first.
    running: BTreeSet<(Instant, usize)>,
    /// How many were granted, and how many of them a second time.
    calls: u64,
    seconds: u64,
    /// As what it stands among those that are due.
    due: Option<Instant>,
}

impl Hedging {
    /// Whether one more may be made a second time.
    fn allows(&self, share: f64) -> bool {
        self.seconds < (part_of(self.calls, share) as u64).max(1)
    }

    /// When the oldest call has run for too long, if it may be made a second time.
    fn overdue(&self, config: &HedgeConfig) -> Option<Instant> {
        let (since, _) = self.running.first().filter(|_| self.allows(config.share))?;
        let usual = self.peers.usual?;
        let most = Duration::try_from_secs_f64(usual.as_secs_f64() * config.factor).unwrap_or(Duration::MAX);
        since.checked_add(most.max(config.after))
    }
}

impl Dispatcher {
    /// The next call that is made at a second host, if any. Asked when [`next`](Self::next) has no more: what nobody waits for is
    /// there to be used.
    pub fn hedge(&mut self, now: Instant) -> Option<Grant> {
        self.settle();
        while let Some((due, id)) = self.hedges.first().copied().filter(|(due, _)| *due <= now) {
            self.hedges.remove(&(due, id));
            let Some(entry) = self.sessions.get_mut(&id).filter(|it| it.hedging.due == Some(due)) else {
                continue;
            };
            entry.hedging.due = None;
            let Some((first, host)) = self.second_place(id) else {
                self.schedule_hedge(id, Some(now + LOOK_AGAIN));
                continue;
            };
            let number = self.attempts[first].number;
            if let Some(entry) = self.sessions.get_mut(&id) {
                let since = self.attempts[first].since;
                entry.hedging.running.remove(&(since, first));
                entry.hedging.seconds += 1;
            }
            let grant = self.grant(id, host, Some(AttemptId { place: first, number }), now);
            self.schedule_hedge(id, None);
            return Some(grant);
        }
        None
    }

    /// The oldest call of a session, and a host at which it would begin at once.
    fn second_place(&self, id: SessionId) -> Option<(usize, usize)> {
        let entry = self.sessions.get(&id)?;
        if entry.in_flight >= entry.most(self.config.prefetch) {
            return None;
        }
        let (_, first) = *entry.hedging.running.first()?;
        let at = self.attempts[first].host;
        let slow = &self.hosts[at].host;
        let others = self.pools[entry.pool.0].free.iter().map(|(_, host)| *host);
        let others = others.take_while(|host| self.hosts[*host].takes_at_once());
        let suits = |host: &usize| *host != at && self.suits(entry, *host);
        let others: Vec<usize> = others.filter(suits).take(MOST_LOOKED_AT).collect();
        // What holds it up may be the node.
        let elsewhere = others.iter().find(|host| self.hosts[**host].host.node != slow.node);
        Some((first, *elsewhere.or(others.first())?))
    }

    /// A call is granted.
    pub(super) fn note_granted(&mut self, id: SessionId, place: usize, since: Instant) {
        if self.config.hedge.is_none() {
            return;
        }
        let Some(entry) = self.sessions.get_mut(&id) else { return };
        entry.hedging.calls += 1;
        entry.hedging.running.insert((since, place));
        self.schedule_hedge(id, None);
    }

    /// A call has ended; if it was answered, in which time.
    pub(super) fn note_ended(&mut self, place: usize, attempt: &Attempt, answered: Option<Duration>) {
        let Some(config) = self.config.hedge else { return };
        let Some(entry) = self.sessions.get_mut(&attempt.session) else { return };
        entry.hedging.running.remove(&(attempt.since, place));
        if let Some(took) = answered {
            entry.hedging.peers.add(took, config.quantile);
        }
        self.schedule_hedge(attempt.session, None);
    }

    fn schedule_hedge(&mut self, id: SessionId, not_before: Option<Instant>) {
        let (Some(config), Some(entry)) = (self.config.hedge, self.sessions.get_mut(&id)) else { return };
        let due = entry.hedging.overdue(&config).map(|due| not_before.map_or(due, |at| due.max(at)));
        let before = std::mem::replace(&mut entry.hedging.due, due);
        if before != due {
            self.hedges.extend(due.map(|due| (due, id)));
            if let Some(before) = before {
                self.hedges.remove(&(before, id));
            }
        }
    }

    /// A session is gone.
    pub(super) fn unschedule_hedge(&mut self, id: SessionId, entry: &SessionEntry) {
        if let Some(due) = entry.hedging.due {
            self.hedges.remove(&(due, id));
        }
    }
}

#[cfg(test)]
mod tests;
