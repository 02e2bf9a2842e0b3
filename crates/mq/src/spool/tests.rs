//! A sink with a spool, and a broker that is this test: what it says, and when, and what its disk does.

mod disk;
mod order;
mod refusals;
mod restarts;

use super::*;
use bytes::Bytes;
use std::collections::BTreeSet;
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
