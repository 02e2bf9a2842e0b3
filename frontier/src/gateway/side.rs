//! One side of the gateway: its listeners, and the sessions that come through them.

use super::StartError;
use crate::cluster::Bound;
use crate::config::{Listen, Wires};
use crate::geminio;
use crate::session::{self, Context, Newcomer};
use frontier_protocol::Role;
use frontier_transport::{Accepted, Bind, Listener, MemoryPort, Network};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The listeners of one side, which are open; connections wait.
#[derive(Debug)]
pub(super) struct Listeners {
    listeners: Vec<(Network, Listener)>,
    pub(super) addrs: Vec<SocketAddr>,
    /// One of them, as others are told of it.
    pub(super) bound: Bound,
}

impl Listeners {
    /// Listens within the process, as the first of these.
    pub(super) fn memory(role: Role, listen: &[Listen]) -> Result<(Self, MemoryPort), StartError> {
        let side = if role == Role::Edge { "edges" } else { "services" };
        let Some(first) = listen.first() else { return Err(StartError::Nowhere(side)) };
        let (listener, port) = Listener::memory();
        let addr =
            listener.local_addr().map_err(|source| StartError::Listen { addr: first.addr, side, source })?;
        let listeners = vec![(Network::Tcp, listener)];
        Ok((Self { listeners, bound: Bound::new(first, addr), addrs: vec![addr] }, port))
    }

    /// Listens on all addresses of one side.
    pub(super) fn bind(role: Role, listen: &[Listen]) -> Result<Self, StartError> {
        let side = match role {
            Role::Edge => "edges",
            Role::Service | Role::Frontier => "services",
        };
        let Some(first) = listen.first() else { return Err(StartError::Nowhere(side)) };
        let (mut listeners, mut addrs) = (Vec::new(), Vec::new());
        for listen in listen {
            let Listen { network, addr, tls, .. } = listen;
            let (network, addr) = (*network, *addr);
            let fail = |source| StartError::Listen { addr, side, source };
            let listener = Listener::bind(Bind { network, addr, tls: tls.clone(), only_v6: listen.only_v6 })
                .map_err(fail)?;
            let addr = listener.local_addr().map_err(fail)?;
            let word = if listen.wires == Wires::Geminio { geminio::wire(false) } else { network.as_str() };
            info!(%addr, network = word, tls = tls.is_some(), "listening for {side}");
            for warning in listen.warnings() {
                warn!(%addr, "{warning}");
            }
            listeners.push((network, listener));
            addrs.push(addr);
        }
        let (told, first) = Listen::told(listen).unwrap_or((0, first));
        Ok(Self { listeners, bound: Bound::new(first, addrs[told]), addrs })
    }
}

/// What comes through the listeners of one side.
#[derive(Debug)]
pub(super) struct Side {
    context: Arc<Context>,
}

/// A side that lets nobody in any more.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) context: Arc<Context>,
    /// What tells callers so, until this is dropped.
    _refusing: JoinSet<()>,
}

impl Side {
    pub(super) fn new(context: Context) -> Self {
        Self { context: Arc::new(context) }
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Starts a session for each connection until `stop`; the sessions go on. Nothing but accepting is
    /// waited for here.
    pub(super) async fn accept(self, listeners: Listeners, stop: CancellationToken) -> Closed {
        let side = Arc::new(self);
        let mut accepting = JoinSet::new();
        for ((network, listener), number) in listeners.listeners.into_iter().zip(0..) {
            accepting.spawn(side.clone().accept_from(network, listener, number, stop.clone()));
        }
        let mut refusing = JoinSet::new();
        for listener in accepting.join_all().await.into_iter().flatten() {
            refusing.spawn(refuse(listener));
        }
        side.context.sessions.close();
        Closed { context: side.context.clone(), _refusing: refusing }
    }

    /// The listener is returned if it has to go on, to refuse connections. The others are refused by the
    /// system, which is quicker than any word of ours, and leaves the port to a new gateway.
    async fn accept_from(
        self: Arc<Self>,
        network: Network,
        mut listener: Listener,
        number: u16,
        stop: CancellationToken,
    ) -> Option<Listener> {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => return (network == Network::Quic).then_some(listener),
            };
            self.start(number, accepted);
        }
    }

    fn start(&self, listener: u16, accepted: Accepted) {
        if let Some(newcomer) = Newcomer::new(&self.context, listener, accepted) {
            self.context.sessions.spawn(session::run(self.context.clone(), newcomer));
        }
    }
}

/// Refuses every connection. A UDP socket serves those that stand as well, so it can't be closed; and
/// without an answer callers would wait for one.
async fn refuse(mut listener: Listener) {
    loop {
        drop(listener.accept().await);
    }
}
