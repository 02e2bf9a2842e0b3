//! An edge of another gateway, and an edge of this one as others are told of it.

use crate::authorization::AuthorizationCell;
use frontier_access::rules::Grants;
use frontier_protocol::EdgeId;
use std::net::IpAddr;
use std::sync::Arc;

/// An edge of another gateway, in whose name that one asks here.
#[derive(Clone, Debug)]
pub struct RemoteEdge {
    /// Its id.
    pub id: EdgeId,
    /// Where it connects from, if that is known.
    pub address: Option<IpAddr>,
    /// What it may do here; `None` if that is everything.
    pub grants: Option<Arc<Grants>>,
    /// Why nothing may be done in its name, where its wire could not read it: `Protocol`, with this text.
    pub unreadable: Option<&'static str>,
    /// Whether its gateway has shown who it is, so that it is believed what it says of the edge's credentials.
    pub is_verified: bool,
}

/// An edge of this gateway, as another gateway is told of it.
#[derive(Clone, Copy, Debug)]
pub struct LocalEdge<'a> {
    /// Its id.
    pub id: EdgeId,
    /// Where it connects from, if it has an address.
    pub address: Option<IpAddr>,
    /// Who it is by its credentials.
    pub authorization: &'a AuthorizationCell,
}

impl RemoteEdge {
    /// One that was judged before.
    pub(crate) fn judged(id: EdgeId) -> Self {
        Self { id, address: None, grants: None, unreadable: None, is_verified: false }
    }
}
