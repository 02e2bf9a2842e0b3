//! What the directory is doing for one frontier.

use super::reporter::{Answer, Refreshed, Reporter};
use std::pin::Pin;

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Whose turn it is: the directory takes one report after the other of a frontier.
pub(super) enum Turn {
    Free(Reporter),
    Report(Pending<(Reporter, Answer)>),
    /// Only while it is passed on.
    Taken,
}

/// Keeping the frontier alive, which goes on beside reports.
pub(super) enum Refreshing {
    Idle,
    Busy(Pending<Refreshed>),
    /// It waits for the reporter to come back.
    Done(Refreshed),
}

impl Turn {
    /// What the directory answers, once it has. Never, if it has nothing to do. Cancel safe.
    pub(super) async fn done(&mut self) -> Answer {
        let (reporter, answer) = match self {
            Self::Free(_) | Self::Taken => std::future::pending().await,
            Self::Report(pending) => pending.await,
        };
        *self = Self::Free(reporter);
        answer
    }
}

impl Refreshing {
    /// Returns once it is done. Never, if there is nothing to wait for. Cancel safe.
    pub(super) async fn done(&mut self) {
        let refreshed = match self {
            Self::Idle | Self::Done(_) => std::future::pending().await,
            Self::Busy(pending) => pending.await,
        };
        *self = Self::Done(refreshed);
    }
}
