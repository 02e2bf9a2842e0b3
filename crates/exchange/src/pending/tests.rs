use super::*;
use crate::testing::{self, Parked};
use std::time::Duration;

const LIMIT: usize = 3;

async fn peer(id: u64) -> Arc<Peer> {
    let exchange = testing::exchange();
    Parked::new(&exchange, testing::edge(id), testing::TERMS).await.peer
}

fn question(asker: &Arc<Peer>, id: u64) -> Question {
    let deadline = Instant::now() + Duration::from_secs(60);
    Question { asker: Asker::Peer(asker.clone(), id), form: Form::Call, deadline }
}

fn id_of(question: &Question) -> u64 {
    match question.asker {
        Asker::Peer(_, id) => id,
        Asker::Gateway(_) => panic!("no peer asked"),
    }
}

#[tokio::test]
async fn a_ticket_never_matches_a_slot_that_is_used_again() {
    let (mut calls, asker) = (Calls::default(), peer(1).await);
    let first = calls.ask(question(&asker, 1), LIMIT).unwrap();
    assert_eq!(calls.settle(first).map(|question| id_of(&question)), Some(1));
    let second = calls.ask(question(&asker, 2), LIMIT).unwrap();
    assert_eq!(first.slot(), second.slot());
    assert!(calls.settle(first).is_none());
    // Nor after the memory was given back, and the slab starts anew.
    assert_eq!(calls.settle(second).map(|question| id_of(&question)), Some(2));
    assert!(calls.expire(Instant::now()).is_empty() && !calls.is_swept());
    let third = calls.ask(question(&asker, 3), LIMIT).unwrap();
    assert!(calls.settle(first).is_none() && calls.settle(second).is_none());
    for unknown in [0, u64::MAX, third.0 + 1, third.0 + (1 << 32)] {
        assert!(calls.settle(Ticket(unknown)).is_none(), "{unknown:#x}");
    }
    assert!(calls.settle(third).is_some() && calls.settle(third).is_none());
}

#[tokio::test]
async fn each_direction_has_the_limit() {
    let (mut calls, other) = (Calls::default(), peer(1).await);
    for id in 0..LIMIT as u64 {
        let ticket = calls.ask(question(&other, id), LIMIT).unwrap();
        calls.note(id, &other, ticket, LIMIT).unwrap();
    }
    let refused =
        calls.ask(question(&other, 9), LIMIT).map_err(|(refusal, question)| (refusal, id_of(&question)));
    assert_eq!(refused, Err((Refusal::Full, 9)));
    assert_eq!(calls.note(9, &other, Ticket(9), LIMIT), Err(Refusal::Full));
    assert_eq!(calls.in_flight(), LIMIT);
}

#[tokio::test]
async fn an_id_is_taken_until_its_answer() {
    let (mut calls, target) = (Calls::default(), peer(1).await);
    calls.note(7, &target, Ticket(1), LIMIT).unwrap();
    assert_eq!(calls.note(7, &target, Ticket(2), LIMIT), Err(Refusal::Duplicate));
    assert!(calls.strike(7, &target, Ticket(1)));
    assert!(!calls.strike(7, &target, Ticket(1)));
    calls.note(7, &target, Ticket(2), LIMIT).unwrap();
}

#[tokio::test]
async fn a_late_answer_does_not_strike_a_new_question_under_the_same_id() {
    let (mut calls, old, new) = (Calls::default(), peer(1).await, peer(2).await);
    calls.note(7, &old, Ticket(1), LIMIT).unwrap();
    assert!(
        calls.cancel(7).is_some_and(|(target, ticket)| Arc::ptr_eq(&target, &old) && ticket == Ticket(1))
    );
    assert!(calls.cancel(7).is_none());
    calls.note(7, &new, Ticket(1), LIMIT).unwrap();
    assert!(!calls.strike(7, &old, Ticket(1)), "another target");
    assert!(!calls.strike(7, &new, Ticket(2)), "another question");
    assert!(calls.is_busy());
    assert!(calls.strike(7, &new, Ticket(1)));
    assert!(!calls.is_busy());
}

#[tokio::test]
async fn closed_tables_give_everything_back_once_and_take_nothing() {
    let (mut calls, other) = (Calls::default(), peer(1).await);
    let ticket = calls.ask(question(&other, 5), LIMIT).unwrap();
    calls.note(6, &other, Ticket(44), LIMIT).unwrap();
    let InFlight { asked, asking } = calls.close();
    assert_eq!(asked.iter().map(|(ticket, it)| (*ticket, id_of(it))).collect::<Vec<_>>(), [(ticket, 5)]);
    assert!(matches!(asking.as_slice(), [(_, Ticket(44))]));
    let InFlight { asked, asking } = calls.close();
    assert!(asked.is_empty() && asking.is_empty() && !calls.is_busy());
    assert!(matches!(calls.ask(question(&other, 5), LIMIT), Err((Refusal::Closed, _))));
    assert_eq!(calls.note(5, &other, ticket, LIMIT), Err(Refusal::Closed));
}

#[tokio::test]
async fn only_what_is_overdue_expires() {
    let (mut calls, asker) = (Calls::default(), peer(1).await);
    let start = Instant::now();
    for (id, millis) in [(1, 10), (2, 20), (3, 30)] {
        let deadline = start + Duration::from_millis(millis);
        calls.ask(Question { deadline, ..question(&asker, id) }, LIMIT).unwrap();
    }
    let mut expire = |millis| -> Vec<u64> {
        let expired = calls.expire(start + Duration::from_millis(millis));
        expired.iter().map(|(_, question)| id_of(question)).collect()
    };
    assert!(expire(9).is_empty());
    assert_eq!(expire(20), [1, 2]);
    assert!(expire(20).is_empty());
    assert_eq!(expire(1_000), [3]);
}
