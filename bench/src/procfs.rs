//! What Linux tells about a process.

use std::fs;
use std::io::ErrorKind;
use std::iter::Sum;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::unistd::{SysconfVar, sysconf};

/// CPU time and memory of a process at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// User and system time of all its threads, in steps of a clock tick (10 ms).
    pub(crate) cpu: Duration,
    /// Resident memory in bytes.
    pub(crate) resident: u64,
    /// The most that it ever had, in bytes.
    pub(crate) peak: u64,
}

impl Sample {
    /// Looks at a process; `None` on a system without `/proc`.
    pub(crate) fn take(pid: u32) -> Result<Option<Self>> {
        let directory = Path::new("/proc").join(pid.to_string());
        let stat = match fs::read_to_string(directory.join("stat")) {
            Ok(stat) => stat,
            Err(error) if error.kind() == ErrorKind::NotFound && !Path::new("/proc/self/stat").exists() => {
                return Ok(None);
            }
            Err(error) => return Err(error).with_context(|| format!("process {pid} is gone")),
        };
        let status = fs::read_to_string(directory.join("status"))?;
        let tick =
            sysconf(SysconfVar::CLK_TCK)?.and_then(|t| u32::try_from(t).ok()).context("no clock tick")?;
        Ok(Some(Self {
            cpu: Duration::from_secs(ticks(&stat).context("unknown form of /proc/PID/stat")?) / tick,
            resident: kilobytes(&status, "VmRSS:").context("no VmRSS")? * 1024,
            peak: kilobytes(&status, "VmHWM:").context("no VmHWM")? * 1024,
        }))
    }
}

impl Sum for Sample {
    fn sum<I: Iterator<Item = Self>>(samples: I) -> Self {
        samples.fold(Self::default(), |a, b| Self {
            cpu: a.cpu + b.cpu,
            resident: a.resident + b.resident,
            peak: a.peak + b.peak,
        })
    }
}

/// Fields 14 and 15, utime and stime. The name in field 2 may hold spaces and brackets, so counting starts
/// behind it.
fn ticks(stat: &str) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

fn kilobytes(status: &str, key: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(key))?.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 700 30 0 0 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(730));
        assert_eq!(ticks("42 (short) S 1"), None);
    }

    #[test]
    fn memory_is_found_by_its_key() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(1024));
        assert_eq!(kilobytes(status, "VmHWM:"), Some(2048));
        assert_eq!(kilobytes(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_can_be_looked_at() {
        let sample = Sample::take(std::process::id()).unwrap();
        assert!(sample.is_none_or(|s| s.resident > 0 && s.peak >= s.resident));
    }
}
