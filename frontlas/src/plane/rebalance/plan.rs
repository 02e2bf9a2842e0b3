//! What each frontier is to do, from what the directory has of all of them.

use super::RebalanceConfig;
use super::balance::{Balances, Decision, Transfer};
use super::reach::Reach;
use crate::model::advertised::{native, url};
use crate::model::{Frontier, Timestamp};
use frontier_protocol::{Other, Plan};
use std::collections::BTreeMap;
use std::time::Duration;

/// Other frontiers in one plan: it must fit into a frame, and more would not spread edges better.
const MAX_OTHERS: usize = 16;

/// The longest URL in a plan, in bytes: a gateway sends some of them to each edge that moves.
const MAX_URL_SIZE: usize = 2048;

/// The plans of all frontiers, at one moment.
pub(super) struct ClusterPlan {
    /// Those where new connections may go. Those whose edges reach services come first, of them those that have settled,
    /// and of those the ones with the fewest edges.
    open: Vec<Place>,
    /// What edges reach at each frontier, or did when it began to drain or went away.
    reaches: BTreeMap<String, Reach>,
    /// By the indexes in `open`.
    transfers: Vec<Transfer>,
    rate: u32,
}

/// A frontier where new connections may go.
struct Place {
    frontier: Frontier,
    reach: Reach,
    /// How many edges it keeps, if it is to give some or to get some.
    keep: Option<u64>,
}

impl ClusterPlan {
    pub(super) fn new(
        frontiers: Vec<Frontier>,
        now: Timestamp,
        config: &RebalanceConfig,
        balances: &mut Balances,
    ) -> Self {
        let reaches = balances.reaches(&frontiers).clone();
        let mut open: Vec<Place> = frontiers.into_iter().filter(Frontier::is_open).map(Place::new).collect();
        let age = |it: &Frontier| Duration::from_micros(now.0.saturating_sub(it.since.0));
        let is_new = |it: &Place| age(&it.frontier) < config.settle;
        open.sort_by_cached_key(|it| {
            (!it.reach.is_any(), is_new(it), it.frontier.edge_count, it.frontier.id.clone())
        });
        let mut plan = Self { open, reaches, transfers: Vec::new(), rate: config.rate };
        if config.enable {
            let settled = |it: &Place| !is_new(it);
            plan.balance(balances, settled);
        }
        plan
    }

    /// Evens out the edges of settled frontiers, among those of equal reach.
    fn balance(&mut self, balances: &mut Balances, settled: impl Fn(&Place) -> bool) {
        // Without any services one is as good as the other; else edges are not moved to where there is none.
        let is_any_serving = self.open.iter().any(|it| it.reach.is_any());
        let mut classes: BTreeMap<Reach, Vec<usize>> = BTreeMap::new();
        for (index, place) in self.open.iter().enumerate() {
            if settled(place) && (place.reach.is_any() || !is_any_serving) {
                classes.entry(place.reach.clone()).or_default().push(index);
            }
        }
        balances.retain(|reach| classes.contains_key(reach));
        for (reach, members) in classes {
            let loads: Vec<_> = members
                .iter()
                .map(|&index| (self.open[index].frontier.id.as_str(), self.open[index].frontier.edge_count))
                .collect();
            let Some(Decision { keep, transfers }) = balances.of(reach).decide(&loads) else { continue };
            for (&index, keep) in members.iter().zip(keep) {
                self.open[index].keep = Some(keep);
            }
            self.transfers.extend(transfers.into_iter().map(|Transfer { from, to, count }| Transfer {
                from: members[from],
                to: members[to],
                count,
            }));
        }
    }

    /// The plan of one frontier.
    pub(super) fn of<'a>(&'a self, id: &str) -> Plan<'a> {
        let own = self.open.iter().position(|it| it.frontier.id == id);
        let want = |to: usize| {
            let transfer = self.transfers.iter().find(|it| Some(it.from) == own && it.to == to);
            transfer.map(|it| it.count).unwrap_or_default()
        };
        let mut others: Vec<Other<'a>> = self
            .destinations(own, id)
            .into_iter()
            .map(|index| (want(index), &self.open[index].frontier))
            .map(|(want, frontier)| Other {
                want,
                edges: frontier.edge_count,
                frontier: &frontier.id,
                edgebound: &frontier.advertised_eb_addr,
                servicebound: &frontier.advertised_sb_addr,
            })
            .collect();
        // Stable: those that want the same number stay in the order of their edges.
        others.sort_by_key(|other| std::cmp::Reverse(other.want));
        others.truncate(MAX_OTHERS);
        let keep = own.and_then(|own| self.open[own].keep).unwrap_or(u64::MAX);
        Plan { keep, rate: self.rate, others }
    }

    /// Where edges of one frontier may go, should it drain: where they reach the same; without such a place where they reach
    /// any service; else anywhere.
    fn destinations(&self, own: Option<usize>, id: &str) -> Vec<usize> {
        let reach = self.reaches.get(id).unwrap_or(&Reach::Nothing);
        let others = || (0..self.open.len()).filter(|index| Some(*index) != own && self.open[*index].fits());
        let those = |good: &dyn Fn(&Reach) -> bool| {
            let found: Vec<_> = others().filter(|index| good(&self.open[*index].reach)).collect();
            Some(found).filter(|found| !found.is_empty())
        };
        those(&|it| it.covers(reach)).or_else(|| those(&Reach::is_any)).unwrap_or_else(|| others().collect())
    }

    /// How many edges are to move, of all frontiers.
    pub(super) fn edges_to_move(&self) -> u64 {
        self.transfers.iter().map(|transfer| transfer.count).sum()
    }
}

impl Place {
    fn new(mut frontier: Frontier) -> Self {
        // What a frontlas of an earlier version has written may be without a scheme.
        frontier.advertised_sb_addr = url(native(&frontier.advertised_sb_addr));
        frontier.advertised_eb_addr = url(native(&frontier.advertised_eb_addr));
        Self { reach: Reach::of(&frontier), frontier, keep: None }
    }

    /// Whether a plan can name it.
    fn fits(&self) -> bool {
        let Frontier { advertised_sb_addr, advertised_eb_addr, .. } = &self.frontier;
        !advertised_eb_addr.is_empty()
            && advertised_eb_addr.len() <= MAX_URL_SIZE
            && advertised_sb_addr.len() <= MAX_URL_SIZE
    }
}

#[cfg(test)]
mod tests;
