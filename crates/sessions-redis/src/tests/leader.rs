//! One of several brokers.

use super::{client, commit, impatient, record, requests, standalone};
use crate::{Claim, Leader};
use frontier_sessions::{SessionId, SessionKind, Store, StoreError};
use frontier_test_redis::Server;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_leads_until_it_resigns_or_says_nothing_for_too_long() {
    let server = Server::start();
    let store = impatient(standalone(server.addr()));
    let leader = |id: &str| Leader { id: id.to_owned(), address: format!("http://{id}") };
    let (a, b, hour) = (leader("a"), leader("b"), Duration::from_secs(3600));
    assert_eq!(store.claim(&a, hour).await, Ok(Claim::Ours));
    assert_eq!(store.claim(&a, hour).await, Ok(Claim::Ours), "once more");
    match store.claim(&b, hour).await.unwrap() {
        Claim::Theirs(leader, left) => assert!(leader == a && left > hour / 2, "{left:?}"),
        Claim::Ours => panic!("there are two"),
    }
    store.resign(&b).await.unwrap();
    assert!(matches!(store.claim(&b, hour).await, Ok(Claim::Theirs(..))), "who does not lead can't resign");
    store.resign(&a).await.unwrap();
    assert_eq!(store.claim(&b, Duration::ZERO).await, Ok(Claim::Ours));
    // Its time is over.
    assert_eq!(store.claim(&a, hour).await, Ok(Claim::Ours));
    store.note_hosts(vec![(7, "seven".into()), (8, "eight".into())]).await.unwrap();
    store.forget_hosts(&[7]).await.unwrap();
    assert_eq!(store.hosts().await, Ok(vec![(8, "eight".into())]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_led_before_takes_nothing_from_who_leads_now() {
    let server = Server::start();
    let stores = [impatient(standalone(server.addr())), impatient(standalone(server.addr()))];
    let leader = |id: &str| Leader { id: id.to_owned(), address: String::new() };
    assert_eq!(stores[0].claim(&leader("a"), Duration::ZERO).await, Ok(Claim::Ours));
    drop(stores[0].create(record(1, SessionKind::Interactive)).await.unwrap());
    assert_eq!(stores[1].claim(&leader("b"), Duration::ZERO).await, Ok(Claim::Ours));
    let log = stores[1].acquire(SessionId(1)).await.unwrap().unwrap().log;
    // As one that was paused while it took the sessions up.
    assert_eq!(stores[0].acquire(SessionId(1)).await.err(), Some(StoreError::Fenced));
    log.append(&client(), requests(0..1), Some(commit(1))).await.unwrap();
    // One that has forgotten who led knows that there were others.
    assert_eq!(server.cli(&["DEL", "sessions:leader"]), "1");
    assert_eq!(stores[0].claim(&leader("a"), Duration::ZERO).await, Ok(Claim::Ours));
    stores[0].acquire(SessionId(1)).await.unwrap().unwrap();
}
