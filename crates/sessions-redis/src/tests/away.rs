//! Servers that are full, away, slow, or have lost something.

use super::{ALL, client, commit, completion, impatient, record, request_of, requests, standalone, store};
use frontier_sessions::{Log, SessionId, SessionKind, Store, StoreError};
use frontier_test_redis::{Proxy, Server};

async fn session(store: &impl Store) -> Box<dyn Log> {
    let log = store.create(record(1, SessionKind::Interactive)).await.unwrap();
    log.append(&client(), requests(0..4), Some(commit(4))).await.unwrap();
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_full_takes_nothing_new_and_answers_what_it_has() {
    let server = Server::start();
    let store = store(standalone(server.addr()));
    let log = session(&store).await;
    let limit = |more: u64| {
        let info = server.cli(&["INFO", "memory"]);
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim();
        let most = (used.parse::<u64>().unwrap() + more).to_string();
        assert_eq!(
            server.cli(&["CONFIG", "SET", "maxmemory", if more == 0 { "100kb" } else { &most }]),
            "OK"
        );
    };
    let next = 4;
    limit(0);
    assert_eq!(log.append(&client(), requests(next..next + 1), None).await, Err(StoreError::Full));
    assert_eq!(store.create(record(2, SessionKind::Interactive)).await.err(), Some(StoreError::Full));
    log.commit(&client(), commit(next)).await.unwrap();
    log.complete(&client(), (0..4).map(|it| completion(it, it)).collect()).await.unwrap();
    log.acknowledge(&client(), 4).await.unwrap();
    assert_eq!(log.responses(&client(), 0, ALL).await.unwrap().len(), 4);
    // A batch of which the first parts were taken is not there, in whole or in part.
    limit(5 << 20);
    let two = vec![request_of(next, 100), request_of(next + 1, 1 << 20), request_of(next + 2, 8 << 20)];
    assert_eq!(log.append(&client(), two, None).await, Err(StoreError::Full));
    assert_eq!(log.requests(&client(), next, ALL).await, Ok(Vec::new()));
    // What was sent to it takes its memory for a time.
    limit(64 << 20);
    log.append(&client(), requests(next..next + 1), None).await.unwrap();
    assert_eq!(log.requests(&client(), next, ALL).await, Ok(requests(next..next + 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_away_or_stands_still_is_told_of_and_nothing_is_done_twice() {
    let mut server = Server::with(super::SYNCED, &[]);
    let store = impatient(standalone(server.addr()));
    let log = session(&store).await;
    server.kill();
    let away = log.append(&client(), requests(4..6), Some(commit(6))).await.unwrap_err();
    assert!(matches!(&away, StoreError::Unavailable(why) if why.starts_with("redis: ")), "{away:?}");
    server.restart();
    // What is said then may be something else.
    log.append(&client(), vec![request_of(4, 99)], Some(commit(5))).await.unwrap();
    // It takes what was sent to it while it stood still, once it goes on: that comes too late then.
    server.signal("-STOP");
    let slow = log.append(&client(), requests(5..9), Some(commit(9))).await.unwrap_err();
    assert!(matches!(&slow, StoreError::Unavailable(why) if why.contains("did not answer")), "{slow:?}");
    server.signal("-CONT");
    log.append(&client(), vec![request_of(5, 98)], Some(commit(6))).await.unwrap();
    let sizes = async || {
        let requests = log.requests(&client(), 4, ALL).await.unwrap();
        requests.iter().map(|it| it.request.body.len()).collect::<Vec<_>>()
    };
    assert_eq!(sizes().await, [99, 98]);
    // Whatever waited at the server is behind this.
    assert_eq!(server.cli(&["PING"]), "PONG");
    assert_eq!(sizes().await, [99, 98]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_has_lost_what_it_had_confirmed_is_found_out() {
    let server = Server::start();
    let store = store(standalone(server.addr()));
    let log = session(&store).await;
    let meta = format!("sessions:{{{}}}:meta", SessionId(1));
    assert_eq!(server.cli(&["HGET", &meta, "op"]), "1");
    log.complete(&client(), vec![completion(0, 0)]).await.unwrap();
    // As a replica has it that became the master without the last write.
    assert_eq!(server.cli(&["HSET", &meta, "op", "1"]), "0");
    let lost = log.requests(&client(), 0, ALL).await.unwrap_err();
    assert!(matches!(&lost, StoreError::Damaged(why) if why.contains("confirmed")), "{lost:?}");
    let lost = log.complete(&client(), vec![completion(1, 1)]).await.unwrap_err();
    assert!(matches!(lost, StoreError::Damaged(_)), "{lost:?}");
    assert_eq!(server.cli(&["FLUSHALL"]), "OK");
    assert_eq!(log.complete(&client(), vec![completion(1, 1)]).await, Err(StoreError::Fenced));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_no_master_any_more_is_left_for_the_one_that_is_whatever_its_words() {
    let quick = || Server::with(&["--repl-diskless-sync-delay", "0"], &[]);
    let (former, master) = (quick(), quick());
    let proxy = Proxy::start(former.addr(), |error| match error.split_once(' ') {
        Some(("READONLY", _)) => "ERR this is a replica now".to_owned(),
        _ => error.to_owned(),
    });
    let store = store(standalone(proxy.addr()));
    let log = session(&store).await;
    // The other one has all of it, and becomes the master.
    let port = former.addr().port().to_string();
    assert_eq!(master.cli(&["REPLICAOF", "127.0.0.1", &port]), "OK");
    let begun = std::time::Instant::now();
    while !master.cli(&["INFO", "replication"]).contains("master_link_status:up") {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it is in sync");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(master.cli(&["REPLICAOF", "NO", "ONE"]), "OK");
    let port = master.addr().port().to_string();
    assert_eq!(former.cli(&["REPLICAOF", "127.0.0.1", &port]), "OK");
    proxy.lead_to(master.addr());
    log.complete(&client(), vec![completion(0, 0)]).await.unwrap();
    assert_eq!(log.requests(&client(), 0, ALL).await.unwrap().len(), 3);
    let meta = format!("sessions:{{{}}}:meta", SessionId(1));
    assert_eq!(master.cli(&["HGET", &meta, "op"]), "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_in_the_store_is_damage() {
    let server = Server::start();
    let store = store(standalone(server.addr()));
    let log = session(&store).await;
    let key = format!("sessions:{{{}}}:requests:default", SessionId(1));
    assert_eq!(server.cli(&["HSET", &key, "2", "something else that is long enough to have an id"]), "0");
    let read = log.requests(&client(), 0, ALL).await.unwrap_err();
    assert!(matches!(read, StoreError::Damaged(_)), "{read:?}");
    assert_eq!(log.requests(&client(), 3, ALL).await, Ok(requests(3..4)));
}
