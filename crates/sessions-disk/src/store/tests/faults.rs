//! A disk that is full, broken, in use or changed behind our back.

use super::cut_disk::CutDisk;
use super::{ALL, client, commit, completion, open, pending, record, request};
use crate::{DiskConfig, DiskStore, OpenError};
use frontier_sessions::{ClientId, Log, SessionId, Store, StoreError, StoredRequest};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::task::JoinSet;

fn large(sequence: u64) -> StoredRequest {
    let mut large = request(sequence);
    large.request.body = vec![9; 1 << 20].into();
    large
}

#[tokio::test]
async fn commits_that_come_together_are_synced_together() {
    let disk = CutDisk::default();
    let store = DiskStore::open_with(disk.opener(), 1 << 30).unwrap();
    let log: Arc<dyn Log> = store.create(record(1)).await.unwrap().into();
    let before = disk.syncs();
    let mut writing = JoinSet::new();
    for number in 0..500_u64 {
        let log = log.clone();
        let client = ClientId::new(&format!("c{number}")).unwrap();
        writing.spawn(async move {
            log.append(&client, vec![request(0)], None).await.unwrap();
            log.commit(&client, commit(1)).await.unwrap();
        });
    }
    writing.join_all().await;
    let syncs = disk.syncs() - before;
    assert!((1..250).contains(&syncs), "{syncs} syncs for 500 commits");
}

#[tokio::test]
async fn a_disk_that_is_full_is_told_loses_nothing_and_is_used_again() {
    let disk = CutDisk::default();
    let store = DiskStore::open_with(disk.opener(), 1 << 30).unwrap();
    let log = store.create(record(1)).await.unwrap();
    log.append(&client(), (0..3).map(request).collect(), None).await.unwrap();
    log.commit(&client(), commit(3)).await.unwrap();
    disk.fill(Some(64 << 10));
    log.append(&client(), (3..8).map(large).collect(), None).await.unwrap();
    assert_eq!(log.commit(&client(), commit(8)).await, Err(StoreError::Full));
    assert_eq!(pending(&*log).await.len(), 8, "they wait for the next commit");
    disk.fill(None);
    log.commit(&client(), commit(8)).await.unwrap();
    log.complete(&client(), vec![completion(0, 0)]).await.unwrap();
    let opened = store.acquire(SessionId(1)).await.unwrap().unwrap();
    assert_eq!(pending(&*opened.log).await, [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn requests_that_could_not_be_written_are_not_kept_and_others_take_their_places() {
    let disk = CutDisk::default();
    let store = DiskStore::open_with(disk.opener(), 1 << 30).unwrap();
    let log = store.create(record(1)).await.unwrap();
    log.append(&client(), (0..12).map(large).collect(), None).await.unwrap();
    disk.fill(Some(64 << 10));
    // With these there are more than wait in memory.
    assert_eq!(log.append(&client(), (12..20).map(large).collect(), None).await, Err(StoreError::Full));
    assert_eq!(pending(&*log).await.len(), 12);
    disk.fill(None);
    let mut other = request(12);
    other.request.body = "another".into();
    log.append(&client(), vec![other.clone()], None).await.unwrap();
    log.commit(&client(), commit(13)).await.unwrap();
    let opened = store.acquire(SessionId(1)).await.unwrap().unwrap();
    let stored = opened.log.requests(&client(), 12, ALL).await.unwrap();
    assert_eq!(stored, [other]);
}

#[tokio::test]
async fn a_disk_that_fails_is_told_and_what_is_said_again_is_done_once() {
    let disk = CutDisk::default();
    let store = DiskStore::open_with(disk.opener(), 1 << 30).unwrap();
    let log = store.create(record(1)).await.unwrap();
    log.append(&client(), (0..3).map(request).collect(), None).await.unwrap();
    log.commit(&client(), commit(3)).await.unwrap();
    disk.fail(true);
    let failed = log.complete(&client(), vec![completion(1, 0)]).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
    let failed = log.commit(&client(), commit(3)).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
    disk.fail(false);
    log.complete(&client(), vec![completion(1, 0)]).await.unwrap();
    assert_eq!(pending(&*log).await, [0, 2]);
    assert_eq!(log.responses(&client(), 0, ALL).await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_process_has_it_and_another_file_is_none() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path(), 1 << 20);
    let config = DiskConfig { path: folder.path().join("sessions.redb"), size: 1, cache_size: 1 << 20 };
    assert!(matches!(DiskStore::open(&config), Err(OpenError::InUse)));
    store.close().await;
    std::fs::write(&config.path, b"this is no such file").unwrap();
    let error = DiskStore::open(&config).err().map(|error| error.to_string());
    assert!(error.is_some_and(|text| !text.is_empty()));
    let nowhere = DiskConfig { path: folder.path().join("no/such/folder"), ..config };
    assert!(matches!(DiskStore::open(&nowhere), Err(OpenError::Engine(_))));
}

#[tokio::test]
async fn what_was_changed_on_the_disk_is_damage_and_no_answer() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path(), 1 << 20);
    let log = store.create(record(1)).await.unwrap();
    let mut marked = request(0);
    marked.request.body = b"a body that can be found again".to_vec().into();
    log.append(&client(), vec![marked], None).await.unwrap();
    log.commit(&client(), commit(1)).await.unwrap();
    drop(log);
    store.close().await;
    let path = folder.path().join("sessions.redb");
    let bytes = std::fs::read(&path).unwrap();
    let wanted = b"a body that can be found";
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let places: Vec<_> = bytes.windows(wanted.len()).enumerate().filter(|(_, it)| *it == wanted).collect();
    assert!(!places.is_empty());
    for (place, _) in places {
        file.write_all_at(b"A", place as u64).unwrap();
    }
    let store = open(folder.path(), 1 << 20);
    let opened = store.acquire(SessionId(1)).await.unwrap().unwrap();
    let read = opened.log.requests(&client(), 0, ALL).await;
    assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
}
