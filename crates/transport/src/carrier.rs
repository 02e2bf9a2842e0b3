use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream that carries a link.
pub(crate) trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Carrier for T {}

/// Any but plain TCP: the mux is there once for those, and calls them rarely.
pub(crate) type BoxedCarrier = Box<dyn Carrier>;
