//! What a server says of itself, and what is promised by that.

use super::{
    ALL, SYNCED, client, commit, completion, config, impatient, record, requests, standalone, store,
};
use crate::{RedisStore, RedisStoreConfig};
use frontier_sessions::{SessionId, SessionKind, Store, StoreError};
use frontier_test_redis::Server;

async fn refused(store: &RedisStore, kind: SessionKind) -> String {
    match store.create(record(9, kind)).await.err() {
        Some(StoreError::Unsupported(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn durable_sessions_are_refused_where_the_server_does_not_sync_each_write() {
    let server = Server::start();
    let store = impatient(standalone(server.addr()));
    let steps = [
        (["appendonly", "no"], "appendonly is off"),
        (["appendonly", "yes"], "appendfsync is not always"),
        (["no-appendfsync-on-rewrite", "yes"], "appendfsync is not always"),
        (["appendfsync", "always"], "no-appendfsync-on-rewrite is on"),
    ];
    for ([key, value], why) in steps {
        assert_eq!(server.cli(&["CONFIG", "SET", key, value]), "OK");
        let told = refused(&store, SessionKind::Durable).await;
        assert!(told.contains(why), "{told}");
    }
    store.create(record(1, SessionKind::Interactive)).await.unwrap();
    assert_eq!(server.cli(&["CONFIG", "SET", "no-appendfsync-on-rewrite", "no"]), "OK");
    let log = store.create(record(2, SessionKind::Durable)).await.unwrap();
    log.append(&client(), requests(0..2), None).await.unwrap();
    log.commit(&client(), commit(2)).await.unwrap();
    // It is asked with each commit: what changes later is not confirmed in silence.
    assert_eq!(server.cli(&["CONFIG", "SET", "appendfsync", "everysec"]), "OK");
    let told = log.commit(&client(), commit(2)).await.unwrap_err();
    assert!(matches!(&told, StoreError::Unavailable(why) if why.contains("appendfsync")), "{told:?}");
    let told = log.complete(&client(), vec![completion(0, 0)]).await.unwrap_err();
    assert!(matches!(told, StoreError::Unavailable(_)), "{told:?}");
    assert_eq!(server.cli(&["CONFIG", "SET", "appendfsync", "always"]), "OK");
    log.complete(&client(), vec![completion(0, 0)]).await.unwrap();
    assert_eq!(log.responses(&client(), 0, ALL).await.unwrap().len(), 1, "it was done once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_may_not_be_asked_promises_nothing_and_one_that_evicts_keeps_nothing() {
    let server = Server::with(SYNCED, &[]);
    assert_eq!(server.cli(&["ACL", "SETUSER", "default", "-config"]), "OK");
    let store = impatient(standalone(server.addr()));
    let told = refused(&store, SessionKind::Durable).await;
    assert!(told.contains("CONFIG GET") && told.contains("NOPERM"), "{told}");
    store.create(record(1, SessionKind::Interactive)).await.unwrap();
    let server = Server::with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"], &[]);
    let store = impatient(standalone(server.addr()));
    let told = refused(&store, SessionKind::Interactive).await;
    assert!(told.contains("allkeys-lru"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_is_there_after_the_server_was_killed() {
    let mut server = Server::with(SYNCED, &[]);
    let store = store(standalone(server.addr()));
    let log = store.create(record(1, SessionKind::Durable)).await.unwrap();
    log.append(&client(), requests(0..3), None).await.unwrap();
    log.commit(&client(), commit(3)).await.unwrap();
    log.complete(&client(), vec![completion(1, 0)]).await.unwrap();
    server.kill();
    server.restart();
    // The owner goes on where it was, and so does a later one.
    log.complete(&client(), vec![completion(1, 0), completion(0, 1)]).await.unwrap();
    let opened = store.acquire(SessionId(1)).await.unwrap().unwrap();
    let (_, recovered) = &opened.clients[0];
    assert_eq!((recovered.pending.len(), recovered.answered.len()), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_are_asked_for_and_are_not_there_confirm_nothing() {
    let server = Server::start();
    let mut config = RedisStoreConfig { replicas: 1, ..config(standalone(server.addr())) };
    config.redis.read_timeout = std::time::Duration::from_millis(200);
    let told = RedisStore::new(config).create(record(1, SessionKind::Interactive)).await.err().unwrap();
    assert!(matches!(&told, StoreError::Unavailable(why) if why.contains("0 replicas")), "{told:?}");
}
