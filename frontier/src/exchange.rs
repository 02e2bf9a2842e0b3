//! The forwarding core: where a frame goes, and what becomes of it.
//!
//! ```text
//!   edge ── Request(method) ──▶ route by method ──▶ service        custom gains the EdgeID tail
//!   edge ── Publish(topic) ───▶ route by topic ───▶ service        custom gains the EdgeID tail
//!   service ── Request ───────▶ route by tail ────▶ edge           custom loses the tail
//!   service ── Publish ───────▶ route by tail ────▶ edge           custom loses the tail
//!                                    └ not here ──▶ another gateway, if it is known which one
//! ```
//!
//! Frames are forwarded by the task that read them: it decides, enters the question in both peers'
//! tables, and queues the frame on the target's outbox. Nothing here waits for a socket.

mod answer;
mod away;
pub(crate) mod balance;
mod detached;
mod error;
mod forward;
mod gateway_call;
mod lane;
mod leave;
mod movers;
mod parcel;
mod permit;
mod pump;
mod route;
mod stream;

pub(crate) use error::Failure;
pub(crate) use gateway_call::OwnCall;
pub(crate) use lane::Breach;
pub(crate) use route::offline;

use crate::config::{Balance, Limits};
use crate::forwarding::Forwarding;
use crate::latch::Latch;
use crate::registry::Registry;
use crate::roster::Roster;
use balance::Balancer;
use frontier_access::LogLimiter;
use movers::Movers;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How many calls the gateway itself has in flight at once; more wait for their turn.
const OWN_CALLS: usize = 4096;

/// How many lines a second tell of what peers may not do.
const DENIALS: u32 = 10;

/// The exchange and what it decides by.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) registry: Registry,
    pub(crate) limits: Limits,
    /// The other gateways of the cluster.
    pub(crate) roster: Roster,
    /// Set when the gateway begins to drain.
    pub(crate) draining: Latch,
    balancer: Balancer,
    /// The deadline of a question that brings none.
    call_timeout: Duration,
    started: Instant,
    /// The time of day when it started, in microseconds since 1970.
    started_at: u64,
    epochs: AtomicU64,
    /// Permits for calls of the gateway itself.
    own_calls: Semaphore,
    denials: LogLimiter,
    /// What reaches edges at other gateways.
    forwarding: OnceLock<Arc<Forwarding>>,
    /// Whether services that go elsewhere stay for the edges that are still here.
    keeps_services: AtomicBool,
    movers: Movers,
}

impl Exchange {
    pub(crate) fn new(limits: Limits, balance: Balance, call_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            registry: Registry::new(),
            limits,
            roster: Roster::default(),
            draining: Latch::default(),
            balancer: Balancer::new(balance),
            call_timeout,
            started: Instant::now(),
            started_at: micros_since_1970(),
            epochs: AtomicU64::new(0),
            own_calls: Semaphore::new(OWN_CALLS),
            denials: LogLimiter::new(DENIALS),
            forwarding: OnceLock::new(),
            keeps_services: AtomicBool::new(false),
            movers: Movers::default(),
        })
    }

    /// Seconds since the gateway started.
    pub(crate) fn clock(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    /// The clock of epochs, in microseconds. It starts from the time of day, so that epochs grow over
    /// restarts as well, and from there on it is not set.
    pub(crate) fn micros(&self) -> u64 {
        self.started_at + u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX / 2)
    }

    pub(crate) fn next_epoch(&self) -> frontier_protocol::Epoch {
        let micros = self.micros();
        let last = self.epochs.fetch_max(micros, std::sync::atomic::Ordering::Relaxed);
        if last < micros {
            return frontier_protocol::Epoch(micros);
        }
        frontier_protocol::Epoch(self.epochs.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1)
    }

    /// The deadline for a question that has `timeout_ms` left at `now`; 0 stands for the default.
    pub(crate) fn deadline(&self, timeout_ms: u32, now: Instant) -> Instant {
        let timeout =
            if timeout_ms == 0 { self.call_timeout } else { Duration::from_millis(timeout_ms.into()) };
        now + timeout.min(self.limits.max_timeout)
    }
}

fn micros_since_1970() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_micros()).unwrap_or(u64::MAX / 2))
}

#[cfg(test)]
mod tests;
