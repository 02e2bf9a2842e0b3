//! The frontiers that are connected to this replica, one connection each: the one that joined last.

use frontier_protocol::{Plan, ReportAck, Superseded};
use frontier_transport::{CloseReason, LinkHandle, Priority};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// Reaches them by their ids.
#[derive(Clone, Default)]
pub(super) struct Connections {
    by_frontier: Arc<Mutex<HashMap<String, Connection>>>,
    added: Arc<Notify>,
    /// The same, for those who list all of them.
    joined: Arc<Notify>,
}

struct Connection {
    epoch: u64,
    link: LinkHandle,
    /// The last plan that was sent, encoded.
    plan: Vec<u8>,
    /// Stands for the list of members that was sent last.
    members: Option<u64>,
}

/// Removes the connection when it is dropped.
pub(super) struct Registration {
    connections: Connections,
    frontier: String,
    epoch: u64,
}

impl Connections {
    /// Adds a connection, and closes an earlier one of that frontier. `None` if there is a later one.
    pub(super) fn add(&self, frontier: &str, epoch: u64, link: LinkHandle) -> Option<Registration> {
        let mut by_frontier = self.by_frontier.lock();
        if by_frontier.get(frontier).is_some_and(|it| it.epoch > epoch) {
            return None;
        }
        let connection = Connection { epoch, link, plan: Vec::new(), members: None };
        let earlier = by_frontier.insert(frontier.to_owned(), connection);
        drop(by_frontier);
        self.added.notify_one();
        self.joined.notify_one();
        if let Some(earlier) = earlier {
            earlier.link.close(CloseReason::Superseded);
        }
        Some(Registration { connections: self.clone(), frontier: frontier.to_owned(), epoch })
    }

    /// Sends a frontier, if it is connected here, the edges that have moved away from it.
    pub(super) fn send_superseded(&self, frontier: &str, superseded: Vec<Superseded>) {
        if let Some(connection) = self.by_frontier.lock().get(frontier) {
            connection.notify(&ReportAck { superseded, ..ReportAck::done() });
        }
    }

    /// Waits until another one was added. Cancel safe.
    pub(super) async fn wait_for_new(&self) {
        self.added.notified().await;
    }

    /// The same, for another who waits.
    pub(super) async fn wait_for_joined(&self) {
        self.joined.notified().await;
    }

    pub(super) fn len(&self) -> usize {
        self.by_frontier.lock().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_frontier.lock().is_empty()
    }

    /// Sends every frontier that is connected here its plan, but for one that moves nothing and was sent already.
    pub(super) fn send_plans<'a>(&self, plan: impl Fn(&str) -> Plan<'a>) {
        for (frontier, connection) in &mut *self.by_frontier.lock() {
            connection.send_plan(&plan(frontier));
        }
    }

    /// Sends every frontier that is connected here the list of members that `list` stands for, but for those that have it.
    /// `send` does it, and says whether it was sent.
    pub(super) fn send_members(&self, list: u64, send: impl Fn(&str, &LinkHandle) -> bool) {
        for (frontier, connection) in &mut *self.by_frontier.lock() {
            if connection.members != Some(list) && send(frontier, &connection.link) {
                connection.members = Some(list);
            }
        }
    }

    /// Requests a snapshot of every frontier that is connected here.
    pub(super) fn request_snapshots(&self) {
        let notice = ReportAck { resync: true, ..ReportAck::done() };
        self.by_frontier.lock().values().for_each(|connection| connection.notify(&notice));
    }
}

impl Connection {
    fn send_plan(&mut self, plan: &Plan<'_>) {
        let mut wire = Vec::new();
        let is_idle = plan.others.iter().all(|other| other.want == 0);
        // Encoding can't fail: the directory refuses ids and addresses that do not fit a frame.
        if plan.encode(0, &mut wire).is_err() || (is_idle && wire == self.plan) {
            return;
        }
        // Fails only if the connection is over; the frontier is sent a plan when it connects again.
        let _ = self.link.send(Priority::Reply, |out| {
            out.extend_from_slice(&wire);
            Ok(())
        });
        self.plan = wire;
    }

    fn notify(&self, notice: &ReportAck<'_>) {
        // Fails only if the connection is over; then the verdicts on the frontier's next snapshot say it.
        let _ = self.link.send(Priority::Reply, |out| notice.encode(0, out));
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut by_frontier = self.connections.by_frontier.lock();
        if by_frontier.get(&self.frontier).is_some_and(|it| it.epoch == self.epoch) {
            by_frontier.remove(&self.frontier);
        }
    }
}
