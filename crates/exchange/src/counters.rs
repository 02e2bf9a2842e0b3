//! What went through the exchange, by kind, direction and result: plain counters that only grow.

use crate::envelope::RequestKind;
use frontier_protocol::Code;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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
}

impl Traffic {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Call, Self::Message, Self::Stream];
}

impl Direction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ToService, Self::ToEdge, Self::Own];
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

#[derive(Debug)]
struct Cell {
    begun: AtomicU64,
    results: [AtomicU64; RESULTS],
}

/// Counters of the whole exchange. A successful request costs it nothing of its own: it is counted with its batch.
#[derive(Debug)]
pub struct Counters([[Cell; 3]; 3]);

impl Default for Counters {
    fn default() -> Self {
        let cell = || Cell { begun: AtomicU64::new(0), results: std::array::from_fn(|_| AtomicU64::new(0)) };
        Self(std::array::from_fn(|_| std::array::from_fn(|_| cell())))
    }
}

impl Counters {
    fn cell(&self, traffic: Traffic, direction: Direction) -> &Cell {
        &self.0[traffic as usize][direction as usize]
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
        for (traffic, tallies) in tally.0.iter().enumerate() {
            for (direction, Count { begun, ok }) in tallies.iter().enumerate() {
                let cell = &self.0[traffic][direction];
                if *begun > 0 {
                    cell.begun.fetch_add(u64::from(*begun), Ordering::Relaxed);
                }
                if *ok > 0 {
                    cell.results[0].fetch_add(u64::from(*ok), Ordering::Relaxed);
                }
            }
        }
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
            std::array::from_fn(|direction| cell(&self.0[traffic][direction]))
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
pub struct Counts([[CellCounts; 3]; 3]);

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

    /// How many ended with an error.
    #[must_use]
    pub fn failed(&self, traffic: Traffic, direction: Direction) -> u64 {
        self.0[traffic as usize][direction as usize].results[1..].iter().sum()
    }
}

/// Turns counters into rates, for one follower: each reads at its own pace.
#[derive(Debug)]
pub struct RateMeter {
    last: Counts,
    at: Instant,
}

/// What has happened since the last reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    before: Counts,
    now: Counts,
    /// How long ago the last reading was.
    pub over: Duration,
}

impl RateMeter {
    /// Counts from `now` on.
    #[must_use]
    pub fn new(counters: &Counters, now: Instant) -> Self {
        Self { last: counters.counts(), at: now }
    }

    /// What has happened since the last reading.
    pub fn read(&mut self, counters: &Counters, now: Instant) -> Rates {
        let counts = counters.counts();
        let before = std::mem::replace(&mut self.last, counts.clone());
        let over = now.saturating_duration_since(std::mem::replace(&mut self.at, now));
        Rates { before, now: counts, over }
    }
}

impl Rates {
    /// How many were begun, per second.
    #[must_use]
    pub fn begun(&self, traffic: Traffic, direction: Direction) -> f64 {
        self.per_second(self.now.begun(traffic, direction) - self.before.begun(traffic, direction))
    }

    /// How many ended with an error, per second.
    #[must_use]
    pub fn failed(&self, traffic: Traffic, direction: Direction) -> f64 {
        self.per_second(self.now.failed(traffic, direction) - self.before.failed(traffic, direction))
    }

    fn per_second(&self, count: u64) -> f64 {
        if self.over.is_zero() { 0.0 } else { count as f64 / self.over.as_secs_f64() }
    }
}

/// What a batch has counted and not yet added.
#[derive(Debug, Default)]
pub(crate) struct Tally([[Count; 3]; 2]);

#[derive(Debug, Default)]
struct Count {
    begun: u32,
    ok: u32,
}

impl Tally {
    #[inline]
    pub(crate) fn begun(&mut self, kind: RequestKind, direction: Direction) {
        self.0[kind as usize][direction as usize].begun += 1;
    }

    #[inline]
    pub(crate) fn ok(&mut self, kind: RequestKind, direction: Direction) {
        self.0[kind as usize][direction as usize].ok += 1;
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

    #[test]
    fn a_meter_tells_what_has_happened_since_it_was_last_read() {
        let (counters, start) = (Counters::default(), Instant::now());
        let mut meter = RateMeter::new(&counters, start);
        let mut tally = Tally::default();
        (0..10).for_each(|_| tally.begun(RequestKind::Call, Direction::ToEdge));
        counters.add(&tally);
        counters.ended(Traffic::Call, Direction::ToEdge, Code::Deadline);
        let rates = meter.read(&counters, start + Duration::from_secs(2));
        assert_eq!(rates.begun(Traffic::Call, Direction::ToEdge), 5.0);
        assert_eq!(rates.failed(Traffic::Call, Direction::ToEdge), 0.5);
        assert_eq!(rates.begun(Traffic::Message, Direction::ToEdge), 0.0);
        let rates = meter.read(&counters, start + Duration::from_secs(3));
        assert_eq!(rates.begun(Traffic::Call, Direction::ToEdge), 0.0);
        assert_eq!(
            meter.read(&counters, start).begun(Traffic::Call, Direction::ToEdge),
            0.0,
            "no time has passed"
        );
    }
}
