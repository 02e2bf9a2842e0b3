//! What is counted of the relay.

use crate::{Answer, Fault};
use frontier_metrics::{Distribution, Histogram};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// By which way a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// gRPC.
    Grpc,
    /// An HTTP POST.
    Http,
    /// A call of an edge.
    Edge,
}

impl Via {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Grpc, Self::Http, Self::Edge];

    /// As a label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
            Self::Edge => "edge",
        }
    }
}

/// What is counted of the relay.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    answers: [[AtomicU64; Fault::ALL.len() + 1]; Via::ALL.len()],
    pub(crate) repeats: AtomicU64,
    pub(crate) attempts: AtomicU64,
    pub(crate) turned_away: AtomicU64,
    duration: Histogram,
}

impl Counters {
    pub(crate) fn answered(&self, via: Via, answer: &Answer, took: Duration) {
        let number = answer.fault.map_or(0, |fault| fault as usize);
        self.answers[via as usize][number].fetch_add(1, Ordering::Relaxed);
        self.duration.record(took);
    }

    /// How many were answered so, by way and name.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        let names = || std::iter::once("ok").chain(Fault::ALL.into_iter().map(Fault::as_str));
        Via::ALL.into_iter().zip(&self.answers).flat_map(move |(via, counts)| {
            let counts = counts.iter().map(|count| count.load(Ordering::Relaxed));
            names().zip(counts).map(move |(name, count)| (via.as_str(), name, count))
        })
    }

    pub(crate) fn duration(&self) -> Distribution {
        self.duration.distribution()
    }
}
