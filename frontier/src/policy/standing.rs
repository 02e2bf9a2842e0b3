use arc_swap::{ArcSwapOption, Guard};
use frontier_access::Labels;
use frontier_access::authn::{PresentedCredentials, Verified};
use frontier_access::quota::{Meter, QuotaExceeded};
use frontier_access::rules::Grants;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Who a peer is by what it showed, and what it may do by that.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) shown: Arc<PresentedCredentials>,
    pub(crate) verified: Arc<Verified>,
    /// `None` if it may do everything.
    pub(crate) grants: Option<Arc<Grants>>,
    /// `None` if it may do as much as it likes.
    pub(crate) meter: Option<Meter>,
}

impl Standing {
    /// `None` if there is nothing to be kept: most of a million edges have no standing.
    pub(super) fn new(
        shown: &Arc<PresentedCredentials>,
        verified: &Arc<Verified>,
        grants: Arc<Grants>,
        meter: Meter,
    ) -> Option<Arc<Self>> {
        let grants = (!grants.is_unrestricted()).then_some(grants);
        let meter = (!meter.is_unlimited()).then_some(meter);
        let is_anyone = shown.is_empty() && **verified == Verified::default();
        if is_anyone && grants.is_none() && meter.is_none() {
            return None;
        }
        Some(Arc::new(Self { shown: shown.clone(), verified: verified.clone(), grants, meter }))
    }
}

impl Standing {
    /// Who it is, and nothing that restricts it.
    pub(super) fn bare(shown: &Arc<PresentedCredentials>, verified: &Arc<Verified>) -> Option<Arc<Self>> {
        let is_anyone = shown.is_empty() && **verified == Verified::default();
        let standing = Self { shown: shown.clone(), verified: verified.clone(), grants: None, meter: None };
        (!is_anyone).then(|| Arc::new(standing))
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
    pub(crate) fn charge_bytes(&self, len: usize) -> Result<(), QuotaExceeded> {
        let Some(standing) = self.restricted() else { return Ok(()) };
        match standing.as_ref().and_then(|standing| standing.meter.as_ref()) {
            Some(meter) => meter.bytes(len, Instant::now()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use frontier_access::Principal;
    use frontier_config::load;
    use frontier_protocol::{EdgeId, Role};

    /// The standing of edge 7 under these quotas, with these labels.
    fn standing(quotas: &str, labels: &[(&str, &str)]) -> Option<Arc<Standing>> {
        let read = |root: &frontier_config::Section<'_>| frontier_access::AccessConfig::read(root);
        let config = load(&format!("quotas: {quotas}"), &|_| None, &[], read).unwrap();
        let access = crate::config::load(&config).unwrap();
        let mut verified = Verified::default();
        labels.iter().for_each(|(key, value)| verified.labels.set(key, value).unwrap());
        let peer = Principal {
            role: Role::Edge,
            subject: "",
            edge_id: Some(EdgeId(7)),
            service: "",
            labels: &verified.labels,
            address: testing::ADDR.ip(),
        };
        let (grants, meter) = (access.rules().grants(&peer), access.quotas().meter(&peer, Instant::now()));
        Standing::new(&Arc::default(), &Arc::new(verified), grants, meter)
    }

    #[test]
    fn who_may_do_everything_has_no_standing_and_is_not_asked() {
        assert!(standing("[]", &[]).is_none());
        let known = standing("[]", &[("region", "eu")]);
        let slot = Slot::new(0, known);
        assert!(slot.restricted().is_none() && slot.standing().is_some());
        assert_eq!(slot.with_labels(|labels| labels.to_string()), "region=eu");
        assert_eq!(Slot::default().with_labels(Labels::len), 0);
        assert!(slot.charge_bytes(usize::MAX).is_ok());
    }

    #[test]
    fn another_standing_holds_from_then_on() {
        let slot = Slot::new(3, None);
        slot.set(standing("[{for: edge, bytes: {rate: 1B, burst: 10B}}]", &[]));
        assert!(slot.restricted().is_some() && slot.listener == 3);
        assert!(slot.charge_bytes(10).is_ok());
        assert_eq!(slot.charge_bytes(10).unwrap_err().which, "bytes");
        slot.set(None);
        assert!(slot.restricted().is_none() && slot.charge_bytes(10).is_ok());
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = Some(frontier_protocol::Token::new("hunter2"));
        let shown = Arc::new(PresentedCredentials { token, certificate: None });
        let known = standing("[]", &[("region", "eu")]).unwrap();
        let standing = Standing { shown, verified: known.verified.clone(), grants: None, meter: None };
        let slot = Slot::new(0, Some(Arc::new(standing)));
        assert!(!format!("{slot:?} {slot:#?}").contains("hunter2"));
    }

    #[test]
    fn a_slot_is_two_words() {
        assert_eq!(size_of::<Slot>(), 16);
    }
}
