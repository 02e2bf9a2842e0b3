//! How to come by a byte stream to an endpoint, where that is not over TCP.

use crate::carrier::{BoxedCarrier, Carrier};
use crate::{Endpoint, Scheme};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::fmt;
use std::io;
use std::sync::Arc;

type Connect = dyn Fn(String) -> BoxFuture<'static, io::Result<BoxedCarrier>> + Send + Sync;

/// Gives byte streams in place of TCP: of a process, a tunnel, or within this one.
#[derive(Clone)]
pub struct Connector(Arc<Connect>);

impl Connector {
    /// What `connect` gives for a URL.
    pub fn new<F, Fut, T>(connect: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<T>> + Send + 'static,
        T: Carrier + 'static,
    {
        Self(Arc::new(move |url| {
            let connecting = connect(url);
            async move { Ok(Box::new(connecting.await?) as BoxedCarrier) }.boxed()
        }))
    }

    /// A stream for the link itself. So it stands for plain TCP alone: where TLS is asked for, it would be left out.
    pub(crate) async fn connect(&self, endpoint: &Endpoint) -> io::Result<BoxedCarrier> {
        if endpoint.scheme() != Scheme::Tcp {
            let text = "a stream of one's own stands for tcp:// alone, since nothing is put over it";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        (self.0)(endpoint.to_string()).await
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}
