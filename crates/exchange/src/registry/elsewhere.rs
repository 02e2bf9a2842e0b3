//! What the services at other gateways take, as those gateways say: the directory of names.

use crate::balance::{Balancer, Chooser, Tried};
use crate::hash::scatter;
use crate::inbound::OfferedName;
use crate::{Peer, Stage};
use ahash::{AHashMap, AHashSet};
use frontier_protocol::{Offered, ServiceId};
use parking_lot::{Mutex, RwLock};
use smallvec::SmallVec;
use std::sync::Arc;
use tokio::sync::Notify;

/// How many names one other gateway may offer, and how many bytes they may have together. More are not known here.
const MAX_NAMES: usize = 262_144;
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// How many names are taken out under one lock.
const SLICE: usize = 1024;

/// Another gateway that offers a name.
#[derive(Clone, Debug)]
pub(crate) struct Offerer {
    /// The link to it.
    pub(crate) gateway: Arc<Peer>,
    /// Its id, scattered: an edge is sent to the same one from everywhere.
    pub(crate) hash: u64,
}

type Offerers = SmallVec<[Offerer; 1]>;

/// The names by what they are the names of, and the gateways that offer them.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    names: RwLock<[AHashMap<Arc<str>, Offerers>; 3]>,
    /// By the epoch of the link. Locked for as long as that link's names are changed.
    gateways: Mutex<AHashMap<u64, OfferedBy>>,
    news: Notify,
}

/// What one gateway offers.
#[derive(Debug)]
struct OfferedBy {
    offerer: Offerer,
    names: AHashSet<(Offered, Arc<str>)>,
    /// What they have together.
    bytes: usize,
    /// Whether it has told everything.
    is_whole: bool,
    is_excess_told: bool,
}

fn place(of: Offered) -> usize {
    match of {
        Offered::Method => 0,
        Offered::Topic => 1,
        Offered::Service => 2,
    }
}

impl OfferedBy {
    fn new(gateway: &Arc<Peer>) -> Self {
        let offerer = Offerer { gateway: gateway.clone(), hash: hash_id(gateway.name()) };
        Self { offerer, names: AHashSet::default(), bytes: 0, is_whole: false, is_excess_told: false }
    }
}

impl Elsewhere {
    /// `gateway` says what its services take: with `is_first` nothing but that, with `is_last` all of it.
    pub(crate) fn apply(
        &self,
        gateway: &Arc<Peer>,
        is_first: bool,
        is_last: bool,
        names: &[OfferedName<'_>],
    ) {
        let mut gateways = self.gateways.lock();
        // After the end of its link nobody takes it out any more.
        if gateway.stage() == Stage::Gone {
            return;
        }
        let by = gateways.entry(gateway.epoch().0).or_insert_with(|| OfferedBy::new(gateway));
        if is_first {
            by.bytes = 0;
            self.take_out(gateway, by.names.drain());
        }
        for slice in names.chunks(SLICE) {
            let mut table = self.names.write();
            for OfferedName { of, name, is_offered } in slice {
                match is_offered {
                    true if by.names.len() >= MAX_NAMES || by.bytes + name.len() > MAX_BYTES => {
                        if !std::mem::replace(&mut by.is_excess_told, true) {
                            tracing::warn!(
                                frontier = %frontier_protocol::PeerText(gateway.name()),
                                "another gateway offers over {MAX_NAMES} names, or over {MAX_BYTES} bytes of them: edges here do not reach the rest"
                            );
                        }
                    }
                    true => insert(&mut table[place(*of)], *of, name, by),
                    false => remove(&mut table[place(*of)], *of, name, by),
                }
            }
        }
        by.is_whole |= is_last;
        drop(gateways);
        if is_last {
            self.news.notify_waiters();
        }
    }

    /// The link to `gateway` has ended.
    pub(crate) fn forget(&self, gateway: &Arc<Peer>) {
        let by = self.gateways.lock().remove(&gateway.epoch().0);
        if let Some(mut by) = by {
            self.take_out(gateway, by.names.drain());
        }
        self.news.notify_waiters();
    }

    fn take_out(&self, gateway: &Arc<Peer>, names: impl Iterator<Item = (Offered, Arc<str>)>) {
        let mut names = names.peekable();
        while names.peek().is_some() {
            let mut table = self.names.write();
            for (of, name) in names.by_ref().take(SLICE) {
                withdraw(&mut table[place(of)], &name, gateway);
            }
        }
    }

    /// The gateway for a request of an edge, of those that offer the name.
    pub(crate) fn choose(
        &self,
        balancer: &Balancer,
        of: Offered,
        name: &str,
        edge: Chooser<'_>,
        tried: &Tried,
    ) -> Option<Arc<Peer>> {
        let names = self.names.read();
        let table = &names[place(of)];
        let choose = |name: &str| balancer.choose_gateway(table.get(name)?, edge, tried).cloned();
        let chosen = choose(name);
        match of {
            Offered::Topic => chosen.or_else(|| choose(frontier_protocol::CATCH_ALL)),
            Offered::Method | Offered::Service => chosen,
        }
    }

    /// Waits until `gateway` has told everything that its services take, or its link has ended.
    pub(crate) async fn whole(&self, gateway: &Peer) {
        loop {
            let notified = self.news.notified();
            tokio::pin!(notified);
            // Registered before it is looked, so that what comes in between is not missed.
            notified.as_mut().enable();
            let is_whole = || self.gateways.lock().get(&gateway.epoch().0).is_some_and(|by| by.is_whole);
            if gateway.stage() == Stage::Gone || is_whole() {
                return;
            }
            notified.await;
        }
    }

    /// How many methods, topics and names of services are offered.
    pub(crate) fn len_by_kind(&self) -> [usize; 3] {
        self.names.read().each_ref().map(|table| table.len())
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.names.read().iter().map(|table| table.len()).sum()
    }
}

fn insert(table: &mut AHashMap<Arc<str>, Offerers>, of: Offered, name: &str, by: &mut OfferedBy) {
    let known = table.get_key_value(name).map(|(name, _)| name.clone());
    let name = known.unwrap_or_else(|| Arc::from(name));
    if by.names.insert((of, name.clone())) {
        by.bytes += name.len();
        table.entry(name).or_default().push(by.offerer.clone());
    }
}

fn remove(table: &mut AHashMap<Arc<str>, Offerers>, of: Offered, name: &str, by: &mut OfferedBy) {
    let Some(name) = table.get_key_value(name).map(|(name, _)| name.clone()) else { return };
    if by.names.remove(&(of, name.clone())) {
        by.bytes -= name.len();
        withdraw(table, &name, &by.offerer.gateway);
    }
}

fn withdraw(table: &mut AHashMap<Arc<str>, Offerers>, name: &str, gateway: &Arc<Peer>) {
    let Some(offerers) = table.get_mut(name) else { return };
    offerers.retain(|offerer| !Arc::ptr_eq(&offerer.gateway, gateway));
    if offerers.is_empty() {
        table.remove(name);
    }
}

/// The same at every gateway.
fn hash_id(id: &str) -> u64 {
    scatter(ServiceId(1).at(id).0)
}

#[cfg(test)]
mod tests;
