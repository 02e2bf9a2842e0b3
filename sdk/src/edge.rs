//! An edge, as users hold it.

use crate::builder::Builder;
use crate::client::{Handle, Target};
use crate::connect_error::ConnectError;
use crate::handler::Registered;
use crate::status::{Closed, Status, StatusWatch};
use crate::stream::{Peer, Stream};
use crate::{Call, Error, HandlerError, Message, OpenStream, Publish, Request, Response};
use bytes::Bytes;
use frontier_protocol::{EdgeId, Registration, Role};
use std::fmt;

/// A remote device, agent or job, connected to a gateway and through it to the services.
///
/// A handle, cheap to clone. When the connection is lost it is made anew, and everything goes on; see
/// [the crate's page](crate) for what that means for what was in flight. Dropping the last handle
/// closes at once; [`close`](Self::close) closes in good order.
#[derive(Clone)]
pub struct Edge {
    client: Handle,
}

impl Builder<Edge> {
    /// The id to ask for; 0 asks for none. The gateway, or the service that gives out ids, decides.
    pub fn id(mut self, id: EdgeId) -> Self {
        self.options.identity.id = id.0;
        self
    }

    /// Answers calls of `method` from the start; see [`Edge::register`].
    pub fn register<F, Fut>(mut self, method: &str, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, HandlerError>> + Send + 'static,
    {
        self.handlers.insert(method, Registered::new(handler));
        self
    }

    /// Whether the gateway is told which methods this edge answers, so that operators and programs see them in its lists.
    /// It is unless set.
    ///
    /// ```
    /// # use frontier_sdk::Edge;
    /// let edge = Edge::builder("tcp://127.0.0.1:30012").tell_methods(false);
    /// ```
    pub fn tell_methods(mut self, tell: bool) -> Self {
        self.options.tells_methods = tell;
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// [`ConnectError`] if a URL or another option is wrong, the gateway refuses, or no attempt goes
    /// well within the connect timeout.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is left behind.
    pub async fn connect(self) -> Result<Edge, ConnectError> {
        Ok(Edge { client: self.establish().await? })
    }
}

impl Edge {
    /// An edge that will connect to `url`, such as `tcp://127.0.0.1:30012`; or over TLS, `tls://host:port`,
    /// or over WebSocket, `ws://host/path` and `wss://host/path`, if the gateway speaks it there.
    pub fn builder(url: impl Into<String>) -> Builder<Edge> {
        Builder::new(Role::Edge, url)
    }

    /// The id of this edge, as the gateway gave it with the latest connection.
    #[must_use]
    pub fn id(&self) -> EdgeId {
        EdgeId(self.client.id())
    }

    /// Sends a message to whoever takes `topic`, and waits until it is done with it.
    pub fn publish<'a>(&'a self, topic: &'a str, payload: impl Into<Bytes>) -> Publish<'a> {
        Publish::new(Target::Client(&self.client), topic, payload, None)
    }

    /// Calls `method` of a service.
    pub fn call<'a>(&'a self, method: &'a str, payload: impl Into<Bytes>) -> Call<'a> {
        Call::new(Target::Client(&self.client), method, payload, None)
    }

    /// Answers calls of `method` with `handler`, instead of the one before it. The gateway is told of it soon, for its
    /// lists, unless [`tell_methods`](Builder::tell_methods) says otherwise; services may call any method of an edge,
    /// told or not.
    ///
    /// A handler's future is dropped at the caller's deadline, when the caller gives up and when the
    /// connection is lost. A handler that holds a clone of this edge keeps it from closing by drop.
    ///
    /// # Errors
    /// None so far.
    ///
    /// # Cancel safety
    /// It never waits.
    #[expect(clippy::unused_async, reason = "the same shape as on a service, where it waits")]
    pub async fn register<F, Fut>(&self, method: &str, handler: F) -> Result<(), Error>
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, HandlerError>> + Send + 'static,
    {
        self.client.intake.methods.insert(method, Registered::new(handler));
        self.client.note_method(Registration::Add, method);
        Ok(())
    }

    /// Answers calls of `method` no longer. Those that run go on.
    ///
    /// # Errors
    /// None so far.
    ///
    /// # Cancel safety
    /// It never waits.
    #[expect(clippy::unused_async, reason = "the same shape as on a service, where it waits")]
    pub async fn unregister(&self, method: &str) -> Result<(), Error> {
        self.client.intake.methods.remove(method);
        self.client.note_method(Registration::Remove, method);
        Ok(())
    }

    /// The next message from a service, or `None` once this edge is closed. Clones may receive
    /// concurrently: each message goes to one of them.
    ///
    /// # Cancel safety
    /// Cancel safe: no message is lost.
    pub async fn recv(&self) -> Option<Message> {
        self.client.intake.inbox.pop().await
    }

    /// Opens a stream to a service by its name.
    pub fn open_stream(&self, service: impl Into<String>) -> OpenStream<'_> {
        OpenStream::new(Target::Client(&self.client), Peer::Service { id: None, name: service.into() })
    }

    /// The next stream that a service opened, or `None` once this edge is closed.
    ///
    /// # Cancel safety
    /// Cancel safe: no stream is lost.
    pub async fn accept_stream(&self) -> Option<Stream> {
        self.client.intake.accepts.pop().await
    }

    /// Closes in good order: nothing new is begun, messages in the queue are given back, calls in
    /// flight, handlers and messages in the user's hands may end within the close timeout. Streams are
    /// not waited for; what was written to them before their shutdown still goes out.
    ///
    /// # Errors
    /// [`Code::Deadline`](crate::Code::Deadline) if not everything was done in time,
    /// [`Code::Disconnected`](crate::Code::Disconnected) if there was no connection.
    ///
    /// # Cancel safety
    /// Once polled, the close goes on by itself.
    pub async fn close(&self) -> Result<(), Error> {
        self.client.close().await
    }

    /// Waits until this edge is closed for good, and returns why.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn closed(&self) -> Closed {
        self.client.watch().closed().await
    }

    /// How this edge stands to the gateway, now and from now on.
    #[must_use]
    pub fn status(&self) -> StatusWatch {
        self.client.watch()
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status: Status = self.status().get();
        f.debug_struct("Edge").field("id", &self.id()).field("status", &status).finish()
    }
}
