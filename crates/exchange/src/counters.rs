//! What went through the exchange, by kind, direction and result: plain counters that only grow.

mod rates;
mod refusals;
mod tally;

pub use rates::{RateMeter, Rates};
pub(crate) use refusals::QUOTAS;
pub(crate) use tally::Tally;

use crate::envelope::RequestKind;
use frontier_metrics::{Distribution, Histogram};
use frontier_protocol::Code;
use refusals::Refusals;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tally::{Count, Run};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Traffic {
    /// Calls.
    Call,
    /// Messages, acked or not.
    Message,
    /// Streams.
    Stream,
}

/// Which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From an edge to a service.
    ToService,
    /// From a service to an edge, here or at another gateway, or for another gateway's service.
    ToEdge,
    /// From the gateway itself to a service.
    Own,
    /// What the gateway asks itself to find out whether it answers: in no list.
    Probe,
}

/// Which part of what goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// What was asked; of a stream, what its opener writes.
    Request,
    /// What was replied; of a stream, what its acceptor writes.
    Reply,
}

impl Traffic {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Call, Self::Message, Self::Stream];
}

impl Direction {
    /// All of them that tell of peers.
    pub const ALL: [Self; 3] = [Self::ToService, Self::ToEdge, Self::Own];
}

impl Part {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Request, Self::Reply];
}

impl From<RequestKind> for Traffic {
    fn from(kind: RequestKind) -> Self {
        match kind {
            RequestKind::Call => Self::Call,
            RequestKind::Message => Self::Message,
        }
    }
}

/// One counter for each result; the last one for codes that are not known.
const RESULTS: usize = Code::ALL.len() + 1;

/// The directions of [`Direction::ALL`], and the probe.
const DIRECTIONS: usize = 4;

#[derive(Debug)]
struct Cell {
    begun: AtomicU64,
    results: [AtomicU64; RESULTS],
    bytes: [AtomicU64; 2],
    took: Histogram,
}

/// Counters of the whole exchange. A successful request costs it nothing of its own: it is counted with its batch.
#[derive(Debug)]
pub struct Counters {
    cells: [[Cell; DIRECTIONS]; 3],
    /// Streams whose legs are joined.
    joined: [AtomicU64; DIRECTIONS],
    refusals: Refusals,
    /// Of edges, and of services.
    take_overs: [AtomicU64; 2],
}

impl Default for Counters {
    fn default() -> Self {
        let cell = || Cell {
            begun: AtomicU64::new(0),
            results: std::array::from_fn(|_| AtomicU64::new(0)),
            bytes: Default::default(),
            took: Histogram::default(),
        };
        Self {
            cells: std::array::from_fn(|_| std::array::from_fn(|_| cell())),
            joined: Default::default(),
            refusals: Refusals::default(),
            take_overs: Default::default(),
        }
    }
}

impl Counters {
    fn cell(&self, traffic: Traffic, direction: Direction) -> &Cell {
        &self.cells[traffic as usize][direction as usize]
    }

    pub(crate) fn begun(&self, traffic: Traffic, direction: Direction) {
        self.cell(traffic, direction).begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self, traffic: Traffic, direction: Direction, code: Code) {
        self.cell(traffic, direction).results[place(code)].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one that is begun, and which ends with `Cancelled` unless it is said how: so that none is begun and never
    /// ends, whatever becomes of its task.
    pub(crate) fn begin(&self, traffic: Traffic, direction: Direction) -> Begun<'_> {
        self.begun(traffic, direction);
        Begun { counters: self, traffic, direction, ends_with: Some(Code::Cancelled) }
    }

    pub(crate) fn add(&self, tally: &Tally) {
        for (cells, counts) in self.cells.iter().zip(tally.counts()) {
            for (cell, count) in cells.iter().zip(counts) {
                let Count { begun, ok, bytes } = count;
                if *begun > 0 {
                    cell.begun.fetch_add(u64::from(*begun), Ordering::Relaxed);
                }
                if *ok > 0 {
                    cell.results[0].fetch_add(u64::from(*ok), Ordering::Relaxed);
                }
                for (total, bytes) in cell.bytes.iter().zip(bytes) {
                    if *bytes > 0 {
                        total.fetch_add(*bytes, Ordering::Relaxed);
                    }
                }
            }
        }
        if let Some(run) = tally.run() {
            self.add_run(run);
        }
    }

    /// Counts requests that took as long as each other, by their bucket.
    pub(crate) fn add_run(&self, run: &Run) {
        let cell = &self.cells[run.kind as usize][run.direction as usize];
        cell.took.add(run.bucket, run.count.into(), run.together);
    }

    /// Counts how long it took until a stream was taken.
    pub(crate) fn stream_took(&self, direction: Direction, took: Duration) {
        self.cell(Traffic::Stream, direction).took.record(took);
    }

    /// Counts bytes that no batch has counted.
    pub(crate) fn passed(&self, traffic: Traffic, direction: Direction, part: Part, bytes: u64) {
        self.cell(traffic, direction).bytes[part as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    /// A stream whose legs are joined, until it is dropped.
    pub(crate) fn join(&self, direction: Direction) -> Joined<'_> {
        let joined = &self.joined[direction as usize];
        joined.fetch_add(1, Ordering::Relaxed);
        Joined(joined)
    }

    /// Counts a refusal by the limit of this key.
    #[cold]
    pub(crate) fn refuse(&self, limit: &'static str) {
        self.refusals.count(limit);
    }

    /// Counts a connection that has lost its id to another one.
    pub(crate) fn taken_over(&self, is_service: bool) {
        self.take_overs[usize::from(is_service)].fetch_add(1, Ordering::Relaxed);
    }

    /// How often requests were refused by each limit, by its key.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.refusals.counts()
    }

    /// How many connections have lost their id to another one: of edges, and of services.
    #[must_use]
    pub fn take_overs(&self) -> [u64; 2] {
        self.take_overs.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// Streams that go on now.
    #[must_use]
    pub fn joined(&self, direction: Direction) -> u64 {
        self.joined[direction as usize].load(Ordering::Relaxed)
    }

    /// Bytes that have gone through.
    #[must_use]
    pub fn bytes(&self, traffic: Traffic, direction: Direction, part: Part) -> u64 {
        self.cell(traffic, direction).bytes[part as usize].load(Ordering::Relaxed)
    }

    /// How long requests took from where they were routed to their answer, whatever that was; and streams until they were
    /// taken.
    #[must_use]
    pub fn took(&self, traffic: Traffic, direction: Direction) -> Distribution {
        self.cell(traffic, direction).took.distribution()
    }

    /// What has been counted until now. Each number is right by itself; they are not read in one instant.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let cell = |cell: &Cell| CellCounts {
            begun: read(&cell.begun),
            results: std::array::from_fn(|place| read(&cell.results[place])),
        };
        Counts(std::array::from_fn(|traffic| {
            std::array::from_fn(|direction| cell(&self.cells[traffic][direction]))
        }))
    }
}

/// One that is begun and has not ended.
#[derive(Debug)]
pub(crate) struct Begun<'c> {
    counters: &'c Counters,
    traffic: Traffic,
    direction: Direction,
    ends_with: Option<Code>,
}

impl Begun<'_> {
    pub(crate) fn end(mut self, code: Code) {
        self.ends_with = Some(code);
    }

    /// Its end is counted elsewhere: where it is pending.
    pub(crate) fn hand_over(&mut self) {
        self.ends_with = None;
    }

    /// Its end is counted here again.
    pub(crate) fn take_back(&mut self) {
        self.ends_with = Some(Code::Cancelled);
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if let Some(code) = self.ends_with {
            self.counters.ended(self.traffic, self.direction, code);
        }
    }
}

/// A stream whose legs are joined.
pub(crate) struct Joined<'c>(&'c AtomicU64);

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The place of a code: `Code::ALL` is in the order of numbers, and begins with `Ok`.
fn place(code: Code) -> usize {
    Code::ALL.binary_search_by_key(&code.to_wire(), |known| known.to_wire()).unwrap_or(RESULTS - 1)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CellCounts {
    begun: u64,
    results: [u64; RESULTS],
}

/// What was counted by some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts([[CellCounts; DIRECTIONS]; 3]);

impl Counts {
    /// How many were begun.
    #[must_use]
    pub fn begun(&self, traffic: Traffic, direction: Direction) -> u64 {
        self.0[traffic as usize][direction as usize].begun
    }

    /// How many ended with that code. All codes that are not known count as one.
    #[must_use]
    pub fn ended(&self, traffic: Traffic, direction: Direction, code: Code) -> u64 {
        self.0[traffic as usize][direction as usize].results[place(code)]
    }

    /// How many are begun and have not ended. Others may end while it is counted.
    #[must_use]
    pub fn in_flight(&self, traffic: Traffic, direction: Direction) -> u64 {
        let cell = &self.0[traffic as usize][direction as usize];
        cell.begun.saturating_sub(cell.results.iter().sum())
    }

    /// How many ended with a code that is not known.
    #[must_use]
    pub fn ended_otherwise(&self, traffic: Traffic, direction: Direction) -> u64 {
        self.0[traffic as usize][direction as usize].results[RESULTS - 1]
    }

    /// How many ended with an error.
    #[must_use]
    pub fn failed(&self, traffic: Traffic, direction: Direction) -> u64 {
        self.0[traffic as usize][direction as usize].results[1..].iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_a_place_of_its_own_and_the_unknown_share_one() {
        let mut places: Vec<usize> = Code::ALL.iter().map(|code| place(*code)).collect();
        assert_eq!(places[0], 0, "Ok comes first");
        places.dedup();
        assert_eq!(places.len(), Code::ALL.len());
        assert_eq!(place(Code::Unknown(50)), RESULTS - 1);
        assert_eq!(place(Code::Unknown(999)), RESULTS - 1);
    }
}
