use super::Shown;
use arc_swap::{ArcSwapOption, Guard};
use frontier_access::Labels;
use frontier_access::authn::Verified;
use frontier_access::quota::{Meter, Over};
use frontier_access::rules::Grants;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Who a peer is by what it showed, and what it may do by that.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) shown: Arc<Shown>,
    pub(crate) verified: Arc<Verified>,
    /// `None` if it may do everything.
    pub(crate) grants: Option<Arc<Grants>>,
    /// `None` if it may do as much as it likes.
    pub(crate) meter: Option<Meter>,
}

impl Standing {
    /// `None` if there is nothing to be kept: most of a million edges have no standing.
    pub(super) fn new(
        shown: &Arc<Shown>,
        verified: &Arc<Verified>,
        grants: Arc<Grants>,
        meter: Meter,
    ) -> Option<Arc<Self>> {
        let grants = (!grants.is_unrestricted()).then_some(grants);
        let meter = (!meter.is_unlimited()).then_some(meter);
        let is_anyone = shown.is_nothing() && **verified == Verified::default();
        if is_anyone && grants.is_none() && meter.is_none() {
            return None;
        }
        Some(Arc::new(Self { shown: shown.clone(), verified: verified.clone(), grants, meter }))
    }
}

/// The standing of a peer, which a later policy may replace while the peer is connected.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    standing: ArcSwapOption<Standing>,
    /// Whether there is anything to be asked: so that who may do everything pays for one look.
    is_restricted: AtomicBool,
    /// Through which listener of its side the peer came.
    pub(crate) listener: u16,
}

impl Slot {
    pub(crate) fn new(listener: u16, standing: Option<Arc<Standing>>) -> Self {
        let slot = Self { listener, ..Self::default() };
        slot.set(standing);
        slot
    }

    pub(crate) fn set(&self, standing: Option<Arc<Standing>>) {
        let restricted = |it: &Arc<Standing>| it.grants.is_some() || it.meter.is_some();
        let is_restricted = standing.as_ref().is_some_and(restricted);
        self.standing.store(standing);
        self.is_restricted.store(is_restricted, Ordering::Release);
    }

    pub(crate) fn standing(&self) -> Option<Arc<Standing>> {
        self.standing.load_full()
    }

    /// The standing of a peer that is restricted; `None`, at little cost, for one that is not.
    #[inline]
    pub(crate) fn restricted(&self) -> Option<Guard<Option<Arc<Standing>>>> {
        self.is_restricted.load(Ordering::Acquire).then(|| self.standing.load())
    }

    /// Calls `look` with the peer's labels.
    pub(crate) fn with_labels<T>(&self, look: impl FnOnce(&Labels) -> T) -> T {
        static NONE: Labels = Labels::new();
        match &*self.standing.load() {
            Some(standing) => look(&standing.verified.labels),
            None => look(&NONE),
        }
    }

    /// Charges a piece of a stream.
    #[inline]
    pub(crate) fn charge_bytes(&self, len: usize) -> Result<(), Over> {
        let Some(standing) = self.restricted() else { return Ok(()) };
        match standing.as_ref().and_then(|standing| standing.meter.as_ref()) {
            Some(meter) => meter.bytes(len, Instant::now()),
            None => Ok(()),
        }
    }
}
