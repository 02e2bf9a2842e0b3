//! Who may lead a dialler from an address that TLS protects to one that it does not: nobody but its user.

use crate::Endpoint;
use thiserror::Error;

/// The rule for addresses that the user has not named: those of drain notices, and those that frontlas lists.
///
/// What a dialler sends, its token first, must not lose its protection because somebody named an address. So an address
/// without TLS is taken from others only where the user has named one too, and not from a connection over TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DowngradeRule {
    /// Whether all that the user has named is reached over TLS.
    named_secured: bool,
    /// Whether the last connection was over TLS.
    last_secured: bool,
    /// Whether the user lets others name any address.
    allows_any: bool,
}

/// An address that others named is not dialled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{0} is not dialled: it is without TLS, and where it was named or what was connected before is over TLS; have that gateway advertise a tls, wss or quic URL, or allow the downgrade"
)]
pub struct Downgrade(
    /// Its URL.
    pub String,
);

impl DowngradeRule {
    /// For a dialler whose user has named addresses over TLS only, or has not.
    #[must_use]
    pub fn new(named_secured: bool) -> Self {
        Self { named_secured, ..Self::default() }
    }

    /// Lets others name any address.
    #[must_use]
    pub fn allow_any(mut self, allows_any: bool) -> Self {
        self.allows_any = allows_any;
        self
    }

    /// There is a connection to `endpoint`.
    pub fn connected(&mut self, endpoint: &Endpoint) {
        self.last_secured = endpoint.is_secured();
    }

    /// Judges an address that others have named.
    ///
    /// # Errors
    /// [`Downgrade`] if it must not be dialled.
    pub fn judge(&self, endpoint: &Endpoint) -> Result<(), Downgrade> {
        let needs_tls = (self.named_secured || self.last_secured) && !self.allows_any;
        if needs_tls && !endpoint.is_secured() { Err(Downgrade(endpoint.to_string())) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URLS: [&str; 5] = ["tcp://h:1", "ws://h:1", "tls://h:1", "wss://h:1", "quic://h:1"];

    fn permitted(rule: DowngradeRule) -> Vec<&'static str> {
        URLS.into_iter().filter(|url| rule.judge(&url.parse().unwrap()).is_ok()).collect()
    }

    #[test]
    fn from_an_address_over_tls_leads_no_way_to_one_without() {
        assert_eq!(permitted(DowngradeRule::new(false)), URLS);
        assert_eq!(permitted(DowngradeRule::new(true)), URLS[2..], "all that the user has named is secured");
        for url in URLS {
            let mut rule = DowngradeRule::new(false);
            rule.connected(&url.parse().unwrap());
            let from_tls = URLS[2..].contains(&url);
            assert_eq!(permitted(rule), if from_tls { &URLS[2..] } else { &URLS[..] }, "from {url}");
            assert_eq!(permitted(rule.allow_any(true)), URLS, "from {url}, as the user allows it");
        }
    }
}
