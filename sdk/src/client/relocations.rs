//! What a client knows of its moves from gateways that drain to the next ones.

use crate::connection::Connection;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// The least time between two rounds of attempts, also where someone waits for them.
const MIN_ROUND_INTERVAL: Duration = Duration::from_millis(200);

/// A client on its way from gateways that drain to the next ones.
#[derive(Default)]
pub(crate) struct Relocations {
    state: Mutex<State>,
    /// How many rounds of attempts to get to another gateway have failed.
    failed: watch::Sender<u64>,
    /// Someone waits for such a round to fail.
    requested: Notify,
}

#[derive(Default)]
struct State {
    /// Connections to gateways that drain, whether or not there is another one already.
    draining: Vec<Weak<Connection>>,
    /// When it was seen last that one of them had ended.
    ended: Option<Instant>,
    /// Whether there has been no other connection since the last gateway drained.
    is_moving: bool,
    /// When the last of these moves ended.
    arrived_at: Option<Instant>,
}

impl State {
    /// Forgets those that have ended.
    fn forget_ended(&mut self) {
        let before = self.draining.len();
        self.draining.retain(|it| it.upgrade().is_some_and(|it| !it.link.is_closed()));
        if self.draining.len() < before {
            self.ended = Some(Instant::now());
        }
    }
}

impl Relocations {
    /// The gateway of `connection` drains.
    pub(crate) fn started(&self, connection: &Arc<Connection>) {
        let mut state = self.state.lock();
        state.forget_ended();
        state.draining.push(Arc::downgrade(connection));
        state.is_moving = true;
    }

    /// There is another connection.
    pub(super) fn arrived(&self) {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.is_moving) {
            state.arrived_at = Some(Instant::now());
        }
    }

    /// When the last move ended.
    pub(super) fn arrived_at(&self) -> Option<Instant> {
        self.state.lock().arrived_at
    }

    /// Whether the gateway of `connection` drains.
    pub(super) fn is_leaving(&self, connection: &Arc<Connection>) -> bool {
        self.state.lock().draining.iter().any(|it| std::ptr::eq(it.as_ptr(), Arc::as_ptr(connection)))
    }

    /// The connections to gateways that drain, the last one first. `None` if there has been none since `start`.
    pub(super) fn draining_since(&self, start: Instant) -> Option<Vec<Arc<Connection>>> {
        let mut state = self.state.lock();
        state.forget_ended();
        let draining: Vec<_> = state.draining.iter().rev().filter_map(Weak::upgrade).collect();
        let was_draining = state.ended.is_some_and(|ended| ended >= start);
        (was_draining || !draining.is_empty()).then_some(draining)
    }

    /// No other gateway has taken the client in this round.
    pub(crate) fn round_failed(&self) {
        self.failed.send_modify(|failed| *failed += 1);
    }

    /// Waits until someone requests the next round, and it may begin.
    pub(crate) async fn round_requested(&self) {
        self.requested.notified().await;
        tokio::time::sleep(MIN_ROUND_INTERVAL).await;
    }

    /// Requests a round, and waits until one that began after this has failed.
    pub(super) async fn request_round(&self) {
        let mut failed = self.failed.subscribe();
        // The next one to end may have begun before.
        for _ in 0..2 {
            self.requested.notify_one();
            // The sender is here.
            let _ = failed.changed().await;
        }
    }
}
