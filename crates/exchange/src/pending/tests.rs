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
    let asker = Asker::of(requester);
    let kind = RequestKind::Call;
    PendingRequest {
        requester: requester.clone(),
        asker,
        id,
        kind,
        deadline,
        begun: Instant::now(),
        edge: None,
    }
}

fn sent_to(target: &Arc<Peer>, correlation: CorrelationId) -> SentTo {
    SentTo { target: target.clone(), correlation, kind: RequestKind::Call }
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
    assert!(pending.expire(Instant::now()).is_empty() && !pending.stays_listed());
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
        pending.track(id, sent_to(&other, correlation), LIMIT).unwrap();
    }
    let refused = pending.insert(request(&other, 9), LIMIT).map(|_| ());
    assert_eq!(refused, Err(Refusal::Full));
    assert_eq!(pending.track(9, sent_to(&other, CorrelationId(9)), LIMIT), Err(Refusal::Full));
    assert_eq!(pending.in_flight(), LIMIT);
}

#[test]
fn an_id_is_taken_until_its_reply() {
    let (mut pending, target) = (Pending::default(), peer(1));
    pending.track(7, sent_to(&target, CorrelationId(1)), LIMIT).unwrap();
    assert_eq!(pending.track(7, sent_to(&target, CorrelationId(2)), LIMIT), Err(Refusal::Duplicate));
    assert!(pending.untrack(7, &target, CorrelationId(1)));
    assert!(!pending.untrack(7, &target, CorrelationId(1)));
    pending.track(7, sent_to(&target, CorrelationId(2)), LIMIT).unwrap();
}

#[test]
fn a_late_reply_does_not_untrack_a_new_request_under_the_same_id() {
    let (mut pending, old, new) = (Pending::default(), peer(1), peer(2));
    pending.track(7, sent_to(&old, CorrelationId(1)), LIMIT).unwrap();
    assert!(
        pending
            .cancel(7)
            .is_some_and(|sent| Arc::ptr_eq(&sent.target, &old) && sent.correlation == CorrelationId(1))
    );
    assert!(pending.cancel(7).is_none());
    pending.track(7, sent_to(&new, CorrelationId(1)), LIMIT).unwrap();
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
    pending.track(6, sent_to(&other, CorrelationId(44)), LIMIT).unwrap();
    let InFlight { received, sent } = pending.close();
    assert_eq!(
        received.iter().map(|(correlation, it)| (*correlation, it.id)).collect::<Vec<_>>(),
        [(correlation, 5)]
    );
    assert!(matches!(sent.as_slice(), [(_, SentTo { correlation: CorrelationId(44), .. })]));
    let InFlight { received, sent } = pending.close();
    assert!(received.is_empty() && sent.is_empty() && !pending.is_busy());
    assert!(matches!(pending.insert(request(&other, 5), LIMIT), Err(Refusal::Closed)));
    assert_eq!(pending.track(5, sent_to(&other, correlation), LIMIT), Err(Refusal::Closed));
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

#[test]
fn who_has_what_is_counted_only_where_one_could_have_too_much() {
    const MANY: usize = 100;
    let (mut pending, greedy, other) = (Pending::default(), peer(1), peer(2));
    let mut held = Vec::new();
    let refused = loop {
        match pending.insert(request(&greedy, held.len() as u64), MANY) {
            Ok(correlation) => held.push(correlation),
            Err(refusal) => break refusal,
        }
        assert!(!pending.is_crowded(), "{}", held.len());
    };
    assert_eq!((refused, held.len()), (Refusal::Share(75), 75));
    assert!(pending.is_crowded());
    // There is room for others, and the more is free the more for each.
    for id in 0..19 {
        held.push(pending.insert(request(&other, id), MANY).unwrap());
    }
    assert_eq!(pending.insert(request(&other, 99), MANY), Err(Refusal::Share(94)));
    assert_eq!(pending.insert(request(&greedy, 99), MANY), Err(Refusal::Share(94)));
    // The count is right however they go, and is given up once it does not matter any more.
    for correlation in held.drain(..).rev() {
        assert_eq!(pending.is_crowded(), pending.in_flight() > 75 / 2);
        pending.complete(correlation).unwrap();
    }
    assert!(!pending.is_crowded());
    assert!(pending.insert(request(&greedy, 99), MANY).is_ok());
}
