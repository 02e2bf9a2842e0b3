//! The gateways of a cluster, as the directory lists them.

use super::Cluster;
use super::member::{self, Listing, Member};
use crate::ConnectError;
use crate::frontlas::servicebound;
use frontier_api::cluster::Frontier;
use frontier_protocol::Code;
use parking_lot::RwLock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::watch;
use tracing::{info, warn};

/// The most gateways that one service connects to. A directory that lists more is broken.
const MAX_FRONTIERS: usize = 10_000;

/// The gateways of the cluster.
pub(super) struct Members {
    all: RwLock<BTreeMap<Arc<str>, Arc<Member>>>,
    /// Whether frontlas has listed them at least once.
    is_listed: watch::Sender<bool>,
    changed: watch::Sender<()>,
}

impl Default for Members {
    fn default() -> Self {
        Self { all: RwLock::default(), is_listed: watch::Sender::new(false), changed: watch::Sender::new(()) }
    }
}

impl Members {
    pub(super) fn get(&self, id: &str) -> Option<Arc<Member>> {
        self.all.read().get(id).cloned()
    }

    /// All of them, ordered by id.
    pub(super) fn all(&self) -> Vec<Arc<Member>> {
        self.all.read().values().cloned().collect()
    }

    /// Those with a connection.
    pub(super) fn connected(&self) -> Vec<Arc<Member>> {
        self.all.read().values().filter(|member| member.is_connected()).cloned().collect()
    }

    pub(super) fn is_any_connected(&self) -> bool {
        self.all.read().values().any(|member| member.is_connected())
    }

    /// Why a gateway refuses the service, if one does.
    pub(super) fn refusal(&self) -> Option<(Code, String)> {
        self.all.read().values().find_map(|member| match member.failure()? {
            ConnectError::Refused { code, text } => Some((code, text)),
            _ => None,
        })
    }

    /// Whether frontlas has listed the gateways at least once.
    pub(super) fn is_listed(&self) -> bool {
        *self.is_listed.borrow()
    }

    /// Something about a member is different.
    pub(super) fn changed(&self) {
        self.changed.send_replace(());
    }

    /// Hears of every change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Forgets a member whose task ends, unless frontlas has listed it again.
    pub(super) fn forget(&self, member: &Arc<Member>) -> bool {
        let mut all = self.all.write();
        let ends = member.is_unlisted();
        if ends {
            all.remove(&member.id);
        }
        drop(all);
        self.changed();
        ends
    }
}

impl Cluster {
    /// These are all the gateways there are.
    pub(super) fn list(self: &Arc<Self>, frontiers: &[Frontier]) {
        let listed: BTreeSet<&str> = frontiers.iter().map(|frontier| frontier.frontier_id.as_str()).collect();
        let gone = self.members.all().into_iter().filter(|member| !listed.contains(&*member.id));
        gone.for_each(|member| self.unlist(&member.id));
        frontiers.iter().for_each(|frontier| self.add(frontier));
        self.members.is_listed.send_replace(true);
        self.members.changed();
    }

    /// The directory lists this gateway, at this address.
    pub(super) fn add(self: &Arc<Self>, frontier: &Frontier) {
        let (id, address) = (frontier.frontier_id.as_str(), servicebound(frontier));
        if id.is_empty() {
            return;
        }
        let mut all = self.members.all.write();
        if let Some(member) = all.get(id) {
            return member.list(address, frontier.draining);
        }
        if all.len() >= MAX_FRONTIERS {
            warn!(
                frontier = id,
                "a frontier is left out: the directory lists more than a service connects to"
            );
            return;
        }
        info!(frontier = id, address, "a frontier has joined");
        let member = Arc::new(Member::new(id.into(), Listing::at(address, frontier.draining)));
        all.insert(member.id.clone(), member.clone());
        self.life.tasks.spawn(member::run(self.clone(), member));
    }

    /// The directory lists this gateway no longer.
    pub(super) fn unlist(&self, id: &str) {
        if let Some(member) = self.members.all.read().get(id) {
            member.unlist();
        }
    }
}
