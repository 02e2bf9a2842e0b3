//! Telling the broker who this host is.

use super::Shared;
use super::builder::OnExiting;
use super::wire::{ANNOUNCE, Announcement, Welcome};
use crate::{Edge, Error, Status};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// After how long the broker is told again, if it has not said. It is also the pause after it was not reached.
const AGAIN: Duration = Duration::from_secs(1);

/// How long the broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The task that tells it, until it is dropped.
pub(super) struct Announcing {
    edge: Edge,
    card: Announcement,
    shared: Arc<Shared>,
    on_exiting: Option<OnExiting>,
    task: JoinHandle<()>,
}

impl Announcing {
    pub(super) fn start(
        edge: Edge,
        card: Announcement,
        shared: Arc<Shared>,
        on_exiting: Option<OnExiting>,
    ) -> Self {
        let task = tokio::spawn(announce(edge.clone(), card.clone(), shared.clone()));
        Self { edge, card, shared, on_exiting, task }
    }

    /// Tells it that no more requests are taken. It finds out by itself if it can't be told.
    pub(super) async fn leave(&self, grace: Duration) {
        self.task.abort();
        if let Some(hook) = &self.on_exiting {
            hook(grace);
        }
        let patience = PATIENCE.min(grace);
        let told = timeout(patience, say(&self.edge, &self.card, &self.shared)).await;
        if let Ok(Err(error)) = told {
            tracing::debug!(%error, "the broker was not told that this host stops");
        }
    }
}

impl Drop for Announcing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn say(edge: &Edge, card: &Announcement, shared: &Shared) -> Result<Duration, Error> {
    let depth = shared.depth.load(Ordering::SeqCst);
    let draining = shared.draining.load(Ordering::SeqCst);
    let card = Announcement { depth, draining, ..card.clone() };
    // Only maps with keys that are no text fail.
    let payload = serde_json::to_vec(&card).unwrap_or_default();
    let answer = edge.call(ANNOUNCE, payload).timeout(PATIENCE).await?;
    let welcome: Option<Welcome> = serde_json::from_slice(&answer.data).ok();
    let after = welcome.map_or(AGAIN, |it| Duration::from_millis(it.again_after_ms));
    Ok(after.clamp(Duration::from_millis(50), Duration::from_secs(3600)))
}

async fn announce(edge: Edge, card: Announcement, shared: Arc<Shared>) {
    let mut status = edge.status();
    let mut was_reached = true;
    loop {
        let pause = match say(&edge, &card, &shared).await {
            Ok(after) => {
                was_reached = true;
                after
            }
            Err(error) => {
                if was_reached {
                    tracing::warn!(%error, "the broker was not told of this host; it is tried again");
                }
                was_reached = false;
                AGAIN
            }
        };
        // Also at once when it has connected anew: nobody knows what of it the broker knows.
        let anew = async {
            loop {
                match status.changed().await {
                    Status::Connected => return true,
                    Status::Closed(_) => return false,
                    Status::Reconnecting | Status::Refused { .. } => {}
                }
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            goes_on = anew => if !goes_on { return },
        }
    }
}
