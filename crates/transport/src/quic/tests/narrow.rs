//! Two UDP sockets in memory, and a path between them that takes so many bytes a second, holds so many, and takes its
//! time. In virtual time, everything happens as it does each time.

use parking_lot::Mutex;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// What IPv4 and UDP add to each datagram, in bytes.
const HEADERS: usize = 28;

/// What a path is like, each way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// Bytes a second.
    pub(super) rate: u64,
    pub(super) delay: Duration,
    /// Bytes that wait to leave. What comes beyond that is lost.
    pub(super) holds: u64,
    /// The share of the others that is lost.
    pub(super) loss: f64,
}

/// One direction.
#[derive(Debug)]
struct Pipe {
    path: Path,
    /// What is on its way, and when it has come.
    datagrams: VecDeque<(Instant, Vec<u8>)>,
    /// When all that was sent has left.
    free: Instant,
    dice: StdRng,
    reader: Option<Waker>,
}

/// One end of a path.
#[derive(Debug)]
pub(super) struct Socket {
    addr: SocketAddr,
    peer: SocketAddr,
    from: Arc<Mutex<Pipe>>,
    to: Arc<Mutex<Pipe>>,
    waiting: Mutex<Pin<Box<Sleep>>>,
}

impl Path {
    pub(super) fn sockets(self) -> [Arc<Socket>; 2] {
        let pipe = |seed| {
            Arc::new(Mutex::new(Pipe {
                path: self,
                datagrams: VecDeque::new(),
                free: Instant::now(),
                dice: StdRng::seed_from_u64(seed),
                reader: None,
            }))
        };
        let (there, back) = (pipe(1), pipe(2));
        let addr = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let end = |own, other, from: &Arc<Mutex<Pipe>>, to: &Arc<Mutex<Pipe>>| {
            Arc::new(Socket {
                addr: addr(own),
                peer: addr(other),
                from: from.clone(),
                to: to.clone(),
                waiting: Mutex::new(Box::pin(sleep_until(Instant::now()))),
            })
        };
        [end(1, 2, &back, &there), end(2, 1, &there, &back)]
    }

    /// How long so many bytes take to leave.
    fn leaving(self, bytes: u64) -> Duration {
        Duration::from_nanos(bytes * 1_000_000_000 / self.rate)
    }
}

impl Pipe {
    fn send(&mut self, datagram: &[u8]) {
        let now = Instant::now();
        let len = (datagram.len() + HEADERS) as u64;
        let free = self.free.max(now) + self.path.leaving(len);
        if free - now > self.path.leaving(self.path.holds) || self.dice.random_bool(self.path.loss) {
            return;
        }
        self.free = free;
        self.datagrams.push_back((free + self.path.delay, datagram.to_vec()));
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        assert_eq!((transmit.destination, transmit.segment_size), (self.peer, None));
        self.to.lock().send(transmit.contents);
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = self.from.lock();
        let Some((at, _)) = pipe.datagrams.front() else {
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let mut waiting = self.waiting.lock();
        if waiting.deadline() != *at {
            waiting.as_mut().reset(*at);
        }
        std::task::ready!(waiting.as_mut().poll(cx));
        let Some((_, datagram)) = pipe.datagrams.pop_front() else { return Poll::Pending };
        let len = datagram.len();
        bufs[0][..len].copy_from_slice(&datagram);
        meta[0] = RecvMeta { addr: self.peer, len, stride: len, ecn: None, dst_ip: None };
        Poll::Ready(Ok(1))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.addr)
    }

    fn may_fragment(&self) -> bool {
        false
    }
}

/// It always is.
#[derive(Debug)]
struct Writable;

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
