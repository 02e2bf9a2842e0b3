//! A network that can stall, cut its connections, and move peers to other ports.

mod connections;
mod tcp;
mod udp;

use crate::Gateway;
use crate::gateway::url;
use frontier_transport::Network;
use std::net::SocketAddr;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;

/// What happens to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// They are passed on.
    Open,
    /// They are not, and nobody is told: no end, no reset.
    Blackhole,
}

/// What the network is told to do.
#[derive(Clone, Debug)]
struct Orders {
    mode: watch::Receiver<Mode>,
    /// Counted up to end all connections.
    cuts: watch::Receiver<u64>,
    /// Counted up to give all peers other ports.
    moves: watch::Receiver<u64>,
}

/// A network between a peer and the gateway that can go wrong. Its connections end with it.
#[derive(Debug)]
pub struct StallProxy {
    network: Network,
    addr: SocketAddr,
    mode: watch::Sender<Mode>,
    cuts: watch::Sender<u64>,
    moves: watch::Sender<u64>,
    carrying: tokio::task::AbortHandle,
}

impl StallProxy {
    /// A network to whoever takes TCP connections at this address, which works at first.
    pub async fn to(target: SocketAddr) -> Self {
        Self::over(Network::Tcp, target).await
    }

    /// A network between edges and the gateway, which works at first.
    pub async fn to_edges(gateway: &Gateway) -> Self {
        Self::over(gateway.network(), gateway.edges()).await
    }

    /// A network between services and the gateway, which works at first.
    pub async fn to_services(gateway: &Gateway) -> Self {
        Self::over(gateway.network(), gateway.services()).await
    }

    async fn over(network: Network, target: SocketAddr) -> Self {
        let (mode, cuts, moves) =
            (watch::Sender::new(Mode::Open), watch::Sender::new(0), watch::Sender::new(0));
        let orders = Orders { mode: mode.subscribe(), cuts: cuts.subscribe(), moves: moves.subscribe() };
        let (addr, carrying) = if network == Network::Quic {
            let front = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
            (front.local_addr(), tokio::spawn(udp::carry(front, target, orders)))
        } else {
            let front = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            (front.local_addr(), tokio::spawn(tcp::carry(front, target, orders)))
        };
        let addr = addr.expect("a bound port");
        Self { network, addr, mode, cuts, moves, carrying: carrying.abort_handle() }
    }

    /// Where peers connect to, as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.network, self.addr)
    }

    /// Where peers connect to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From here on nothing gets through, on connections old and new, and nobody is told.
    pub fn blackhole(&self) {
        self.mode.send_replace(Mode::Blackhole);
    }

    /// From here on bytes get through again. Those that were held back come first; datagrams are lost.
    pub fn heal(&self) {
        self.mode.send_replace(Mode::Open);
    }

    /// Ends all connections. New ones may be made. Over TCP they are reset; over UDP nobody is told, as
    /// when a firewall has forgotten them.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Has the gateway see all peers at other ports from here on, as behind a NAT that has forgotten
    /// them.
    ///
    /// # Panics
    /// Over TCP, whose connections can't move.
    pub fn change_ports(&self) {
        assert_eq!(self.network, Network::Quic, "its connections can't move");
        self.moves.send_modify(|moves| *moves += 1);
    }
}

impl Drop for StallProxy {
    fn drop(&mut self) {
        self.carrying.abort();
        self.cut();
    }
}
