//! From the accept of a connection to the Welcome, or to the Reject.

use super::context::{CLOSE_TIMEOUT, Context, DIRECTORY_TIMEOUT, HANDSHAKE_TIMEOUT, code, with_timeout};
use crate::model::{Incarnation, Lease, Mark, NewFrontier, Timestamp};
use frontier_access::{LogDecision, PeerText};
use frontier_protocol::{
    Code, Epoch, FEATURE_FORWARDS, Frame, Hello, MAX_TOKEN, Reject, Role, Terms, Token, VERSION, Welcome,
    negotiate,
};
use frontier_transport::{AcceptError, Accepted, CloseReason, Event, Link, LinkError, Priority, masked_url};
use std::net::SocketAddr;
use std::time::Instant;
use tracing::{debug, info, warn};

/// A frontier that has joined.
pub(super) struct Joined {
    pub(super) frontier: NewFrontier,
    pub(super) lease: Lease,
    pub(super) terms: Terms,
    pub(super) link: Link,
}

/// What a frontier's Hello asks for.
struct JoinRequest {
    frontier: NewFrontier,
    incarnation: Option<Incarnation>,
    forwards: bool,
    terms: Terms,
}

/// Why a frontier may not join.
struct Rejection {
    code: Code,
    text: String,
}

impl Rejection {
    fn new(code: Code, text: impl ToString) -> Self {
        Self { code, text: text.to_string() }
    }
}

/// Waits for the Hello, lets the frontier join, and welcomes it. `None` if it did not join.
pub(super) async fn run(context: &Context, accepted: Accepted) -> Option<Joined> {
    let addr = accepted.peer;
    let hello = async {
        let (mut link, _) = accepted.incoming.link(context.link.clone()).await?;
        let frame = first_frame(&mut link).await?;
        Ok::<_, AcceptError>((link, frame))
    };
    let (link, frame) = match tokio::time::timeout(HANDSHAKE_TIMEOUT, hello).await {
        Ok(Ok(received)) => received,
        Ok(Err(reason)) => {
            debug!(%addr, reason = %PeerText(reason), "the handshake failed");
            return None;
        }
        Err(_) => {
            debug!(%addr, timeout = ?HANDSHAKE_TIMEOUT, "the handshake failed: no Hello in time");
            return None;
        }
    };
    let joined = match parse(context, &frame) {
        Ok(request) => join(context, request).await,
        Err(rejection) => Err(rejection),
    };
    match joined {
        Ok((request, lease, time)) => {
            let JoinRequest { frontier, terms, .. } = request;
            let welcome = Welcome {
                version: VERSION,
                features: 0,
                max_frame: terms.max_frame,
                heartbeat_ms: terms.heartbeat_ms,
                id: lease.incarnation().0,
                epoch: Epoch(lease.session()),
                max_payload: 0,
                directory_time: Some(time.0),
            };
            link.handle().push(Priority::Reply, |out| welcome.encode(out)).ok()?;
            info!(frontier = frontier.id, %addr, servicebound = masked_url(&frontier.advertised_sb_addr),
                edgebound = masked_url(&frontier.advertised_eb_addr), "frontier connected");
            Some(Joined { frontier, lease, terms, link })
        }
        Err(Rejection { code, text }) => {
            log_rejected(context, addr, code, &text);
            let text = &text;
            let closed = link.close(|out| Reject { code, detail: 0, text }.encode(out));
            // Whether the peer still reads it is up to the peer.
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
            None
        }
    }
}

/// Anybody may be rejected, in a loop.
fn log_rejected(context: &Context, addr: SocketAddr, code: Code, text: &str) {
    let error = PeerText(text);
    match context.rejections.admit(Instant::now()) {
        LogDecision::Log { suppressed: 0 } => warn!(%addr, %code, %error, "rejected a frontier"),
        LogDecision::Log { suppressed } => warn!(%addr, %code, %error, suppressed, "rejected a frontier"),
        LogDecision::Suppress => {}
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

fn parse(context: &Context, frame: &Frame) -> Result<JoinRequest, Rejection> {
    let hello = Hello::parse(frame).map_err(|error| Rejection::new(Code::Protocol, error))?;
    if hello.role != Role::Frontier {
        let text = "this address is for frontiers; edges and services connect to those";
        return Err(Rejection::new(Code::Denied, text));
    }
    let terms = negotiate(&hello, context.terms).map_err(|error| Rejection::new(error.code(), error))?;
    if hello.token.as_ref().map_or(0, Token::len) > MAX_TOKEN {
        return Err(Rejection::new(Code::TooLarge, format!("the token has more than {MAX_TOKEN} bytes")));
    }
    let frontier = NewFrontier {
        id: hello.name.to_owned(),
        advertised_sb_addr: hello.advertised.servicebound.to_owned(),
        advertised_eb_addr: hello.advertised.edgebound.to_owned(),
    };
    frontier.check().map_err(|error| Rejection::new(Code::Denied, error))?;
    let incarnation = (hello.id != 0).then_some(Incarnation(hello.id));
    let forwards = hello.features & FEATURE_FORWARDS != 0;
    Ok(JoinRequest { frontier, incarnation, forwards, terms })
}

async fn join(context: &Context, request: JoinRequest) -> Result<(JoinRequest, Lease, Timestamp), Rejection> {
    let directory = &context.directory;
    let joined = with_timeout(DIRECTORY_TIMEOUT, async {
        let lease = directory.join(&request.frontier, request.incarnation).await?;
        if request.forwards {
            directory.mark(&lease, Mark::Forwarding).await?;
        }
        // The last thing before the Welcome: it should be fresh when it arrives.
        Ok((lease, context.clock.sync(&**directory).await?))
    });
    let (lease, time) = joined.await.map_err(|error| Rejection::new(code(&error), error))?;
    Ok((request, lease, time))
}
