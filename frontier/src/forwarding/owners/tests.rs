//! Owners that were looked up, and the order of those who wait.

use super::*;
use crate::forwarding::gateway_link::Dialler;
use crate::testing;
use frontier_access::LogLimiter;

fn link(id: &str) -> Arc<GatewayLink> {
    let config = testing::config_of_member("{enable: true, forward: {enable: true}}");
    let dialler = Dialler {
        own: "own".into(),
        forward: config.membership.clone().unwrap().forward.unwrap(),
        limits: config.limits,
        stop: Default::default(),
        tasks: Default::default(),
        carriers: None,
        comings: LogLimiter::new(1),
        goings: LogLimiter::new(1),
    };
    GatewayLink::new(id, "tcp://192.0.2.1:1".parse().unwrap(), Arc::new(dialler))
}

/// As if it had been looked for.
fn learn(owners: &Owners<()>, edge: EdgeId, owner: &Arc<GatewayLink>) {
    assert!(owners.look_up(edge, ()).is_some());
    assert_eq!(owners.settle(edge, Some(owner)).len(), 1);
    assert!(owners.settle(edge, Some(owner)).is_empty());
}

#[test]
fn the_first_who_asks_looks_it_up_and_the_others_wait_behind() {
    let (owners, owner, edge) = (Owners::<()>::default(), link("a"), EdgeId(7));
    assert!(matches!(owners.look_up(edge, ()), Some(None)));
    assert!(owners.look_up(edge, ()).is_none());
    assert_eq!(owners.settle(edge, Some(&owner)).len(), 2);
    // One that comes while they are told must not overtake them.
    assert!(owners.known(edge).is_none() && owners.look_up(edge, ()).is_none());
    assert_eq!(owners.settle(edge, Some(&owner)).len(), 1);
    assert!(owners.settle(edge, Some(&owner)).is_empty());
    assert!(Arc::ptr_eq(&owners.known(edge).unwrap(), &owner));
    assert!(matches!(owners.look_up(edge, ()), Some(Some(hint)) if Arc::ptr_eq(&hint, &owner)));
    assert_eq!(owners.settle(edge, None).len(), 1);
    assert!(owners.settle(edge, None).is_empty() && owners.known(edge).is_none());
}

#[test]
fn owners_that_are_asked_for_stay_and_others_are_forgotten() {
    let (owners, owner, kept) = (Owners::<()>::default(), link("a"), EdgeId(u64::MAX));
    learn(&owners, kept, &owner);
    let count = 4 * SHARDS * GENERATION;
    for id in 0..count as u64 {
        learn(&owners, EdgeId(id), &owner);
        if id % 100 == 0 {
            assert!(owners.known(kept).is_some(), "{id}");
        }
    }
    let held: usize =
        owners.shards.iter().map(|shard| shard.lock()).map(|it| it.young.len() + it.old.len()).sum();
    assert!(held <= 2 * SHARDS * GENERATION, "{held}");
    assert!(owners.known(EdgeId(0)).is_none());
}
