use super::*;
use crate::config::Config;
use crate::forwarding::neighbour::Dialler;
use std::sync::Weak;

fn neighbour(id: &str) -> Arc<Neighbour> {
    let yaml = "frontlas: {enable: true, forward: {enable: true}}";
    let config = Config::parse(yaml, &|_| None).unwrap();
    let dialler = Dialler {
        own: "own".into(),
        forward: config.membership.unwrap().forward.unwrap(),
        exchange: Weak::new(),
        stop: Default::default(),
        links: Default::default(),
    };
    Neighbour::new(id, "tcp://192.0.2.1:1".parse().unwrap(), Arc::new(dialler))
}

fn seeker() -> (Seeker, oneshot::Receiver<Result<Found, Failure>>) {
    let (reply, found) = oneshot::channel();
    let room = Arc::new(tokio::sync::Semaphore::new(1)).try_acquire_owned().unwrap();
    (Seeker::Waiter { reply, _room: room }, found)
}

/// As if it had been looked for.
fn learn(places: &Places, edge: EdgeId, place: &Arc<Neighbour>) {
    assert!(places.seek(edge, seeker().0).is_some());
    assert_eq!(places.settle(edge, Some(place)).len(), 1);
    assert!(places.settle(edge, Some(place)).is_empty());
}

#[test]
fn the_first_who_asks_looks_and_the_others_wait_behind() {
    let (places, place, edge) = (Places::default(), neighbour("a"), EdgeId(7));
    assert!(matches!(places.seek(edge, seeker().0), Some(None)));
    assert!(places.seek(edge, seeker().0).is_none());
    assert_eq!(places.settle(edge, Some(&place)).len(), 2);
    // One that comes while they are told must not overtake them.
    assert!(places.known(edge).is_none() && places.seek(edge, seeker().0).is_none());
    assert_eq!(places.settle(edge, Some(&place)).len(), 1);
    assert!(places.settle(edge, Some(&place)).is_empty());
    assert!(Arc::ptr_eq(&places.known(edge).unwrap(), &place));
    assert!(matches!(places.seek(edge, seeker().0), Some(Some(hint)) if Arc::ptr_eq(&hint, &place)));
    assert_eq!(places.settle(edge, None).len(), 1);
    assert!(places.settle(edge, None).is_empty() && places.known(edge).is_none());
}

#[test]
fn places_that_are_asked_for_stay_and_others_are_forgotten() {
    let (places, place, kept) = (Places::default(), neighbour("a"), EdgeId(u64::MAX));
    learn(&places, kept, &place);
    let count = 4 * SHARDS * GENERATION;
    for id in 0..count as u64 {
        learn(&places, EdgeId(id), &place);
        if id % 100 == 0 {
            assert!(places.known(kept).is_some(), "{id}");
        }
    }
    let held: usize =
        places.shards.iter().map(|shard| shard.lock()).map(|it| it.young.len() + it.old.len()).sum();
    assert!(held <= 2 * SHARDS * GENERATION, "{held}");
    assert!(places.known(EdgeId(0)).is_none());
}
