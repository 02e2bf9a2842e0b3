//! The counted window, as the callers of one process share it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use parking_lot::Mutex;

use crate::tally::Tally;

/// Counts the operations that end while the window is open.
///
/// One for all callers of a process: a histogram is large, and on the default single thread the lock is never
/// contended.
#[derive(Debug)]
pub(crate) struct Meter {
    open: AtomicBool,
    state: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    opened: Instant,
    tally: Tally,
}

impl Meter {
    pub(crate) fn new() -> Result<Self> {
        let window = Window { opened: Instant::now(), tally: Tally::new()? };
        Ok(Self { open: AtomicBool::new(false), state: Mutex::new(window) })
    }

    pub(crate) fn open(&self) {
        self.state.lock().opened = Instant::now();
        self.open.store(true, Ordering::Release);
    }

    pub(crate) fn close(&self, empty: Tally) -> Tally {
        self.open.store(false, Ordering::Release);
        let mut window = self.state.lock();
        window.tally.window = window.opened.elapsed();
        std::mem::replace(&mut window.tally, empty)
    }

    /// A large message, which is sent beside the operations, is done.
    pub(crate) fn large_message_ended(&self) {
        if self.open.load(Ordering::Acquire) {
            self.state.lock().tally.large_messages += 1;
        }
    }

    /// An operation ends now that took so long.
    pub(crate) fn ended(&self, latency: Duration, result: &Result<(), Error>) {
        if !self.open.load(Ordering::Acquire) {
            return;
        }
        let tally = &mut self.state.lock().tally;
        match result {
            Ok(()) => tally.record(latency),
            Err(error) => tally.fail(error),
        }
    }
}
