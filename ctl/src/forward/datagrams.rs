//! Datagrams on streams. Each address that they come from is a flow, and has a stream of its own, on which each datagram
//! stands behind its length, two bytes, big endian.
//!
//! Datagrams may be lost, and are: where the stream does not take one at once, it is dropped, as a full router would do.
//! What is on the stream arrives, and in order. A flow on which nothing moves for a while is over.

use super::liveness::Activity;
use super::opener::Opener;
use super::target::Protocol;
use crate::failure::Outcome;
use frontier_sdk::{Bytes, Stream};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UdpSocket, lookup_host};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

/// No datagram is longer.
const MAX_LEN: usize = 65_535;

/// Datagrams of a flow that wait for its stream; more are dropped.
const QUEUE: usize = 16;

/// Flows at the same time; datagrams of more are dropped. So no more than 256 MiB wait, were all of the greatest length.
const MAX_FLOWS: usize = 256;

/// After an error of a socket that may come again at once.
const PAUSE: Duration = Duration::from_millis(10);

/// Sends datagrams that come to `socket` through streams, and those that come back to where the flow is from.
pub(super) async fn pass_on(socket: Arc<UdpSocket>, opener: &Arc<Opener>, idle: Duration) -> Outcome {
    let mut flows: HashMap<SocketAddr, mpsc::Sender<Bytes>> = HashMap::new();
    let mut buffer = vec![0; MAX_LEN];
    loop {
        let (len, from) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                // Such as a report that an earlier datagram reached nobody.
                debug!(%error, "nothing received");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let datagram = Bytes::copy_from_slice(&buffer[..len]);
        let datagram = match flows.get(&from).map(|flow| flow.try_send(datagram.clone())) {
            Some(Ok(()) | Err(mpsc::error::TrySendError::Full(_))) => continue,
            // It is over, and this begins the next one.
            Some(Err(mpsc::error::TrySendError::Closed(datagram))) => datagram,
            None => datagram,
        };
        if flows.len() >= MAX_FLOWS {
            flows.retain(|_, flow| !flow.is_closed());
            if flows.len() >= MAX_FLOWS {
                debug!(%from, "dropped: {MAX_FLOWS} flows are open");
                continue;
            }
        }
        let (sender, receiver) = mpsc::channel(QUEUE);
        // It is empty.
        let _ = sender.try_send(datagram);
        flows.insert(from, sender);
        tokio::spawn(flow(socket.clone(), from, receiver, opener.clone(), idle));
    }
}

async fn flow(
    socket: Arc<UdpSocket>,
    from: SocketAddr,
    datagrams: mpsc::Receiver<Bytes>,
    opener: Arc<Opener>,
    idle: Duration,
) {
    let stream = match opener.open(Protocol::Udp.meta(from)).await {
        Ok(stream) => stream,
        Err(error) => return warn!(%from, %error, "no stream"),
    };
    match exchange(stream, datagrams, &Destination { socket, to: Some(from) }, idle).await {
        Ok((sent, received)) => info!(%from, sent, received, "done"),
        Err(error) => warn!(%from, %error, "broken off"),
    }
}

/// Connects a flow that somebody opened to `target`.
pub(super) async fn serve(stream: Stream, target: &str, idle: Duration) -> io::Result<(u64, u64)> {
    let Some(addr) = lookup_host(target).await?.next() else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the target has no address"));
    };
    let any: SocketAddr = if addr.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = Arc::new(UdpSocket::bind(any).await?);
    // From nobody else is anything taken.
    socket.connect(addr).await?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    let receiving = {
        let socket = socket.clone();
        async move {
            let mut buffer = vec![0; MAX_LEN];
            loop {
                // An error reports that an earlier datagram reached nobody, who may come yet.
                let Ok(len) = socket.recv(&mut buffer).await else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                // What finds no room is lost.
                let _ = sender.try_send(Bytes::copy_from_slice(&buffer[..len]));
            }
        }
    };
    let destination = Destination { socket, to: None };
    tokio::select! {
        done = exchange(stream, receiver, &destination, idle) => done,
        () = receiving => Ok((0, 0)),
    }
}

/// Both directions of a flow until nothing has moved for `idle`, or the stream ends: the bytes that were sent and received.
async fn exchange(
    stream: Stream,
    mut datagrams: mpsc::Receiver<Bytes>,
    destination: &Destination,
    idle: Duration,
) -> io::Result<(u64, u64)> {
    let activity = Activity::new();
    let (sent, received) = (AtomicU64::new(0), AtomicU64::new(0));
    // Each goes on while the other one waits: two ends that only write would wait for each other.
    let sending = async {
        let mut writer = stream.clone();
        while let Some(datagram) = datagrams.recv().await {
            writer.write_all(&framed(&datagram)).await?;
            sent.fetch_add(datagram.len() as u64, Ordering::Relaxed);
            activity.note();
        }
        Ok(())
    };
    let receiving = async {
        let mut reader = Reader { stream: stream.clone(), buffer: Vec::new() };
        while let Some(datagram) = reader.next().await? {
            destination.send(&datagram).await;
            received.fetch_add(datagram.len() as u64, Ordering::Relaxed);
            activity.note();
        }
        Ok(())
    };
    let done = tokio::select! {
        done = sending => done,
        done = receiving => done,
        () = activity.idle_for(idle) => Ok(()),
    };
    match &done {
        Ok(()) => stream.shutdown().await?,
        Err(_) => stream.reset(),
    }
    done.map(|()| (sent.into_inner(), received.into_inner()))
}

/// Where datagrams of a stream go.
struct Destination {
    socket: Arc<UdpSocket>,
    /// To whom, unless the socket is connected.
    to: Option<SocketAddr>,
}

impl Destination {
    /// Whoever it is for may be gone, which is no matter of the flow.
    async fn send(&self, datagram: &[u8]) {
        let _ = match self.to {
            Some(to) => self.socket.send_to(datagram, to).await,
            None => self.socket.send(datagram).await,
        };
    }
}

/// A datagram as it stands on a stream.
fn framed(datagram: &[u8]) -> Vec<u8> {
    // The buffer that it was received in is no longer.
    let len = u16::try_from(datagram.len()).unwrap_or(u16::MAX);
    let mut framed = Vec::with_capacity(2 + datagram.len());
    framed.extend_from_slice(&len.to_be_bytes());
    framed.extend_from_slice(&datagram[..len.into()]);
    framed
}

/// Datagrams from a stream.
struct Reader {
    stream: Stream,
    /// What was read and is not yet a whole one.
    buffer: Vec<u8>,
}

impl Reader {
    /// The next one; `None` at the end of the stream.
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(datagram) = take(&mut self.buffer) {
                return Ok(Some(datagram));
            }
            if self.stream.read_buf(&mut self.buffer).await? > 0 {
                continue;
            }
            if self.buffer.is_empty() {
                return Ok(None);
            }
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ends within a datagram"));
        }
    }
}

/// Takes a whole one out.
fn take(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let (len, rest) = buffer.split_first_chunk()?;
    let len = usize::from(u16::from_be_bytes(*len));
    let datagram = rest.get(..len)?.to_vec();
    buffer.drain(..2 + len);
    Some(datagram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_are_found_however_they_are_cut() {
        let datagrams: [&[u8]; 4] = [b"one", b"", &[7; 300], b"\x00\x01"];
        let bytes: Vec<u8> = datagrams.iter().flat_map(|datagram| framed(datagram)).collect();
        for size in [1, 2, 3, 100, 1000] {
            let (mut buffer, mut found) = (Vec::new(), Vec::new());
            for piece in bytes.chunks(size) {
                buffer.extend_from_slice(piece);
                found.extend(std::iter::from_fn(|| take(&mut buffer)));
            }
            assert_eq!(found, datagrams, "{size}");
            assert!(buffer.is_empty());
        }
    }
}
