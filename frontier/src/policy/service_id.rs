//! The id that a service's credentials fix.

use frontier_access::authn::{AuthnError, Verified};
use frontier_exchange::Exchange;
use frontier_protocol::ServiceId;

/// The id that a service's credentials fix: the one that it wants, or, where it is a service of the whole
/// cluster, its own one, from which the one that it wants here follows.
///
/// # Errors
/// If it wants another one, or has another name.
pub(super) fn confirm(
    verified: &Verified,
    exchange: &Exchange,
    name: &str,
    wanted: Option<ServiceId>,
) -> Result<Option<ServiceId>, AuthnError> {
    verified.confirm_service(name, wanted).or_else(|refused| {
        let own = wanted.and_then(|wanted| exchange.cluster_service_id(wanted));
        let is_own = own.is_some_and(|own| verified.confirm_service(name, Some(own)).is_ok());
        if is_own { Ok(wanted) } else { Err(refused) }
    })
}
