//! The task that watches the directory of the cluster.

use super::Cluster;
use super::edge_cache::EdgeLocation;
use crate::frontlas::FrontlasError;
use frontier_api::cluster::change::What;
use frontier_api::cluster::watch_response::Event;
use frontier_api::cluster::{Edge, Frontier, Position, Snapshot, WatchKind};
use frontier_protocol::{EdgeId, PeerText};
use frontier_transport::Backoff;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};
use tracing::{debug, warn};

/// How long a watch may be silent: several times as long as frontlas lets pass without a sign of life.
const WATCH_TIMEOUT: Duration = Duration::from_secs(60);

/// The first and the longest pause between attempts to watch; in each the gateways are listed once.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Runs until the cluster is left.
pub(super) async fn run(cluster: Arc<Cluster>) {
    let leave = cluster.life.leave.clone();
    let follower = Follower { cluster, after: None, snapshot: Vec::new() };
    tokio::select! {
        biased;
        () = leave.cancelled() => {}
        () = follower.run() => {}
    }
}

struct Follower {
    cluster: Arc<Cluster>,
    /// The last change that was seen.
    after: Option<Position>,
    /// The gateways of the snapshot that is under way.
    snapshot: Vec<Frontier>,
}

impl Follower {
    async fn run(mut self) {
        let mut backoff = Backoff::full_jitter(RETRY_PAUSE.0, RETRY_PAUSE.1);
        loop {
            let mut has_answered = false;
            match self.watch(&mut has_answered).await {
                FrontlasError::Refused(status) if status.code() == Code::OutOfRange => {
                    debug!("the history of the cluster has been cut: from a snapshot on");
                    self.after = None;
                }
                error => {
                    warn!(error = %PeerText(error), "the watch of the cluster has ended: it is started again");
                    self.cluster.frontlas.pass_over();
                }
            }
            if has_answered {
                backoff.reset();
            }
            self.poll().await;
            sleep(backoff.next_pause()).await;
        }
    }

    /// Follows the changes for as long as it goes.
    async fn watch(&mut self, has_answered: &mut bool) -> FrontlasError {
        let kinds = [WatchKind::Frontiers, WatchKind::Edges];
        let kinds = if self.cluster.edge_cache.lock().is_enabled() { &kinds[..] } else { &kinds[..1] };
        let mut watch = match self.cluster.frontlas.watch(self.after, kinds).await {
            Ok(watch) => watch,
            Err(error) => return error,
        };
        self.snapshot.clear();
        loop {
            let response = match timeout(WATCH_TIMEOUT, watch.message()).await {
                Ok(Ok(Some(response))) => response,
                Ok(Ok(None)) => return FrontlasError::Away("the watch has ended".into()),
                Ok(Err(status)) => return FrontlasError::Refused(status),
                Err(_) => return FrontlasError::Refused(Status::deadline_exceeded("the watch is silent")),
            };
            *has_answered = true;
            match response.event {
                Some(Event::Snapshot(part)) => self.take_snapshot(part),
                Some(Event::Change(change)) => {
                    change.what.into_iter().for_each(|what| self.take_change(what))
                }
                None => {}
            }
            self.after = response.position.or(self.after);
        }
    }

    /// Without a watch: the gateways as they are now.
    async fn poll(&self) {
        match self.cluster.frontlas.frontiers().await {
            Ok(frontiers) => self.cluster.list(&frontiers),
            Err(error) => debug!(error = %PeerText(error), "frontlas could not list the frontiers"),
        }
    }

    fn take_snapshot(&mut self, part: Snapshot) {
        self.snapshot.extend(part.frontiers);
        part.edges.into_iter().for_each(|edge| self.is_at(edge));
        if part.last {
            self.cluster.list(&std::mem::take(&mut self.snapshot));
        }
    }

    fn take_change(&self, what: What) {
        match what {
            What::FrontierOnline(frontier) => self.cluster.add(&frontier),
            What::FrontierOffline(gone) => self.cluster.unlist(&gone.frontier_id),
            What::EdgeOnline(online) => online.edge.into_iter().for_each(|edge| self.is_at(edge)),
            What::EdgeOffline(left) => {
                let location = EdgeLocation { frontier: left.frontier_id.into(), connected_at: left.stamp };
                self.cluster.edge_cache.lock().remove(EdgeId(left.edge_id), &location);
            }
            What::ServiceOnline(_) | What::ServiceOffline(_) => {}
        }
    }

    fn is_at(&self, edge: Edge) {
        let location = EdgeLocation { frontier: edge.frontier_id.into(), connected_at: edge.stamp };
        self.cluster.edge_cache.lock().update(EdgeId(edge.edge_id), location);
    }
}
