//! The services, and the one place where it is changed who takes what.

use super::offered::OfferedNames;
use super::routes::{self, Candidate, Routes};
use crate::failure::RegistrationError;
use crate::feed::Feed;
use crate::{Limits, Peer, Stage};
use ahash::AHashMap;
use arc_swap::{ArcSwap, Guard};
use frontier_access::rules::PermissionDenied;
use frontier_protocol::{Names, Offered, Registration, ServiceId};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;

/// The services: a snapshot that is read without a lock on every call, and the one place where it is
/// made anew.
#[derive(Debug, Default)]
pub(crate) struct Services {
    routes: ArcSwap<Routes>,
    members: Mutex<AHashMap<u64, Member>>,
    feed: Arc<Feed>,
    /// The gateway's id in its cluster, if it is part of one.
    gateway_id: Option<Box<str>>,
    /// What other gateways are told, where they are.
    offered: Option<Arc<OfferedNames>>,
}

/// A service and the names that it registered.
#[derive(Debug)]
struct Member {
    service: Arc<Peer>,
    methods: HashSet<Box<str>>,
    topics: HashSet<Box<str>>,
}

impl Services {
    pub(super) fn new(feed: Arc<Feed>, gateway_id: Option<Box<str>>, offers: bool) -> Self {
        let offered = offers.then(Arc::default);
        Self { feed, gateway_id, offered, ..Self::default() }
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
        self.members.lock().get(&id.0).map(|member| member.service.clone())
    }

    pub(crate) fn is_taken(&self, id: ServiceId) -> bool {
        self.members.lock().contains_key(&id.0)
    }

    /// Puts `service` online with its first methods and topics, all of them or none. If its id was held
    /// by another connection, that one's methods and topics pass to this one in the same instant, and
    /// it is returned.
    pub(crate) fn claim(
        &self,
        id: ServiceId,
        service: &Arc<Peer>,
        methods: &[&str],
        topics: &[&str],
        limits: &Limits,
    ) -> Result<Option<Arc<Peer>>, RegistrationError> {
        check(methods, limits)?;
        check(topics, limits)?;
        permit(service, Names::Methods, methods)?;
        permit(service, Names::Topics, topics)?;
        let mut members = self.members.lock();
        let old = members.get(&id.0);
        if old.is_some_and(|old| old.service.epoch() > service.epoch()) {
            return Err(RegistrationError::Superseded);
        }
        // What it would take over must be allowed to itself, or an id were a way round the rules.
        if let Some(denial) = old.and_then(|old| denied(service, old)) {
            return Err(denial.into());
        }
        let count = united(methods, old.map(|old| &old.methods)) + united(topics, old.map(|old| &old.topics));
        if count > limits.names {
            return Err(RegistrationError::TooMany(limits.names));
        }
        let old = members.remove(&id.0);
        let mut offered = self.offered.as_deref().map(OfferedNames::edit);
        if let Some((offered, old)) = offered.as_mut().zip(old.as_ref()) {
            old.names(|of, name| offered.remove(of, name));
        }
        let mut routes = Routes::clone(&self.routes.load());
        let mut member = Member { service: service.clone(), methods: HashSet::new(), topics: HashSet::new() };
        let predecessor = old.map(|old| {
            old.service.advance(Stage::Gone);
            withdraw(&mut routes, &old);
            self.delist(&old.service);
            (member.methods, member.topics) = (old.methods, old.topics);
            old.service
        });
        member.methods.extend(methods.iter().map(|method| Box::from(*method)));
        member.topics.extend(topics.iter().map(|topic| Box::from(*topic)));
        let candidate = Candidate::new(service.clone(), self.gateway_id.as_deref());
        member.methods.iter().for_each(|method| routes::add(&mut routes.methods, method, &candidate));
        member.topics.iter().for_each(|topic| routes::add(&mut routes.topics, topic, &candidate));
        if !service.name().is_empty() {
            routes::add(&mut routes.names, service.name(), &candidate);
        }
        service.advance(Stage::Online);
        if let Some(offered) = &mut offered {
            member.names(|of, name| offered.add(of, name));
        }
        members.insert(id.0, member);
        self.routes.store(Arc::new(routes));
        drop(offered);
        service.list();
        self.feed.online(service);
        Ok(predecessor)
    }

    /// Adds names to, or takes names off, what `service` takes. Routing knows when this returns.
    pub(crate) fn change(
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
        let member = members
            .get_mut(&service.number())
            .filter(|member| Arc::ptr_eq(&member.service, service))
            .ok_or(RegistrationError::Superseded)?;
        let mut routes = Routes::clone(&self.routes.load());
        let count = member.methods.len() + member.topics.len();
        let (own, table, kind) = match of {
            Names::Methods => (&mut member.methods, &mut routes.methods, Offered::Method),
            Names::Topics => (&mut member.topics, &mut routes.topics, Offered::Topic),
        };
        let mut offered = self.offered.as_deref().map(OfferedNames::edit);
        match change {
            Registration::Add => {
                let new: HashSet<&str> = names.iter().copied().filter(|name| !own.contains(*name)).collect();
                if count + new.len() > limits.names {
                    return Err(RegistrationError::TooMany(limits.names));
                }
                let candidate = Candidate::new(service.clone(), self.gateway_id.as_deref());
                for name in new {
                    own.insert(name.into());
                    routes::add(table, name, &candidate);
                    if let Some(offered) = &mut offered {
                        offered.add(kind, name);
                    }
                }
            }
            Registration::Remove => {
                for name in names {
                    if own.remove(*name) {
                        routes::remove(table, name, service);
                        if let Some(offered) = &mut offered {
                            offered.remove(kind, name);
                        }
                    }
                }
            }
        }
        self.routes.store(Arc::new(routes));
        Ok(())
    }

    /// Takes `service` out, unless another connection has taken over its id.
    pub(crate) fn release(&self, service: &Arc<Peer>) {
        service.advance(Stage::Gone);
        let mut members = self.members.lock();
        let is_current =
            members.get(&service.number()).is_some_and(|member| Arc::ptr_eq(&member.service, service));
        if is_current && let Some(member) = members.remove(&service.number()) {
            let mut routes = Routes::clone(&self.routes.load());
            withdraw(&mut routes, &member);
            self.routes.store(Arc::new(routes));
            if let Some(offered) = &self.offered {
                let mut offered = offered.edit();
                member.names(|of, name| offered.remove(of, name));
            }
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
        let members = self.members.lock();
        let member = members.get(&service.number());
        denied(service, member.filter(|member| Arc::ptr_eq(&member.service, service))?)
    }

    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Peer>)) {
        self.members.lock().values().for_each(|member| visit(&member.service));
    }
}

impl Member {
    /// Calls `visit` with each name that the service takes.
    fn names(&self, mut visit: impl FnMut(Offered, &str)) {
        self.methods.iter().for_each(|method| visit(Offered::Method, method));
        self.topics.iter().for_each(|topic| visit(Offered::Topic, topic));
        if !self.service.name().is_empty() {
            visit(Offered::Service, self.service.name());
        }
    }
}

fn withdraw(routes: &mut Routes, member: &Member) {
    member.methods.iter().for_each(|method| routes::remove(&mut routes.methods, method, &member.service));
    member.topics.iter().for_each(|topic| routes::remove(&mut routes.topics, topic, &member.service));
    routes::remove(&mut routes.names, member.service.name(), &member.service);
}

/// How many different names there are in both.
fn united(names: &[&str], old: Option<&HashSet<Box<str>>>) -> usize {
    let mut all: HashSet<&str> = names.iter().copied().collect();
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

fn check(names: &[&str], limits: &Limits) -> Result<(), RegistrationError> {
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
