//! The network for QUIC: datagrams, and the port of each peer.

use super::connections::Connections;
use super::{Mode, Orders};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// The longest datagram, in bytes.
const MAX_DATAGRAM: usize = 65_536;

/// Each peer is seen by the gateway at a port of its own.
pub(super) async fn carry(front: UdpSocket, target: SocketAddr, mut orders: Orders) {
    let front = Arc::new(front);
    let connections = Arc::<Connections>::default();
    let mut ports = HashMap::<SocketAddr, Arc<UdpSocket>>::new();
    let mut answers = JoinSet::new();
    let mut datagram = vec![0; MAX_DATAGRAM];
    loop {
        let (len, peer) = tokio::select! {
            biased;
            Ok(()) = orders.cuts.changed() => {
                connections.end_all();
                continue;
            }
            Ok(()) = orders.moves.changed() => {
                answers.abort_all();
                ports.clear();
                continue;
            }
            received = front.recv_from(&mut datagram) => received.expect("a socket of its own"),
        };
        let port = match ports.get(&peer) {
            Some(port) => port.clone(),
            None => {
                let port = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a free port"));
                let (back, orders) =
                    (Back { front: front.clone(), port: port.clone(), peer }, orders.clone());
                answers.spawn(back.carry(connections.clone(), orders));
                ports.entry(peer).or_insert(port).clone()
            }
        };
        if *orders.mode.borrow() == Mode::Open && connections.may_pass(&datagram[..len]) {
            // What can't be sent is lost, as on any network.
            let _ = port.send_to(&datagram[..len], target).await;
        }
    }
}

/// The way from the gateway to a peer.
struct Back {
    front: Arc<UdpSocket>,
    port: Arc<UdpSocket>,
    peer: SocketAddr,
}

impl Back {
    async fn carry(self, connections: Arc<Connections>, orders: Orders) {
        let mut datagram = vec![0; MAX_DATAGRAM];
        while let Ok(len) = self.port.recv(&mut datagram).await {
            if *orders.mode.borrow() == Mode::Open && connections.may_pass(&datagram[..len]) {
                let _ = self.front.send_to(&datagram[..len], self.peer).await;
            }
        }
    }
}
