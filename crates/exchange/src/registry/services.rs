//! The services, and the one place where it is changed who takes what.

use super::Displaced;
use super::draft::{Draft, Table};
use super::lists::Lists;
use super::offered::OfferedNames;
use super::offers::Offers;
use super::routes::{self, Candidate, Routes};
use crate::failure::RegistrationError;
use crate::feed::Feed;
use crate::take_over::TakeOver;
use crate::{Limits, Peer, Stage};
use ahash::AHashSet;
use arc_swap::{ArcSwap, Guard};
use frontier_access::rules::PermissionDenied;
use frontier_protocol::{Names, Offered, Registration, ServiceId};
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// The services: a snapshot that is read without a lock on every call, and the one place where it is
/// made anew. A change costs in proportion to itself, whatever else is registered.
#[derive(Debug, Default)]
pub(crate) struct Services {
    routes: ArcSwap<Routes>,
    members: Mutex<Members>,
    feed: Arc<Feed>,
    /// The gateway's id in its cluster, if it is part of one.
    gateway_id: Option<Box<str>>,
    /// What other gateways are told, where they are.
    offered: Option<Arc<OfferedNames>>,
}

/// Who is there. In order, so that they can be looked at piece by piece.
#[derive(Debug, Default)]
struct Members {
    by_id: BTreeMap<u64, Member>,
    /// What is to be the next snapshot.
    draft: Draft,
    lists: Lists,
    offers: Offers,
}

/// The services, held.
#[derive(Debug)]
pub struct Held<'s> {
    _members: MutexGuard<'s, Members>,
}

/// A service and the names that it registered.
#[derive(Debug)]
struct Member {
    service: Arc<Peer>,
    methods: AHashSet<Arc<str>>,
    topics: AHashSet<Arc<str>>,
}

impl Services {
    pub(super) fn new(feed: Arc<Feed>, gateway_id: Option<Box<str>>, offers: bool) -> Self {
        let offered: Option<Arc<OfferedNames>> = offers.then(Arc::default);
        let members = Members { offers: Offers::new(offered.clone()), ..Members::default() };
        Self { feed, gateway_id, offered, members: Mutex::new(members), ..Self::default() }
    }

    /// The names that the services take, as other gateways are told of them.
    pub(crate) fn offered(&self) -> Option<&Arc<OfferedNames>> {
        self.offered.as_ref()
    }

    /// The own id of the cluster's service that has this id here, if the gateway is part of a cluster.
    pub(crate) fn own_id(&self, id: ServiceId) -> Option<ServiceId> {
        self.gateway_id.as_deref().map(|gateway| id.at(gateway))
    }

    /// Who takes what, as of now.
    pub(crate) fn routes(&self) -> Guard<Arc<Routes>> {
        self.routes.load()
    }

    /// The service with this id.
    pub(crate) fn get(&self, id: ServiceId) -> Option<Arc<Peer>> {
        self.members.lock().by_id.get(&id.0).map(|member| member.service.clone())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.members.lock().by_id.len()
    }

    /// Lets nobody come or go, until it is dropped.
    pub(crate) fn hold(&self) -> Held<'_> {
        Held { _members: self.members.lock() }
    }

    pub(crate) fn is_taken(&self, id: ServiceId) -> bool {
        self.members.lock().by_id.contains_key(&id.0)
    }

    /// Puts `service` online with its first methods and topics, all of them or none. If its id was held
    /// by another connection, that one's methods and topics pass to this one in the same instant, and
    /// it is returned. Those of another name do not pass, nor those of one that is closed, and could not have been
    /// displaced.
    pub(crate) fn claim(
        &self,
        id: ServiceId,
        service: &Arc<Peer>,
        methods: &[&str],
        topics: &[&str],
        limits: &Limits,
    ) -> Result<Option<Displaced>, RegistrationError> {
        check(methods, limits)?;
        check(topics, limits)?;
        permit(service, Names::Methods, methods)?;
        permit(service, Names::Topics, topics)?;
        let mut members = self.members.lock();
        let Members { by_id, draft, lists, offers } = &mut *members;
        let old = by_id.get(&id.0);
        let take_over = old.map(|old| TakeOver::judge(service, &old.service)).transpose();
        let take_over = take_over.map_err(RegistrationError::Protected)?;
        let contested = old.zip(take_over);
        if contested.is_some_and(|(old, it)| !it.is_due(service.claim(), old.service.claim())) {
            return Err(RegistrationError::Superseded);
        }
        let heir =
            old.filter(|old| take_over != Some(TakeOver::Over) && old.service.name() == service.name());
        // What it would take over must be allowed to itself, or an id were a way round the rules.
        if let Some(denial) = heir.and_then(|old| denied(service, old)) {
            return Err(denial.into());
        }
        let count = united(methods, heir.map(|it| &it.methods)) + united(topics, heir.map(|it| &it.topics));
        if count > limits.names {
            return Err(RegistrationError::TooMany(limits.names));
        }
        let mut member =
            Member { service: service.clone(), methods: AHashSet::new(), topics: AHashSet::new() };
        let candidate = Candidate::new(service.clone(), self.gateway_id.as_deref());
        let inherited =
            |names: fn(&Member) -> &AHashSet<Arc<str>>| heir.into_iter().flat_map(names).map(|name| &**name);
        for method in methods.iter().copied().chain(inherited(|old| &old.methods)) {
            member.methods.insert(routes::kept(draft, Table::Methods, method));
        }
        for topic in topics.iter().copied().chain(inherited(|old| &old.topics)) {
            member.topics.insert(routes::kept(draft, Table::Topics, topic));
        }
        let (methods, topics) = (member.methods.clone(), member.topics.clone());
        // Before what its predecessor took, so that others need not hear of what stays.
        member.for_each_name(|of, name| offers.add(of, name));
        // It is a member before it is routed to: its end takes out whatever a member has.
        let old = by_id.insert(id.0, member);
        if let Some(old) = &old {
            old.for_each_name(|of, name| offers.remove(of, name));
            withdraw(draft, old, lists);
        }
        methods.iter().for_each(|method| routes::add(draft, Table::Methods, method, &candidate, lists));
        topics.iter().for_each(|topic| routes::add(draft, Table::Topics, topic, &candidate, lists));
        if !service.name().is_empty() {
            let name = routes::kept(draft, Table::Names, service.name());
            routes::add(draft, Table::Names, &name, &candidate, lists);
        }
        let predecessor = old.map(|old| old.service).zip(take_over);
        if let Some((predecessor, _)) = &predecessor {
            predecessor.advance(Stage::Gone);
            self.delist(predecessor);
        }
        service.advance(Stage::Online);
        self.publish(&mut members);
        service.list();
        self.feed.online(service);
        Ok(predecessor)
    }

    /// Adds names to, or takes names off, what `service` takes: all of them, or none. Routing knows when this returns.
    pub(crate) fn change(
        &self,
        service: &Arc<Peer>,
        change: Registration,
        of: Names,
        names: &[&str],
        limits: &Limits,
    ) -> Result<(), RegistrationError> {
        self.check_change(service, change, of, names, limits)?;
        self.apply(service, change, of, names, true)
    }

    /// Whether `service` may make that change.
    pub(crate) fn check_change(
        &self,
        service: &Arc<Peer>,
        change: Registration,
        of: Names,
        names: &[&str],
        limits: &Limits,
    ) -> Result<(), RegistrationError> {
        check(names, limits)?;
        if change == Registration::Add {
            permit(service, of, names)?;
        }
        let mut members = self.members.lock();
        let member = members.of(service).ok_or(RegistrationError::Superseded)?;
        let count = member.methods.len() + member.topics.len();
        let own = member.names(of);
        // Most are within the limit however many of them are new.
        if change == Registration::Add && count + names.len() > limits.names {
            let new: AHashSet<&str> = names.iter().copied().filter(|name| !own.contains(*name)).collect();
            if count + new.len() > limits.names {
                return Err(RegistrationError::TooMany(limits.names));
            }
        }
        Ok(())
    }

    /// Makes a change, or a part of one, that was checked. Names that are there already, or are not, cost a look each. Who
    /// does not publish it has more to come: routing may know of it before that, and need not.
    pub(crate) fn apply(
        &self,
        service: &Arc<Peer>,
        change: Registration,
        of: Names,
        names: &[&str],
        publishes: bool,
    ) -> Result<(), RegistrationError> {
        let mut members = self.members.lock();
        let Members { by_id, draft, lists, offers } = &mut *members;
        let member = by_id
            .get_mut(&service.number())
            .filter(|member| Arc::ptr_eq(&member.service, service))
            .ok_or(RegistrationError::Superseded)?;
        let own = member.names(of);
        let changes = |name: &&&str| own.contains(**name) != (change == Registration::Add);
        if !names.iter().any(|name| changes(&name)) {
            return Ok(());
        }
        let (table, kind) = match of {
            Names::Methods => (Table::Methods, Offered::Method),
            Names::Topics => (Table::Topics, Offered::Topic),
        };
        match change {
            Registration::Add => {
                let candidate = Candidate::new(service.clone(), self.gateway_id.as_deref());
                for name in names {
                    if !own.contains(*name) {
                        let name = routes::kept(draft, table, name);
                        routes::add(draft, table, &name, &candidate, lists);
                        offers.add(kind, name.clone());
                        own.insert(name);
                    }
                }
            }
            Registration::Remove => {
                for name in names {
                    if let Some(name) = own.take(*name) {
                        routes::remove(draft, table, &name, service, lists);
                        offers.remove(kind, name);
                    }
                }
            }
        }
        if publishes {
            self.publish(&mut members);
        }
        Ok(())
    }

    /// Routing knows from here on what was made of the draft.
    pub(crate) fn publish_draft(&self) {
        self.publish(&mut self.members.lock());
    }

    /// Others hear of it behind routing: what they ask for is there.
    fn publish(&self, members: &mut Members) {
        members.draft.publish(&self.routes);
        members.offers.publish();
    }

    /// Takes off so many of the names of `service`, which has no use for them any more. Whether there may be more.
    pub(crate) fn withdraw_some(&self, service: &Arc<Peer>, count: usize, publishes: bool) -> bool {
        let (of, names) = {
            let mut members = self.members.lock();
            let Some(member) = members.of(service) else { return false };
            let of = if member.methods.is_empty() { Names::Topics } else { Names::Methods };
            (of, member.names(of).iter().take(count).cloned().collect::<Vec<_>>())
        };
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        !names.is_empty() && self.apply(service, Registration::Remove, of, &names, publishes).is_ok()
    }

    /// Takes `service` out, unless another connection has taken over its id.
    pub(crate) fn release(&self, service: &Arc<Peer>) {
        service.advance(Stage::Gone);
        let mut members = self.members.lock();
        let Members { by_id, draft, lists, offers } = &mut *members;
        let is_current =
            by_id.get(&service.number()).is_some_and(|member| Arc::ptr_eq(&member.service, service));
        if is_current && let Some(member) = by_id.remove(&service.number()) {
            withdraw(draft, &member, lists);
            member.for_each_name(|of, name| offers.remove(of, name));
            self.publish(&mut members);
            self.delist(service);
        }
    }

    fn delist(&self, service: &Peer) {
        if service.delist() {
            self.feed.offline(service);
        }
    }

    /// Why `service` may not take, any more, what it has registered.
    pub(crate) fn denied_name(&self, service: &Arc<Peer>) -> Option<PermissionDenied> {
        denied(service, self.members.lock().of(service)?)
    }

    /// The methods or topics that `service` takes, in no order. In one piece: at most as many as one service may have.
    pub(crate) fn names(&self, service: &Arc<Peer>, of: Names) -> Vec<Arc<str>> {
        let mut members = self.members.lock();
        members.of(service).map(|member| member.names(of).iter().cloned().collect()).unwrap_or_default()
    }

    /// How many methods or topics it takes.
    pub(crate) fn name_count(&self, service: &Arc<Peer>, of: Names) -> usize {
        self.members.lock().of(service).map_or(0, |member| member.names(of).len())
    }

    /// Whether it takes this method or topic.
    pub(crate) fn takes(&self, service: &Arc<Peer>, of: Names, name: &str) -> bool {
        self.members.lock().of(service).is_some_and(|member| member.names(of).contains(name))
    }

    /// As many as `count` of them with ids greater than `after`, in the order of their ids.
    pub(crate) fn some(&self, after: Option<u64>, count: usize) -> Vec<Arc<Peer>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let members = self.members.lock();
        members.by_id.range((start, Bound::Unbounded)).take(count).map(|(_, it)| it.service.clone()).collect()
    }

    /// Calls `visit` with each service; what comes or goes meanwhile may be missed.
    pub(crate) fn for_each(&self, visit: impl FnMut(&Arc<Peer>)) {
        // In one piece, since there are few beside the edges; and not under the lock.
        self.some(None, usize::MAX).iter().for_each(visit);
    }
}

impl Members {
    /// What `service` has registered, if it still has its id.
    fn of(&mut self, service: &Arc<Peer>) -> Option<&mut Member> {
        self.by_id.get_mut(&service.number()).filter(|member| Arc::ptr_eq(&member.service, service))
    }
}

impl Member {
    fn names(&mut self, of: Names) -> &mut AHashSet<Arc<str>> {
        match of {
            Names::Methods => &mut self.methods,
            Names::Topics => &mut self.topics,
        }
    }

    /// Calls `visit` with each name that the service takes, its own too.
    fn for_each_name(&self, mut visit: impl FnMut(Offered, Arc<str>)) {
        self.methods.iter().for_each(|method| visit(Offered::Method, method.clone()));
        self.topics.iter().for_each(|topic| visit(Offered::Topic, topic.clone()));
        if !self.service.name().is_empty() {
            visit(Offered::Service, self.service.name().into());
        }
    }
}

fn withdraw(draft: &mut Draft, member: &Member, lists: &mut Lists) {
    let Member { service, methods, topics } = member;
    methods.iter().for_each(|method| routes::remove(draft, Table::Methods, method, service, lists));
    topics.iter().for_each(|topic| routes::remove(draft, Table::Topics, topic, service, lists));
    routes::remove(draft, Table::Names, service.name(), service, lists);
}

/// How many different names there are in both.
fn united(names: &[&str], old: Option<&AHashSet<Arc<str>>>) -> usize {
    let mut all: AHashSet<&str> = names.iter().copied().collect();
    all.extend(old.into_iter().flatten().map(AsRef::<str>::as_ref));
    all.len()
}

/// Whether the service may register these names.
fn permit<S: AsRef<str>>(
    service: &Peer,
    of: Names,
    names: impl IntoIterator<Item = S>,
) -> Result<(), PermissionDenied> {
    let Some(authorization) = service.authorization().restricted() else { return Ok(()) };
    let Some(grants) = authorization.as_ref().and_then(|it| it.grants.as_ref()) else { return Ok(()) };
    names.into_iter().try_for_each(|name| match of {
        Names::Methods => grants.may_register_method(name.as_ref()),
        Names::Topics => grants.may_register_topic(name.as_ref()),
    })
}

/// Why `service` may not take everything that this member does.
fn denied(service: &Peer, member: &Member) -> Option<PermissionDenied> {
    let methods = permit(service, Names::Methods, &member.methods);
    methods.and_then(|()| permit(service, Names::Topics, &member.topics)).err()
}

pub(super) fn check(names: &[&str], limits: &Limits) -> Result<(), RegistrationError> {
    for name in names {
        if name.is_empty() {
            return Err(RegistrationError::EmptyName);
        }
        if name.len() > limits.name_len {
            return Err(RegistrationError::NameTooLong { len: name.len(), max: limits.name_len });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
