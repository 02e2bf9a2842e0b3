//! What went on, counted and timed, as a table.

use crate::activity::Activity;
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use std::time::Duration;

/// What went on: counts and latencies of each activity.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: [Mutex<Row>; Activity::ALL.len()],
}

#[derive(Debug)]
struct Row {
    /// Microseconds, since the last table.
    latencies: Histogram<u64>,
    total: u64,
    failed: u64,
    error: Option<String>,
}

impl Default for Row {
    fn default() -> Self {
        let latencies = match Histogram::new_with_max(60_000_000, 3) {
            Ok(histogram) => histogram,
            Err(error) => unreachable!("the bounds are constants that fit: {error}"),
        };
        Self { latencies, total: 0, failed: 0, error: None }
    }
}

impl Report {
    pub(crate) fn done(&self, activity: Activity, took: Duration) {
        let mut row = self.rows[activity as usize].lock();
        row.total += 1;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        row.latencies.saturating_record(micros);
    }

    pub(crate) fn failed(&self, activity: Activity, error: &anyhow::Error) {
        let mut row = self.rows[activity as usize].lock();
        row.failed += 1;
        row.error.get_or_insert_with(|| error.to_string());
    }

    /// Whether everything was tried and nothing failed.
    pub(crate) fn is_well(&self) -> bool {
        self.rows.iter().all(|row| {
            let row = row.lock();
            row.total > 0 && row.failed == 0
        })
    }

    /// Prints a table, with rates if the `window` since the last one is known.
    pub(crate) fn print(&self, window: Option<Duration>) {
        println!("{:<26} {:>9} {:>10} {:>9} {:>9} {:>7}", "", "total", "per second", "p50", "p99", "failed");
        for activity in Activity::ALL {
            let mut row = self.rows[activity as usize].lock();
            let rate = window.map_or_else(String::new, |window| {
                format!("{:.0}", row.latencies.len() as f64 / window.as_secs_f64())
            });
            println!(
                "{:<26} {:>9} {:>10} {:>6} µs {:>6} µs {:>7}",
                activity.name(),
                row.total,
                rate,
                row.latencies.value_at_quantile(0.5),
                row.latencies.value_at_quantile(0.99),
                row.failed
            );
            if let Some(error) = row.error.take() {
                println!("    {error}");
            }
            row.latencies.reset();
        }
        println!();
    }
}
