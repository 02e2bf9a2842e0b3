//! How the program ends.

/// What became of it, as exit codes of `sysexits.h` have it where there is one. Without `--strict` a message never makes it
/// anything but 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Ok,
    /// 1: refused for good, or nobody knows what became of it.
    Failure,
    /// 64: the command line is wrong.
    Usage,
    /// 69: no gateway was reached.
    Unreachable,
    /// 75: it may be tried again; what could be spooled will be sent later.
    TryAgain,
    /// 77: the credentials are no good, or do not allow this.
    Denied,
    /// 2: a check has found something wrong. Also without `--strict`.
    Found,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Found => 2,
            Self::Usage => 64,
            Self::Unreachable => 69,
            Self::TryAgain => 75,
            Self::Denied => 77,
        }
    }

    /// The number for a job that is not to fail.
    #[must_use]
    pub const fn lenient(self) -> u8 {
        match self {
            Self::Found => self.code(),
            _ => 0,
        }
    }
}
