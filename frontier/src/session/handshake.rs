//! The gateway's side of the handshake: a dialler's Hello, read and checked.

use super::connection::Connection;
use super::context::Context;
use super::counters::HandshakeFailure;
use super::ending::reject;
use super::newcomer::{self, Held, Newcomer, Unplaced};
use crate::config::{Limits, Listen, ProxyProtocol, Wires};
use crate::geminio::{self, Greeting, GreetingError};
use bytes::Bytes;
use frontier_access::PeerText;
use frontier_access::authn::PresentedCredentials;
use frontier_admin::client_certificate;
use frontier_exchange::{Failure, Peer, limit_key};
use frontier_protocol::{
    Code, FEATURE_BY_NAME, FEATURE_EDGE_METHODS, FEATURE_TRACE, Frame, Hello, MAX_TOKEN, Role, Session,
    Terms, Token, VERSION, Welcome, negotiate,
};
use frontier_transport::{
    AcceptError, BoxedCarrier, CloseReason, Event, Link, Network, PeerInfo, ProxyHeaderError, Spoken,
    UpgradeError,
};
use std::net::SocketAddr;
use std::sync::Arc;
use thiserror::Error;
use tracing::debug;

/// What a dialler said of itself, and what was agreed on.
#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) role: Role,
    /// The id that it would like; 0 for none.
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) topics: Vec<String>,
    pub(super) methods: Vec<String>,
    pub(super) meta: Bytes,
    pub(super) terms: Terms,
    /// What both have that need not be there.
    pub(super) features: u32,
    /// Which client it is.
    pub(super) session: Option<Session>,
    /// By what it is to be known.
    pub(super) presented: PresentedCredentials,
    /// How it is carried.
    pub(super) network: Network,
}

/// Why there is no Hello.
#[derive(Debug, Error)]
enum NoHello {
    #[error(transparent)]
    Unplaced(#[from] Unplaced),
    #[error(transparent)]
    Link(#[from] AcceptError),
    #[error(transparent)]
    Greeting(#[from] GreetingError),
}

/// What a dialler has said first, on its wire.
#[expect(clippy::large_enum_variant, reason = "it is passed on at once")]
enum First {
    Hello(Link, Frame),
    Greeting(Box<geminio::Connection>, Result<Greeting, Failure>),
    Foreign(BoxedCarrier),
}

/// Who has come, where it comes from, and what it holds until it is let in.
#[expect(clippy::large_enum_variant, reason = "it is passed on at once")]
pub(super) enum Come {
    Peer(Handshake, Connection, SocketAddr, Held),
    /// A connection on neither wire, which goes elsewhere.
    Foreign(BoxedCarrier, SocketAddr, Held),
}

impl HandshakeFailure {
    fn of(error: &NoHello) -> Self {
        match error {
            NoHello::Unplaced(Unplaced::Crowded(_)) => Self::Crowded,
            NoHello::Unplaced(Unplaced::Header(ProxyHeaderError::Ended | ProxyHeaderError::Io(_))) => {
                Self::Lost
            }
            NoHello::Unplaced(_) => Self::ProxyHeader,
            NoHello::Link(AcceptError::Tls(_)) => Self::Tls,
            NoHello::Link(AcceptError::Upgrade(_)) => Self::Upgrade,
            NoHello::Link(AcceptError::Link(CloseReason::Protocol(_)))
            | NoHello::Greeting(GreetingError::Decode(_) | GreetingError::Other(_)) => Self::Protocol,
            NoHello::Greeting(GreetingError::Io(_) | GreetingError::Left) => Self::Lost,
            NoHello::Link(AcceptError::Link(_) | AcceptError::NoByteStream) => Self::Lost,
        }
    }
}

/// Waits for the dialler's Hello and checks it. `None` if it did not come or was refused. With it comes the address
/// of who is behind the connection, and what that holds until it is let in.
pub(super) async fn accept(context: &Context, newcomer: Newcomer) -> Option<Come> {
    let from = newcomer.accepted.peer;
    let given_up = newcomer.held.given_up();
    let hello = async move {
        let mut addr = from;
        let received = receive(context, newcomer, &mut addr).await;
        (addr, received)
    };
    let (addr, received) = tokio::select! {
        received = tokio::time::timeout(context.limits.handshake_timeout, hello) => {
            received.inspect_err(|_| {
                context.counters.failed_handshake(context.role, HandshakeFailure::Timeout);
                debug!(addr = %from, "no handshake in time");
            }).ok()?
        }
        () = given_up.wait() => {
            context.counters.failed_handshake(context.role, HandshakeFailure::Crowded);
            debug!(addr = %from, "no handshake before its place went to another connection");
            return None;
        }
        () = context.closing.wait() => return None,
    };
    let (first, peer, held) = match received {
        Ok(received) => received,
        Err(error) => {
            log_failed(context, addr, error);
            return None;
        }
    };
    let (connection, read) = match first {
        First::Foreign(carrier) => return Some(Come::Foreign(carrier, addr, held)),
        First::Hello(link, frame) => {
            log(addr, &peer, peer.network.as_str());
            (link.into(), read(context, &frame, peer.network, addr))
        }
        First::Greeting(connection, greeting) => {
            log(addr, &peer, geminio::wire(peer.network == Network::Tls));
            let read = greeting.and_then(|greeting| greeted(context, greeting, peer.network));
            (Connection::Geminio(connection), read)
        }
    };
    match read {
        Ok(mut handshake) => {
            handshake.presented.certificate =
                peer.certificate.as_deref().map(client_certificate).map(Arc::new);
            Some(Come::Peer(handshake, connection, addr, held))
        }
        Err(failure) => {
            context.policies.log_refused(context.role, addr, &failure);
            reject(context, connection, &failure).await;
            None
        }
    }
}

/// Up to what the dialler says first. `addr` becomes that of who is behind the connection, as soon as that is known.
async fn receive(
    context: &Context,
    mut newcomer: Newcomer,
    addr: &mut SocketAddr,
) -> Result<(First, PeerInfo, Held), NoHello> {
    newcomer.read_proxy_header(context).await?;
    let Newcomer { listener, mut accepted, mut held } = newcomer;
    let is_proxied = accepted.incoming.begins_with_proxy_header().await;
    held.heard();
    if is_proxied
        && let Some(listen) = context.listener(listener)
        && listen.proxies.protocol == ProxyProtocol::Off
    {
        return Err(Unplaced::NotAsked(listen.key.clone()).into());
    }
    *addr = accepted.peer;
    let wires = context.listener(listener).map_or(Wires::Both, |listen| listen.wires);
    let incoming = accepted.incoming;
    let link = context.link.clone();
    let (spoken, peer) = match &context.bypass {
        Some(_) => incoming.link_or_foreign(link, wires.prefix()).await?,
        None => incoming.link_or_bytes(link, |first| wires.takes(first)).await?,
    };
    if let Some(Listen { proxies, .. }) = context.listener(listener) {
        *addr = proxies.trusted.client(*addr, &peer.forwarded);
        held.count_for(*addr, proxies)?;
    }
    let first = match spoken {
        Spoken::Link(_) if wires == Wires::Geminio => {
            let text = "a link, at a listener for the other wire alone".to_owned();
            return Err(AcceptError::Link(CloseReason::Protocol(text)).into());
        }
        Spoken::Link(mut link) => {
            let frame = first_frame(&mut link).await.map_err(AcceptError::Link)?;
            First::Hello(link, frame)
        }
        Spoken::Bytes(carrier) => {
            let carrier = (carrier, peer.network);
            let (connection, greeting) = Greeting::receive(carrier, context.role, &context.limits).await?;
            First::Greeting(Box::new(connection), greeting)
        }
        Spoken::Foreign(carrier) => First::Foreign(carrier),
    };
    Ok((first, peer, held))
}

/// What whoever runs the gateway can mend is told, the rest only with `debug`.
fn log_failed(context: &Context, addr: SocketAddr, error: NoHello) {
    context.counters.failed_handshake(context.role, HandshakeFailure::of(&error));
    let failure = match error {
        NoHello::Link(AcceptError::Tls(error)) if error.is_of_client_certificate() => {
            Failure::new(Code::Unauthenticated, error.to_string())
        }
        NoHello::Link(AcceptError::Upgrade(error @ UpgradeError::Origin(_))) => {
            Failure::new(Code::Denied, format!("{error}: its origin is not in `allowed_origins`"))
        }
        NoHello::Unplaced(Unplaced::Crowded(crowded)) => {
            return newcomer::log_dropped(context, crowded);
        }
        NoHello::Unplaced(Unplaced::Header(ProxyHeaderError::Ended | ProxyHeaderError::Io(_)))
        | NoHello::Greeting(_)
        | NoHello::Link(_) => return debug!(%addr, reason = %PeerText(error), "no handshake"),
        NoHello::Unplaced(error) => Failure::new(Code::Denied, error.to_string()),
    };
    context.policies.log_failed(context.role, addr, &failure);
}

fn log(addr: SocketAddr, peer: &PeerInfo, network: &str) {
    let certificate = peer.certificate.as_deref();
    debug!(
        %addr,
        network,
        server_name = peer.server_name.as_deref().map(PeerText).map(tracing::field::display),
        subject = certificate.and_then(|it| it.subject_common_name.as_deref()).map(PeerText).map(tracing::field::display),
        serial = certificate.map(|certificate| certificate.serial.as_str()),
        "handshake"
    );
}

async fn first_frame(link: &mut Link) -> Result<Frame, CloseReason> {
    loop {
        match link.next().await.map_err(frontier_transport::LinkError::reason)? {
            Event::Frames => {
                if let Some(frame) = link.frame().map_err(frontier_transport::LinkError::reason)? {
                    return Ok(frame);
                }
            }
            Event::Stream(_) | Event::ExcessStream(_) => {
                return Err(CloseReason::Protocol("a stream before the handshake".into()));
            }
        }
    }
}

fn read(context: &Context, frame: &Frame, network: Network, addr: SocketAddr) -> Result<Handshake, Failure> {
    let hello = Hello::parse(frame).map_err(|error| Failure::new(Code::Protocol, error.to_string()))?;
    let is_origin_gateway = (context.role, hello.role) == (Role::Service, Role::Frontier);
    if is_origin_gateway && !context.exchange.reaches_remote_edges() {
        return Err(Failure::new(
            Code::Denied,
            "this gateway takes no requests from other gateways: set frontlas.forward.enable",
        ));
    }
    if hello.role != context.role && !is_origin_gateway {
        let text = match context.role {
            Role::Edge => "this address is for edges; services connect to the other one",
            Role::Service | Role::Frontier => "this address is for services; edges connect to the other one",
        };
        return Err(Failure::new(Code::Denied, text));
    }
    check_draining(context)?;
    let limits = &context.limits;
    let terms =
        negotiate(&hello, limits.terms()).map_err(|error| Failure::new(error.code(), error.to_string()))?;
    check_meta(limits, hello.meta.len())?;
    if is_origin_gateway && (hello.name.is_empty() || hello.name.len() > 255) {
        return Err(Failure::new(Code::Denied, "the id of a frontier has 1 to 255 bytes"));
    }
    if !is_origin_gateway {
        check_name(limits, hello.name)?;
    }
    check_token(hello.token.as_ref())?;
    let mut features = hello.features
        & match hello.role {
            Role::Edge => FEATURE_TRACE | FEATURE_EDGE_METHODS,
            Role::Service => FEATURE_TRACE,
            Role::Frontier => FEATURE_TRACE | FEATURE_BY_NAME,
        };
    let (topics, methods) = match hello.role {
        Role::Edge => (&[][..], edge_methods(context, &hello, &mut features, addr)),
        Role::Service | Role::Frontier => (&hello.topics[..], &hello.methods[..]),
    };
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Ok(Handshake {
        role: hello.role,
        id: hello.id,
        name: hello.name.to_owned(),
        topics: owned(topics),
        methods: owned(methods),
        meta: Bytes::copy_from_slice(hello.meta),
        terms,
        features,
        session: hello.session,
        presented: PresentedCredentials { token: hello.token.map(Token::into_owned), certificate: None },
        network,
    })
}

/// The methods that an edge tells of. Where they are too many none count, and the edge is let in all the same.
fn edge_methods<'h>(
    context: &Context,
    hello: &'h Hello<'_>,
    features: &mut u32,
    addr: SocketAddr,
) -> &'h [&'h str] {
    if *features & FEATURE_EDGE_METHODS == 0 {
        return &[];
    }
    if let Err(error) = context.exchange.check_methods(&hello.methods) {
        context.exchange.log_unlisted(addr, &error);
        *features &= !FEATURE_EDGE_METHODS;
        return &[];
    }
    &hello.methods
}

/// The same of a client of the Go original.
fn greeted(context: &Context, greeting: Greeting, network: Network) -> Result<Handshake, Failure> {
    let Greeting { id, name, topics, meta, token, heartbeat } = greeting;
    check_draining(context)?;
    let limits = &context.limits;
    check_meta(limits, meta.len())?;
    check_name(limits, &name)?;
    check_token(token.as_ref())?;
    let heartbeat_ms = u32::try_from(heartbeat.as_millis()).unwrap_or(u32::MAX);
    Ok(Handshake {
        role: context.role,
        // As with the original, an edge has no say in that unless the gateway is told to let it.
        id: if context.role == Role::Edge && !context.edge_ids.requested { 0 } else { id },
        name,
        topics,
        methods: Vec::new(),
        meta: meta.into(),
        terms: Terms { heartbeat_ms, ..limits.terms() },
        features: 0,
        session: None,
        network,
        presented: PresentedCredentials { token, certificate: None },
    })
}

fn check_draining(context: &Context) -> Result<(), Failure> {
    match context.notice.get() {
        Some(_) => Err(Failure::new(Code::Draining, "the gateway is stopping")),
        None => Ok(()),
    }
}

fn check_meta(limits: &Limits, len: usize) -> Result<(), Failure> {
    if len > limits.meta {
        let text =
            format!("a meta of {len} bytes is over the limit of {} ({})", limits.meta, limit_key::META);
        return Err(Failure::new(Code::TooLarge, text));
    }
    Ok(())
}

fn check_name(limits: &Limits, name: &str) -> Result<(), Failure> {
    if name.len() > limits.name_len {
        let (len, max) = (name.len(), limits.name_len);
        let text = format!("a name of {len} bytes is over the limit of {max} ({})", limit_key::NAME);
        return Err(Failure::new(Code::TooLarge, text));
    }
    Ok(())
}

fn check_token(token: Option<&Token<'_>>) -> Result<(), Failure> {
    if let Some(len) = token.map(Token::len).filter(|len| *len > MAX_TOKEN) {
        let text = format!("a token of {len} bytes is over the limit of {MAX_TOKEN}, which can't be changed");
        return Err(Failure::new(Code::TooLarge, text));
    }
    Ok(())
}

/// What a peer that has joined is told.
pub(super) fn welcome(context: &Context, handshake: &Handshake, peer: &Peer) -> Welcome {
    Welcome {
        version: VERSION,
        features: handshake.features,
        max_frame: handshake.terms.max_frame,
        heartbeat_ms: handshake.terms.heartbeat_ms,
        id: peer.number(),
        epoch: peer.epoch(),
        max_payload: context.limits.payload,
        directory_time: None,
    }
}
