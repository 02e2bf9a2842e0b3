//! The power is cut at any moment, and a model says what has to be there.

use super::cut_disk::CutDisk;
use super::{ALL, client, commit, completion, record, request};
use crate::DiskStore;
use frontier_sessions::{SessionId, Store};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Numbers by which a run can be had again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// What was told to whoever writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    /// Requests below were committed, and those below this may be.
    committed: u64,
    committing: u64,
    /// These were answered, and these may be.
    answered: BTreeSet<u64>,
    answering: BTreeSet<u64>,
}

async fn write(store: DiskStore, told: Arc<Mutex<Told>>, mut chance: Chance) {
    let log = store.create(record(1)).await.unwrap();
    let mut position = 0;
    for _ in 0..6 {
        let before = told.lock().unwrap().committed;
        let after = before + 1 + chance.below(20);
        log.append(&client(), (before..after).map(request).collect(), None).await.unwrap();
        told.lock().unwrap().committing = after;
        log.commit(&client(), commit(after)).await.unwrap();
        let open: Vec<u64> = {
            let mut told = told.lock().unwrap();
            told.committed = after;
            (0..after).filter(|it| !told.answered.contains(it)).collect()
        };
        let chosen: Vec<u64> = open.into_iter().filter(|_| chance.below(3) == 0).collect();
        told.lock().unwrap().answering = chosen.iter().copied().collect();
        let completions = chosen.iter().map(|&it| {
            position += 1;
            completion(it, position - 1)
        });
        log.complete(&client(), completions.collect()).await.unwrap();
        let mut told = told.lock().unwrap();
        let answering = std::mem::take(&mut told.answering);
        told.answered.extend(answering);
    }
}

async fn check(left: &CutDisk, told: &Told, seed: u64) {
    let store = DiskStore::open_with(left.opener(), 1 << 30).unwrap();
    let Some(opened) = store.acquire(SessionId(1)).await.unwrap() else {
        assert_eq!(told.committed, 0, "seed {seed}: a session is lost");
        return;
    };
    let pending = opened.log.requests(&client(), 0, ALL).await.unwrap();
    let pending: BTreeSet<u64> = pending.iter().map(|it| it.sequence).collect();
    let responses = opened.log.responses(&client(), 0, ALL).await.unwrap();
    let answered: BTreeSet<u64> =
        responses.iter().map(|it| u64::try_from(it.response.request.0 - 1000).unwrap()).collect();
    assert_eq!(responses.len(), answered.len(), "seed {seed}: answered twice");
    assert!(pending.is_disjoint(&answered), "seed {seed}: answered, and not");
    let all: BTreeSet<u64> = pending.union(&answered).copied().collect();
    let count = all.len() as u64;
    assert_eq!(all, (0..count).collect(), "seed {seed}: a gap");
    assert!(count == told.committed || count == told.committing, "seed {seed}: {count} of {told:?}");
    let may: BTreeSet<u64> = told.answered.union(&told.answering).copied().collect();
    assert!(answered == told.answered || answered == may, "seed {seed}: {answered:?} of {told:?}");
    let commit = opened.clients.first().map_or(0, |(_, it)| it.commit.before);
    assert_eq!(commit, count, "seed {seed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_is_there_and_all_of_a_batch_or_none() {
    let mut checked = 0;
    for seed in 0..60 {
        let mut chance = Chance(seed * 7919 + 1);
        let disk = CutDisk::default();
        let store = DiskStore::open_with(disk.opener(), 1 << 30).unwrap();
        let told = Arc::new(Mutex::new(Told::default()));
        let writing = tokio::spawn(write(store, told.clone(), Chance(seed)));
        let cut_at = chance.below(16);
        while disk.syncs() < cut_at && !writing.is_finished() {
            tokio::task::yield_now().await;
        }
        let before = told.lock().unwrap().clone();
        let left = disk.cut(|| chance.below(2) == 0);
        // If something was told in between, nobody knows whether it was before the cut.
        if *told.lock().unwrap() == before {
            check(&left, &before, seed).await;
            checked += 1;
        }
        writing.abort();
        // It was cut, or had ended.
        let _ = writing.await;
    }
    assert!(checked > 20, "{checked} cuts were looked at");
}
