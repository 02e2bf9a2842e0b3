use crate::connection::Connection;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// The least time between two rounds of attempts, also where someone waits for them.
const BREATH: Duration = Duration::from_millis(200);

/// The ways of a client from gateways that drain to the next ones.
#[derive(Default)]
pub(crate) struct Moves {
    state: Mutex<State>,
    /// How many rounds of attempts to get to another gateway have failed.
    failed: watch::Sender<u64>,
    /// Someone waits for such a round.
    hurry: Notify,
}

#[derive(Default)]
struct State {
    /// Connections to gateways that drain, whether or not there is another one already.
    left: Vec<Weak<Connection>>,
    /// When it was seen last that one of them had ended.
    ended: Option<Instant>,
    /// Whether there has been no other connection since the last gateway drained.
    is_on_the_way: bool,
    /// When there was.
    came: Option<Instant>,
}

impl State {
    /// Forgets those that have ended.
    fn look(&mut self) {
        let before = self.left.len();
        self.left.retain(|it| it.upgrade().is_some_and(|it| !it.link.is_closed()));
        if self.left.len() < before {
            self.ended = Some(Instant::now());
        }
    }
}

impl Moves {
    /// The gateway of `connection` drains.
    pub(crate) fn begin(&self, connection: &Arc<Connection>) {
        let mut state = self.state.lock();
        state.look();
        state.left.push(Arc::downgrade(connection));
        state.is_on_the_way = true;
    }

    /// There is another connection.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.is_on_the_way) {
            state.came = Some(Instant::now());
        }
    }

    /// When the last of them ended.
    pub(super) fn came(&self) -> Option<Instant> {
        self.state.lock().came
    }

    /// Whether the gateway of `connection` drains.
    pub(super) fn leaves(&self, connection: &Arc<Connection>) -> bool {
        self.state.lock().left.iter().any(|it| std::ptr::eq(it.as_ptr(), Arc::as_ptr(connection)))
    }

    /// The connections to gateways that drain, the last one first. `None` if there has been none since `start`.
    pub(super) fn left_since(&self, start: Instant) -> Option<Vec<Arc<Connection>>> {
        let mut state = self.state.lock();
        state.look();
        let stand: Vec<_> = state.left.iter().rev().filter_map(Weak::upgrade).collect();
        let has_stood = state.ended.is_some_and(|ended| ended >= start);
        (has_stood || !stand.is_empty()).then_some(stand)
    }

    /// No other gateway has taken the client in this round.
    pub(crate) fn round_failed(&self) {
        self.failed.send_modify(|failed| *failed += 1);
    }

    /// Waits until someone waits for the next round, and it may begin.
    pub(crate) async fn hurried(&self) {
        self.hurry.notified().await;
        tokio::time::sleep(BREATH).await;
    }

    /// Waits until a round that begins from now on has failed, and has it begin soon.
    pub(super) async fn fail(&self) {
        let mut failed = self.failed.subscribe();
        // The next one to end may have begun before.
        for _ in 0..2 {
            self.hurry.notify_one();
            // The sender is here.
            let _ = failed.changed().await;
        }
    }
}
