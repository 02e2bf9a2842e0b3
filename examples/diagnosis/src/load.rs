//! What a worker has done, and has to do.

use crate::fault::Fault;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Load {
    in_flight: AtomicU64,
    begun: AtomicU64,
    done: AtomicU64,
    by_fault: [OfFault; Fault::ALL.len()],
    cpu: Mutex<Option<(Instant, Duration)>>,
}

/// Of one fault, since it was last taken.
#[derive(Debug, Default)]
struct OfFault {
    done: AtomicU64,
    micros: AtomicU64,
}

/// Somebody works, until this is dropped.
pub(crate) struct Working<'l>(&'l Load);

/// What was done for a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) fault: Fault,
    pub(crate) count: u64,
    /// From the reading to the written result.
    pub(crate) mean: Duration,
}

impl Load {
    pub(crate) fn begin(&self) -> Working<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        Working(self)
    }

    pub(crate) fn done(&self, fault: Fault, took: Duration) {
        self.done.fetch_add(1, Ordering::Relaxed);
        let of_fault = &self.by_fault[fault as usize];
        of_fault.done.fetch_add(1, Ordering::Relaxed);
        of_fault.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Readings that it has and whose results are not yet written.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Of all that has ended, how much went well; 1 before anything has.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub(crate) fn success_rate(&self) -> f64 {
        let ended = self.begun.load(Ordering::Relaxed).saturating_sub(self.in_flight());
        if ended == 0 { 1.0 } else { (self.done.load(Ordering::Relaxed) as f64 / ended as f64).min(1.0) }
    }

    /// What was done since the last call.
    pub(crate) fn take_done(&self) -> Vec<Done> {
        let each = Fault::ALL.into_iter().zip(&self.by_fault).filter_map(|(fault, of_fault)| {
            let count = of_fault.done.swap(0, Ordering::Relaxed);
            let micros = of_fault.micros.swap(0, Ordering::Relaxed);
            (count > 0).then(|| Done { fault, count, mean: Duration::from_micros(micros / count) })
        });
        each.collect()
    }

    /// Processor time of this process since the last call, in percent of one core.
    pub(crate) fn cpu(&self) -> f64 {
        let (now, used) = (Instant::now(), cpu_time());
        let before = self.cpu.lock().unwrap_or_else(PoisonError::into_inner).replace((now, used));
        let Some((then, before)) = before else { return 0.0 };
        let passed = now.duration_since(then).as_secs_f64();
        if passed > 0.0 { 100.0 * used.saturating_sub(before).as_secs_f64() / passed } else { 0.0 }
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// As Linux counts it, a hundred times a second.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name of the program, which may be anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// What this process has of the machine's memory, in percent.
pub(crate) fn memory() -> f64 {
    let of = |path: &str, field: &str| -> Option<f64> {
        let text = std::fs::read_to_string(path).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(field))?;
        line.split_whitespace().find_map(|word| word.parse().ok())
    };
    match (of("/proc/self/status", "VmRSS:"), of("/proc/meminfo", "MemTotal:")) {
        (Some(used), Some(all)) if all > 0.0 => 100.0 * used / all,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_told_once_and_what_is_not_is_no_success() {
        let load = Load::default();
        assert!((load.success_rate() - 1.0).abs() < 1e-9);
        let working = load.begin();
        assert_eq!(load.in_flight(), 1);
        load.done(Fault::Bearing, Duration::from_millis(4));
        drop(working);
        drop(load.begin());
        let [done] = load.take_done()[..] else { panic!("one fault") };
        assert_eq!((done.fault, done.count, done.mean), (Fault::Bearing, 1, Duration::from_millis(4)));
        assert!((load.success_rate() - 0.5).abs() < 1e-9);
        assert!(load.take_done().is_empty() && load.in_flight() == 0);
        assert!(memory() > 0.0);
    }
}
