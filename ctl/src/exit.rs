//! How the program ends, for scripts: numbers of `sysexits.h` where that has one.

use std::process::ExitCode;

/// An exit code that scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Ok,
    /// 1: whoever was asked answered with an error, or who is asked for is not there.
    Failure,
    /// 64: the command line, a context or another file is wrong (`EX_USAGE`).
    Usage,
    /// 69: a gateway or frontlas can't be reached (`EX_UNAVAILABLE`).
    Unreachable,
    /// 75: it may go well when it is tried again (`EX_TEMPFAIL`).
    TryAgain,
    /// 77: the credentials are missing, are no good, or do not allow this (`EX_NOPERM`).
    Denied,
    /// 130: Ctrl-C before it was done.
    Interrupted,
    /// What `send` ends with: 0, unless it is told to be strict.
    OfSend(u8),
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 64,
            Self::Unreachable => 69,
            Self::TryAgain => 75,
            Self::Denied => 77,
            Self::Interrupted => 130,
            Self::OfSend(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
