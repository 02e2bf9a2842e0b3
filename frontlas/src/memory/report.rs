use super::state::{Record, State};
use crate::DirectoryError;
use crate::model::{Change, Event, Former, Kind, Lease, Presence, Stamp, Verdict};
use std::collections::HashSet;

impl State {
    pub(super) fn apply(&mut self, lease: &Lease, events: &[Event]) -> Result<Vec<Verdict>, DirectoryError> {
        let life = self.leased(lease)?.1;
        let frontier = lease.frontier();
        Ok(events
            .iter()
            .map(|event| match event {
                Event::Online(presence) => self.online(frontier, life, presence),
                &Event::Offline { kind, id, stamp } => self.offline(frontier, life, (kind, id), stamp),
            })
            .collect())
    }

    pub(super) fn resync_begin(&mut self, lease: &Lease) -> Result<(), DirectoryError> {
        self.leased(lease)?.0.seen = Some(HashSet::new());
        Ok(())
    }

    pub(super) fn resync_chunk(
        &mut self,
        lease: &Lease,
        present: &[Presence],
    ) -> Result<Vec<Verdict>, DirectoryError> {
        let (node, life) = self.leased(lease)?;
        node.seen.as_ref().ok_or(DirectoryError::Lost)?;
        Ok(present.iter().map(|presence| self.online(lease.frontier(), life, presence)).collect())
    }

    pub(super) fn resync_end(&mut self, lease: &Lease) -> Result<(), DirectoryError> {
        let (node, life) = self.leased(lease)?;
        let seen = node.seen.take().ok_or(DirectoryError::Lost)?;
        let on = node.on.iter().flat_map(|(&kind, ids)| ids.iter().map(move |&id| (kind, id)));
        let absent: Vec<_> = on.filter(|id| !seen.contains(id)).collect();
        for id in absent {
            if let Some(stamp) = self.records.get(&id).map(|record| Stamp(record.stamp)) {
                self.offline(lease.frontier(), life, id, stamp);
            }
        }
        Ok(())
    }

    fn online(&mut self, frontier: &str, life: u64, presence: &Presence) -> Verdict {
        if presence.check().is_err() {
            return Verdict::Refused;
        }
        let (kind, id) = (presence.kind(), presence.id);
        let stamp = presence.stamp.min(Stamp::MAX).0;
        let order = stamp.min(self.now);
        let lives = self.living((kind, id)).is_some();
        let old = self.records.get(&(kind, id));
        if let Some(old) = old {
            let same = old.frontier == frontier && old.stamp == stamp;
            if same && (old.ended || lives) {
                if !old.ended {
                    self.see(frontier, kind, id);
                }
                return Verdict::Unchanged;
            }
            // A record from the future was written by another clock: it must not block the present.
            let older = (order, frontier) < (old.order, old.frontier.as_str()) && old.order <= self.now;
            if !same && older {
                return Verdict::Superseded { by: old.frontier.clone() };
            }
        }
        let former = old.filter(|old| lives && old.frontier != frontier);
        let former = former.map(|old| Former { frontier_id: old.frontier.clone(), stamp: Stamp(old.stamp) });
        if let Some(on) = former.as_ref().and_then(|former| self.nodes.get_mut(&former.frontier_id)) {
            on.on.entry(kind).or_default().remove(&id);
        }
        let record = Record {
            frontier: frontier.to_owned(),
            generation: life,
            addr: presence.addr.clone(),
            service: presence.service.clone(),
            stamp,
            order,
            update_time: Stamp(self.now).seconds(),
            ended: false,
            keep_until: 0,
        };
        self.history.tell(match kind {
            Kind::Edge => Change::EdgeOnline { edge: record.edge(id), former },
            Kind::Service => Change::ServiceOnline { service: record.service(id), former },
        });
        self.records.insert((kind, id), record);
        if let Some(node) = self.nodes.get_mut(frontier) {
            node.on.entry(kind).or_default().insert(id);
        }
        self.see(frontier, kind, id);
        Verdict::Applied
    }

    fn offline(&mut self, frontier: &str, life: u64, id: (Kind, u64), stamp: Stamp) -> Verdict {
        let stamp = stamp.min(Stamp::MAX);
        let record = self.records.get_mut(&id).filter(|record| {
            !record.ended
                && record.frontier == frontier
                && record.generation == life
                && record.stamp == stamp.0
        });
        let Some(record) = record else { return Verdict::Unchanged };
        record.ended = true;
        if let Some(on) = self.nodes.get_mut(frontier).and_then(|node| node.on.get_mut(&id.0)) {
            on.remove(&id.1);
        }
        self.forget_later(id.0, id.1);
        let frontier_id = frontier.to_owned();
        self.history.tell(match id.0 {
            Kind::Edge => Change::EdgeOffline { edge_id: id.1, frontier_id, stamp },
            Kind::Service => Change::ServiceOffline { service_id: id.1, frontier_id, stamp },
        });
        Verdict::Applied
    }

    /// Notes that the id belongs to the snapshot, if a resync goes on.
    fn see(&mut self, frontier: &str, kind: Kind, id: u64) {
        if let Some(seen) = self.nodes.get_mut(frontier).and_then(|node| node.seen.as_mut()) {
            seen.insert((kind, id));
        }
    }
}
