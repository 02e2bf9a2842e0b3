//! The process itself: how it exits, how many files it may open, and the machine that it runs on.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use frontier_config::Section;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};

/// How a daemon ended: an exit code that supervisors and scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it did what it was asked to, or drained in time after a signal.
    Ok,
    /// 1: it could not start, such as when a port is taken, or a part of it failed later. Trying again may help.
    StartFailure,
    /// 64: the command line or the configuration is wrong (`EX_USAGE`). Trying again does not help, so a
    /// supervisor should not restart it.
    Usage,
    /// 130: it was told to stop a second time and did not wait for the drain.
    Interrupted,
}

impl Exit {
    /// The number that the process exits with.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::StartFailure => 1,
            Self::Usage => 64,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Raises the soft limit on open files to the hard limit and returns the limit that holds now. Each
/// connection is one file, and the soft limit that a shell hands down is often 1024.
///
/// The soft limit is low for the sake of programs that use `select`, which cannot take higher descriptors;
/// these daemons never do.
///
/// # Errors
/// If the system refuses to tell or to change the limit. The old limit holds then, so a daemon may log this
/// and go on.
pub fn raise_open_files() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

/// As [`raise_open_files`], and says in the log what came of it.
pub fn log_open_files() {
    match raise_open_files() {
        Ok(files) => tracing::debug!(files, "limit of open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
}

/// The section `daemon`: how the process runs.
#[derive(Clone, Debug)]
pub struct ProcessConfig {
    /// `threads`: worker threads; 0 for one per processor.
    pub threads: usize,
    /// `grace`: how long what is in flight may go on after the signal to stop. 10 s.
    pub grace: Duration,
}

impl ProcessConfig {
    /// Reads the section. A change takes a restart.
    #[must_use]
    pub fn read(daemon: &Section<'_>) -> Self {
        let daemon = daemon.fixed();
        let hour = Duration::from_secs(3600);
        Self {
            threads: daemon.within("threads", 0, 0..=1024),
            grace: daemon.within("grace", Duration::from_secs(10), Duration::ZERO..=hour),
        }
    }
}

/// A runtime with as many worker threads; 0 is one per processor.
///
/// # Errors
/// If the threads can't be started.
pub fn runtime(threads: usize) -> io::Result<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
}

/// The name of the machine; in a container, usually the container's. `None` if the system does not tell, or it
/// is no text.
#[must_use]
pub fn host_name() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::RuntimeFlavor;

    #[test]
    fn the_soft_limit_reaches_the_hard_limit() {
        let reached = raise_open_files().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (reached, reached));
    }

    #[test]
    fn one_thread_needs_no_scheduler_for_several() {
        let flavor = |threads| runtime(threads).unwrap().handle().runtime_flavor();
        assert_eq!((flavor(1), flavor(2)), (RuntimeFlavor::CurrentThread, RuntimeFlavor::MultiThread));
        assert_eq!(runtime(3).unwrap().metrics().num_workers(), 3);
    }
}
