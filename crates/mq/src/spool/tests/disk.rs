//! A disk that is slow, that fails, and that is damaged.

use super::super::log::Append;
use super::*;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc;

/// A file that is synced when the test says so, and how.
struct Slow {
    file: File,
    syncs: Arc<Mutex<mpsc::Receiver<bool>>>,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Append for Slow {
    fn sync(&mut self) -> io::Result<()> {
        // Without a test all goes well.
        let is_well = self.syncs.lock().recv().unwrap_or(true);
        if is_well { self.file.sync_data() } else { Err(io::Error::other("the disk is broken")) }
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
}

fn slow(config: &SpoolConfig) -> (World, mpsc::Sender<bool>) {
    let (sync, syncs) = mpsc::channel();
    let syncs = Arc::new(Mutex::new(syncs));
    let mut open = OpenSpool::open("test", config).unwrap();
    open.log.set_create(Box::new(move |path: &Path| {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        Ok(Box::new(Slow { file, syncs: syncs.clone() }))
    }));
    (World::of(open), sync)
}

#[tokio::test]
async fn a_disk_that_does_not_answer_holds_up_only_what_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (world, sync) = slow(&config(&folder));
    world.pending.connected();
    world.send("full", 0).unwrap();
    world.refuse(&world.taken().await, Cause::Busy);
    // The first one is on its way to disk, for as long as the test wants; none of these is acked.
    let mut taken = 1;
    while world.send("full", taken).is_ok() {
        taken += 1;
        assert!(taken <= BOUNDS.messages as u64, "memory is bounded");
    }
    assert_eq!(world.ends.0.lock().len(), 0);
    assert_eq!(taken, BOUNDS.messages as u64 / 2, "a half is for those who do not wait for the disk");
    let mut full = Vec::new();
    for token in 100..110 {
        world.send("free", token).unwrap();
        loop {
            let taken = world.taken().await;
            let (free, more): (Vec<_>, Vec<_>) =
                taken.into_iter().partition(|(_, text)| text.starts_with("free"));
            full.extend(more);
            if !world.confirm(&free).is_empty() {
                break;
            }
        }
        world.told(&[(token, None)]).await;
    }
    drop(sync);
    world.acked(0..taken).await;
    let mut had = world.confirm(&full);
    had.extend(world.confirmed(usize::try_from(taken).unwrap() - full.len()).await);
    assert_eq!(had, texts("full", 0..taken));
    world.end().await;
}

#[tokio::test]
async fn a_disk_that_fails_is_a_refusal_and_never_an_ack() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let (world, sync) = slow(&config);
    sync.send(true).unwrap();
    world.send("a", 0).unwrap();
    world.acked(0..1).await;
    // The sync, and the one that takes it back.
    for is_well in [false, true] {
        sync.send(is_well).unwrap();
    }
    world.send("a", 1).unwrap();
    world.told(&[(1, Some(Cause::Busy))]).await;
    assert!(world.spool.status().failing.unwrap().contains("the disk is broken"));
    drop(sync);
    world.send("a", 2).unwrap();
    world.acked(2..3).await;
    assert_eq!(world.spool.status().failing, None);
    world.end().await;
    let world = World::start(&config);
    world.pending.connected();
    assert_eq!(world.confirmed(2).await, ["a 0", "a 2"]);
    world.end().await;
}

#[tokio::test]
async fn a_disk_that_can_not_be_read_now_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    (0..3).for_each(|token| world.send("a", token).unwrap());
    world.acked(0..3).await;
    let name = files(&config).into_iter().find(|name| name.ends_with(".spool")).unwrap();
    let (path, aside) = (config.path.join(name), folder.path().join("aside"));
    std::fs::rename(&path, &aside).unwrap();
    // It opens, and can't be read.
    std::fs::create_dir(&path).unwrap();
    world.pending.connected();
    until("reading fails", || world.spool.state.lock().failed.happened()).await;
    assert_eq!((world.spool.status().messages, world.count(SpoolCount::Damaged)), (3, 0));
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(&aside, &path).unwrap();
    assert_eq!(world.confirmed(3).await, texts("a", 0..3));
    world.is_empty().await;
    world.end().await;
}

#[tokio::test]
async fn a_fault_of_the_disk_is_told_until_it_has_gone_though_nobody_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (world, sync) = slow(&config(&folder));
    // The sync, the one that takes it back, and one more look that fails.
    for is_well in [false, false, false] {
        sync.send(is_well).unwrap();
    }
    world.send("a", 0).unwrap();
    world.told(&[(0, Some(Cause::Busy))]).await;
    assert!(world.spool.status().failing.unwrap().contains(".spool: "));
    until("it is looked at again", || {
        world.spool.status().failing.is_some_and(|cause| cause.contains("/probe: the disk is broken"))
    })
    .await;
    drop(sync);
    until("it has gone", || world.spool.status().failing.is_none()).await;
    let left = files(&config(&folder));
    assert!(!left.contains("probe"), "{left:?}");
    world.end().await;
}

#[tokio::test]
async fn dead_letters_that_wait_are_told_of_until_they_could_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    std::fs::create_dir(config.dead_letters()).unwrap();
    world.send("a", 0).unwrap();
    world.acked(0..1).await;
    world.pending.connected();
    world.refuse(&world.taken().await, Cause::Refused);
    until("it is said", || world.spool.status().stuck.is_some()).await;
    std::fs::remove_dir(config.dead_letters()).unwrap();
    // The broker takes it after all: nothing is written to the file.
    assert_eq!(world.confirmed(1).await, ["a 0"]);
    until("it could be written", || world.spool.status().stuck.is_none()).await;
    world.end().await;
}

#[tokio::test]
async fn what_the_start_finds_damaged_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    for token in 0..3 {
        world.send("a", token).unwrap();
        world.acked(token..token + 1).await;
    }
    world.end().await;
    let file = files(&config).into_iter().find(|name| name.ends_with(".spool")).unwrap();
    let path = config.path.join(file);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let world = World::start(&config);
    assert_eq!((world.count(SpoolCount::Damaged), world.spool.status().messages), (1, 2));
    world.pending.connected();
    assert_eq!(world.confirmed(2).await, ["a 0", "a 2"]);
    world.is_empty().await;
    world.end().await;
}
