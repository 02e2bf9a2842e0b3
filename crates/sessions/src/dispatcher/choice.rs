//! Who is next, and on which host.

use super::host::Rank;
use super::pool::{Pool, PoolIndex};
use super::share::Share;
use super::{Dispatcher, Grant, SessionEntry};
use crate::id::SessionId;
use crate::settings::Affinity;
use std::time::{Duration, Instant};

/// The most calls that a session is granted in a row, and how long they may take together.
pub(super) const LONGEST_ROW: u32 = 128;
const ROW: Duration = Duration::from_secs(2);

impl Dispatcher {
    /// The next call that may be made, if any.
    pub fn next(&mut self, now: Instant) -> Option<Grant> {
        self.settle();
        if let Some(grant) = self.go_on(now) {
            return Some(grant);
        }
        let (_, first) = *self.ready.first()?;
        if let Some(grant) = self.grant_from(first, now) {
            return Some(grant);
        }
        // All whom it could be given to do without the nodes that are free.
        let others: Vec<PoolIndex> = self.ready.iter().map(|(_, pool)| *pool).skip(1).collect();
        others.into_iter().find_map(|pool| self.grant_from(pool, now))
    }

    /// One more for whom the last one was, if it may be.
    fn go_on(&mut self, now: Instant) -> Option<Grant> {
        let (session, left) = self.row?;
        let entry = self.sessions.get(&session).filter(|it| left > 0 && it.queued_as.is_some());
        let Some(entry) = entry else {
            self.row = None;
            return None;
        };
        let host = self.host_for(entry, &self.pools[entry.pool.0])?;
        let clock = self.clock;
        let grant = self.grant(session, host, None, now);
        // Others have had less, who wait.
        (self.clock, self.row) = (clock, Some((session, left - 1)));
        Some(grant)
    }

    /// How many calls are granted to a session one after the other, if it wants so many: no more than an eighth of those in
    /// flight, so that few places are divided evenly, and fewer where they take long.
    fn in_a_row(&self, share: &Share) -> u32 {
        let Some(usual) = share.usual() else { return 1 };
        let usual = usual.as_micros().max(1);
        let by_time = u32::try_from(ROW.as_micros() / usual).unwrap_or(u32::MAX);
        let by_places = u32::try_from(self.attempts.len() / 8).unwrap_or(u32::MAX);
        by_time.min(by_places).clamp(1, LONGEST_ROW)
    }

    fn grant_from(&mut self, index: PoolIndex, now: Instant) -> Option<Grant> {
        let pool = &self.pools[index.0];
        let waiting = pool.waiting.iter().map(|(_, session)| *session);
        let host_for = |id: SessionId| Some((id, self.host_for(self.sessions.get(&id)?, pool)?));
        let (session, host) = waiting.into_iter().find_map(host_for)?;
        let row = self.sessions.get(&session).map_or(1, |entry| self.in_a_row(&entry.share));
        self.row = Some((session, row - 1));
        Some(self.grant(session, host, None, now))
    }

    /// The free host of its pool on which a session is called. Of those that begin it at once: of those that it prefers the one
    /// that it used last, where it stays, and else the first; then the same of the others. Where none does, one that it
    /// prefers waits no longer than another one.
    fn host_for(&self, entry: &SessionEntry, pool: &Pool) -> Option<usize> {
        let last = self.last_of(entry);
        if let Some(host) = last.filter(|host| self.prefers(entry, *host)) {
            return Some(host);
        }
        let preferred = entry.preferred.iter().filter_map(|it| self.first_of(entry, &self.pools[it.0])).min();
        if let Some((_, host)) = preferred.filter(|(rank, _)| rank.begins_at_once()) {
            return Some(host);
        }
        if last.is_some() {
            return last;
        }
        let (rank, host) = self.first_of(entry, pool)?;
        match preferred {
            Some((_, preferred)) if !rank.begins_at_once() => Some(preferred),
            _ => Some(host),
        }
    }

    /// Where a session was called last, if it stays there and that would begin one more at once.
    fn last_of(&self, entry: &SessionEntry) -> Option<usize> {
        let stays = entry.affinity == Affinity::Sticky;
        let last = self.find(entry.last.filter(|_| stays)?)?;
        let host = &self.hosts[last];
        (host.takes_at_once() && host.pools.contains(&entry.pool) && self.suits(entry, last)).then_some(last)
    }

    /// Whether a host of its pool is one that a session prefers, or it prefers none.
    fn prefers(&self, entry: &SessionEntry, host: usize) -> bool {
        let pools = &self.hosts[host].pools;
        entry.preferred.is_empty() || entry.preferred.iter().any(|pool| pools.contains(pool))
    }

    fn first_of(&self, entry: &SessionEntry, pool: &Pool) -> Option<(Rank, usize)> {
        pool.free.iter().copied().find(|(_, host)| self.suits(entry, *host))
    }

    /// Whether the node of a host can offer a session the service, as far as that is known.
    pub(super) fn suits(&self, entry: &SessionEntry, host: usize) -> bool {
        entry.blacklist.is_empty() || !entry.blacklist.contains(&self.hosts[host].host.node)
    }
}
