use frontier_protocol::Code;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A quota is used up. Nothing was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// When it is worth trying again.
    pub retry_after: Duration,
    /// What there was too much of: `messages`, `bytes`, `calls`, `streams` or `connects`.
    pub which: &'static str,
    /// Whose quota it is: `edge`, `address` or `label tenant`.
    pub scope: Arc<str>,
}

impl Over {
    /// The code for the peer: always [`Code::Overloaded`], which says that trying again may help.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::Overloaded
    }
}

/// Waits are shown in whole milliseconds, rounded up: whoever parses and obeys them is not too early.
impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.retry_after.as_nanos().div_ceil(1_000_000);
        write!(f, "over the quota of {} per {}, try again in {millis}ms", self.which, self.scope)
    }
}

impl std::error::Error for Over {}
