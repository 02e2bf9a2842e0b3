//! A UDP proxy between one client and the listener: changes its port, and loses what it is told to.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const LOOPBACK: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

pub(super) struct Proxy {
    pub(super) addr: SocketAddr,
    moved: Arc<Notify>,
    is_dead: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Loses each datagram with a probability of `loss`.
    pub(super) async fn new(to: SocketAddr, loss: f64) -> Self {
        let front = UdpSocket::bind(SocketAddr::from(LOOPBACK)).await.unwrap();
        let addr = front.local_addr().unwrap();
        let (moved, is_dead) = (Arc::<Notify>::default(), Arc::<AtomicBool>::default());
        let task = tokio::spawn(carry(front, to, loss, moved.clone(), is_dead.clone()));
        Self { addr, moved, is_dead, task }
    }

    /// Goes on from another port.
    pub(super) fn change_port(&self) {
        self.moved.notify_one();
    }

    /// Loses everything from here on.
    pub(super) fn die(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(front: UdpSocket, to: SocketAddr, loss: f64, moved: Arc<Notify>, is_dead: Arc<AtomicBool>) {
    let mut rng = StdRng::seed_from_u64(7);
    let mut is_lost = move || is_dead.load(Ordering::Relaxed) || rng.random_bool(loss);
    let mut back = UdpSocket::bind(SocketAddr::from(LOOPBACK)).await.unwrap();
    let mut client = None;
    let (mut there, mut here) = ([0; 2048], [0; 2048]);
    loop {
        tokio::select! {
            Ok((n, from)) = front.recv_from(&mut there) => {
                client = Some(from);
                if !is_lost() {
                    let _ = back.send_to(&there[..n], to).await;
                }
            }
            Ok((n, _)) = back.recv_from(&mut here) => {
                if let Some(client) = client && !is_lost() {
                    let _ = front.send_to(&here[..n], client).await;
                }
            }
            () = moved.notified() => back = UdpSocket::bind(SocketAddr::from(LOOPBACK)).await.unwrap(),
        }
    }
}
