//! What the process takes of the machine, under the names that every client library of Prometheus has for it.

use frontier_metrics::Exposition;
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeValLike;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// The process, from when this was made.
#[derive(Debug)]
pub struct ProcessMetrics {
    started: SystemTime,
}

impl ProcessMetrics {
    /// Of a process that has started just now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: SystemTime::now() }
    }

    /// Writes them. What the system does not tell is left out.
    pub fn write(&self, out: &mut Exposition) {
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let help = "When the process started, in seconds since 1970.";
        out.gauge("process_start_time_seconds", help).sample(&[], started);
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
            let help = "Time of processors that the process has used, in user and system mode.";
            out.counter("process_cpu_seconds_total", help).sample(&[], micros as f64 / 1e6);
        }
        if let Some(count) = open_files() {
            out.gauge("process_open_fds", "Open file descriptors.").sample(&[], count);
        }
        if let Ok((limit, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
            out.gauge("process_max_fds", "The most file descriptors that may be open.").sample(&[], limit);
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(kib) = field(&status, "VmRSS:") {
            out.gauge("process_resident_memory_bytes", "Memory that is resident.").sample(&[], kib * 1024);
        }
        if let Some(kib) = field(&status, "VmSize:") {
            out.gauge("process_virtual_memory_bytes", "Address space.").sample(&[], kib * 1024);
        }
        if let Some(count) = field(&status, "Threads:") {
            out.gauge("process_threads", "Threads of the operating system.").sample(&[], count);
        }
    }
}

impl Default for ProcessMetrics {
    fn default() -> Self {
        Self::new()
    }
}

/// How many files and sockets are open. Linux tells from 6.2 on as the size of the folder; else they are counted.
fn open_files() -> Option<u64> {
    const FOLDER: &str = "/proc/self/fd";
    match fs::metadata(FOLDER).ok()?.len() {
        // The folder was open itself while it was read.
        0 => Some((fs::read_dir(FOLDER).ok()?.count() as u64).saturating_sub(1)),
        count => Some(count),
    }
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_metrics::Format;

    #[test]
    #[cfg(target_os = "linux")]
    fn all_of_them_are_there_on_linux() {
        let mut out = Exposition::new(Format::Prometheus);
        ProcessMetrics::new().write(&mut out);
        let text = out.finish();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{name}: {text}")).parse::<f64>().unwrap()
        };
        let open = value("process_open_fds");
        assert!((3.0..=value("process_max_fds")).contains(&open), "{open}");
        assert!(value("process_resident_memory_bytes") <= value("process_virtual_memory_bytes"));
        assert!(value("process_threads") >= 1.0 && value("process_cpu_seconds_total") >= 0.0);
        let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
            - value("process_start_time_seconds");
        assert!((0.0..60.0).contains(&age), "{age}");
    }
}
