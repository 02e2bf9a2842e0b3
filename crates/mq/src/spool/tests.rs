//! A sink with a spool, and a broker that is this test: what it says, and when, and what its disk does.

use super::log::Append;
use super::*;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc;
use tempfile::TempDir;

/// So long it may take, on a machine that is busy.
const DEADLINE: Duration = Duration::from_secs(30);

const BOUNDS: Bounds = Bounds {
    messages: 64,
    bytes: 1 << 20,
    timeout: Duration::from_secs(20),
    connect_timeout: Duration::from_secs(5),
    max_backoff: Duration::from_millis(20),
};

/// Notes what senders are told.
#[derive(Debug, Default)]
struct Ends(Mutex<Vec<(u64, Option<Cause>)>>);

impl Confirm for Ends {
    fn ended(&self, outcomes: Vec<Outcome>) {
        assert!(outcomes.len() <= CHUNK);
        let ends = outcomes.into_iter().map(|it| (it.token, it.result.err().map(|error| error.cause)));
        self.0.lock().extend(ends);
    }
}

struct World {
    spool: Arc<Spool>,
    pending: Arc<Pending>,
    ends: Arc<Ends>,
    ticking: tokio::task::JoinHandle<()>,
}

fn config(folder: &TempDir) -> SpoolConfig {
    SpoolConfig {
        path: folder.path().join("spool"),
        max_size: 4 << 20,
        max_messages: 1000,
        when_full: WhenFull::Refuse,
        after: Duration::from_secs(10),
        attempts: 2,
        dead_letter_size: 1 << 20,
    }
}

impl World {
    fn start(config: &SpoolConfig) -> Self {
        Self::of(OpenSpool::open("test", config).unwrap())
    }

    fn of(open: OpenSpool) -> Self {
        Self::within(open, BOUNDS)
    }

    fn within(open: OpenSpool, bounds: Bounds) -> Self {
        let ends = Arc::<Ends>::default();
        let (spool, pending) = Spool::start("test", bounds, open, ends.clone()).unwrap();
        let ticking = tokio::spawn({
            let spool = spool.clone();
            async move {
                spool.keep_time().await;
            }
        });
        Self { spool, pending, ends, ticking }
    }

    /// The payload is the token.
    fn send(&self, topic: &str, token: u64) -> Result<(), Cause> {
        let message = Message {
            edge_id: 1,
            job: None,
            topic: topic.into(),
            custom: Bytes::new(),
            labels: Vec::new(),
            payload: token.to_string().into(),
            id: None,
        };
        self.spool.send(message, Some(token), BOUNDS.timeout).map_err(|error| error.cause)
    }

    /// Waits until these have been told.
    async fn told(&self, expected: &[(u64, Option<Cause>)]) {
        until("they are told", || self.ends.0.lock().len() >= expected.len()).await;
        let mut told = std::mem::take(&mut *self.ends.0.lock());
        told.sort_by_key(|(token, _)| *token);
        assert_eq!(told, expected);
    }

    async fn acked(&self, tokens: std::ops::Range<u64>) {
        self.told(&tokens.map(|token| (token, None)).collect::<Vec<_>>()).await;
    }

    /// What goes to the broker next: numbers, with topics and payloads.
    async fn taken(&self) -> Vec<(u64, String)> {
        let taken = tokio::time::timeout(DEADLINE, self.pending.take(usize::MAX, usize::MAX));
        let text =
            |message: &Message| format!("{} {}", message.topic, String::from_utf8_lossy(&message.payload));
        let taken = taken.await.expect("something goes to the broker");
        taken.into_iter().map(|(number, message)| (number, text(&message))).collect()
    }

    /// The same until there are so many: what is sent together comes in parts.
    async fn take(&self, count: usize) -> Vec<(u64, String)> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(self.taken().await);
        }
        assert_eq!(all.len(), count);
        all
    }

    fn confirm(&self, taken: &[(u64, String)]) -> Vec<String> {
        self.pending.answer(taken.iter().map(|(number, _)| (*number, Ok(()))));
        taken.iter().map(|(_, text)| text.clone()).collect()
    }

    /// The broker confirms whatever comes, until it has had so many: what it had, in its order.
    async fn confirmed(&self, count: usize) -> Vec<String> {
        let mut had = Vec::new();
        while had.len() < count {
            had.extend(self.confirm(&self.taken().await));
        }
        had
    }

    fn refuse(&self, taken: &[(u64, String)], cause: Cause) {
        self.pending
            .answer(taken.iter().map(|(number, _)| (*number, Err(SendError::new(cause, "it says no")))));
    }

    async fn is_empty(&self) {
        until("the spool is empty", || self.spool.status().messages == 0).await;
    }

    fn count(&self, count: SpoolCount) -> u64 {
        self.spool.count(count)
    }

    /// Ends it, so that the folder is free.
    async fn end(self) {
        self.pending.end_everything();
        self.spool.stop();
        until("the thread ends", || self.spool.is_stopped()).await;
        self.ticking.abort();
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < end, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn texts(topic: &str, tokens: std::ops::Range<u64>) -> Vec<String> {
    tokens.map(|token| format!("{topic} {token}")).collect()
}

fn files(config: &SpoolConfig) -> BTreeSet<String> {
    let entries = std::fs::read_dir(&config.path).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn what_comes_while_the_broker_is_away_is_acked_and_goes_there_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    // More than memory holds.
    for token in 0..200 {
        world.send(["a", "b"][usize::try_from(token % 2).unwrap()], token).unwrap();
        until("it is acked", || world.ends.0.lock().len() as u64 == token + 1).await;
    }
    world.acked(0..200).await;
    let status = world.spool.status();
    assert!(status.messages == 200 && status.bytes > 200 * 50 && status.oldest.is_some(), "{status:?}");
    world.pending.connected();
    let had = world.confirmed(200).await;
    for (topic, rest) in [("a", 0), ("b", 1)] {
        let of_topic: Vec<&String> = had.iter().filter(|text| text.starts_with(topic)).collect();
        let expected: Vec<String> = (0..100).map(|it| format!("{topic} {}", 2 * it + rest)).collect();
        assert_eq!(of_topic, expected.iter().collect::<Vec<_>>());
    }
    world.is_empty().await;
    until("its files are gone", || files(&config).into_iter().eq(["lock".to_owned()])).await;
    assert_eq!((world.count(SpoolCount::Spooled), world.count(SpoolCount::Drained)), (200, 200));
    // From here on nothing is written.
    world.send("a", 200).unwrap();
    assert_eq!(world.confirmed(1).await, ["a 200"]);
    world.acked(200..201).await;
    assert_eq!(world.count(SpoolCount::Spooled), 200);
    world.end().await;
}

#[tokio::test]
async fn what_was_at_a_lost_broker_goes_before_what_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(&config(&folder));
    world.pending.connected();
    (0..4).for_each(|token| world.send("a", token).unwrap());
    let taken = world.taken().await;
    world.pending.answer([(taken[0].0, Ok(()))]);
    (4..6).for_each(|token| world.send("a", token).unwrap());
    // Three that the broker may have, and two that it has not.
    world.pending.lost("gone", true);
    (6..8).for_each(|token| world.send("a", token).unwrap());
    world.acked(0..8).await;
    world.pending.connected();
    (8..10).for_each(|token| world.send("a", token).unwrap());
    assert_eq!(world.confirmed(9).await, texts("a", 1..10));
    world.acked(8..10).await;
    world.is_empty().await;
    world.end().await;
}

#[tokio::test]
async fn a_broker_that_is_slow_is_waited_for_so_long_and_its_late_confirm_counts() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(&SpoolConfig { after: Duration::from_millis(50), ..config(&folder) });
    world.pending.connected();
    (0..3).for_each(|token| world.send("a", token).unwrap());
    let taken = world.taken().await;
    world.acked(0..3).await;
    assert_eq!(world.spool.status().messages, 3);
    world.confirm(&taken);
    world.is_empty().await;
    // Nothing is sent again.
    world.send("a", 3).unwrap();
    assert_eq!(world.confirmed(1).await, ["a 3"]);
    world.end().await;
}

#[tokio::test]
async fn a_topic_that_is_refused_for_now_waits_and_no_other_does() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(&config(&folder));
    world.pending.connected();
    (0..2).for_each(|token| world.send("full", token).unwrap());
    world.refuse(&world.taken().await, Cause::Busy);
    world.acked(0..2).await;
    world.send("full", 2).unwrap();
    world.acked(2..3).await;
    let (mut refusals, mut full) = (0, Vec::new());
    for token in 10..40 {
        world.send("free", token).unwrap();
        // The other one is tried again and again, with all that waits there, in its order.
        loop {
            let taken = world.taken().await;
            let (free, more): (Vec<_>, Vec<_>) =
                taken.into_iter().partition(|(_, text)| text.starts_with("free"));
            full.extend(more);
            if full.len() == 3 {
                assert!(full.iter().map(|(_, text)| text).eq(&texts("full", 0..3)));
                world.refuse(&std::mem::take(&mut full), Cause::Busy);
                refusals += 1;
            }
            if !world.confirm(&free).is_empty() {
                break;
            }
        }
    }
    world.acked(10..40).await;
    assert!(refusals < 1000, "there are pauses");
    let mut had = world.confirm(&full);
    had.extend(world.confirmed(3 - full.len()).await);
    assert_eq!(had, texts("full", 0..3));
    world.is_empty().await;
    assert_eq!(world.count(SpoolCount::Spooled), 3, "the other topic never went to disk");
    world.end().await;
}

#[tokio::test]
async fn what_has_not_left_does_not_overtake_what_was_refused_or_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { timeout: Duration::from_millis(300), ..BOUNDS };
    let world = World::within(OpenSpool::open("test", &config(&folder)).unwrap(), bounds);
    world.pending.connected();
    (0..6).for_each(|token| world.send("a", token).unwrap());
    // The broker takes two at a time.
    let taken = |taken: Vec<(u64, Arc<Message>)>| {
        taken.into_iter().map(|(number, _)| (number, String::new())).collect::<Vec<_>>()
    };
    let two = taken(world.pending.take(2, usize::MAX).await);
    world.refuse(&two, Cause::Busy);
    world.acked(0..6).await;
    let two = taken(world.pending.take(2, usize::MAX).await);
    let deadlines = tokio::spawn({
        let pending = world.pending.clone();
        async move { pending.keep_deadlines().await }
    });
    // It answers nothing; and those that wait for it wait on.
    let numbers: Vec<u64> = two.iter().map(|(number, _)| *number).collect();
    until("its time is over", || world.pending.status().in_flight == 0).await;
    deadlines.abort();
    let all = world.take(6).await;
    assert!(all.iter().all(|(number, _)| !numbers.contains(number)));
    assert_eq!(world.confirm(&all), texts("a", 0..6));
    world.is_empty().await;
    world.end().await;
}

#[tokio::test]
async fn who_is_told_that_it_was_not_sent_in_time_is_told_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { timeout: Duration::from_millis(300), ..BOUNDS };
    let config = SpoolConfig { max_messages: 1, ..config(&folder) };
    let world = World::within(OpenSpool::open("test", &config).unwrap(), bounds);
    world.pending.connected();
    (0..3).for_each(|token| world.send("a", token).unwrap());
    let first = world.pending.take(1, usize::MAX).await;
    // There is room for the first one on disk, which the broker has; the others neither leave nor are written.
    world.told(&[(0, None), (1, Some(Cause::Deadline)), (2, Some(Cause::Deadline))]).await;
    assert_eq!(world.pending.status().waiting, 0);
    world.pending.answer([(first[0].0, Ok(()))]);
    world.is_empty().await;
    world.send("a", 3).unwrap();
    assert_eq!(world.confirmed(1).await, ["a 3"]);
    world.acked(3..4).await;
    world.end().await;
}

#[tokio::test]
async fn a_full_spool_refuses_or_drops_the_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let by_count = SpoolConfig { max_messages: 3, ..config(&folder) };
    let world = World::start(&by_count);
    (0..3).for_each(|token| world.send("a", token).unwrap());
    assert_eq!(world.send("a", 3), Err(Cause::Overloaded));
    world.acked(0..3).await;
    assert_eq!(world.count(SpoolCount::Refused), 1);
    world.pending.connected();
    assert_eq!(world.confirmed(3).await, texts("a", 0..3));
    world.is_empty().await;
    world.end().await;

    let folder = tempfile::tempdir().unwrap();
    let by_size = SpoolConfig { max_size: 1 << 20, when_full: WhenFull::DropOldest, ..config(&folder) };
    let world = World::start(&by_size);
    let payload = Bytes::from(vec![0; 40_000]);
    for token in 0..40 {
        let message = Message {
            edge_id: token,
            job: None,
            topic: "a".into(),
            custom: Bytes::new(),
            labels: Vec::new(),
            payload: payload.clone(),
            id: None,
        };
        world.spool.send(message, Some(token), BOUNDS.timeout).unwrap();
        until("it is acked", || world.ends.0.lock().len() as u64 == token + 1).await;
        let bytes = world.spool.status().bytes;
        assert!(bytes <= 1 << 20, "{bytes}");
    }
    let (left, dropped) = (world.spool.status().messages as u64, world.count(SpoolCount::Dropped));
    assert!(left + dropped == 40 && left > 15, "{left} left, {dropped} dropped");
    world.pending.connected();
    let mut had = Vec::new();
    while (had.len() as u64) < left {
        let taken = tokio::time::timeout(DEADLINE, world.pending.take(usize::MAX, usize::MAX)).await.unwrap();
        world.pending.answer(taken.iter().map(|(number, _)| (*number, Ok(()))));
        had.extend(taken.into_iter().map(|(_, message)| message.edge_id));
    }
    assert_eq!(had, (dropped..40).collect::<Vec<_>>());
    world.end().await;
}

#[tokio::test]
async fn a_refusal_for_good_goes_to_its_sender_or_to_the_dead_letters() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    world.pending.connected();
    for (token, cause) in [(0, Cause::TooLarge), (1, Cause::Denied), (2, Cause::NoTarget)] {
        world.send("a", token).unwrap();
        world.refuse(&world.taken().await, cause);
        world.told(&[(token, Some(cause))]).await;
    }
    assert_eq!(world.spool.status().messages, 0);
    world.pending.lost("gone", false);
    (3..6).for_each(|token| world.send("a", token).unwrap());
    world.acked(3..6).await;
    world.pending.connected();
    let taken = world.take(3).await;
    world.refuse(&taken[..1], Cause::TooLarge);
    world.pending.answer([(taken[2].0, Ok(()))]);
    // Nobody takes it: it may be that somebody does later.
    world.refuse(&taken[1..2], Cause::NoTarget);
    let again = world.taken().await;
    assert_eq!(again[0].1, "a 4");
    world.refuse(&again, Cause::NoTarget);
    world.is_empty().await;
    assert_eq!(world.count(SpoolCount::DeadLettered), 2);
    let text = std::fs::read_to_string(config.dead_letters()).unwrap();
    let dead: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((dead[0]["payload"].as_str(), dead[0]["attempts"].as_u64()), (Some("Mw=="), Some(1)));
    assert_eq!((dead[1]["payload"].as_str(), dead[1]["attempts"].as_u64()), (Some("NA=="), Some(2)));
    assert_eq!(
        (&*dead[0]["origin"].to_string(), &*dead[0]["reason"].to_string()),
        ("\"a\"", "\"it says no\"")
    );
    assert_eq!(dead[0]["headers"]["Frontier-Edge-Id"], "1");
    world.end().await;
}

#[tokio::test]
async fn a_message_that_is_over_a_new_bound_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    let message = Message {
        edge_id: 1,
        job: None,
        topic: "a".into(),
        custom: Bytes::new(),
        labels: Vec::new(),
        payload: Bytes::from(vec![0; 100_000]),
        id: None,
    };
    world.spool.send(message, Some(0), BOUNDS.timeout).unwrap();
    world.send("a", 1).unwrap();
    world.acked(0..2).await;
    world.end().await;
    let world = World::within(OpenSpool::open("test", &config).unwrap(), Bounds { bytes: 50_000, ..BOUNDS });
    world.pending.connected();
    assert_eq!(world.confirmed(1).await, ["a 1"]);
    world.is_empty().await;
    let text = std::fs::read_to_string(config.dead_letters()).unwrap();
    assert!(text.lines().count() == 1 && text.contains("max_inflight_size"), "{}", &text[..300]);
    world.end().await;
}

#[tokio::test]
async fn dead_letters_that_can_not_be_written_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    std::fs::create_dir(config.dead_letters()).unwrap();
    world.send("a", 0).unwrap();
    world.acked(0..1).await;
    world.pending.connected();
    world.refuse(&world.taken().await, Cause::Refused);
    until("it is said", || world.spool.status().stuck.is_some()).await;
    assert_eq!((world.spool.status().messages, world.count(SpoolCount::DeadLettered)), (1, 0));
    std::fs::remove_dir(config.dead_letters()).unwrap();
    world.refuse(&world.taken().await, Cause::Refused);
    world.is_empty().await;
    assert!(world.spool.status().stuck.is_none());
    world.end().await;
}

#[tokio::test]
async fn another_start_goes_on_where_the_last_one_ended() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let world = World::start(&config);
    (0..20).for_each(|token| world.send("a", token).unwrap());
    world.acked(0..20).await;
    assert!(matches!(OpenSpool::open("test", &config), Err(SpoolError::InUse(_))));
    world.pending.connected();
    let taken = world.take(20).await;
    world.confirm(&taken[..5]);
    // The end of a gateway: what is at the broker, and what has just come, is kept.
    world.send("a", 20).unwrap();
    world.spool.close();
    assert_eq!(world.send("a", 99), Err(Cause::Closing));
    world.end().await;
    let world = World::start(&config);
    assert_eq!(world.spool.status().messages, 16);
    world.send("a", 21).unwrap();
    world.acked(21..22).await;
    world.pending.connected();
    assert_eq!(world.confirmed(17).await, texts("a", 5..22));
    world.is_empty().await;
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
async fn an_id_stays_with_its_message_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let ids = async |world: &World| {
        let mut ids = Vec::new();
        while ids.len() < 2 {
            let taken =
                tokio::time::timeout(DEADLINE, world.pending.take(usize::MAX, usize::MAX)).await.unwrap();
            ids.extend(taken.into_iter().map(|(_, message)| message.id.unwrap()));
        }
        ids
    };
    let world = World::start(&config);
    world.pending.connected();
    (0..2).for_each(|token| world.send("a", token).unwrap());
    let first = ids(&world).await;
    assert_ne!(first[0], first[1]);
    world.end().await;
    let world = World::start(&config);
    world.pending.connected();
    assert_eq!(ids(&world).await, first);
    world.end().await;
}

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
