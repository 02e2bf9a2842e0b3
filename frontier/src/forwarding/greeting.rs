use crate::cluster::{GreetError, welcomed};
use crate::config::Forward;
use crate::exchange::Exchange;
use crate::peer::{Identity, Peer, Stage};
use frontier_protocol::{Advertised, Hello, MIN_MAX_FRAME, Role, Terms, VERSION, Welcome};
use frontier_transport::{Endpoint, Link, Priority};
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
) -> Result<Greeted, GreetError> {
    let greeted = async {
        let token = match &forward.token {
            None => None,
            Some(token) => {
                let failed = |error| GreetError::failed(format!("its token can't be read: {error}"));
                Some(token.load().await.map_err(failed)?)
            }
        };
        let link =
            frontier_transport::dial(endpoint, &forward.dial, exchange.limits.link(Role::Frontier)).await;
        let mut link = link.map_err(|error| GreetError::dial(&error))?;
        let hello = Hello {
            versions: (VERSION, VERSION),
            role: Role::Frontier,
            features: 0,
            max_frame: exchange.limits.terms().max_frame,
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
        let identity = Identity::Holder { id: id.into() };
        // For logs only: the other end is named by its id.
        let addr = SocketAddr::from((Ipv4Addr::UNSPECIFIED, endpoint.host_port().1));
        let holder = Peer::new(identity, exchange.next_epoch(), addr, link.handle(), terms);
        holder.hear(exchange.clock());
        holder.advance(Stage::Online);
        let interval = Duration::from_millis(terms.heartbeat_ms.into());
        Ok(Greeted { link, holder: Arc::new(holder), interval })
    };
    let late = |_| GreetError::failed(format!("no welcome within {PATIENCE:?}"));
    tokio::time::timeout(PATIENCE, greeted).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
}

fn terms(welcome: &Welcome) -> Result<Terms, GreetError> {
    let Welcome { version, max_frame, heartbeat_ms, directory_time, .. } = *welcome;
    if version != VERSION || heartbeat_ms == 0 || max_frame < MIN_MAX_FRAME {
        return Err(GreetError::failed("the welcome makes no sense"));
    }
    if directory_time.is_some() {
        return Err(GreetError::failed("that is frontlas, and no gateway"));
    }
    Ok(Terms { max_frame, heartbeat_ms })
}
