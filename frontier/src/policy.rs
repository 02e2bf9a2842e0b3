//! Who may connect and what they may do, as of now: where the rest of the gateway asks.
//!
//! A [`Policy`] is a value that does not change. [`Policies`] has the one that holds, and puts another in its
//! place when the configuration is read again. What a peer was found to be, and what it may do by that, is its
//! [`Authorization`](frontier_exchange::Authorization), which a later policy may replace.

mod admission;
mod log;
mod review;
mod service_id;

pub(crate) use admission::Admission;
pub(crate) use log::{Ended, wire};

use crate::config::{Config, EDGEBOUND, Listen, ReloadConfig, SERVICEBOUND};
use arc_swap::ArcSwap;
use frontier_access::authn::{Authenticator, AuthnError, ClientCertificate, PresentedCredentials, Verified};
use frontier_access::{Access, ClockReading};
use frontier_exchange::Exchange;
use frontier_protocol::Role;
use frontier_transport::{Network, ServerTls, TlsError};
use log::LogLimits;
use parking_lot::Mutex;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How late it is noticed that credentials have expired.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(2);

/// One configuration of access with all of its files read, and what each listener asks by it.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) access: Arc<Access>,
    pub(crate) reload: ReloadConfig,
    /// How many there were before it.
    generation: u32,
    edges: Vec<Arc<Authenticator>>,
    services: Vec<Arc<Authenticator>>,
}

/// The policy that holds.
#[derive(Debug)]
pub(crate) struct Policies {
    current: ArcSwap<Policy>,
    replacing: Mutex<()>,
    /// Changes whenever another one is put in place.
    replaced: tokio::sync::watch::Sender<u32>,
    edges: Vec<Bound>,
    services: Vec<Bound>,
    log_limits: LogLimits,
}

/// A listener that is open, by what it was bound to.
#[derive(Debug)]
struct Bound {
    network: Network,
    addr: SocketAddr,
    /// Shared with the listener: what is put in here holds for its next handshake.
    tls: Option<ServerTls>,
}

impl Bound {
    fn is(&self, listen: &Listen) -> bool {
        (self.network, self.addr, self.tls.is_some()) == (listen.network, listen.addr, listen.tls.is_some())
    }
}

impl Policy {
    fn authenticator(&self, role: Role, listener: u16) -> Option<&Arc<Authenticator>> {
        match role {
            Role::Edge => self.edges.get(usize::from(listener)),
            Role::Service | Role::Frontier => self.services.get(usize::from(listener)),
        }
    }

    /// Whether that listener asks for credentials.
    pub(crate) fn asks(&self, role: Role, listener: u16) -> bool {
        self.authenticator(role, listener).is_some_and(|authenticator| !authenticator.is_none())
    }

    /// Who connects to the listener of this number, presents this, and says `meta` of itself.
    ///
    /// # Errors
    /// As [`Access::authenticate`].
    pub(crate) fn authenticate(
        &self,
        role: Role,
        listener: u16,
        address: IpAddr,
        presented: &PresentedCredentials,
        meta: &[u8],
        at: ClockReading,
    ) -> Result<Verified, AuthnError> {
        // There is one for each listener, so the other is never taken.
        let Some(authenticator) = self.authenticator(role, listener) else {
            return Err(AuthnError::MissingCredentials);
        };
        let credentials = presented.credentials();
        let mut verified = self.access.authenticate(authenticator, role, address, &credentials, at)?;
        authenticator.add_claims(meta, &mut verified);
        Ok(verified)
    }
}

impl Policies {
    /// For the listeners of `config`, in their order.
    pub(crate) fn new(config: &Config, access: Access) -> Self {
        let bound = |listeners: &[Listen]| {
            let one = |it: &Listen| Bound { network: it.network, addr: it.addr, tls: it.tls.clone() };
            listeners.iter().map(one).collect::<Vec<_>>()
        };
        let (edges, services) = (&config.edgebound.listeners, &config.servicebound.listeners);
        let asked = |listeners: &[Listen], side| {
            listeners.iter().map(|listen| asked(&access, listen, side)).collect::<Vec<_>>()
        };
        let policy = Policy {
            edges: asked(edges, EDGEBOUND),
            services: asked(services, SERVICEBOUND),
            reload: config.reload,
            generation: 0,
            access: Arc::new(access),
        };
        Self {
            current: ArcSwap::from_pointee(policy),
            replacing: Mutex::default(),
            replaced: tokio::sync::watch::Sender::new(0),
            edges: bound(edges),
            services: bound(services),
            log_limits: LogLimits::new(),
        }
    }

    /// The policy that holds now.
    pub(crate) fn current(&self) -> Arc<Policy> {
        self.current.load_full()
    }

    /// Puts another configuration in place, certificates included: for all who connect from now on. A listener
    /// that it does not have any more goes on with what it had.
    pub(crate) fn replace(&self, config: &Config, access: Access) {
        // One after the other: each is later than the one before.
        let _replacing = self.replacing.lock();
        let before = self.current();
        let renew = |bound: &[Bound], listeners: &[Listen], before: &[Arc<Authenticator>], side| {
            let renewed = bound.iter().zip(before).map(|(bound, before)| {
                let Some(listen) = listeners.iter().find(|listen| bound.is(listen)) else {
                    return before.clone();
                };
                if let (Some(tls), Some(new)) = (&bound.tls, &listen.tls) {
                    tls.adopt(new);
                }
                asked(&access, listen, side)
            });
            renewed.collect::<Vec<_>>()
        };
        let policy = Policy {
            edges: renew(&self.edges, &config.edgebound.listeners, &before.edges, EDGEBOUND),
            services: renew(&self.services, &config.servicebound.listeners, &before.services, SERVICEBOUND),
            reload: config.reload,
            generation: before.generation.saturating_add(1),
            access: Arc::new(access),
        };
        let generation = policy.generation;
        self.current.store(Arc::new(policy));
        self.replaced.send_replace(generation);
    }

    /// Changes whenever another policy is put in place.
    pub(crate) fn replaced(&self) -> tokio::sync::watch::Receiver<u32> {
        self.replaced.subscribe()
    }

    fn tls(&self, role: Role, listener: u16) -> Option<&ServerTls> {
        let bound = match role {
            Role::Edge => &self.edges,
            Role::Service | Role::Frontier => &self.services,
        };
        bound.get(usize::from(listener))?.tls.as_ref()
    }

    /// Whether the certificate that was presented, or that none was, would do in a handshake now.
    fn check_certificate(
        &self,
        role: Role,
        listener: u16,
        presented: &PresentedCredentials,
        at: ClockReading,
    ) -> Result<(), TlsError> {
        let Some(tls) = self.tls(role, listener) else { return Ok(()) };
        let chain = presented.certificate.as_deref().map(ClientCertificate::chain).unwrap_or_default();
        tls.check_client(&chain, at.wall)
    }
}

/// Does what is to be done now and then, until it is dropped.
pub(crate) async fn watch(policies: Arc<Policies>, exchange: Arc<Exchange>) {
    let mut interval = tokio::time::interval(EXPIRY_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        policies.log_suppressed();
        if policies.current().reload.enforce {
            let (policies, exchange) = (policies.clone(), exchange.clone());
            // Signatures are checked: that may take a while. It fails only as the process ends.
            let _ = tokio::task::spawn_blocking(move || policies.enforce_expiry(&exchange)).await;
        }
    }
}

fn side(role: Role) -> &'static str {
    match role {
        Role::Edge => "edge",
        Role::Service => "service",
        Role::Frontier => "frontier",
    }
}

/// What a listener asks: its own, or else what its side does.
fn asked(access: &Access, listen: &Listen, side: &str) -> Arc<Authenticator> {
    let name = listen.auth.as_deref().unwrap_or(side);
    access.authenticator(name).cloned().unwrap_or_else(|| Arc::new(Authenticator::none()))
}
