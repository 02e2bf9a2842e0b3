//! Choosing one among the other gateways that offer the same name.

use super::{Balance, Balancer, Chooser, Tried};
use crate::hash::{hash_ip, scatter};
use crate::registry::Offerer;
use crate::{Peer, Stage};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How many other gateways one request may be sent to.
const MAX_TRIED: usize = 2;

impl Balancer {
    /// The gateway for a request of an edge, of those whose link stands and that are not in `tried`. One that drains is
    /// the last resort.
    pub(crate) fn choose_gateway<'a>(
        &self,
        offerers: &'a [Offerer],
        edge: Chooser<'_>,
        tried: &Tried,
    ) -> Option<&'a Arc<Peer>> {
        if tried.iter().filter(|peer| peer.is_owner_gateway()).count() >= MAX_TRIED {
            return None;
        }
        let is_free = |gateway: &Arc<Peer>| {
            gateway.is_online()
                && !gateway.outlet().is_closed()
                && !tried.iter().any(|peer| Arc::ptr_eq(peer, gateway))
        };
        if let [only] = offerers {
            return is_free(&only.gateway).then_some(&only.gateway);
        }
        let free: SmallVec<[&Offerer; 8]> = offerers.iter().filter(|it| is_free(&it.gateway)).collect();
        let stays = |offerer: &&Offerer| offerer.gateway.stage() < Stage::Moved;
        let staying: SmallVec<[&Offerer; 8]> = free.iter().copied().filter(|it| stays(it)).collect();
        let chosen = self.among(if staying.is_empty() { &free } else { &staying }, edge)?;
        Some(&chosen.gateway)
    }

    fn among<'a>(&self, free: &[&'a Offerer], edge: Chooser<'_>) -> Option<&'a Offerer> {
        let by_key = |key: u64| free.iter().copied().max_by_key(|it| scatter(key ^ it.hash));
        let nth = |number: usize| free.get(number % free.len().max(1)).copied();
        let by_id = || scatter(edge.id.0);
        match self.strategy {
            Balance::EdgeId => by_key(by_id()),
            Balance::SrcIp => by_key(edge.ip.map_or_else(by_id, hash_ip)),
            Balance::Random => nth(rand::random_range(0..free.len().max(1))),
            Balance::RoundRobin => nth(self.turn.fetch_add(1, Ordering::Relaxed)),
            Balance::LeastInflight => free.iter().copied().min_by_key(|it| it.gateway.in_flight()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;
    use crate::testing;
    use frontier_protocol::EdgeId;
    use std::collections::BTreeMap;

    fn gateway(number: u64) -> Offerer {
        let gateway = testing::lone(Identity::OwnerGateway { id: format!("f{number}").into() });
        gateway.advance(Stage::Online);
        Offerer { gateway, hash: scatter(number) }
    }

    fn edge(id: u64) -> Chooser<'static> {
        Chooser { id: EdgeId(id), ip: None, affinity: None }
    }

    fn chosen(balance: Balance, offerers: &[Offerer], tried: &Tried) -> BTreeMap<String, usize> {
        let balancer = Balancer::new(balance);
        let mut counts = BTreeMap::new();
        for id in 0..300 {
            if let Some(gateway) = balancer.choose_gateway(offerers, edge(id), tried) {
                *counts.entry(gateway.name().to_owned()).or_default() += 1;
            }
        }
        counts
    }

    #[test]
    fn each_of_them_gets_its_share() {
        let offerers = [1, 2, 3].map(gateway);
        for balance in [Balance::EdgeId, Balance::Random, Balance::RoundRobin] {
            let counts = chosen(balance, &offerers, &Tried::new());
            assert!(counts.len() == 3 && counts.values().all(|count| *count > 60), "{balance:?}: {counts:?}");
        }
        let balancer = Balancer::new(Balance::EdgeId);
        let first = |offerers: &[Offerer], id| {
            balancer.choose_gateway(offerers, edge(id), &Tried::new()).map(|it| it.name().to_owned())
        };
        let moved = (0..300).filter(|id| first(&offerers, *id) != first(&offerers[..2], *id));
        assert!(moved.count() < 150, "an edge goes elsewhere only if its gateway has gone");
    }

    #[test]
    fn one_that_drains_is_the_last_resort_and_one_that_has_gone_is_none() {
        let offerers = [1, 2, 3].map(gateway);
        offerers[0].gateway.advance(Stage::Moved);
        assert!(!chosen(Balance::EdgeId, &offerers, &Tried::new()).contains_key("f1"));
        offerers[1].gateway.advance(Stage::Leaving);
        offerers[2].gateway.outlet().close(crate::CloseReason::Local);
        assert_eq!(
            chosen(Balance::RoundRobin, &offerers, &Tried::new()),
            BTreeMap::from([("f1".into(), 300)])
        );
        offerers[0].gateway.advance(Stage::Gone);
        assert!(chosen(Balance::RoundRobin, &offerers, &Tried::new()).is_empty());
    }

    #[test]
    fn two_are_tried_and_no_third() {
        let offerers = [1, 2, 3].map(gateway);
        let tried = |count: usize| offerers[..count].iter().map(|it| it.gateway.clone()).collect::<Tried>();
        assert!(!chosen(Balance::EdgeId, &offerers, &tried(1)).contains_key("f1"));
        assert!(chosen(Balance::EdgeId, &offerers, &tried(2)).is_empty());
    }
}
