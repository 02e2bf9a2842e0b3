//! From the accept of a connection to the Welcome, or to the Reject.

use super::context::{CLOSE_TIMEOUT, Context, DIRECTORY_TIMEOUT, HANDSHAKE_TIMEOUT, code, with_timeout};
use crate::model::{Incarnation, Invalid, Lease, Mark, NewFrontier, Timestamp};
use crate::{Directory, DirectoryError};
use frontier_access::PeerText;
use frontier_access::authn::{AuthnError, PresentedCredentials, Verified};
use frontier_admin::client_certificate;
use frontier_protocol::{
    Code, Epoch, FEATURE_CLAIMS, FEATURE_FORWARDS, Frame, Hello, MAX_TOKEN, Reject, Role, Terms, Token,
    VERSION, Welcome, negotiate, retry_detail,
};
use frontier_transport::{AcceptError, Accepted, CloseReason, Event, Link, LinkError, PeerInfo, Priority};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tracing::debug;

/// A frontier that has joined.
pub(super) struct Joined {
    pub(super) frontier: NewFrontier,
    pub(super) lease: Lease,
    pub(super) terms: Terms,
    pub(super) link: Link,
    /// By what it was let in, to be looked at again.
    pub(super) presented: PresentedCredentials,
    /// Who it is by that.
    pub(super) verified: Verified,
    /// Its place among the frontiers.
    pub(super) permit: OwnedSemaphorePermit,
}

/// What a frontier's Hello asks for.
struct JoinRequest {
    frontier: NewFrontier,
    incarnation: Option<Incarnation>,
    features: u32,
    terms: Terms,
    presented: PresentedCredentials,
    verified: Verified,
    permit: OwnedSemaphorePermit,
}

/// Why a frontier may not join.
struct Rejection {
    code: Code,
    detail: u32,
    text: String,
}

impl Rejection {
    fn new(code: Code, text: impl ToString) -> Self {
        Self { code, detail: 0, text: text.to_string() }
    }
}

impl From<AuthnError> for Rejection {
    fn from(error: AuthnError) -> Self {
        let detail = error.retry_after().map_or(0, retry_detail);
        Self { detail, ..Self::new(error.code(), error) }
    }
}

/// Waits for the Hello, finds out who it is, lets the frontier join, and welcomes it. `None` if it did not join.
pub(super) async fn run(context: &Context, accepted: Accepted) -> Option<Joined> {
    let addr = accepted.peer;
    let hello = async {
        let (mut link, peer) = accepted.incoming.link(context.link.clone()).await?;
        let frame = first_frame(&mut link).await?;
        Ok::<_, AcceptError>((link, peer, frame))
    };
    let (link, peer, frame) = match tokio::time::timeout(HANDSHAKE_TIMEOUT, hello).await {
        Ok(Ok(received)) => received,
        Ok(Err(AcceptError::Tls(error))) if error.is_of_client_certificate() => {
            context.access.audit().frontier_refused(addr, None, Code::Unauthenticated, &error.to_string());
            return None;
        }
        Ok(Err(reason)) => {
            debug!(%addr, reason = %PeerText(reason), "the handshake failed");
            return None;
        }
        Err(_) => {
            debug!(%addr, timeout = ?HANDSHAKE_TIMEOUT, "the handshake failed: no Hello in time");
            return None;
        }
    };
    let joined = match parse(context, addr.ip(), &peer, &frame) {
        Ok(request) => join(context, request).await,
        Err(rejection) => Err(rejection),
    };
    match joined {
        Ok((request, lease, time)) => {
            let JoinRequest { frontier, features, terms, presented, verified, permit, .. } = request;
            let welcome = Welcome {
                version: VERSION,
                features: features & FEATURE_CLAIMS,
                max_frame: terms.max_frame,
                heartbeat_ms: terms.heartbeat_ms,
                id: lease.incarnation().0,
                epoch: Epoch(lease.session()),
                max_payload: 0,
                directory_time: Some(time.0),
            };
            link.handle().push(Priority::Reply, |out| welcome.encode(out)).ok()?;
            context.access.audit().frontier_accepted(addr, &frontier.id, &verified);
            context.log.connected(addr, &frontier);
            Some(Joined { frontier, lease, terms, link, presented, verified, permit })
        }
        Err(Rejection { code, detail, text }) => {
            let id = Hello::parse(&frame).ok().map(|hello| hello.name.to_owned());
            context.access.audit().frontier_refused(addr, id.as_deref(), code, &text);
            let text = &text;
            let closed = link.close(|out| Reject { code, detail, text }.encode(out));
            // Whether the peer still reads it is up to the peer.
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
            None
        }
    }
}

async fn first_frame(link: &mut Link) -> Result<Frame, CloseReason> {
    loop {
        match link.next().await.map_err(LinkError::reason)? {
            Event::Frames => {
                if let Some(frame) = link.frame().map_err(LinkError::reason)? {
                    return Ok(frame);
                }
            }
            Event::Stream(_) | Event::ExcessStream(_) => {
                return Err(CloseReason::Protocol("opened a stream before the handshake".into()));
            }
        }
    }
}

fn parse(
    context: &Context,
    address: IpAddr,
    peer: &PeerInfo,
    frame: &Frame,
) -> Result<JoinRequest, Rejection> {
    let hello = Hello::parse(frame).map_err(|error| Rejection::new(Code::Protocol, error))?;
    if hello.role != Role::Frontier {
        let text = "this address is for frontiers; edges and services connect to those";
        return Err(Rejection::new(Code::Denied, text));
    }
    let terms = negotiate(&hello, context.terms).map_err(|error| Rejection::new(error.code(), error))?;
    if hello.token.as_ref().map_or(0, Token::len) > MAX_TOKEN {
        return Err(Rejection::new(Code::TooLarge, format!("the token has more than {MAX_TOKEN} bytes")));
    }
    let certificate = peer.certificate.as_deref().map(client_certificate).map(Arc::new);
    let presented = PresentedCredentials { token: hello.token.map(Token::into_owned), certificate };
    let checked = context.check_certificate(&presented);
    checked.map_err(|error| Rejection::new(Code::Unauthenticated, error))?;
    let verified = context.access.frontier(address, &presented, hello.name)?;
    let frontier = NewFrontier {
        id: hello.name.to_owned(),
        advertised_sb_addr: hello.advertised.servicebound.to_owned(),
        advertised_eb_addr: hello.advertised.edgebound.to_owned(),
    };
    frontier
        .check()
        .and_then(|()| frontier.check_addresses())
        .map_err(|error| Rejection::new(Code::Denied, error))?;
    let permit = context.permits.clone().try_acquire_owned().map_err(|_| {
        Rejection::new(Code::Overloaded, "frontlas is full: frontier_plane.max_frontiers is reached")
    })?;
    let incarnation = (hello.id != 0).then_some(Incarnation(hello.id));
    Ok(JoinRequest { frontier, incarnation, features: hello.features, terms, presented, verified, permit })
}

async fn join(context: &Context, request: JoinRequest) -> Result<(JoinRequest, Lease, Timestamp), Rejection> {
    let directory = &*context.directory;
    let joined = with_timeout(DIRECTORY_TIMEOUT, async {
        let incarnation = known(directory, &request).await?;
        let lease = directory.join(&request.frontier, incarnation).await?;
        if request.features & FEATURE_FORWARDS != 0 {
            directory.mark(&lease, Mark::Forwarding).await?;
        }
        // The last thing before the Welcome: it should be fresh when it arrives.
        Ok((lease, context.clock.sync(directory).await?))
    });
    let (lease, time) = joined.await.map_err(|error| Rejection::new(code(&error), error))?;
    Ok((request, lease, time))
}

/// The incarnation with which the frontier joins: one that the store has given out, or none, for a new one. A store that
/// has forgotten the id may have forgotten the incarnation too.
async fn known(
    directory: &dyn Directory,
    request: &JoinRequest,
) -> Result<Option<Incarnation>, DirectoryError> {
    let Some(presented) = request.incarnation else { return Ok(None) };
    presented.check()?;
    match directory.last_incarnation(&request.frontier.id).await? {
        None => Ok(None),
        Some(last) if presented > last => Err(Invalid::UNKNOWN_INCARNATION.into()),
        Some(_) => Ok(Some(presented)),
    }
}
