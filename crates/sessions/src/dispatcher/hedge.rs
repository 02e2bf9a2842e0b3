//! Calls that run much longer than their peers, and are made at a second host as well.
//!
//! ```text
//!   granted ──────── after, and factor × the quantile of the session's calls ────────▶ due
//!                                                                                       │ another host would begin it at once,
//!                                                                                       ▼ and the share is not used up
//!   whichever answers first counts ◀──────────────────────────────────── a second grant
//! ```
//!
//! Only places that nobody waits for are used, so it costs no other call its place. A second call that no host has begun counts as
//! none: its request may be called a second time again.

use super::{Attempt, AttemptId, Dispatcher, Ending, Grant, SessionEntry};
use crate::id::SessionId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
    /// By second calls, the first ones.
    twice: BTreeMap<usize, AttemptId>,
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

    /// How long a call may run; `None` where that is not known.
    fn patience(&self, config: &HedgeConfig) -> Option<Duration> {
        let usual = self.peers.usual?;
        let most = Duration::try_from_secs_f64(usual.as_secs_f64() * config.factor).unwrap_or(Duration::MAX);
        Some(most.max(config.after))
    }

    /// When the oldest call has run for too long, if it may be made a second time.
    fn overdue(&self, config: &HedgeConfig) -> Option<Instant> {
        let (since, _) = self.running.first().filter(|_| self.allows(config.share))?;
        since.checked_add(self.patience(config)?)
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
            let Some((first, host)) = self.second_place(id, now) else {
                self.schedule_hedge(id, Some(now + LOOK_AGAIN));
                continue;
            };
            let number = self.attempts[first].number;
            if let Some(entry) = self.sessions.get_mut(&id) {
                let since = self.attempts[first].since;
                entry.hedging.running.remove(&(since, first));
                entry.hedging.seconds += 1;
            }
            let (first, clock) = (AttemptId { place: first, number }, self.clock);
            let grant = self.grant(id, host, Some(first), now);
            // Those who wait for other hosts may have had less.
            self.clock = clock;
            if let Some(entry) = self.sessions.get_mut(&id) {
                entry.hedging.twice.insert(grant.attempt.place, first);
            }
            self.schedule_hedge(id, None);
            return Some(grant);
        }
        None
    }

    /// The oldest call of a session that runs for too long and has a host, other than its own, at which it would begin at once.
    fn second_place(&self, id: SessionId, now: Instant) -> Option<(usize, usize)> {
        let entry = self.sessions.get(&id)?;
        if entry.in_flight >= entry.most(self.config.prefetch) {
            return None;
        }
        let free = self.pools[entry.pool.0].free.iter().map(|(_, host)| *host);
        let free = free.take_while(|host| self.hosts[*host].takes_at_once());
        let free: Vec<usize> = free.filter(|host| self.suits(entry, *host)).take(MOST_LOOKED_AT).collect();
        let config = self.config.hedge.filter(|_| !free.is_empty())?;
        let patience = entry.hedging.patience(&config)?;
        let is_due = |since: Instant| since.checked_add(patience).is_some_and(|due| due <= now);
        let mut overdue = entry.hedging.running.iter().take_while(|(since, _)| is_due(*since));
        overdue.find_map(|(_, first)| {
            let at = self.attempts[*first].host;
            let others = free.iter().filter(|host| **host != at);
            // What holds it up may be the node.
            let is_elsewhere = |host: &&usize| self.hosts[**host].host.node != self.hosts[at].host.node;
            let other = others.clone().find(is_elsewhere).or_else(|| others.clone().next())?;
            Some((*first, *other))
        })
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

    /// A call has ended so, after that time.
    pub(super) fn note_ended(&mut self, place: usize, attempt: &Attempt, ending: Ending, took: Duration) {
        let Some(config) = self.config.hedge else { return };
        let Some(entry) = self.sessions.get_mut(&attempt.session) else { return };
        let hedging = &mut entry.hedging;
        hedging.running.remove(&(attempt.since, place));
        if ending == Ending::Answered {
            hedging.peers.add(took, config.quantile);
        }
        // Of one that is unused the first has ended already.
        let never_began = matches!(ending, Ending::Unreachable | Ending::NotInitialized | Ending::Preempted);
        if let Some(first) = hedging.twice.remove(&place).filter(|_| never_began)
            && let Some(running) = self.attempts.get(first.place).filter(|it| it.number == first.number)
        {
            // Nobody else computes it: it is as if it had not been made twice.
            hedging.seconds -= 1;
            hedging.running.insert((running.since, first.place));
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
