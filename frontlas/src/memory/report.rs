//! What is reported under a lease.

use super::state::{Record, State};
use crate::DirectoryError;
use crate::model::{Change, Event, Former, Kind, Lease, Presence, Timestamp, Verdict, may_displace};
use std::collections::BTreeMap;

impl State {
    pub(super) fn apply(&mut self, lease: &Lease, events: &[Event]) -> Result<Vec<Verdict>, DirectoryError> {
        let generation = self.leased(lease)?.1;
        let frontier = lease.frontier();
        Ok(events
            .iter()
            .map(|event| match event {
                Event::Online(presence) => self.online(frontier, generation, presence),
                &Event::Offline { kind, id, stamp } => self.offline(frontier, generation, (kind, id), stamp),
            })
            .collect())
    }

    pub(super) fn resync_begin(&mut self, lease: &Lease) -> Result<(), DirectoryError> {
        self.leased(lease)?.0.snapshot = Some(BTreeMap::new());
        Ok(())
    }

    pub(super) fn resync_chunk(
        &mut self,
        lease: &Lease,
        present: &[Presence],
    ) -> Result<Vec<Verdict>, DirectoryError> {
        let (node, generation) = self.leased(lease)?;
        node.snapshot.as_ref().ok_or(DirectoryError::Lost)?;
        Ok(present.iter().map(|presence| self.online(lease.frontier(), generation, presence)).collect())
    }

    pub(super) fn resync_end(&mut self, lease: &Lease) -> Result<(), DirectoryError> {
        let (node, generation) = self.leased(lease)?;
        let snapshot = node.snapshot.take().ok_or(DirectoryError::Lost)?;
        let known = node.members.iter().flat_map(|(&kind, ids)| ids.iter().map(move |&id| (kind, id)));
        let absent: Vec<_> =
            known.filter(|(kind, id)| !snapshot.get(kind).is_some_and(|ids| ids.contains(id))).collect();
        for id in absent {
            if let Some(stamp) = self.records.get(&id).map(|record| Timestamp(record.stamp)) {
                self.offline(lease.frontier(), generation, id, stamp);
            }
        }
        Ok(())
    }

    fn online(&mut self, frontier: &str, generation: u64, presence: &Presence) -> Verdict {
        if presence.check().is_err() {
            return Verdict::Refused;
        }
        let (kind, id) = (presence.kind(), presence.id);
        let stamp = presence.stamp.min(Timestamp::MAX).0;
        let order = stamp.min(self.now);
        let lives = self.living((kind, id)).is_some();
        let old = self.records.get(&(kind, id));
        if let Some(old) = old {
            let same = old.frontier == frontier && old.stamp == stamp;
            if same && (old.ended || lives) {
                if !old.ended {
                    self.add_to_snapshot(frontier, kind, id);
                }
                return Verdict::Unchanged;
            }
            // A record from the future was written by another clock: it must not block the present.
            let older = (order, frontier) < (old.order, old.frontier.as_str()) && old.order <= self.now;
            // At one frontier, that has judged already.
            let is_contested = lives && old.frontier != frontier;
            let (mine, its) =
                ((presence.service.as_deref(), presence.claim), (old.service.as_deref(), old.claim));
            let by = || old.frontier.clone();
            match (older, is_contested) {
                _ if same => {}
                // It was told of in the wrong order.
                (true, true) if !may_displace(its, mine) => {}
                (true, _) => return Verdict::Superseded { by: by() },
                (false, true) if !may_displace(mine, its) => return Verdict::Held { by: by() },
                (false, _) => {}
            }
        }
        if self.nodes.get(frontier).is_some_and(|node| node.is_full(kind, id, self.bounds)) {
            return Verdict::Full;
        }
        let former = old.filter(|old| lives && old.frontier != frontier);
        let former =
            former.map(|old| Former { frontier_id: old.frontier.clone(), stamp: Timestamp(old.stamp) });
        // Wherever it was before: here too, where it may have had another name.
        if let Some(old) = old.filter(|_| lives)
            && let Some(node) = self.nodes.get_mut(&old.frontier)
        {
            node.remove(kind, id, old.service.as_deref());
        }
        let record = Record {
            frontier: frontier.to_owned(),
            generation,
            addr: presence.addr.clone(),
            service: presence.service.clone(),
            claim: presence.claim,
            stamp,
            order,
            update_time: Timestamp(self.now).seconds(),
            ended: false,
            keep_until: 0,
        };
        self.history.push(match kind {
            Kind::Edge => Change::EdgeOnline { edge: record.edge(id), former },
            Kind::Service => Change::ServiceOnline { service: record.service(id), former },
        });
        self.records.insert((kind, id), record);
        if let Some(node) = self.nodes.get_mut(frontier) {
            node.add(kind, id, presence.service.as_deref());
        }
        self.add_to_snapshot(frontier, kind, id);
        Verdict::Applied
    }

    fn offline(&mut self, frontier: &str, generation: u64, id: (Kind, u64), stamp: Timestamp) -> Verdict {
        let stamp = stamp.min(Timestamp::MAX);
        let record = self.records.get_mut(&id).filter(|record| {
            !record.ended
                && record.frontier == frontier
                && record.generation == generation
                && record.stamp == stamp.0
        });
        let Some(record) = record else { return Verdict::Unchanged };
        record.ended = true;
        if let Some(node) = self.nodes.get_mut(frontier) {
            node.remove(id.0, id.1, record.service.as_deref());
        }
        self.schedule_expiry(id.0, id.1);
        let frontier_id = frontier.to_owned();
        self.history.push(match id.0 {
            Kind::Edge => Change::EdgeOffline { edge_id: id.1, frontier_id, stamp },
            Kind::Service => Change::ServiceOffline { service_id: id.1, frontier_id, stamp },
        });
        Verdict::Applied
    }

    /// Adds the id to the snapshot, during a resync.
    fn add_to_snapshot(&mut self, frontier: &str, kind: Kind, id: u64) {
        if let Some(snapshot) = self.nodes.get_mut(frontier).and_then(|node| node.snapshot.as_mut()) {
            snapshot.entry(kind).or_default().insert(id);
        }
    }
}
