//! What each frontier is to do, from what the directory has of all of them.

use super::RebalanceConfig;
use super::balance::{Balance, Decision};
use crate::model::advertised::{native, url};
use crate::model::{Frontier, Timestamp};
use frontier_protocol::{Other, Plan};
use std::time::Duration;

/// Other frontiers in one plan: it must fit into a frame, and more would not spread edges better.
const MAX_OTHERS: usize = 16;

/// The longest URL in a plan, in bytes: a gateway sends some of them to each edge that moves.
const MAX_URL_SIZE: usize = 2048;

/// The plans of all frontiers, at one moment.
pub(super) struct ClusterPlan {
    /// Those where new connections may go. Those whose edges reach services come first, of them those that have settled,
    /// and of those the ones with the fewest edges.
    open: Vec<Frontier>,
    /// How many of them, the first ones, have edges that reach services; all, if there is none.
    serving: usize,
    /// By the indexes in `open`. Only the first ones, which have settled, have a part in it.
    decision: Option<Decision>,
    rate: u32,
}

impl ClusterPlan {
    pub(super) fn new(
        frontiers: Vec<Frontier>,
        now: Timestamp,
        config: &RebalanceConfig,
        balance: &mut Balance,
    ) -> Self {
        let mut open: Vec<Frontier> = frontiers.into_iter().filter(Frontier::is_open).collect();
        for Frontier { advertised_sb_addr, advertised_eb_addr, .. } in &mut open {
            // What a frontlas of an earlier version has written may be without a scheme.
            (*advertised_sb_addr, *advertised_eb_addr) =
                (url(native(advertised_sb_addr)), url(native(advertised_eb_addr)));
        }
        let age = |frontier: &Frontier| Duration::from_micros(now.0.saturating_sub(frontier.since.0));
        let is_new = |frontier: &Frontier| age(frontier) < config.settle;
        // Without any services one is as good as the other.
        let is_any_serving = open.iter().any(Frontier::has_services);
        let serves = |frontier: &Frontier| !is_any_serving || frontier.has_services();
        open.sort_by_cached_key(|it| (!serves(it), is_new(it), it.edge_count, it.id.clone()));
        let serving = open.partition_point(serves);
        let settled = open[..serving].partition_point(|frontier| !is_new(frontier));
        let loads: Vec<_> = open[..settled].iter().map(|it| (it.id.as_str(), it.edge_count)).collect();
        let decision = if config.enable { balance.decide(&loads) } else { None };
        Self { open, serving, decision, rate: config.rate }
    }

    /// The plan of one frontier.
    pub(super) fn of<'a>(&'a self, id: &str) -> Plan<'a> {
        let own = self.open.iter().position(|frontier| frontier.id == id);
        let decision = self.decision.as_ref();
        let want = |to: usize| {
            let mut transfers = decision.iter().flat_map(|it| &it.transfers);
            let transfer = transfers.find(|transfer| Some(transfer.from) == own && transfer.to == to);
            transfer.map(|transfer| transfer.count).unwrap_or_default()
        };
        let fits = |it: &Frontier| {
            !it.advertised_eb_addr.is_empty()
                && it.advertised_eb_addr.len() <= MAX_URL_SIZE
                && it.advertised_sb_addr.len() <= MAX_URL_SIZE
        };
        // Edges that reach services go where they still do, if there is such a place.
        let others_serve = (0..self.serving).any(|index| Some(index) != own);
        let is_own_serving = own.is_none_or(|own| own < self.serving);
        let open = if others_serve && is_own_serving { &self.open[..self.serving] } else { &self.open[..] };
        let mut others: Vec<Other<'a>> = open
            .iter()
            .enumerate()
            .filter(|(index, frontier)| Some(*index) != own && fits(frontier))
            .map(|(index, frontier)| Other {
                want: want(index),
                edges: frontier.edge_count,
                frontier: &frontier.id,
                edgebound: &frontier.advertised_eb_addr,
                servicebound: &frontier.advertised_sb_addr,
            })
            .collect();
        // Stable: those that want the same number stay in the order of their edges.
        others.sort_by_key(|other| std::cmp::Reverse(other.want));
        others.truncate(MAX_OTHERS);
        let keep = decision.zip(own).and_then(|(it, own)| it.keep.get(own).copied()).unwrap_or(u64::MAX);
        Plan { keep, rate: self.rate, others }
    }

    /// How many edges are to move, of all frontiers.
    pub(super) fn edges_to_move(&self) -> u64 {
        self.decision.iter().flat_map(|it| &it.transfers).map(|transfer| transfer.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;
    const NOW: Timestamp = Timestamp(1_000 * SECOND);

    fn frontier(id: &str, edge_count: u64, age: u64) -> Frontier {
        Frontier {
            id: id.into(),
            advertised_sb_addr: format!("tcp://{id}:1"),
            advertised_eb_addr: format!("tcp://{id}:2"),
            edge_count,
            service_count: 0,
            since: Timestamp(NOW.0 - age * SECOND),
            draining: false,
            away: false,
            forwarding: false,
        }
    }

    fn cluster(frontiers: Vec<Frontier>) -> ClusterPlan {
        ClusterPlan::new(frontiers, NOW, &RebalanceConfig::default(), &mut Balance::new(5))
    }

    fn plan(cluster: &ClusterPlan, id: &str) -> (u64, Vec<(String, u64)>) {
        let plan = cluster.of(id);
        (plan.keep, plan.others.iter().map(|other| (other.frontier.to_owned(), other.want)).collect())
    }

    fn named(others: &[(&str, u64)]) -> Vec<(String, u64)> {
        others.iter().map(|(id, want)| ((*id).to_owned(), *want)).collect()
    }

    #[test]
    fn a_plan_names_the_others_and_how_many_edges_they_get() {
        let cluster = cluster(vec![
            frontier("a", 90, 99),
            frontier("b", 90, 99),
            frontier("c", 0, 99),
            frontier("d", 60, 99),
        ]);
        assert_eq!(plan(&cluster, "a"), (60, named(&[("c", 30), ("d", 0), ("b", 0)])));
        assert_eq!(plan(&cluster, "c"), (60, named(&[("d", 0), ("a", 0), ("b", 0)])));
        assert_eq!(plan(&cluster, "x"), (u64::MAX, named(&[("c", 0), ("d", 0), ("a", 0), ("b", 0)])));
        assert_eq!(cluster.edges_to_move(), 60);
    }

    #[test]
    fn nobody_is_sent_to_one_that_drains_is_away_or_has_just_come() {
        let draining = Frontier { draining: true, ..frontier("b", 0, 99) };
        let away = Frontier { away: true, ..frontier("c", 0, 99) };
        let cluster = cluster(vec![frontier("a", 90, 99), draining, away, frontier("d", 0, 9)]);
        assert_eq!(plan(&cluster, "a"), (u64::MAX, named(&[("d", 0)])), "the last resort of one that drains");
        assert_eq!(plan(&cluster, "b"), (u64::MAX, named(&[("a", 0), ("d", 0)])));
    }

    /// With forwarding all of them reach all services; without it a gateway has its own.
    #[test]
    fn edges_stay_where_services_are_reached() {
        let serving = |it: Frontier| Frontier { service_count: 2, ..it };
        let forwarding = |it: Frontier| Frontier { forwarding: true, ..it };
        let bare = || frontier("bare", 0, 99);
        let alone = cluster(vec![serving(frontier("a", 90, 99)), bare()]);
        assert_eq!(
            plan(&alone, "a"),
            (u64::MAX, named(&[("bare", 0)])),
            "the last resort of one that drains"
        );
        let two = cluster(vec![serving(frontier("a", 90, 99)), serving(frontier("b", 30, 99)), bare()]);
        assert_eq!(plan(&two, "a"), (60, named(&[("b", 30)])));
        assert_eq!(plan(&two, "bare"), (u64::MAX, named(&[("b", 0), ("a", 0)])), "it has nothing to lose");
        let drains = Frontier { draining: true, ..serving(frontier("a", 90, 99)) };
        let left = cluster(vec![drains, serving(frontier("b", 30, 99)), bare()]);
        assert_eq!(plan(&left, "a"), (u64::MAX, named(&[("b", 0)])));
        let all = cluster(vec![forwarding(serving(frontier("a", 90, 99))), forwarding(bare())]);
        assert_eq!(plan(&all, "a"), (45, named(&[("bare", 45)])));
    }

    #[test]
    fn what_an_earlier_version_has_written_is_a_url_in_a_plan() {
        let mut old = frontier("old", 0, 99);
        (old.advertised_sb_addr, old.advertised_eb_addr) = ("h:1".into(), "h:2".into());
        let cluster = cluster(vec![frontier("a", 9, 99), old]);
        let plan = cluster.of("a");
        assert_eq!((plan.others[0].servicebound, plan.others[0].edgebound), ("tcp://h:1", "tcp://h:2"));
    }

    #[test]
    fn a_plan_is_bounded() {
        let mut frontiers: Vec<_> = (0..40).map(|n| frontier(&format!("f{n:02}"), 10 * n, 99)).collect();
        frontiers[0].advertised_eb_addr = "x".repeat(MAX_URL_SIZE + 1);
        frontiers[1].advertised_eb_addr.clear();
        let cluster = cluster(frontiers);
        let plan = cluster.of("f39");
        assert_eq!(plan.others.len(), MAX_OTHERS);
        assert_eq!(plan.others.iter().map(|other| other.frontier).next(), Some("f02"));
        let mut wire = Vec::new();
        plan.encode(0, &mut wire).unwrap();
        assert!(wire.len() < frontier_protocol::MIN_MAX_FRAME as usize / 2);
    }

    #[test]
    fn it_can_be_switched_off() {
        let config = RebalanceConfig { enable: false, ..RebalanceConfig::default() };
        let frontiers = vec![frontier("a", 90, 99), frontier("b", 0, 99)];
        let cluster = ClusterPlan::new(frontiers, NOW, &config, &mut Balance::new(5));
        assert_eq!(plan(&cluster, "a"), (u64::MAX, named(&[("b", 0)])));
    }
}
