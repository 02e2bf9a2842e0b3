//! The task that owns the dispatchers, one for each service, and knows which hosts there are.
//!
//! It waits for nobody: sessions and hosts wait to tell it something, and what it grants is put into the sessions' mailboxes,
//! which hold no more than what is granted and not finished.

mod leases;
mod mailbox;

pub(crate) use mailbox::Mailbox;

use crate::config::HostConfig;
use frontier_sessions::{
    AttemptId, DispatchConfig, Dispatcher, Ending, Figures, Grant, Host, HostState, Labels, SessionId,
    SessionPlan,
};
use leases::Leases;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

/// How many events may wait. Whoever brings one waits when there are as many.
const WAITING: usize = 1024;

/// How often it is told how the services stand, at most.
const TELLING: Duration = Duration::from_millis(500);

/// What the dispatchers have to know.
pub(crate) enum Event {
    /// A host says who it is.
    Announced { service: Arc<str>, host: Host, draining: bool },
    /// A session is there.
    Opened { session: SessionId, service: Arc<str>, plan: SessionPlan, mailbox: Arc<Mailbox> },
    /// A session has wanted so many calls in all, and these of its calls have ended.
    Turn { session: SessionId, offered: u64, ended: Vec<(AttemptId, Ending)> },
    /// A session is gone.
    Closed(SessionId),
    /// Somebody wants to know the hosts of a service.
    Hosts(Arc<str>, oneshot::Sender<Vec<HostStanding>>),
    /// Somebody wants to know which hosts are lost, as far as there is room.
    Lost(mpsc::Sender<LostHost>),
}

/// A host that was not heard of for too long, and had not said that it stops.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LostHost {
    pub(crate) service: Arc<str>,
    pub(crate) edge: u64,
}

/// How a host stands.
#[derive(Clone, Debug)]
pub(crate) struct HostStanding {
    pub(crate) edge: u64,
    pub(crate) node: String,
    pub(crate) labels: Labels,
    /// `ready`, `blocked` or `draining`.
    pub(crate) state: &'static str,
    pub(crate) capacity: u32,
    pub(crate) in_flight: u32,
}

/// How each service stands.
pub(crate) type Standing = BTreeMap<Arc<str>, Figures>;

/// How the dispatchers are told. Cheap to clone.
#[derive(Clone)]
pub(crate) struct DispatchHandle {
    events: mpsc::Sender<Event>,
    standing: Arc<Mutex<Standing>>,
}

impl DispatchHandle {
    /// Waits while too much waits.
    pub(crate) async fn tell(&self, event: Event) {
        // It ends with the process.
        let _ = self.events.send(event).await;
    }

    /// `false` if too much waits.
    pub(crate) fn try_tell(&self, event: Event) -> bool {
        self.events.try_send(event).is_ok()
    }

    /// The hosts of a service.
    pub(crate) async fn hosts(&self, service: &str) -> Vec<HostStanding> {
        let (reply, answer) = oneshot::channel();
        self.tell(Event::Hosts(service.into(), reply)).await;
        // It ends with the process.
        answer.await.unwrap_or_default()
    }

    /// How the services stood a moment ago.
    pub(crate) fn standing(&self) -> Standing {
        self.standing.lock().clone()
    }
}

struct Service {
    dispatcher: Dispatcher,
    sessions: usize,
}

struct Owner {
    config: DispatchConfig,
    services: HashMap<Arc<str>, Service>,
    sessions: HashMap<SessionId, (Arc<str>, Arc<Mailbox>)>,
    leases: Leases,
    /// Who wants to know which hosts are lost.
    lost: Option<mpsc::Sender<LostHost>>,
    /// Services of which something has changed, so that there may be something to grant.
    touched: HashSet<Arc<str>>,
    /// When to look at blocked hosts, at the latest.
    wake: Option<Instant>,
}

/// Starts the task. It runs until all handles are gone.
pub(crate) fn start(config: &HostConfig) -> DispatchHandle {
    let (events, receiver) = mpsc::channel(WAITING);
    let standing = Arc::<Mutex<Standing>>::default();
    let owner = Owner {
        config: config.dispatch,
        services: HashMap::new(),
        sessions: HashMap::new(),
        leases: Leases::new(config.ttl, config.hosts),
        lost: None,
        touched: HashSet::new(),
        wake: None,
    };
    tokio::spawn(run(owner, receiver, standing.clone()));
    DispatchHandle { events, standing }
}

async fn run(mut owner: Owner, mut events: mpsc::Receiver<Event>, standing: Arc<Mutex<Standing>>) {
    let mut told_at = Instant::now();
    let mut is_told = true;
    let mut batch = Vec::with_capacity(WAITING);
    loop {
        let telling = (!is_told).then(|| told_at + TELLING);
        let wake = [owner.wake, owner.leases.deadline(), telling].into_iter().flatten().min();
        let timer = async {
            match wake {
                Some(at) => sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            count = events.recv_many(&mut batch, WAITING) => if count == 0 { return },
            () = timer => {}
        }
        let now = Instant::now();
        batch.drain(..).for_each(|event| owner.on(event, now));
        owner.on_time(now);
        is_told &= owner.touched.is_empty();
        owner.grant(now);
        if !is_told && now >= told_at + TELLING {
            *standing.lock() = owner.standing();
            (told_at, is_told) = (now, true);
        }
    }
}

impl Owner {
    fn on(&mut self, event: Event, now: Instant) {
        match event {
            Event::Announced { service, host, draining } => self.announced(service, host, draining, now),
            Event::Opened { session, service, plan, mailbox } => {
                let entry = self.service(&service);
                entry.sessions += 1;
                entry.dispatcher.session_opened(session, plan);
                self.sessions.insert(session, (service, mailbox));
            }
            Event::Turn { session, offered, ended } => {
                let Some((service, _)) = self.sessions.get(&session) else { return };
                let service = service.clone();
                let entry = self.service(&service);
                // What was not called is offered still, so it comes first.
                ended.into_iter().for_each(|(call, ending)| entry.dispatcher.finished(call, ending, now));
                entry.dispatcher.offered(session, offered);
            }
            Event::Closed(session) => {
                let Some((service, _)) = self.sessions.remove(&session) else { return };
                let entry = self.service(&service);
                entry.sessions -= 1;
                entry.dispatcher.session_closed(session, now);
            }
            Event::Hosts(service, reply) => {
                let dispatcher = self.services.get(&service).map(|entry| &entry.dispatcher);
                let hosts = dispatcher.into_iter().flat_map(Dispatcher::hosts).map(standing);
                // Whoever has gone away does not want to know.
                let _ = reply.send(hosts.collect());
            }
            Event::Lost(lost) => self.lost = Some(lost),
        }
    }

    fn announced(&mut self, service: Arc<str>, host: Host, draining: bool, now: Instant) {
        let key = host.key;
        if let Some((before, key)) = self.leases.of_other_service(&key, &service) {
            self.service(&before).dispatcher.host_left(key);
        }
        if !self.leases.renew(key, &service, now) {
            tracing::debug!(
                edge = key.edge,
                "a host is not taken: there are too many, or it is an earlier life of one"
            );
            return;
        }
        let entry = self.service(&service);
        entry.dispatcher.host_joined(host, now);
        if draining {
            entry.dispatcher.host_draining(key);
            self.leases.drain(key);
        }
    }

    fn service(&mut self, name: &Arc<str>) -> &mut Service {
        self.touched.insert(name.clone());
        let config = self.config;
        let make = || Service { dispatcher: Dispatcher::new(config), sessions: 0 };
        self.services.entry(name.clone()).or_insert_with(make)
    }

    fn on_time(&mut self, now: Instant) {
        for (service, key, draining) in self.leases.expired(now) {
            tracing::debug!(edge = key.edge, %service, "a host was not heard of for too long");
            self.service(&service).dispatcher.host_left(key);
            if let Some(lost) = self.lost.as_ref().filter(|_| !draining) {
                // Where very many are lost at once, some of them tell as much as all.
                let _ = lost.try_send(LostHost { service, edge: key.edge });
            }
        }
        if self.wake.is_some_and(|wake| wake <= now) {
            self.wake = None;
            for (name, service) in &mut self.services {
                match service.dispatcher.deadline() {
                    Some(due) if due <= now => {
                        service.dispatcher.on_time(now);
                        self.touched.insert(name.clone());
                    }
                    later => self.wake = self.wake.into_iter().chain(later).min(),
                }
            }
        }
    }

    /// Gives out all that can be given.
    fn grant(&mut self, now: Instant) {
        for name in std::mem::take(&mut self.touched) {
            let Some(service) = self.services.get_mut(&name) else { continue };
            // Those of one session mostly come one after the other, and are put into its mailbox together.
            let mut grants: Vec<Grant> = Vec::new();
            while let Some(grant) = service.dispatcher.next(now).or_else(|| service.dispatcher.hedge(now)) {
                if !self.sessions.contains_key(&grant.session) {
                    service.dispatcher.finished(grant.attempt, Ending::Unused, now);
                    continue;
                }
                if grants.last().is_some_and(|last| last.session != grant.session) {
                    deliver(&self.sessions, &mut grants);
                }
                grants.push(grant);
            }
            deliver(&self.sessions, &mut grants);
            self.wake = self.wake.into_iter().chain(service.dispatcher.deadline()).min();
            let is_empty = service.sessions == 0 && service.dispatcher.hosts().next().is_none();
            if is_empty {
                self.services.remove(&name);
            }
        }
    }

    fn standing(&self) -> Standing {
        self.services.iter().map(|(name, service)| (name.clone(), service.dispatcher.figures())).collect()
    }
}

/// Puts grants of one session into its mailbox.
fn deliver(sessions: &HashMap<SessionId, (Arc<str>, Arc<Mailbox>)>, grants: &mut Vec<Grant>) {
    if let Some((_, mailbox)) = grants.first().and_then(|first| sessions.get(&first.session)) {
        mailbox.put(grants);
    }
}

fn standing((host, state, in_flight): (&Host, HostState, u32)) -> HostStanding {
    HostStanding {
        edge: host.key.edge,
        node: host.node.clone(),
        labels: host.labels.clone(),
        state: match state {
            HostState::Ready => "ready",
            HostState::Blocked(_) => "blocked",
            HostState::Draining | HostState::Gone => "draining",
        },
        capacity: host.capacity,
        in_flight,
    }
}

#[cfg(test)]
mod tests;
