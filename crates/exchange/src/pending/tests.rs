//! The tables of one peer: correlation ids, limits, ends.

use super::*;
use crate::testing;
use std::time::Duration;

const LIMIT: usize = 3;

fn peer(id: u64) -> Arc<Peer> {
    testing::lone(testing::edge(id))
}

fn request(requester: &Arc<Peer>, id: u64) -> PendingRequest {
    let deadline = Instant::now() + Duration::from_secs(60);
    PendingRequest { requester: requester.clone(), id, kind: RequestKind::Call, deadline, edge: None }
}

#[test]
fn a_correlation_id_never_matches_a_slot_that_is_used_again() {
    let (mut pending, requester) = (Pending::default(), peer(1));
    let first = pending.insert(request(&requester, 1), LIMIT).unwrap();
    assert_eq!(pending.complete(first).map(|request| request.id), Some(1));
    let second = pending.insert(request(&requester, 2), LIMIT).unwrap();
    assert_eq!(first.slot(), second.slot());
    assert!(pending.complete(first).is_none());
    // Nor after the memory was given back, and the slab starts anew.
    assert_eq!(pending.complete(second).map(|request| request.id), Some(2));
    assert!(pending.expire(Instant::now()).is_empty() && !pending.is_swept());
    let third = pending.insert(request(&requester, 3), LIMIT).unwrap();
    assert!(pending.complete(first).is_none() && pending.complete(second).is_none());
    for unknown in [0, u64::MAX, third.0 + 1, third.0 + (1 << 32)] {
        assert!(pending.complete(CorrelationId(unknown)).is_none(), "{unknown:#x}");
    }
    assert!(pending.complete(third).is_some() && pending.complete(third).is_none());
}

#[test]
fn each_direction_has_the_limit() {
    let (mut pending, other) = (Pending::default(), peer(1));
    for id in 0..LIMIT as u64 {
        let correlation = pending.insert(request(&other, id), LIMIT).unwrap();
        pending.track(id, &other, correlation, LIMIT).unwrap();
    }
    let refused = pending.insert(request(&other, 9), LIMIT).map(|_| ());
    assert_eq!(refused, Err(Refusal::Full));
    assert_eq!(pending.track(9, &other, CorrelationId(9), LIMIT), Err(Refusal::Full));
    assert_eq!(pending.in_flight(), LIMIT);
}

#[test]
fn an_id_is_taken_until_its_reply() {
    let (mut pending, target) = (Pending::default(), peer(1));
    pending.track(7, &target, CorrelationId(1), LIMIT).unwrap();
    assert_eq!(pending.track(7, &target, CorrelationId(2), LIMIT), Err(Refusal::Duplicate));
    assert!(pending.untrack(7, &target, CorrelationId(1)));
    assert!(!pending.untrack(7, &target, CorrelationId(1)));
    pending.track(7, &target, CorrelationId(2), LIMIT).unwrap();
}

#[test]
fn a_late_reply_does_not_untrack_a_new_request_under_the_same_id() {
    let (mut pending, old, new) = (Pending::default(), peer(1), peer(2));
    pending.track(7, &old, CorrelationId(1), LIMIT).unwrap();
    assert!(
        pending.cancel(7).is_some_and(
            |(target, correlation)| Arc::ptr_eq(&target, &old) && correlation == CorrelationId(1)
        )
    );
    assert!(pending.cancel(7).is_none());
    pending.track(7, &new, CorrelationId(1), LIMIT).unwrap();
    assert!(!pending.untrack(7, &old, CorrelationId(1)), "another target");
    assert!(!pending.untrack(7, &new, CorrelationId(2)), "another request");
    assert!(pending.is_busy());
    assert!(pending.untrack(7, &new, CorrelationId(1)));
    assert!(!pending.is_busy());
}

#[test]
fn closed_tables_give_everything_back_once_and_take_nothing() {
    let (mut pending, other) = (Pending::default(), peer(1));
    let correlation = pending.insert(request(&other, 5), LIMIT).unwrap();
    pending.track(6, &other, CorrelationId(44), LIMIT).unwrap();
    let InFlight { received, sent } = pending.close();
    assert_eq!(
        received.iter().map(|(correlation, it)| (*correlation, it.id)).collect::<Vec<_>>(),
        [(correlation, 5)]
    );
    assert!(matches!(sent.as_slice(), [(_, CorrelationId(44))]));
    let InFlight { received, sent } = pending.close();
    assert!(received.is_empty() && sent.is_empty() && !pending.is_busy());
    assert!(matches!(pending.insert(request(&other, 5), LIMIT), Err(Refusal::Closed)));
    assert_eq!(pending.track(5, &other, correlation, LIMIT), Err(Refusal::Closed));
}

#[test]
fn only_what_is_overdue_expires() {
    let (mut pending, requester) = (Pending::default(), peer(1));
    let start = Instant::now();
    for (id, millis) in [(1, 10), (2, 20), (3, 30)] {
        let deadline = start + Duration::from_millis(millis);
        pending.insert(PendingRequest { deadline, ..request(&requester, id) }, LIMIT).unwrap();
    }
    let mut expire = |millis| -> Vec<u64> {
        let expired = pending.expire(start + Duration::from_millis(millis));
        expired.iter().map(|(_, request)| request.id).collect()
    };
    assert!(expire(9).is_empty());
    assert_eq!(expire(20), [1, 2]);
    assert!(expire(20).is_empty());
    assert_eq!(expire(1_000), [3]);
}
