use crate::config::Forward;
use crate::exchange::Exchange;
use crate::peer::{Identity, Peer, Stage};
use frontier_protocol::{Hello, Role};
use frontier_transport::handshake::{connect, within};
use frontier_transport::{CloseReason, Endpoint, HandshakeError, Link};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How long dialling and the handshake may take together.
const PATIENCE: Duration = Duration::from_secs(5);

/// The heartbeat interval that is asked for: a gateway that is gone is noticed after three.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A link that stands.
pub(super) struct Greeted {
    pub(super) link: Link,
    pub(super) holder: Arc<Peer>,
    /// The heartbeat interval.
    pub(super) interval: Duration,
}

/// Dials the gateway `id` and introduces this one, which is `own`.
pub(super) async fn greet(
    id: &str,
    endpoint: &Endpoint,
    own: &str,
    forward: &Forward,
    exchange: &Exchange,
) -> Result<Greeted, HandshakeError> {
    let greeted = async {
        let token = match &forward.token {
            None => None,
            Some(token) => {
                let failed = |error| {
                    HandshakeError::Link(CloseReason::Lost(format!("forward.token can't be read: {error}")))
                };
                Some(token.load().await.map_err(failed)?)
            }
        };
        let hello = Hello {
            max_frame: exchange.limits.terms().max_frame,
            heartbeat_ms: u32::try_from(HEARTBEAT.as_millis()).unwrap_or(u32::MAX),
            name: own,
            token,
            ..Hello::new(Role::Frontier)
        };
        let config = exchange.limits.link(Role::Frontier);
        let (link, granted) = connect(endpoint, &forward.dial, config, &hello).await?;
        granted.welcome.from_gateway()?;
        let terms = granted.terms;
        let identity = Identity::Holder { id: id.into() };
        // For logs only: the other end is named by its id.
        let addr = SocketAddr::from((Ipv4Addr::UNSPECIFIED, endpoint.host_port().1));
        let holder = Peer::new(identity, exchange.next_epoch(), addr, link.handle(), terms);
        holder.hear(exchange.clock());
        holder.advance(Stage::Online);
        let interval = Duration::from_millis(terms.heartbeat_ms.into());
        Ok(Greeted { link, holder: Arc::new(holder), interval })
    };
    within("connecting to another gateway", PATIENCE, greeted).await
}
