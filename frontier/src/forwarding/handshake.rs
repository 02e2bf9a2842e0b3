//! Dialling another gateway, and the handshake with it.

use super::gateway_link::Dialler;
use crate::native::NativeOutlet;
use frontier_exchange::{Exchange, Identity, Peer};
use frontier_protocol::{FEATURE_BY_NAME, FEATURE_TRACE, Heartbeat, Hello, Role};
use frontier_transport::handshake::{Granted, offer, within};
use frontier_transport::{CloseReason, Endpoint, HandshakeError, Link, dial_and_introduce};
use std::sync::Arc;
use std::time::Duration;

/// How long the other gateway may take to answer the Hello. Dialling has times of its own.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// The heartbeat interval that is asked for: a gateway that is gone is noticed after three.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A link that stands.
pub(super) struct Established {
    pub(super) link: Link,
    pub(super) owner: Arc<Peer>,
    /// Whether it tells what its services take.
    pub(super) offers: bool,
    /// The heartbeat interval.
    pub(super) interval: Duration,
}

/// Dials the gateway `id` and introduces this one.
pub(super) async fn dial(
    id: &str,
    endpoint: &Endpoint,
    dialler: &Dialler,
    exchange: &Exchange,
) -> Result<Established, HandshakeError> {
    let Dialler { own, forward, limits, .. } = dialler;
    let unreadable = |error| {
        HandshakeError::Link(CloseReason::Lost(format!("this gateway's token can't be read: {error}")))
    };
    let token = match &forward.token {
        None => None,
        Some(token) => Some(token.load().await.map_err(unreadable)?),
    };
    let hello = &Hello {
        max_frame: limits.terms().max_frame,
        heartbeat_ms: u32::try_from(HEARTBEAT.as_millis()).unwrap_or(u32::MAX),
        features: FEATURE_BY_NAME | FEATURE_TRACE,
        name: own,
        token,
        ..Hello::new(Role::Frontier)
    };
    let introduce = |mut link: Link| {
        let established = async move {
            let Granted { welcome, terms } = offer(&mut link, hello).await?;
            welcome.from_gateway()?;
            let identity = Identity::OwnerGateway { id: id.into() };
            let outlet = NativeOutlet::new(link.handle(), terms.max_frame, limits.frame)
                .owner_gateway()
                .with_features(welcome.features);
            let interval = Duration::from_millis(terms.heartbeat_ms.into());
            let silence = Heartbeat::limit(interval);
            let owner = Peer::new(identity, exchange.next_epoch(), None, Box::new(outlet), silence);
            let offers = welcome.features & FEATURE_BY_NAME != 0;
            Ok(Established { link, owner: Arc::new(owner), offers, interval })
        };
        within("the handshake with another gateway", HANDSHAKE_TIMEOUT, established)
    };
    let (options, config) = (forward.dial_to(id), limits.link(Role::Frontier));
    dial_and_introduce(endpoint, &options, config, introduce, HandshakeError::is_answer).await
}
