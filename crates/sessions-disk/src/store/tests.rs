//! The contract, restarts, a full disk, power cuts.

mod cut_disk;
mod faults;
mod power;

use super::{DiskConfig, DiskStore};
use frontier_sessions::contract;
use frontier_sessions::{
    Budget, ClientId, Commit, Completion, Log, MessageId, Outcome, Request, Response, Sequence, SessionId,
    SessionRecord, Settings, Store, StoreError, StoredRequest,
};
use std::path::Path;
use tempfile::TempDir;

const ALL: Budget = Budget { items: 100_000, bytes: usize::MAX };

fn open(folder: &Path, size: u64) -> DiskStore {
    let path = folder.join("sessions.redb");
    DiskStore::open(&DiskConfig { path, size, cache_size: 1 << 20 }).unwrap()
}

fn client() -> ClientId {
    ClientId::anonymous()
}

fn record(id: u128) -> SessionRecord {
    let settings = Settings::interactive("calc");
    SessionRecord { id: SessionId(id), settings, creator: None, created_at: 7, notes: Vec::new() }
}

fn request(sequence: Sequence) -> StoredRequest {
    let request = Request {
        id: MessageId(u128::from(sequence) + 1000),
        action: "add".into(),
        body: vec![7; 100].into(),
        user_data: "".into(),
    };
    StoredRequest { sequence, request }
}

fn completion(sequence: Sequence, position: u64) -> Completion {
    let outcome = Outcome::Answer(vec![8; 50].into());
    let request = request(sequence).request.id;
    Completion { sequence, position, response: Response { request, user_data: "".into(), outcome } }
}

fn commit(before: Sequence) -> Commit {
    Commit { batch: 0, received: before, before, ended: false }
}

async fn pending(log: &dyn Log) -> Vec<Sequence> {
    log.requests(&client(), 0, ALL).await.unwrap().iter().map(|it| it.sequence).collect()
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let folder = TempDir::new().unwrap();
    let mut count = 0;
    contract::all(async || {
        count += 1;
        let path = folder.path().join(format!("{count}.redb"));
        DiskStore::open(&DiskConfig { path, size: 1 << 20, cache_size: 1 << 20 }).unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_restart_finds_what_was_committed_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path(), 1 << 20);
    let log = store.create(record(1)).await.unwrap();
    log.append(&client(), (0..5).map(request).collect(), None).await.unwrap();
    log.commit(&client(), commit(5)).await.unwrap();
    log.complete(&client(), vec![completion(3, 0)]).await.unwrap();
    log.append(&client(), (5..9).map(request).collect(), None).await.unwrap();
    let fence = log.fence();
    drop(log);
    store.close().await;
    let closed = store.sessions(None).await;
    assert!(matches!(closed, Err(StoreError::Unavailable(_))), "{closed:?}");
    let taken = store.taken();
    let again = open(folder.path(), 1 << 20);
    assert_eq!(again.taken(), taken, "it is counted as before");
    let opened = again.acquire(SessionId(1)).await.unwrap().unwrap();
    assert_eq!(opened.record, record(1));
    assert!(opened.log.fence() > fence);
    assert_eq!(pending(&*opened.log).await, [0, 1, 2, 4]);
    let (_, recovered) = &opened.clients[0];
    assert_eq!((recovered.commit, recovered.pending.len(), recovered.answered.len()), (commit(5), 4, 1));
    // Another client's number is none that was used.
    let other = ClientId::new("other").unwrap();
    opened.log.append(&other, vec![request(0)], None).await.unwrap();
    opened.log.commit(&other, commit(1)).await.unwrap();
    assert_eq!(pending(&*opened.log).await, [0, 1, 2, 4]);
}

#[tokio::test]
async fn what_was_written_before_its_commit_is_dropped_by_the_next_owner() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path(), 1 << 30);
    let log = store.create(record(1)).await.unwrap();
    let large = |sequence| {
        let mut large = request(sequence);
        large.request.body = vec![7; 6 << 20].into();
        large
    };
    log.append(&client(), vec![request(0)], None).await.unwrap();
    log.commit(&client(), commit(1)).await.unwrap();
    // With the third of them there are more than wait in memory.
    for sequence in 1..=4 {
        log.append(&client(), vec![large(sequence)], None).await.unwrap();
    }
    assert_eq!(pending(&*log).await, [0, 1, 2, 3, 4]);
    log.discard(&client(), 2).await.unwrap();
    log.append(&client(), vec![request(2)], None).await.unwrap();
    assert_eq!(pending(&*log).await, [0, 1, 2]);
    let opened = store.acquire(SessionId(1)).await.unwrap().unwrap();
    assert_eq!(pending(&*opened.log).await, [0]);
    drop((log, opened));
    let opened = store.acquire(SessionId(1)).await.unwrap().unwrap();
    opened.log.append(&client(), vec![request(1)], None).await.unwrap();
    opened.log.commit(&client(), commit(2)).await.unwrap();
    assert_eq!(pending(&*opened.log).await, [0, 1]);
}

#[tokio::test]
async fn it_holds_so_much_and_no_more_but_answers() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path(), 10_000);
    let log = store.create(record(1)).await.unwrap();
    let mut sequence = 0;
    let refused = loop {
        match log.append(&client(), vec![request(sequence)], None).await {
            Ok(()) => sequence += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, StoreError::Full);
    assert!(sequence > 10 && store.taken() <= 10_000, "{sequence}");
    log.commit(&client(), commit(sequence)).await.unwrap();
    log.complete(&client(), (0..sequence).map(|it| completion(it, it)).collect()).await.unwrap();
    assert_eq!(log.responses(&client(), 0, ALL).await.unwrap().len() as u64, sequence);
    assert_eq!(store.create(record(2)).await.err(), None, "the answers are shorter");
    log.purge(&client()).await.unwrap();
    log.delete().await.unwrap();
    let emptied = async {
        while store.taken() > 500 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), emptied).await.expect("it is given back");
}
