//! A service of another gateway.

use frontier_access::rules::Grants;
use frontier_protocol::ServiceId;
use std::sync::Arc;

/// A service of another gateway, in whose name that one asks here.
#[derive(Debug)]
pub struct RemoteCaller {
    /// Its id at its own gateway.
    pub id: ServiceId,
    /// Its name.
    pub name: Box<str>,
    /// What it may do here; `None` if that is everything.
    pub grants: Option<Arc<Grants>>,
    /// Why nothing may be done in its name, where its wire could not read it: `Protocol`, with this text.
    pub unreadable: Option<&'static str>,
    /// What stands for it on the wire between the gateways.
    pub encoded: Box<[u8]>,
}
