//! What a service is told about edges that come and go.

use crate::{DEADLINE, eventually};
use bytes::Bytes;
use frontier_sdk::{EdgeEvent, EdgeId, Error, Service};
use std::sync::{Arc, Mutex, PoisonError};

/// What a service was told about edges, in order.
#[derive(Clone, Debug, Default)]
pub struct Presence(Arc<Mutex<Vec<(Change, EdgeEvent)>>>);

/// Which way an edge went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It came.
    Online,
    /// It left.
    Offline,
}

impl Presence {
    /// Listens from here on.
    ///
    /// # Errors
    /// What the gateway says against it.
    pub async fn of(service: &Service) -> Result<Self, Error> {
        let presence = Self::default();
        let (online, offline) = (presence.clone(), presence.clone());
        service
            .on_edge_online(move |event| {
                online.note(Change::Online, event);
                async { Ok(()) }
            })
            .await?;
        service
            .on_edge_offline(move |event| {
                offline.note(Change::Offline, event);
                async { Ok(()) }
            })
            .await?;
        Ok(presence)
    }

    fn note(&self, change: Change, event: EdgeEvent) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((change, event));
    }

    /// Everything so far.
    #[must_use]
    pub fn all(&self) -> Vec<(Change, EdgeEvent)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was told about one edge: which way it went, and its meta.
    #[must_use]
    pub fn of_edge(&self, id: EdgeId) -> Vec<(Change, Bytes)> {
        self.all()
            .into_iter()
            .filter(|(_, event)| event.id == id)
            .map(|(change, event)| (change, event.meta))
            .collect()
    }

    /// Waits until so much was told about one edge, and returns it.
    pub async fn wait(&self, id: EdgeId, count: usize) -> Vec<(Change, Bytes)> {
        let what = format!("{count} events of edge {id}");
        eventually(DEADLINE, &what, async || Some(self.of_edge(id)).filter(|events| events.len() >= count))
            .await
    }
}
