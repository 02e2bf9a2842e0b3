//! What has come back, as a line.

use hdrhistogram::Histogram;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::{Duration, Instant};

/// How wide the bar is.
const WIDTH: u64 = 30;

/// How often the line is shown: on a terminal, in the place of the one before.
const OFTEN: Duration = Duration::from_millis(100);
const SELDOM: Duration = Duration::from_secs(1);

/// What has come back of a round.
pub(super) struct Tally {
    of: u32,
    begun: Instant,
    shown: Instant,
    done: u32,
    failed: u32,
    hits: u64,
    darts: u64,
    /// Microseconds.
    latencies: Histogram<u64>,
    is_terminal: bool,
}

impl Tally {
    pub(super) fn new(of: u32) -> Self {
        let latencies = match Histogram::new_with_max(600_000_000, 3) {
            Ok(histogram) => histogram,
            Err(error) => unreachable!("the bounds are constants that fit: {error}"),
        };
        let (begun, is_terminal) = (Instant::now(), stdout().is_terminal());
        Self { of, begun, shown: begun, done: 0, failed: 0, hits: 0, darts: 0, latencies, is_terminal }
    }

    pub(super) fn done(&mut self, hits: u32, darts: u32, took: Duration) {
        self.done += 1;
        self.hits += u64::from(hits);
        self.darts += u64::from(darts);
        self.latencies.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn failed(&mut self, why: &str) {
        self.done += 1;
        self.failed += 1;
        self.tell(why);
    }

    /// Whether all are back and well, and π is what it should be.
    pub(super) fn is_well(&self) -> bool {
        let (pi, deviation) = self.pi();
        let is_near = (pi - std::f64::consts::PI).abs() <= 6.0 * deviation;
        self.done == self.of && self.failed == 0 && is_near
    }

    /// π, and its standard deviation.
    fn pi(&self) -> (f64, f64) {
        if self.darts == 0 {
            return (0.0, f64::INFINITY);
        }
        let part = self.hits as f64 / self.darts as f64;
        (4.0 * part, 4.0 * (part * (1.0 - part) / self.darts as f64).sqrt())
    }

    /// A line about something else.
    pub(super) fn tell(&self, what: &str) {
        if self.is_terminal {
            print!("\r\x1b[K");
        }
        println!("          {what}");
    }

    /// Shows the line, if it is time.
    pub(super) fn show(&mut self, hosts: usize) {
        let pause = if self.is_terminal { OFTEN } else { SELDOM };
        if self.shown.elapsed() >= pause {
            self.shown = Instant::now();
            self.print(hosts, false);
        }
    }

    /// Shows it for good.
    pub(super) fn finish(&self, hosts: usize) {
        self.print(hosts, true);
    }

    fn print(&self, hosts: usize, for_good: bool) {
        let filled = u64::from(self.done) * WIDTH / u64::from(self.of).max(1);
        let mut line = String::new();
        (0..WIDTH).for_each(|place| line.push(if place < filled { '█' } else { '░' }));
        let rate = f64::from(self.done) / self.begun.elapsed().as_secs_f64().max(1e-9);
        let millis = |quantile| self.latencies.value_at_quantile(quantile) as f64 / 1000.0;
        let (pi, deviation) = self.pi();
        // Writing to a string does not fail.
        let _ = write!(
            line,
            " {}/{}  {rate:.0}/s  p50 {:.1} ms  p99 {:.1} ms  {hosts} hosts  π ≈ {pi:.5} ± {deviation:.5}",
            self.done,
            self.of,
            millis(0.5),
            millis(0.99)
        );
        match (self.is_terminal, for_good) {
            (true, false) => print!("\r\x1b[K{line}"),
            (true, true) => println!("\r\x1b[K{line}"),
            (false, _) => println!("{line}"),
        }
        // Nobody may be reading.
        let _ = stdout().flush();
    }
}
