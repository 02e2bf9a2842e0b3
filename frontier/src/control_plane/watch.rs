//! Watches: who is connected, who comes and goes, and what goes through.
//!
//! ```text
//!   registry ─▶ one follower ─▶ Hub ─ broadcast ─▶ a source for each watch ─▶ server-sent events, gRPC
//!   counters ─▶ a meter, once a second ─┘
//! ```
//!
//! However many watch, the registry notes each change once. A watch that is too slow for the broadcast starts again with a
//! snapshot.

mod hub;
mod source;

pub(super) use hub::Hub;

use super::queries::Queries;
use frontier_admin::{ApiError, Watches};
use frontier_api::gateway::watch_response::Event;
use frontier_api::gateway::{WatchKind, WatchResponse};
use futures_util::Stream;
use source::Source;
use std::sync::Arc;

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WatchFilter {
    pub(super) edges: bool,
    pub(super) services: bool,
    pub(super) rates: bool,
    /// Nobody is in a snapshot.
    pub(super) changes_only: bool,
}

impl WatchFilter {
    const ALL: Self = Self { edges: true, services: true, rates: true, changes_only: false };
    const NONE: Self = Self { edges: false, services: false, rates: false, changes_only: false };

    /// These kinds; all if there are none.
    pub(super) fn new(kinds: impl IntoIterator<Item = WatchKind>) -> Result<Self, ApiError> {
        let mut filter = Self::NONE;
        for kind in kinds {
            match kind {
                WatchKind::Edges => filter.edges = true,
                WatchKind::Services => filter.services = true,
                WatchKind::Rates => filter.rates = true,
                WatchKind::Unspecified => {
                    return Err(ApiError::invalid("kinds must be edges, services or rates"));
                }
            }
        }
        Ok(if filter == Self::NONE { Self::ALL } else { filter })
    }

    /// Whether there is anybody to be told of.
    fn has_presence(self) -> bool {
        self.edges || self.services
    }
}

/// Opens watches.
#[derive(Clone, Debug)]
pub(super) struct GatewayWatches {
    queries: Queries,
    hub: Arc<Hub>,
    watches: Watches,
}

impl GatewayWatches {
    pub(super) fn new(queries: Queries, hub: Arc<Hub>, watches: Watches) -> Self {
        Self { queries, hub, watches }
    }

    /// Starts a watch. It ends with its first error.
    pub(super) fn open(
        &self,
        filter: WatchFilter,
    ) -> Result<impl Stream<Item = Result<WatchResponse, ApiError>> + Send + use<>, ApiError> {
        let slot = self.watches.reserve()?;
        Ok(slot.start(Source::new(self.queries.clone(), self.hub.clone(), filter)))
    }
}

fn told(event: Event) -> WatchResponse {
    WatchResponse { event: Some(event) }
}
