//! What a watcher knows of the directory: a snapshot, kept up to date by changes.

use frontlas::{Change, Changes, Directory, Position, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Follows the directory as a watcher does: a snapshot, then changes.
pub(crate) struct View {
    directory: Arc<dyn Directory>,
    position: Position,
    pub(crate) frontiers: BTreeSet<String>,
    pub(crate) draining: BTreeSet<String>,
    pub(crate) edges: BTreeMap<u64, (String, Timestamp)>,
}

impl View {
    pub(crate) async fn new(directory: &Arc<dyn Directory>) -> Self {
        let position = directory.position().await.unwrap();
        let all = directory.frontiers().await.unwrap();
        let draining = all.iter().filter(|it| it.draining).map(|it| it.id.clone()).collect();
        let frontiers = all.into_iter().map(|it| it.id).collect();
        let mut edges = BTreeMap::new();
        let mut from = Some(0);
        while let Some(next) = from {
            let page = directory.edges(next, 500).await.unwrap();
            edges.extend(page.items.into_iter().map(|it| (it.id, (it.frontier_id, it.stamp))));
            from = page.next;
        }
        Self { directory: directory.clone(), position, frontiers, draining, edges }
    }

    /// Takes in what has happened; gives how many changes there were.
    pub(crate) async fn follow(&mut self) -> usize {
        let mut all = 0;
        loop {
            let changes = self.directory.changes(self.position, 100).await.unwrap();
            let Changes::Since(changes) = changes else { panic!("{:?} is gone", self.position) };
            if changes.is_empty() {
                return all;
            }
            all += changes.len();
            for it in changes {
                assert_eq!(it.number, self.position.number + 1);
                self.position.number = it.number;
                self.take(it.change);
            }
        }
    }

    fn take(&mut self, change: Change) {
        match change {
            Change::FrontierOnline(frontier) => {
                self.draining.remove(&frontier.id);
                self.frontiers.insert(frontier.id);
            }
            Change::FrontierDraining(frontier) => {
                self.draining.insert(frontier.id.clone());
                self.frontiers.insert(frontier.id);
            }
            Change::FrontierOffline { frontier_id } => {
                self.draining.remove(&frontier_id);
                self.frontiers.remove(&frontier_id);
                self.edges.retain(|_, (frontier, _)| *frontier != frontier_id);
            }
            Change::EdgeOnline { edge, .. } => {
                self.edges.insert(edge.id, (edge.frontier_id, edge.stamp));
            }
            Change::EdgeOffline { edge_id, frontier_id, stamp } => {
                if self.edges.get(&edge_id) == Some(&(frontier_id, stamp)) {
                    self.edges.remove(&edge_id);
                }
            }
            Change::ServiceOnline { .. } | Change::ServiceOffline { .. } => {}
        }
    }
}
