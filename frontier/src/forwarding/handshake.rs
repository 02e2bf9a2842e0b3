//! Dialling another gateway, and the handshake with it.

use super::gateway_link::Dialler;
use crate::cluster::{GreetError, welcomed};
use crate::native::NativeOutlet;
use frontier_exchange::{Exchange, Identity, Peer};
use frontier_protocol::{Advertised, Heartbeat, Hello, MIN_MAX_FRAME, Role, Terms, VERSION, Welcome};
use frontier_transport::{Endpoint, Link, Priority};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How long dialling and the handshake may take together.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// The heartbeat interval that is asked for: a gateway that is gone is noticed after three.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A link that stands.
pub(super) struct Established {
    pub(super) link: Link,
    pub(super) owner: Arc<Peer>,
    /// The heartbeat interval.
    pub(super) interval: Duration,
}

/// Dials the gateway `id` and introduces this one.
pub(super) async fn dial(
    id: &str,
    endpoint: &Endpoint,
    dialler: &Dialler,
    exchange: &Exchange,
) -> Result<Established, GreetError> {
    let Dialler { own, forward, limits, .. } = dialler;
    let established = async {
        let token = match &forward.token {
            None => None,
            Some(token) => {
                let failed = |error| GreetError::failed(format!("its token can't be read: {error}"));
                Some(token.load().await.map_err(failed)?)
            }
        };
        let link = frontier_transport::dial(endpoint, &forward.dial, limits.link(Role::Frontier)).await;
        let mut link = link.map_err(|error| GreetError::dial(&error))?;
        let hello = Hello {
            versions: (VERSION, VERSION),
            role: Role::Frontier,
            features: 0,
            max_frame: limits.terms().max_frame,
            heartbeat_ms: u32::try_from(HEARTBEAT.as_millis()).unwrap_or(u32::MAX),
            id: 0,
            name: own,
            topics: Vec::new(),
            methods: Vec::new(),
            meta: b"",
            token,
            advertised: Advertised::default(),
        };
        link.handle().send(Priority::Answer, |out| hello.encode(out)).map_err(GreetError::failed)?;
        let welcome = welcomed(&mut link).await?;
        let terms = terms(&welcome)?;
        link.set_max_frame(terms.max_frame as usize);
        let identity = Identity::OwnerGateway { id: id.into() };
        // For logs only: the other end is named by its id.
        let addr = SocketAddr::from((Ipv4Addr::UNSPECIFIED, endpoint.host_port().1));
        let outlet = NativeOutlet::new(link.handle(), terms.max_frame, limits.frame).to_owner_gateway();
        let interval = Duration::from_millis(terms.heartbeat_ms.into());
        let silence = Heartbeat::limit(interval);
        let owner = Peer::new(identity, exchange.next_epoch(), addr, Box::new(outlet), silence);
        Ok(Established { link, owner: Arc::new(owner), interval })
    };
    let late = |_| GreetError::failed(format!("no welcome within {HANDSHAKE_TIMEOUT:?}"));
    tokio::time::timeout(HANDSHAKE_TIMEOUT, established).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
}

fn terms(welcome: &Welcome) -> Result<Terms, GreetError> {
    let Welcome { version, max_frame, heartbeat_ms, directory_time, .. } = *welcome;
    if version != VERSION {
        return Err(GreetError::failed(format!("it speaks version {version}, this gateway {VERSION}")));
    }
    if heartbeat_ms == 0 {
        return Err(GreetError::failed("its Welcome has a heartbeat of 0 ms"));
    }
    if max_frame < MIN_MAX_FRAME {
        let text = format!("its Welcome has a max_frame of {max_frame} bytes, under {MIN_MAX_FRAME}");
        return Err(GreetError::failed(text));
    }
    if directory_time.is_some() {
        return Err(GreetError::failed("that is frontlas, and no gateway"));
    }
    Ok(Terms { max_frame, heartbeat_ms })
}
