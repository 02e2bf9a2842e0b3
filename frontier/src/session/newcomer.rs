//! A connection that was just accepted: its place among the handshakes, and where it comes from.

use super::context::Context;
use crate::config::{Proxies, ProxyProtocol};
use frontier_access::{Crowded, GivenUp, Place};
use frontier_protocol::Role;
use frontier_transport::{Accepted, ProxyHeader, ProxyHeaderError};
use std::net::SocketAddr;
use thiserror::Error;
use tokio::sync::OwnedSemaphorePermit;
use tracing::warn;

/// A connection of which nothing is known but its address, which may be a proxy's.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(super) listener: u16,
    pub(super) accepted: Accepted,
    pub(super) held: Held,
}

/// What a connection holds until its peer has been let in, or told that it is not.
#[derive(Debug)]
pub(super) struct Held {
    place: Place,
    /// Where it will only be told that there are too many.
    _turned_away: Option<OwnedSemaphorePermit>,
}

/// Why a connection goes no further, though its peer has done nothing of a link yet.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Unplaced {
    #[error("a header of the PROXY protocol from an address that is not in `trusted_proxies`")]
    NotTrusted,
    #[error(
        "a proxy in `trusted_proxies` sent no header of the PROXY protocol: have it send one, or set `proxy_protocol_optional`"
    )]
    NoHeader,
    #[error(
        "a header of the PROXY protocol, and `{0}.proxy_protocol` is off: set it, and `trusted_proxies`, where a proxy is in front"
    )]
    NotAsked(String),
    #[error("a header of the PROXY protocol in the other version than `proxy_protocol` says")]
    OtherVersion,
    #[error(transparent)]
    Header(#[from] ProxyHeaderError),
    #[error(transparent)]
    Crowded(#[from] Crowded),
}

impl Newcomer {
    /// A place for a connection that came to the listener of this number. `None` if there is none: it is dropped.
    pub(crate) fn new(context: &Context, listener: u16, mut accepted: Accepted) -> Option<Self> {
        let turned_away = if context.gate.is_full() {
            let Ok(permit) = context.turned_away.clone().try_acquire_owned() else {
                context.counters.refused("limits.connections");
                let error = "more connections than limits.connections, and too many are being told so";
                context.policies.log_turned_away(context.role, accepted.peer, error);
                return None;
            };
            Some(permit)
        } else {
            None
        };
        let ip = accepted.peer.ip();
        let mut is_known = accepted.incoming.is_address_validated();
        if let Some(listen) = context.listener(listener) {
            accepted.incoming.set_upgrade_rules(&listen.upgrade);
            is_known &= !listen.proxies.trusted.trusts(ip);
        }
        match context.half_open.enter(is_known.then_some(ip)) {
            Ok(place) => Some(Self { listener, accepted, held: Held { place, _turned_away: turned_away } }),
            Err(crowded) => {
                log_dropped(context, crowded);
                None
            }
        }
    }

    /// Takes off the header of the PROXY protocol where one is due.
    pub(super) async fn read_proxy_header(&mut self, context: &Context) -> Result<(), Unplaced> {
        let Some(listen) = context.listener(self.listener) else { return Ok(()) };
        let proxies = &listen.proxies;
        if proxies.protocol == ProxyProtocol::Off {
            return Ok(());
        }
        let header = self.accepted.incoming.proxy_header().await?;
        let client = client(proxies, self.accepted.peer, header)?;
        self.accepted.peer = SocketAddr::new(client.ip().to_canonical(), client.port());
        self.held.count_for(self.accepted.peer, proxies)
    }
}

impl Held {
    /// Set when the place goes to another connection.
    pub(super) fn given_up(&self) -> GivenUp {
        self.place.given_up()
    }

    /// The peer has sent something.
    pub(super) fn heard(&self) {
        self.place.heard();
    }

    /// Counts the handshake for `client`, unless that is a proxy, which may be there for any number of others.
    pub(super) fn count_for(&mut self, client: SocketAddr, proxies: &Proxies) -> Result<(), Unplaced> {
        if proxies.trusted.trusts(client.ip()) {
            return Ok(());
        }
        Ok(self.place.set_address(client.ip())?)
    }
}

/// Who is behind a connection from `peer` that begins with this header.
fn client(proxies: &Proxies, peer: SocketAddr, header: Option<ProxyHeader>) -> Result<SocketAddr, Unplaced> {
    let is_trusted = proxies.trusted.trusts(peer.ip());
    match header {
        None if is_trusted && !proxies.is_optional => Err(Unplaced::NoHeader),
        None => Ok(peer),
        Some(_) if !is_trusted => Err(Unplaced::NotTrusted),
        Some(header) if !proxies.protocol.takes(header.version) => Err(Unplaced::OtherVersion),
        Some(header) => Ok(header.client.unwrap_or(peer)),
    }
}

/// Notes in the log that somebody was dropped: with a line a second at most.
pub(super) fn log_dropped(context: &Context, error: Crowded) {
    let key = match error {
        Crowded::All(_) => "limits.handshakes",
        Crowded::Address(_) => "limits.handshakes_per_address",
    };
    context.counters.refused(key);
    if let Some(suppressed) = context.half_open.admit_line() {
        warn!(%error, key, suppressed, "dropped a connection for {}", side(context.role));
    }
}

fn side(role: Role) -> &'static str {
    match role {
        Role::Edge => "edges",
        Role::Service | Role::Frontier => "services",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_access::TrustedProxies;
    use frontier_transport::ProxyVersion;

    #[test]
    fn a_header_is_taken_from_trusted_proxies_and_missed_from_them_alone() {
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let proxies = Proxies { trusted, protocol: ProxyProtocol::V2, is_optional: false };
        let optional = Proxies { is_optional: true, ..proxies.clone() };
        let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (proxy, stranger, behind) = (addr("10.0.0.1:1"), addr("192.0.2.1:1"), addr("203.0.113.9:7"));
        let header = |version, client| Some(ProxyHeader { version, client });
        let v2 = header(ProxyVersion::V2, Some(behind));
        assert_eq!(client(&proxies, proxy, v2), Ok(behind));
        assert_eq!(client(&proxies, proxy, header(ProxyVersion::V2, None)), Ok(proxy), "it comes for itself");
        assert_eq!(client(&proxies, proxy, header(ProxyVersion::V1, None)), Err(Unplaced::OtherVersion));
        assert_eq!(client(&proxies, proxy, None), Err(Unplaced::NoHeader));
        assert_eq!(client(&optional, proxy, None), Ok(proxy));
        for proxies in [&proxies, &optional] {
            assert_eq!(client(proxies, stranger, None), Ok(stranger));
            assert_eq!(client(proxies, stranger, v2), Err(Unplaced::NotTrusted));
        }
    }
}
