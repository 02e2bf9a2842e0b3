//! A TCP connection for bytes that no peer would send, and frames of yamux made by hand.

use crate::within;
use bytes::BufMut;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A peer that has taken nothing for so long does not read.
const STALL_TIMEOUT: Duration = Duration::from_millis(500);

/// A connection on which any bytes can be sent.
#[derive(Debug)]
pub struct RawTcp(TcpStream);

impl RawTcp {
    /// Connects.
    ///
    /// # Panics
    /// If nobody listens.
    pub async fn connect(addr: SocketAddr) -> Self {
        let stream = within("a connection", TcpStream::connect(addr)).await.expect("somebody listens");
        stream.set_nodelay(true).expect("the connection stands");
        Self(stream)
    }

    /// Sends bytes. Whether the peer still takes them does not matter.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = within("the peer reads", self.0.write_all(bytes)).await;
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// If the peer takes no more.
    pub async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        within("the peer reads", self.0.write_all(bytes)).await
    }

    /// Sends bytes. Whether the peer took them before long.
    pub async fn try_send_now(&mut self, bytes: &[u8]) -> bool {
        matches!(tokio::time::timeout(STALL_TIMEOUT, self.0.write_all(bytes)).await, Ok(Ok(())))
    }

    /// Ends the sending half.
    pub async fn finish(&mut self) {
        let _ = self.0.shutdown().await;
    }

    /// Reads until `bytes` have come, among others.
    ///
    /// # Panics
    /// If they don't.
    pub async fn read_until(&mut self, bytes: &[u8]) {
        let mut read = Vec::new();
        while !read.windows(bytes.len()).any(|window| window == bytes) {
            let more = within("more bytes", self.0.read_buf(&mut read)).await;
            assert!(more.is_ok_and(|len| len > 0), "{bytes:?}, not only {read:?}");
        }
    }

    /// Everything that comes until the peer ends the connection, in good order or not.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = within("the peer ends the connection", self.0.read_to_end(&mut rest)).await;
        rest
    }
}

/// Frames of the multiplexer, made by hand.
pub mod yamux {
    use super::BufMut;

    /// Bytes of a stream.
    pub const DATA: u8 = 0;
    /// More room for a stream.
    pub const WINDOW_UPDATE: u8 = 1;
    /// Are you there.
    pub const PING: u8 = 2;
    /// The end of the session.
    pub const GO_AWAY: u8 = 3;

    /// The first frame of a stream.
    pub const SYN: u16 = 1;
    /// The answer to it.
    pub const ACK: u16 = 2;
    /// The last frame of a half.
    pub const FIN: u16 = 4;
    /// The end of a stream without order.
    pub const RST: u16 = 8;

    /// A header.
    #[must_use]
    pub fn header(kind: u8, flags: u16, stream: u32, length: u32) -> Vec<u8> {
        let mut header = Vec::with_capacity(12);
        header.put_u8(0);
        header.put_u8(kind);
        header.put_u16(flags);
        header.put_u32(stream);
        header.put_u32(length);
        header
    }

    /// A frame with bytes of a stream.
    ///
    /// # Panics
    /// From 4 GiB on.
    #[must_use]
    pub fn data(flags: u16, stream: u32, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).expect("a short frame");
        let mut frame = header(DATA, flags, stream, length);
        frame.extend_from_slice(bytes);
        frame
    }
}
