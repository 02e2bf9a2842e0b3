use super::{Context, FAREWELL, HANDSHAKE, PATIENCE};
use crate::DirectoryError;
use crate::model::{Incarnation, Lease, NewFrontier, Stamp};
use frontier_protocol::{
    Code, Epoch, Frame, Hello, MAX_TOKEN, Reject, Role, Terms, Token, VERSION, Welcome, negotiate,
};
use frontier_transport::{AcceptError, Accepted, CloseReason, Event, Link, LinkError, Priority};
use tracing::{debug, info, warn};

/// A frontier that was taken in.
pub(super) struct Guest {
    pub(super) frontier: NewFrontier,
    pub(super) lease: Lease,
    pub(super) terms: Terms,
    pub(super) link: Link,
}

/// What a frontier said of itself.
struct Greeting {
    frontier: NewFrontier,
    incarnation: Option<Incarnation>,
    terms: Terms,
}

/// Why a frontier is not taken in.
struct Refusal {
    code: Code,
    text: String,
}

impl Refusal {
    fn new(code: Code, text: impl ToString) -> Self {
        Self { code, text: text.to_string() }
    }
}

/// Waits for the Hello, lets the frontier join, and welcomes it. `None` if that came to nothing.
pub(super) async fn greet(context: &Context, accepted: Accepted) -> Option<Guest> {
    let addr = accepted.peer;
    let hello = async {
        let (mut link, _) = accepted.incoming.link(context.link.clone()).await?;
        let frame = first_frame(&mut link).await?;
        Ok::<_, AcceptError>((link, frame))
    };
    let (link, frame) = match tokio::time::timeout(HANDSHAKE, hello).await {
        Ok(Ok(greeted)) => greeted,
        Ok(Err(reason)) => {
            debug!(%addr, %reason, "no handshake");
            return None;
        }
        Err(_) => {
            debug!(%addr, "no handshake in time");
            return None;
        }
    };
    let joined = match read(context, &frame) {
        Ok(greeting) => join(context, greeting).await,
        Err(refusal) => Err(refusal),
    };
    match joined {
        Ok((greeting, lease, time)) => {
            let Greeting { frontier, terms, .. } = greeting;
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
            link.handle().push(Priority::Answer, |out| welcome.encode(out)).ok()?;
            info!(frontier = frontier.id, %addr, servicebound = frontier.advertised_sb_addr,
                edgebound = frontier.advertised_eb_addr, "frontier connected");
            Some(Guest { frontier, lease, terms, link })
        }
        Err(refusal) => {
            warn!(%addr, code = %refusal.code, error = refusal.text, "a frontier was refused");
            let Refusal { code, text } = &refusal;
            let closed = link.close(|out| Reject { code: *code, detail: 0, text }.encode(out));
            // Whether the peer still hears it is up to the peer.
            let _ = tokio::time::timeout(FAREWELL, closed).await;
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
                return Err(CloseReason::Protocol("a stream before the handshake".into()));
            }
        }
    }
}

fn read(context: &Context, frame: &Frame) -> Result<Greeting, Refusal> {
    let hello = Hello::parse(frame).map_err(|error| Refusal::new(Code::Protocol, error))?;
    if hello.role != Role::Frontier {
        let text = "this address is for frontiers; edges and services connect to those";
        return Err(Refusal::new(Code::Denied, text));
    }
    let terms = negotiate(&hello, context.terms).map_err(|error| Refusal::new(error.code(), error))?;
    if hello.token.as_ref().map_or(0, Token::len) > MAX_TOKEN {
        return Err(Refusal::new(Code::TooLarge, format!("a token of over {MAX_TOKEN} bytes")));
    }
    let frontier = NewFrontier {
        id: hello.name.to_owned(),
        advertised_sb_addr: hello.advertised.servicebound.to_owned(),
        advertised_eb_addr: hello.advertised.edgebound.to_owned(),
    };
    frontier.check().map_err(|error| Refusal::new(Code::Denied, error))?;
    let incarnation = (hello.id != 0).then_some(Incarnation(hello.id));
    Ok(Greeting { frontier, incarnation, terms })
}

async fn join(context: &Context, greeting: Greeting) -> Result<(Greeting, Lease, Stamp), Refusal> {
    let directory = &context.directory;
    let joined = async {
        let lease = directory.join(&greeting.frontier, greeting.incarnation).await?;
        // The last thing before the Welcome: it should be young when it arrives.
        Ok((lease, context.timekeeper.ask(&**directory).await?))
    };
    match tokio::time::timeout(PATIENCE, joined).await {
        Ok(Ok((lease, time))) => Ok((greeting, lease, time)),
        Ok(Err(error)) => Err(Refusal::new(code(&error), error)),
        Err(_) => Err(Refusal::new(Code::Internal, format!("the directory gave no answer in {PATIENCE:?}"))),
    }
}

/// What a frontier is told when the directory did not do it.
pub(super) fn code(error: &DirectoryError) -> Code {
    match error {
        DirectoryError::Replaced => Code::Superseded,
        DirectoryError::Invalid(_) => Code::Denied,
        DirectoryError::Lost | DirectoryError::Unavailable(_) => Code::Internal,
    }
}
