//! Exit codes, which supervisors and scripts may rely on.

use std::process::ExitCode;

/// How a daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it did what it was asked to, or drained in time after a signal.
    Ok,
    /// 1: it could not start, such as when a port is taken. Trying again may help.
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
