//! Who a peer is by what it presented, and what it may do by that.

use arc_swap::{ArcSwapOption, Guard};
use frontier_access::Labels;
use frontier_access::authn::{PresentedCredentials, Verified};
use frontier_access::quota::{Meter, QuotaExceeded};
use frontier_access::rules::Grants;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

/// Who a peer is, and what it may do.
#[derive(Debug)]
pub struct Authorization {
    /// What it presented when it connected, so that a later policy can judge it again.
    pub presented: Arc<PresentedCredentials>,
    /// What that was found to say.
    pub verified: Arc<Verified>,
    /// `None` if it may do everything.
    pub grants: Option<Arc<Grants>>,
    /// `None` if it may do as much as it likes.
    pub meter: Option<Meter>,
}

impl Authorization {
    /// `None` if there is nothing to be kept: most of a million edges have no authorization.
    #[must_use]
    pub fn new(
        presented: &Arc<PresentedCredentials>,
        verified: &Arc<Verified>,
        grants: Arc<Grants>,
        meter: Meter,
    ) -> Option<Arc<Self>> {
        let grants = (!grants.is_unrestricted()).then_some(grants);
        let meter = (!meter.is_unlimited()).then_some(meter);
        if grants.is_none() && meter.is_none() {
            return Self::unrestricted(presented, verified);
        }
        Some(Arc::new(Self { presented: presented.clone(), verified: verified.clone(), grants, meter }))
    }

    /// Who it is, and nothing that restricts it. `None` if it presented nothing.
    #[must_use]
    pub fn unrestricted(
        presented: &Arc<PresentedCredentials>,
        verified: &Arc<Verified>,
    ) -> Option<Arc<Self>> {
        let is_anyone = presented.is_empty() && **verified == Verified::default();
        let (presented, verified) = (presented.clone(), verified.clone());
        (!is_anyone).then(|| Arc::new(Self { presented, verified, grants: None, meter: None }))
    }
}

/// The authorization of a peer, which a later policy may replace while the peer is connected.
#[derive(Debug, Default)]
pub struct AuthorizationCell {
    current: ArcSwapOption<Authorization>,
    /// Whether there is anything to be asked: so that who may do everything pays for one look.
    is_restricted: AtomicBool,
    listener: u16,
    /// Held while it is set.
    setting: Mutex<()>,
    /// The policy that was last to set it, by its number.
    generation: AtomicU32,
}

impl AuthorizationCell {
    /// Of a peer that came through the listener of that number.
    #[must_use]
    pub fn new(listener: u16, authorization: Option<Arc<Authorization>>) -> Self {
        let cell = Self { listener, ..Self::default() };
        cell.set(authorization);
        cell
    }

    /// Through which listener of its side the peer came.
    pub fn listener(&self) -> u16 {
        self.listener
    }

    /// From here on the peer may do this, by the policy of that number. `false` if a later policy has spoken already: then
    /// that holds.
    pub fn set_by(&self, generation: u32, authorization: Option<Arc<Authorization>>) -> bool {
        let _setting = self.setting.lock();
        if self.generation.load(Ordering::Relaxed) > generation {
            return false;
        }
        self.generation.store(generation, Ordering::Relaxed);
        self.set(authorization);
        true
    }

    pub(crate) fn set(&self, authorization: Option<Arc<Authorization>>) {
        let restricted = |it: &Arc<Authorization>| it.grants.is_some() || it.meter.is_some();
        let is_restricted = authorization.as_ref().is_some_and(restricted);
        self.current.store(authorization);
        self.is_restricted.store(is_restricted, Ordering::Release);
    }

    /// What holds now; `None` for a peer that presented nothing and may do everything.
    pub fn get(&self) -> Option<Arc<Authorization>> {
        self.current.load_full()
    }

    /// That of a peer that is restricted; `None`, at little cost, for one that is not.
    #[inline]
    pub(crate) fn restricted(&self) -> Option<Guard<Option<Arc<Authorization>>>> {
        self.is_restricted.load(Ordering::Acquire).then(|| self.current.load())
    }

    /// Calls `look` with the peer's labels.
    pub fn with_labels<T>(&self, look: impl FnOnce(&Labels) -> T) -> T {
        static NONE: Labels = Labels::new();
        match &*self.current.load() {
            Some(authorization) => look(&authorization.verified.labels),
            None => look(&NONE),
        }
    }

    /// What the peer is charged by; `None` if it may do as much as it likes.
    pub(crate) fn meter(&self) -> Option<Meter> {
        self.restricted()?.as_ref()?.meter.clone()
    }

    /// Charges a piece of a stream.
    ///
    /// # Errors
    /// If it is over the peer's quota: it was not charged then.
    #[inline]
    pub(crate) fn charge_bytes(&self, len: usize) -> Result<(), QuotaExceeded> {
        let Some(authorization) = self.restricted() else { return Ok(()) };
        match authorization.as_ref().and_then(|it| it.meter.as_ref()) {
            Some(meter) => meter.bytes(len, Instant::now()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
