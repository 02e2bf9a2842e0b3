//! What the directory is doing for one frontier.

use super::reporter::{OwnedAck, RefreshOutcome, Reporter};
use std::pin::Pin;

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The directory takes the reports of a frontier one after the other.
pub(super) enum PendingReport {
    Idle(Reporter),
    Busy(Pending<(Reporter, OwnedAck)>),
    /// Only within one function, which takes the reporter out and puts it back.
    Taken,
}

/// Refreshes of the lease go on beside reports.
pub(super) enum PendingRefresh {
    Idle,
    Busy(Pending<RefreshOutcome>),
    /// It waits until the reporter is idle.
    Done(RefreshOutcome),
}

impl PendingReport {
    /// The ack of the report that is pending. Never, if there is none. Cancel safe.
    pub(super) async fn done(&mut self) -> OwnedAck {
        let (reporter, ack) = match self {
            Self::Idle(_) | Self::Taken => std::future::pending().await,
            Self::Busy(pending) => pending.await,
        };
        *self = Self::Idle(reporter);
        ack
    }
}

impl PendingRefresh {
    /// Returns once the refresh that is pending is done. Never, if there is none. Cancel safe.
    pub(super) async fn done(&mut self) {
        let outcome = match self {
            Self::Idle | Self::Done(_) => std::future::pending().await,
            Self::Busy(pending) => pending.await,
        };
        *self = Self::Done(outcome);
    }
}
