//! Ending: the signal that asks for it, and the drain that waits for the work under way.
//!
//! ```text
//! serving ── first SIGTERM or SIGINT ──▶ draining ── all tasks ended ──▶ Drained::Clean
//!                                           ├────── deadline ─────────▶ Drained::DeadlinePassed
//!                                           └────── second signal ────▶ Drained::Interrupted
//! ```

mod drain;
mod signals;

pub use drain::{Drain, DrainWatch, StillRunning};
pub use signals::{Signal, Signals};

use std::time::Duration;

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every task ended by itself.
    Clean,
    /// The deadline passed with this many tasks still running.
    DeadlinePassed(StillRunning),
    /// A second signal came; the caller exits at once, by convention with code 130
    /// ([`Exit::Interrupted`](crate::exit::Exit::Interrupted)).
    Interrupted(Signal),
}

/// Drains after the first signal was received, until all tasks have ended, the deadline passes or a second
/// signal comes.
///
/// Tasks that are still running then are not aborted here; they end with the runtime. A caller that must not
/// wait for blocking tasks ends it with `Runtime::shutdown_background`.
pub async fn drain_or_signal(drain: Drain, signals: &mut Signals, deadline: Duration) -> Drained {
    tokio::select! {
        // In this order a drain that is already over wins over a signal that came with it.
        biased;
        drained = drain.finish(deadline) => match drained {
            Ok(()) => Drained::Clean,
            Err(still_running) => Drained::DeadlinePassed(still_running),
        },
        signal = signals.recv() => Drained::Interrupted(signal),
    }
}
