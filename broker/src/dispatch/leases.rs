//! Until when hosts count as there.

use frontier_sessions::HostKey;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Hosts that have said who they are, each until it has not for too long.
pub(super) struct Leases {
    ttl: Duration,
    most: usize,
    by_edge: HashMap<u64, Lease>,
    by_end: BTreeSet<(Instant, u64)>,
}

struct Lease {
    key: HostKey,
    service: Arc<str>,
    until: Instant,
    /// Whether it has said that it takes no more.
    draining: bool,
}

impl Leases {
    pub(super) fn new(ttl: Duration, most: usize) -> Self {
        Self { ttl, most, by_edge: HashMap::new(), by_end: BTreeSet::new() }
    }

    /// What the host was before, if that was of another service; it is not any more.
    pub(super) fn of_other_service(&mut self, key: &HostKey, service: &str) -> Option<(Arc<str>, HostKey)> {
        let lease = self.by_edge.get(&key.edge)?;
        if *lease.service == *service || lease.key.generation > key.generation {
            return None;
        }
        self.by_end.remove(&(lease.until, key.edge));
        self.by_edge.remove(&key.edge).map(|lease| (lease.service, lease.key))
    }

    /// A host says that it is there. `false` if it is one too many, or an earlier life of one that is there.
    pub(super) fn renew(&mut self, key: HostKey, service: &Arc<str>, now: Instant) -> bool {
        let until = now + self.ttl;
        match self.by_edge.get(&key.edge) {
            Some(lease) if lease.key.generation > key.generation => return false,
            Some(lease) => {
                self.by_end.remove(&(lease.until, key.edge));
            }
            None if self.by_edge.len() >= self.most => return false,
            None => {}
        }
        self.by_edge.insert(key.edge, Lease { key, service: service.clone(), until, draining: false });
        self.by_end.insert((until, key.edge));
        true
    }

    /// The host has said with its latest word that it takes no more.
    pub(super) fn drain(&mut self, key: HostKey) {
        if let Some(lease) = self.by_edge.get_mut(&key.edge) {
            lease.draining = true;
        }
    }

    /// When the next one ends.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.by_end.first().map(|(until, _)| *until)
    }

    /// Those that have ended, and whether they were draining.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<(Arc<str>, HostKey, bool)> {
        let mut expired = Vec::new();
        while let Some(&(until, edge)) = self.by_end.first().filter(|(until, _)| *until <= now) {
            self.by_end.remove(&(until, edge));
            let ended = self.by_edge.remove(&edge);
            expired.extend(ended.map(|lease| (lease.service, lease.key, lease.draining)));
        }
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_there_until_it_says_nothing_for_too_long() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut leases = Leases::new(3 * second, 2);
        let key = |edge, generation| HostKey { edge, generation };
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        assert!(leases.renew(key(1, 5), &a, now));
        assert!(leases.renew(key(2, 1), &a, now + second));
        assert!(!leases.renew(key(3, 1), &a, now), "there are as many as there may be");
        assert!(!leases.renew(key(1, 4), &a, now + 9 * second), "it is not there any more");
        assert!(leases.renew(key(1, 5), &a, now + 2 * second));
        assert_eq!(leases.deadline(), Some(now + 4 * second));
        assert_eq!(leases.expired(now + 4 * second), [(a.clone(), key(2, 1), false)]);
        assert_eq!(leases.of_other_service(&key(1, 5), "a"), None);
        assert_eq!(leases.of_other_service(&key(1, 4), "b"), None);
        assert_eq!(leases.of_other_service(&key(1, 6), "b"), Some((a, key(1, 5))));
        assert!(leases.renew(key(1, 6), &b, now) && leases.by_end.len() == 1);
    }
}
