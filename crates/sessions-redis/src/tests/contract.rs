//! What every store has to do, in each way to reach Redis; and what is done in parts.

use super::{
    ALL, SYNCED, client, commit, completion, config, port, record, request_of, requests, standalone, store,
};
use crate::{RedisStore, RedisStoreConfig};
use frontier_redis::RedisMode;
use frontier_sessions::{SessionId, SessionKind, Store, StoreError, contract};
use frontier_test_redis::{Cluster, Sentinels, Server};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_server() {
    let server = Server::with(SYNCED, &[]);
    contract::all(async || {
        assert_eq!(server.cli(&["FLUSHALL"]), "OK");
        store(standalone(server.addr()))
    })
    .await;
}

/// Some ten seconds, of sentinels that come to terms.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes some ten seconds"]
async fn by_sentinels_and_a_replica_that_becomes_the_master_has_what_was_confirmed() {
    let mut sentinels = Sentinels::start();
    let addrs: Vec<_> = sentinels.addrs().into_iter().map(port).collect();
    let store = |replicas| {
        let (addrs, master_name) = (addrs.clone(), Sentinels::MASTER.to_owned());
        let mode = RedisMode::Sentinel { addrs, master_name, db: 0, username: None, password: None };
        RedisStore::new(RedisStoreConfig { replicas, ..config(mode) })
    };
    contract::all(async || {
        sentinels.flush();
        store(1)
    })
    .await;
    sentinels.flush();
    let log = store(1).create(record(1, SessionKind::Interactive)).await.unwrap();
    for count in 1..=50 {
        let fresh = requests(count - 1..count);
        log.append(&client(), fresh, Some(commit(count))).await.unwrap();
    }
    sentinels.kill_master();
    // It has no replica any more.
    let store = store(0);
    let begun = Instant::now();
    let opened = loop {
        match store.acquire(SessionId(1)).await {
            Ok(opened) => break opened.expect("it is there"),
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(60), "{error}"),
        }
    };
    assert_eq!(opened.clients[0].1.pending.len(), 50);
    let lost = log.append(&client(), requests(50..51), Some(commit(51))).await;
    assert_eq!(
        lost,
        Err(StoreError::Fenced),
        "the earlier owner finds the other master, and the later owner"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_cluster() {
    let cluster = Cluster::start();
    let addrs: Vec<_> = cluster.addrs().into_iter().map(port).collect();
    contract::all(async || {
        cluster.flush();
        store(RedisMode::Cluster { addrs: addrs.clone() })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_more_than_one_script_takes_is_whole() {
    let server = Server::with(SYNCED, &[]);
    let store = store(standalone(server.addr()));
    for kind in [SessionKind::Interactive, SessionKind::Durable] {
        let id = 1 + kind as u128;
        let log = store.create(record(id, kind)).await.unwrap();
        let client = client();
        log.append(&client, requests(0..12_000), Some(commit(12_000))).await.unwrap();
        // 3 of these are too much for one script, and one alone is as well.
        let large: Vec<_> = (12_000..12_003).map(|it| request_of(it, 2 << 20)).collect();
        log.append(&client, large, None).await.unwrap();
        log.complete(&client, (0..10_000).map(|it| completion(it, it)).collect()).await.unwrap();
        log.complete(&client, vec![completion(12_001, 10_000)]).await.unwrap();
        assert_eq!(log.requests(&client, 0, ALL).await.unwrap().len(), 2002);
        log.forget(&client, 9_000).await.unwrap();
        let opened = store.acquire(SessionId(id)).await.unwrap().unwrap();
        let (_, recovered) = &opened.clients[0];
        assert_eq!(recovered.commit, commit(12_000));
        let sequences: Vec<_> = recovered.pending.iter().map(|(sequence, _)| *sequence).collect();
        assert_eq!(sequences, (10_000..12_000).collect::<Vec<_>>());
        let answered: Vec<_> = recovered.answered.iter().map(|(position, ..)| *position).collect();
        assert_eq!(answered, (9_000..=10_000).collect::<Vec<_>>());
        assert_eq!(recovered.answered[0].2, "answer".len());
        // What was not committed is gone, and others take its places.
        opened.log.append(&client, requests(12_000..12_001), None).await.unwrap();
        let left = opened.log.requests(&client, 11_999, ALL).await.unwrap();
        assert_eq!(left, requests(11_999..12_001));
        opened.log.delete().await.unwrap();
    }
    assert_eq!(server.cli(&["DBSIZE"]), "0", "nothing is left");
}
