//! The process itself: how it exits, how many files it may open, and the machine that it runs on.

use std::io;
use std::process::ExitCode;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

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

/// The name of the machine; in a container, usually the container's. `None` if the system does not tell, or it
/// is no text.
#[must_use]
pub fn host_name() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_reaches_the_hard_limit() {
        let reached = raise_open_files().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (reached, reached));
    }
}
