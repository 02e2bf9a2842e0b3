//! Threads that carry connections: no more of them than the load needs.
//!
//! A call between two connections on one thread costs neither a wake-up of another thread nor a lock that somebody else
//! holds, and frames from many connections go on in one batch. So all connections are carried by the first thread, until
//! that is busy for most of the time; then some of those that have something to do move on to the next. Once two threads
//! together have little to do, one of them takes all.
//!
//! ```text
//!   accept, handshake ──▶ thread 1 ──(busy)──▶ thread 2 ──(busy)──▶ …
//!   (the runtime's own)       ◀──(little to do)──┘
//! ```

mod carried;
mod load;
mod thread;

pub(crate) use thread::CarrierThreads;

use carried::{Carried, Work};
use frontier_transport::Spin;
use load::Load;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// The threads, for who has a connection to be carried.
#[derive(Debug)]
pub(crate) struct Carriers(Box<[Carrier]>);

/// One of the threads, and the connections on it.
#[derive(Debug)]
struct Carrier {
    runtime: Handle,
    connections: AtomicUsize,
    load: Load,
    /// Tells the thread that it has connections again.
    occupied: Notify,
    spin: Spin,
}

impl Carriers {
    fn new(runtimes: impl Iterator<Item = Handle>, spin: Duration) -> Self {
        let carrier = |runtime| Carrier {
            runtime,
            connections: AtomicUsize::new(0),
            load: Load::default(),
            occupied: Notify::new(),
            spin: Spin::new(spin),
        };
        Self(runtimes.map(carrier).collect())
    }

    /// Has a connection carried to its end.
    pub(crate) fn carry(self: &Arc<Self>, connection: impl Future<Output = ()> + Send + 'static) {
        self.carry_on(self.place(), Box::pin(connection));
    }

    fn carry_on(self: &Arc<Self>, at: usize, work: Work) {
        let carrier = &self.0[at];
        if carrier.connections.fetch_add(1, Ordering::Relaxed) == 0 {
            carrier.occupied.notify_one();
        }
        carrier.runtime.spawn(Carried::new(self.clone(), at, work));
    }

    /// Where a new connection goes: to the first that is not busy, or else to the one that is least so.
    fn place(&self) -> usize {
        let loads = || self.0.iter().map(|carrier| carrier.load.share()).enumerate();
        let free = loads().find(|(_, load)| *load < load::FREE);
        let (at, _) = free.or_else(|| loads().min_by_key(|(_, load)| *load)).unwrap_or_default();
        at
    }

    /// Decides, once a period, what becomes of the connections of a thread that was busy for so much of it.
    fn decide(&self, at: usize, busy: load::Share) {
        let this = &self.0[at].load;
        this.note(busy);
        let others = || self.0.iter().enumerate().filter(|(other, _)| *other != at);
        if busy >= load::BUSY {
            let least = others().map(|(other, carrier)| (carrier.load.share(), other)).min();
            match least {
                Some((load, other)) if load < busy / 2 => this.move_some(other),
                _ => this.keep_all(),
            }
            return;
        }
        // Only to an earlier one, so that no two of them send each other theirs.
        let earlier = others().take_while(|(other, _)| *other < at);
        let taker = earlier.map(|(other, carrier)| (other, carrier.load.share()));
        match taker.into_iter().find(|(_, load)| *load + busy < load::LITTLE) {
            Some((other, _)) => this.move_all(other),
            None => this.keep_all(),
        }
    }
}

#[cfg(test)]
mod tests;
