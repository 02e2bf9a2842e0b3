//! What the streams of a QUIC connection share with its mux.

use parking_lot::Mutex;
use quinn::SendStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// From this many on, those that the peer has whole are looked for and let go.
const KEEP: usize = 16;

/// What the streams of a connection share with its mux.
#[derive(Default)]
pub(super) struct Shared {
    finished: Mutex<Finished>,
    /// Streams that the peer opened and that are still held here.
    accepted: AtomicU32,
}

/// Writing halves that were finished, and of which the peer may not have everything yet. Bounded by
/// twice the streams that were open at one time: QUIC allows new ones only when old ones are over.
#[derive(Default)]
struct Finished {
    halves: Vec<Arc<SendStream>>,
    /// How many are left from when they were last looked through.
    left: usize,
}

impl Shared {
    /// Keeps a finished half until the peer has everything.
    pub(super) fn keep(&self, half: Arc<SendStream>) {
        let mut finished = self.finished.lock();
        if finished.halves.len() >= KEEP.max(2 * finished.left) {
            finished.halves.retain(is_on_its_way);
            finished.left = finished.halves.len();
        }
        finished.halves.push(half);
    }

    pub(super) fn take_finished(&self) -> Vec<Arc<SendStream>> {
        std::mem::take(&mut *self.finished.lock()).halves
    }

    pub(super) fn count_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn discount_accepted(&self) {
        self.accepted.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn accepted(&self) -> u32 {
        self.accepted.load(Ordering::Relaxed)
    }
}

/// QUIC forgets a half that the peer has whole, and then knows no priority of it.
fn is_on_its_way(half: &Arc<SendStream>) -> bool {
    half.priority().is_ok()
}
