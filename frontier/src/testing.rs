//! What the tests of this crate share: links in memory, and peers on them.

use crate::config::{Config, Limits};
use crate::native::{self, Native, NativeOutlet, RemoteCallers, StreamLimits};
use crate::policy::{Admission, Policies};
use crate::session::Context;
use frontier_exchange::{Balance, Exchange, Identity, Peer, RemoteEdges, Seat, Settings};
use frontier_protocol::{
    Decoder, EdgeId, EncodeError, FEATURE_EDGE_METHODS, Frame, Role, ServiceId, Terms, pong,
};
use frontier_transport::{CloseReason, Event, Link, LinkConfig, LinkHandle, MuxStream, Priority};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(crate) const TERMS: Terms = Terms { max_frame: 256 * 1024, heartbeat_ms: 20_000 };
pub(crate) const ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7);

pub(crate) fn config() -> Config {
    Config::parse("", &|_| None).unwrap()
}

/// A gateway that others can reach, with this section `frontlas`.
pub(crate) fn config_of_member(frontlas: &str) -> Config {
    let yaml = format!(
        "edgebound: {{listen: {{addr: 127.0.0.1:30012}}}}
servicebound: {{listen: {{addr: 127.0.0.1:30011}}}}
frontlas: {frontlas}"
    );
    Config::parse(&yaml, &|_| None).unwrap()
}

/// A side of a gateway with this configuration.
pub(crate) fn context(role: Role, config: Config) -> Context {
    let access = crate::config::load(&config.access).unwrap();
    let policies = Arc::new(Policies::new(&config, access));
    let exchange = exchange_with(|limits| *limits = config.limits.clone());
    Context::new(exchange, policies, role, &config)
}

/// The policies by this configuration.
pub(crate) fn policies(yaml: &str) -> Arc<Policies> {
    let config = Config::parse(yaml, &|_| None).unwrap();
    let access = crate::config::load(&config.access).unwrap();
    Arc::new(Policies::new(&config, access))
}

/// Has `context` go by a policy that asks for tokens, of which there are none.
pub(crate) fn asks_for_tokens(context: &Context, side: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.yaml");
    std::fs::write(&file, "[]").unwrap();
    let yaml = format!("{side}: {{auth: {{methods: [{{token: {{file: '{}'}}}}]}}}}", file.display());
    let config = Config::parse(&yaml, &|_| None).unwrap();
    context.policies.replace(&config, crate::config::load(&config.access).unwrap());
}

/// Somebody who has shown nothing, and need not.
pub(crate) fn anyone(context: &Context) -> Admission {
    let policy = context.policies.current();
    Admission::new(&context.policies, &policy, context.role, 0, ADDR, Default::default(), b"").unwrap()
}

/// Whether any request from or to the peer waits for its reply.
pub(crate) fn has_pending(peer: &Peer) -> bool {
    peer.sent() + peer.in_flight() > 0
}

pub(crate) fn exchange() -> Arc<Exchange> {
    exchange_with(|_| {})
}

pub(crate) fn exchange_with(set: impl FnOnce(&mut Limits)) -> Arc<Exchange> {
    exchange_of(set, None)
}

pub(crate) fn exchange_of(
    set: impl FnOnce(&mut Limits),
    remote: Option<Arc<dyn RemoteEdges>>,
) -> Arc<Exchange> {
    let Config { mut limits, call_timeout, .. } = config();
    set(&mut limits);
    let limits = limits.exchange(call_timeout);
    Exchange::new(Settings { limits, balance: Balance::EdgeId, gateway_id: None, remote, tracer: None })
}

/// A link's configuration, by default.
pub(crate) fn link_config() -> LinkConfig {
    config().limits.link(Role::Edge)
}

/// The gateway's side and the peer's side of a link.
pub(crate) async fn links(config: LinkConfig) -> (Link, Link) {
    let (near, far) = tokio::io::duplex(1 << 20);
    let mut far = Link::dial(far, config.clone()).await.unwrap();
    // The lane comes into being with its first bytes, which mean nothing.
    far.handle()
        .send(Priority::Reply, |out| {
            pong(0, out);
            Ok(())
        })
        .unwrap();
    let near = tokio::select! {
        near = Link::accept(near, Arc::new(config)) => near.unwrap(),
        event = far.next() => panic!("{event:?} before the link stands"),
    };
    (near, far)
}

/// A peer whose link nobody drives: what it is sent stays in its outbox.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) peer: Arc<Peer>,
    pub(crate) link: Link,
    seat: Option<Seat>,
}

impl Parked {
    async fn new(exchange: &Arc<Exchange>, identity: Identity, config: LinkConfig) -> Self {
        let (io, _) = tokio::io::duplex(64);
        let link = Link::dial(io, config).await.unwrap();
        let peer = Arc::new(peer(exchange, identity, 0, &link));
        Self { peer, link, seat: None }
    }

    pub(crate) async fn edge(exchange: &Arc<Exchange>, id: u64) -> Self {
        let mut parked = Self::new(exchange, edge(id), link_config()).await;
        parked.seat = Some(join(exchange, &parked.peer, &[], &[]));
        parked
    }

    pub(crate) async fn service(
        exchange: &Arc<Exchange>,
        id: u64,
        methods: &[&str],
        topics: &[&str],
    ) -> Self {
        Self::service_with(exchange, id, methods, topics, link_config()).await
    }

    pub(crate) async fn service_with(
        exchange: &Arc<Exchange>,
        id: u64,
        methods: &[&str],
        topics: &[&str],
        config: LinkConfig,
    ) -> Self {
        let mut parked = Self::new(exchange, service(id), config).await;
        parked.seat = Some(join(exchange, &parked.peer, methods, topics));
        parked
    }

    /// Closes the link. What was queued on it.
    pub(crate) fn close(&mut self) -> Vec<Frame> {
        self.link.take_unsent(CloseReason::Local)
    }

    /// Ends the peer as its session would.
    pub(crate) fn retire(&mut self, exchange: &Arc<Exchange>) {
        let unsent = self.close();
        exchange.leave(&self.peer, &native::unsent(&unsent, false));
        self.seat = None;
    }
}

fn peer(exchange: &Exchange, identity: Identity, features: u32, link: &Link) -> Peer {
    let outlet = NativeOutlet::new(link.handle(), TERMS.max_frame, 1 << 20).with_features(features);
    let outlet = match identity {
        Identity::OwnerGateway { .. } => outlet.owner_gateway(),
        Identity::OriginGateway { .. } => outlet.origin_gateway(),
        _ => outlet,
    };
    Peer::new(identity, exchange.next_epoch(), Some(ADDR), Box::new(outlet), Duration::from_secs(60))
}

/// A peer at the other end of a link that is served.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) peer: Arc<Peer>,
    pub(crate) handle: LinkHandle,
    frames: mpsc::UnboundedReceiver<Frame>,
    streams: mpsc::UnboundedReceiver<MuxStream>,
    served: JoinHandle<CloseReason>,
    driven: JoinHandle<()>,
}

impl Remote {
    pub(crate) async fn edge(exchange: &Arc<Exchange>, id: u64) -> Self {
        Self::new(exchange, edge(id), &[], &[]).await
    }

    /// One that may tell what methods it answers.
    pub(crate) async fn telling_edge(exchange: &Arc<Exchange>, id: u64) -> Self {
        Self::serving(exchange, edge(id), (&[], &[]), FEATURE_EDGE_METHODS, None).await
    }

    pub(crate) async fn service(
        exchange: &Arc<Exchange>,
        id: u64,
        methods: &[&str],
        topics: &[&str],
    ) -> Self {
        Self::new(exchange, service(id), methods, topics).await
    }

    /// Another gateway, which asks for its services. It has shown who it is if `is_verified`.
    pub(crate) async fn origin_gateway(
        exchange: &Arc<Exchange>,
        policies: Arc<Policies>,
        is_verified: bool,
    ) -> Self {
        let callers = Arc::new(RemoteCallers::new(policies, is_verified, ADDR.ip()));
        let identity = Identity::OriginGateway { id: "origin".into() };
        Self::serving(exchange, identity, (&[], &[]), 0, Some(callers)).await
    }

    /// Another gateway, which is asked for its edges.
    pub(crate) async fn owner_gateway(exchange: &Arc<Exchange>, id: &str) -> Self {
        Self::new(exchange, Identity::OwnerGateway { id: id.into() }, &[], &[]).await
    }

    async fn new(exchange: &Arc<Exchange>, identity: Identity, methods: &[&str], topics: &[&str]) -> Self {
        Self::serving(exchange, identity, (methods, topics), 0, None).await
    }

    async fn serving(
        exchange: &Arc<Exchange>,
        identity: Identity,
        (methods, topics): (&[&str], &[&str]),
        features: u32,
        callers: Option<Arc<RemoteCallers>>,
    ) -> Self {
        let (near, far) = links(link_config()).await;
        let peer = Arc::new(peer(exchange, identity, features, &near));
        let seat = join(exchange, &peer, methods, topics);
        let native = Native {
            exchange: exchange.clone(),
            peer: peer.clone(),
            link: near.handle(),
            callers,
            limits: StreamLimits::new(&config().limits),
        };
        let served = tokio::spawn(serve(native, seat, near));
        let handle = far.handle();
        let (frame_in, frames) = mpsc::unbounded_channel();
        let (stream_in, streams) = mpsc::unbounded_channel();
        let driven = tokio::spawn(drive(far, frame_in, stream_in));
        Self { peer, handle, frames, streams, served, driven }
    }

    pub(crate) fn send(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
        self.handle.send(Priority::Reply, encode).unwrap();
    }

    pub(crate) async fn recv(&mut self) -> Frame {
        soon(self.frames.recv()).await.expect("the link stands")
    }

    pub(crate) async fn stream(&mut self) -> MuxStream {
        soon(self.streams.recv()).await.expect("the link stands")
    }

    /// What has come that was not taken, once everything that is under way has settled.
    pub(crate) fn rest(&mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.frames.try_recv().ok()).collect()
    }

    /// The connection breaks. Returns when its session is over.
    pub(crate) async fn die(self) {
        self.driven.abort();
        soon(self.served).await.unwrap();
    }

    /// Why the gateway ended the session.
    pub(crate) async fn ended(self) -> CloseReason {
        soon(self.served).await.unwrap()
    }
}

async fn serve(native: Native, seat: Seat, mut link: Link) -> CloseReason {
    let reason = native.serve(&mut link).await;
    seat.peer().advance(frontier_exchange::Stage::Gone);
    let unsent = link.take_unsent(reason.clone());
    let is_forwarded = seat.peer().is_owner_gateway();
    native.exchange.leave(seat.peer(), &native::unsent(&unsent, is_forwarded));
    reason
}

/// Drives the peer's side of a link, and passes on what comes.
pub(crate) async fn drive(
    mut link: Link,
    frames: mpsc::UnboundedSender<Frame>,
    streams: mpsc::UnboundedSender<MuxStream>,
) {
    while let Ok(event) = link.next().await {
        match event {
            Event::Frames => {
                while let Ok(Some(frame)) = link.frame() {
                    let _ = frames.send(frame);
                }
            }
            Event::Stream(stream) | Event::ExcessStream(stream) => {
                let _ = streams.send(stream);
            }
        }
    }
}

/// Fails the test where something that must come does not.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("it comes")
}

/// The frame that `encode` writes.
pub(crate) fn frame(encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) -> Frame {
    let (mut bytes, mut decoder) = (Vec::new(), Decoder::new(usize::MAX));
    encode(&mut bytes).unwrap();
    decoder.push(bytes.into());
    decoder.next().unwrap().expect("one frame")
}

pub(crate) fn edge(id: u64) -> Identity {
    Identity::Edge { id: EdgeId(id), meta: "meta".into() }
}

pub(crate) fn service(id: u64) -> Identity {
    Identity::Service { id: ServiceId(id), name: format!("service-{id}").into() }
}

fn join(exchange: &Arc<Exchange>, peer: &Arc<Peer>, methods: &[&str], topics: &[&str]) -> Seat {
    match peer.identity() {
        Identity::Edge { .. } => {
            let (seat, _) = exchange.join_edge(peer).unwrap();
            assert!(seat.publish());
            seat
        }
        Identity::Service { .. } => exchange.join_service(peer, methods, topics).unwrap().0,
        _ => exchange.join_gateway(peer),
    }
}
