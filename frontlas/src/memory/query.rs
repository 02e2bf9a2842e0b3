//! Queries of the state.

use super::state::{Node, Record, State};
use crate::model::{Edge, Frontier, Kind, Page, Service, Timestamp};

impl State {
    pub(super) fn frontiers(&self) -> Vec<Frontier> {
        self.nodes.keys().filter_map(|id| self.frontier(id)).collect()
    }

    pub(super) fn frontier(&self, id: &str) -> Option<Frontier> {
        let node = self.nodes.get(id)?;
        let generation = node.live_generation(self.now)?;
        Some(Frontier {
            id: id.to_owned(),
            advertised_sb_addr: node.info.advertised_sb_addr.clone(),
            advertised_eb_addr: node.info.advertised_eb_addr.clone(),
            edge_count: node.count(Kind::Edge),
            service_count: node.count(Kind::Service),
            service_names: node.service_names(),
            since: Timestamp(generation),
            draining: node.draining,
            away: node.away,
            forwarding: node.forwarding,
        })
    }

    pub(super) fn edge(&self, id: u64) -> Option<Edge> {
        self.living((Kind::Edge, id)).map(|record| record.edge(id))
    }

    pub(super) fn service(&self, id: u64) -> Option<Service> {
        self.living((Kind::Service, id)).map(|record| record.service(id))
    }

    pub(super) fn page<T>(
        &self,
        kind: Kind,
        from: u64,
        count: usize,
        item: impl Fn(&Self, u64) -> Option<T>,
    ) -> Page<T> {
        if count == 0 {
            return Page { items: Vec::new(), next: Some(from) };
        }
        let nodes = self.nodes.values().filter(|node| node.live_generation(self.now).is_some());
        let members = nodes.filter_map(|node| node.members.get(&kind));
        let mut ids: Vec<u64> = members.flat_map(|ids| ids.range(from..).take(count).copied()).collect();
        ids.sort_unstable();
        ids.truncate(count);
        let full = ids.len() == count;
        let next = ids.last().filter(|_| full).and_then(|last| last.checked_add(1));
        Page { items: ids.into_iter().filter_map(|id| item(self, id)).collect(), next }
    }

    pub(super) fn count(&self, kind: Kind) -> u64 {
        self.nodes
            .values()
            .filter(|node| node.live_generation(self.now).is_some())
            .map(|node| node.count(kind))
            .sum()
    }
}

impl Node {
    fn count(&self, kind: Kind) -> u64 {
        self.members.get(&kind).map_or(0, |ids| ids.len() as u64)
    }
}

impl Record {
    pub(super) fn edge(&self, id: u64) -> Edge {
        Edge {
            id,
            frontier_id: self.frontier.clone(),
            addr: self.addr.clone(),
            update_time: self.update_time,
            stamp: Timestamp(self.stamp),
        }
    }

    pub(super) fn service(&self, id: u64) -> Service {
        Service {
            id,
            service: self.service.clone().unwrap_or_default(),
            frontier_id: self.frontier.clone(),
            addr: self.addr.clone(),
            update_time: self.update_time,
            stamp: Timestamp(self.stamp),
        }
    }
}
