//! Byte streams: what a link, or a listener for another protocol, is carried by.

use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream in both directions: TCP, TLS or a WebSocket.
///
/// `shutdown` ends the writing half. Reads and writes are cancel safe.
pub trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Carrier for T {}

/// A [`Carrier`] of any kind.
pub type BoxedCarrier = Box<dyn Carrier>;
