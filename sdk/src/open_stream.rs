//! Opening a stream, as users await it.

use crate::client::{Operation, Target, left, millis, retry};
use crate::connection::{Connection, NotSent};
use crate::stream::{Peer, Stream, StreamConfig};
use crate::{Error, TraceContext};
use bytes::Bytes;
use frontier_protocol::{
    Code, EdgeId, Flags, Kind, MAX_CUSTOM, MAX_TRACE, MIN_MAX_FRAME, Open, OpenAck, push_trace,
};
use frontier_transport::{FirstFrame, MuxStream, OpenError};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

/// A stream that is opened when this is awaited.
///
/// # Errors
/// Awaiting it fails with what the other side or the gateway said, such as
/// [`Code::StreamRefused`] or [`Code::EdgeNotOnline`], with [`Code::Deadline`] when the time is up,
/// and with [`Code::Disconnected`] when the connection was lost meanwhile.
///
/// # Cancel safety
/// Dropping the future resets the stream. The other side may have accepted it and sees the reset.
#[must_use = "a stream is opened when this is awaited"]
pub struct OpenStream<'a> {
    target: Target<'a>,
    peer: Peer,
    meta: Bytes,
    trace: Option<TraceContext>,
    timeout: Duration,
    config: StreamConfig,
}

impl<'a> OpenStream<'a> {
    pub(crate) fn new(target: Target<'a>, peer: Peer) -> Self {
        Self {
            target,
            peer,
            meta: Bytes::new(),
            trace: None,
            timeout: target.call_timeout(),
            config: target.stream_config(),
        }
    }

    /// Opaque bytes for whoever accepts the stream: at most 65,535.
    pub fn meta(mut self, meta: impl Into<Bytes>) -> Self {
        self.meta = meta.into();
        self
    }

    /// The trace that the stream belongs to; without this, and with the feature `trace`, that of the current span.
    pub fn trace(mut self, context: impl Into<Option<TraceContext>>) -> Self {
        self.trace = context.into();
        self
    }

    /// How long to wait until the stream is accepted.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The limits of this stream, instead of those that the builder was given.
    pub fn config(mut self, config: StreamConfig) -> Self {
        self.config = config;
        self
    }

    async fn open(self) -> Result<Stream, Error> {
        #[cfg(feature = "trace")]
        let this = Self { trace: self.trace.clone().or_else(TraceContext::current), ..self };
        #[cfg(not(feature = "trace"))]
        let this = self;
        this.open_traced().await
    }

    async fn open_traced(self) -> Result<Stream, Error> {
        self.check_edge()?;
        let deadline = Instant::now().checked_add(self.timeout);
        let deadline = deadline.ok_or_else(|| {
            Error::new(Code::TooLarge, "the timeout is too long: the deadline would be out of range")
        })?;
        let opened = match self.target {
            Target::Client(client) => retry::send(client, &self, deadline).await,
            #[cfg(feature = "cluster")]
            Target::Cluster(cluster) => match self.peer {
                Peer::Edge(edge) => cluster.send_to_edge(edge, &self, deadline).await,
                Peer::Service { .. } => Err(Error::new(Code::Denied, "a service opens no stream to another")),
            },
        };
        let stream = Stream::new(opened?, self.peer, self.meta, self.config, Handle::current());
        Ok(stream.traced(self.trace))
    }

    async fn open_on(&self, connection: &Arc<Connection>, deadline: Instant) -> Result<MuxStream, NotSent> {
        // Nobody answers to this: it keeps the connection from being left before the stream is there.
        let _place = connection.reserve(Kind::OpenAck, deadline)?;
        let (peer, name) = match &self.peer {
            Peer::Edge(edge) => (edge.0, ""),
            Peer::Service { name, .. } => (0, name.as_str()),
        };
        let mut hello = Vec::with_capacity(64 + name.len() + self.meta.len());
        let (mut traced, mut flags) = (Vec::new(), Flags::default());
        if let Some(trace) = self.trace.as_ref().filter(|_| connection.takes_traces)
            && self.meta.len() + MAX_TRACE + 2 <= MAX_CUSTOM
        {
            traced.extend_from_slice(&self.meta);
            push_trace(trace.encoded(), &mut traced).map_err(|error| NotSent::Refused(error.into()))?;
            flags = Flags::TRACED;
        }
        let meta = if traced.is_empty() { &self.meta[..] } else { &traced };
        let open = Open { peer, timeout_ms: millis(left(deadline)), name, meta };
        open.encode_with(flags, &mut hello).map_err(|error| NotSent::Refused(error.into()))?;
        let mut stream = match connection.link.open_stream().await {
            Ok(stream) => stream,
            Err(OpenError::Closed) => return Err(NotSent::Gone),
            Err(error) => return Err(NotSent::Refused(Error::new(error.code(), error.to_string()))),
        };
        let sent = async {
            stream.write_all(&hello).await?;
            stream.flush().await
        };
        sent.await.map_err(lost)?;
        let FirstFrame { frame, stream } =
            FirstFrame::read(stream, MIN_MAX_FRAME as usize).await.map_err(lost)?;
        let ack = OpenAck::parse(&frame);
        let error =
            match ack.map_err(|error| NotSent::Refused(Error::new(Code::Protocol, error.to_string())))? {
                OpenAck { code: Code::Ok, .. } => return Ok(stream),
                OpenAck { code, detail, text } => Error::from_wire(code, detail, text),
            };
        Err(if connection.is_deferred(&error) { NotSent::Gone } else { NotSent::Refused(error) })
    }
}

impl Operation for OpenStream<'_> {
    type Output = MuxStream;

    async fn perform(&self, connection: &Arc<Connection>, deadline: Instant) -> Result<MuxStream, NotSent> {
        let opened = timeout_at(deadline, self.open_on(connection, deadline)).await;
        opened.unwrap_or_else(|_| Err(NotSent::Refused(Error::new(Code::Deadline, ""))))
    }

    fn edge(&self) -> Option<EdgeId> {
        match self.peer {
            Peer::Edge(edge) => Some(edge),
            Peer::Service { .. } => None,
        }
    }
}

impl<'a> IntoFuture for OpenStream<'a> {
    type Output = Result<Stream, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl fmt::Debug for OpenStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStream").field("peer", &self.peer).finish_non_exhaustive()
    }
}

fn lost(error: impl fmt::Display) -> NotSent {
    NotSent::Refused(Error::new(Code::Disconnected, error.to_string()))
}
