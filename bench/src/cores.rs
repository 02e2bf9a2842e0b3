//! Processors that a measurement is kept to.

#[cfg(not(target_os = "linux"))]
use anyhow::bail;
use anyhow::{Result, ensure};

#[cfg(target_os = "linux")]
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

/// How many cores to measure on one after the other: 1, 2, 4 and so on, and all of them.
pub(crate) fn doubling(all: usize) -> Vec<usize> {
    let mut counts: Vec<usize> =
        std::iter::successors(Some(1), |cores| Some(cores * 2)).take_while(|cores| *cores < all).collect();
    counts.push(all.max(1));
    counts
}

/// Keeps this thread, and the processes that it starts meanwhile, to some of its cores. Dropping it ends that.
#[derive(Debug)]
pub(crate) struct Pinned {
    #[cfg(target_os = "linux")]
    before: CpuSet,
}

impl Pinned {
    /// To the first `cores` of those that the thread may use.
    ///
    /// # Errors
    /// When there are fewer, or the system pins no processes.
    #[cfg(target_os = "linux")]
    pub(crate) fn to(cores: usize) -> Result<Self> {
        let this_thread = Pid::from_raw(0);
        let before = sched_getaffinity(this_thread)?;
        let mut pinned = CpuSet::new();
        let mut found = 0;
        for core in 0..CpuSet::count() {
            if found < cores && before.is_set(core)? {
                pinned.set(core)?;
                found += 1;
            }
        }
        ensure!(found == cores, "--cores {cores}: this machine has no more than {found}");
        sched_setaffinity(this_thread, &pinned)?;
        Ok(Self { before })
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn to(cores: usize) -> Result<Self> {
        let all = std::thread::available_parallelism()?.get();
        ensure!(cores <= all, "--cores {cores}: this machine has no more than {all}");
        bail!("this system keeps no process to {cores} of its cores: measure on Linux")
    }
}

#[cfg(target_os = "linux")]
impl Drop for Pinned {
    fn drop(&mut self) {
        // It was allowed these before. If they were taken away meanwhile, so be it.
        let _ = sched_setaffinity(Pid::from_raw(0), &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_double_up_to_all_of_them() {
        assert_eq!(doubling(1), [1]);
        assert_eq!(doubling(2), [1, 2]);
        assert_eq!(doubling(6), [1, 2, 4, 6]);
        assert_eq!(doubling(8), [1, 2, 4, 8]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_is_kept_to_a_core_until_the_end() {
        let cores = || std::thread::available_parallelism().unwrap().get();
        let all = cores();
        let pinned = Pinned::to(1).unwrap();
        assert_eq!(cores(), 1);
        let error = Pinned::to(2).unwrap_err();
        assert_eq!(error.to_string(), "--cores 2: this machine has no more than 1");
        drop(pinned);
        assert_eq!(cores(), all);
    }
}
