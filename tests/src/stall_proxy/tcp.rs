//! The network for everything over TCP.

use super::{Mode, Orders};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(super) async fn carry(front: TcpListener, target: SocketAddr, orders: Orders) {
    while let Ok((peer, _)) = front.accept().await {
        let mut orders = orders.clone();
        orders.cuts.mark_unchanged();
        tokio::spawn(join(peer, target, orders));
    }
}

async fn join(peer: TcpStream, target: SocketAddr, orders: Orders) {
    let Orders { mode, mut cuts, .. } = orders;
    let Ok(gateway) = TcpStream::connect(target).await else { return };
    for stream in [&peer, &gateway] {
        let _ = stream.set_nodelay(true);
        // Ends with a reset, unless both halves have ended before.
        let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
    let (from_peer, to_peer) = peer.into_split();
    let (from_gateway, to_gateway) = gateway.into_split();
    let both = async {
        tokio::join!(copy(from_peer, to_gateway, mode.clone()), copy(from_gateway, to_peer, mode.clone()))
    };
    tokio::select! {
        _ = both => {}
        _ = cuts.changed() => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut mode: watch::Receiver<Mode>) {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        if mode.wait_for(|mode| *mode == Mode::Open).await.is_err() {
            return;
        }
        let read = tokio::select! {
            biased;
            _ = mode.changed() => continue,
            read = from.read(&mut chunk) => read,
        };
        match read {
            Ok(0) | Err(_) => {
                let _ = to.shutdown().await;
                return;
            }
            Ok(len) => {
                if to.write_all(&chunk[..len]).await.is_err() {
                    return;
                }
            }
        }
    }
}
