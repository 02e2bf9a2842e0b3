//! What QUIC connections run on: tokio, and less memory for those that say little.
//!
//! Several datagrams of a connection may go to the kernel at once (UDP segmentation offload). The library keeps room for ten of
//! them from the first time that a connection has two to send, which the handshake has: 13 KB of an idle connection, a quarter
//! of all that it takes. So the first datagrams of a connection go one by one. Later ones go as they come, and who has never
//! more than one to send keeps room for one.

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller};
use std::cell::Cell;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// So many datagrams of a connection go one by one: more than a handshake has, with long chains of certificates.
const ALONE: u32 = 32;

thread_local! {
    /// How many datagrams still go one by one of the connection that is polled on this thread.
    static LEFT: Cell<u32> = const { Cell::new(0) };
}

/// The runtime of endpoints.
#[derive(Debug)]
pub(super) struct LeanRuntime;

impl Runtime for LeanRuntime {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        TokioRuntime.new_timer(at)
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        TokioRuntime.spawn(Box::pin(Driver { future, left: ALONE }));
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(Arc::new(LeanSocket(TokioRuntime.wrap_udp_socket(socket)?)))
    }

    fn now(&self) -> Instant {
        TokioRuntime.now()
    }
}

/// What drives a connection.
struct Driver {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// How many of its datagrams still go one by one.
    left: u32,
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let outer = LEFT.replace(self.left);
        let polled = self.future.as_mut().poll(cx);
        self.left = LEFT.replace(outer);
        polled
    }
}

/// The socket of an endpoint, over which its drivers send.
#[derive(Debug)]
struct LeanSocket(Arc<dyn AsyncUdpSocket>);

impl AsyncUdpSocket for LeanSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.0.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.0.try_send(transmit)?;
        LEFT.set(LEFT.get().saturating_sub(1));
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_recv(cx, bufs, meta)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        if LEFT.get() > 0 { 1 } else { self.0.max_transmit_segments() }
    }

    fn max_receive_segments(&self) -> usize {
        self.0.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.0.may_fragment()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::net::Ipv4Addr;
    use std::task::Waker;

    fn socket() -> Arc<dyn AsyncUdpSocket> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        LeanRuntime.wrap_udp_socket(socket).unwrap()
    }

    /// A driver that sends a datagram at each poll, and notes how many could have gone at once.
    fn driver(socket: Arc<dyn AsyncUdpSocket>, noted: Arc<parking_lot::Mutex<Vec<usize>>>) -> Driver {
        let future = poll_fn(move |_| {
            noted.lock().push(socket.max_transmit_segments());
            let (destination, contents) = (socket.local_addr().unwrap(), &b"x"[..]);
            let transmit = Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None };
            socket.try_send(&transmit).unwrap();
            Poll::Pending
        });
        Driver { future: Box::pin(future), left: ALONE }
    }

    #[tokio::test]
    async fn the_first_datagrams_of_a_connection_go_one_by_one() {
        let socket = socket();
        // The runtime must have heard that it can be written to.
        poll_fn(|cx| socket.clone().create_io_poller().as_mut().poll_writable(cx)).await.unwrap();
        let all = LeanSocket(socket.clone()).max_transmit_segments();
        let noted: [Arc<parking_lot::Mutex<Vec<usize>>>; 2] = Default::default();
        let mut drivers = noted.each_ref().map(|noted| driver(socket.clone(), noted.clone()));
        let mut cx = Context::from_waker(Waker::noop());
        // Each has its own count, whoever is polled in between.
        for _ in 0..ALONE + 1 {
            for driver in &mut drivers {
                assert!(Pin::new(driver).poll(&mut cx).is_pending());
            }
        }
        for noted in noted {
            let noted = noted.lock();
            let (last, first) = noted.split_last().unwrap();
            assert!(first.iter().all(|segments| *segments == 1), "{first:?}");
            assert_eq!(*last, all);
        }
        assert_eq!(LEFT.get(), 0, "nothing is left behind on the thread");
    }
}
