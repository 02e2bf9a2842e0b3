//! A service, as users hold it.

mod builder;
mod edge_event;
mod edge_id_request;
pub(crate) mod presence;

pub use builder::Serves;
pub use edge_event::EdgeEvent;
pub use edge_id_request::EdgeIdRequest;

use crate::builder::Builder;
use crate::client::{Handle, Target};
use crate::connection::Job;
use crate::handler::{Handler, Registered};
use crate::status::{Closed, Status, StatusWatch};
use crate::stream::{Peer, Stream};
use crate::{Call, Error, HandlerError, Message, OpenStream, Publish, Request, Response};
use bytes::Bytes;
use frontier_protocol::{EdgeId, Names, Registration, Role, ServiceId};
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;

/// A back-end process, connected to a gateway and through it to the edges.
///
/// A handle, cheap to clone. When the connection is lost it is made anew, with everything that was
/// registered, and everything goes on; see [the crate's page](crate) for what that means for what was
/// in flight. Dropping the last handle closes at once; [`close`](Self::close) closes in good order.
#[derive(Clone)]
pub struct Service {
    client: Handle,
}

impl Service {
    /// A service that will connect to `url`, such as `tcp://127.0.0.1:30011`; or by the same
    /// schemes as an edge.
    pub fn builder(url: impl Into<String>) -> Builder<Service> {
        Builder::new(Role::Service, url)
    }

    /// The id of this service, as the gateway gave it with the latest connection.
    #[must_use]
    pub fn id(&self) -> ServiceId {
        ServiceId(self.client.id())
    }

    /// Sends a message to an edge, and waits until it is done with it.
    pub fn publish(&self, edge: EdgeId, payload: impl Into<Bytes>) -> Publish<'_> {
        Publish::new(Target::Client(&self.client), "", payload, Some(edge))
    }

    /// Calls `method` of an edge.
    pub fn call<'a>(&'a self, edge: EdgeId, method: &'a str, payload: impl Into<Bytes>) -> Call<'a> {
        Call::new(Target::Client(&self.client), method, payload, Some(edge))
    }

    /// Answers calls of `method` with `handler`, instead of the one before it, and returns when the
    /// gateway knows. Later connections begin with it. [`Builder::register`] is for what is to be there
    /// when the first one begins.
    ///
    /// A handler's future is dropped at the caller's deadline, when the caller gives up and when the
    /// connection is lost. A handler that holds a clone of this service keeps it from closing by drop.
    ///
    /// # Errors
    /// What the gateway says; [`Code::Deadline`](crate::Code::Deadline) or
    /// [`Code::Disconnected`](crate::Code::Disconnected) after the call timeout. `handler` is in place
    /// only if all went well.
    ///
    /// # Cancel safety
    /// When dropped half-way, the method may or may not be registered.
    pub async fn register<F, Fut>(&self, method: &str, handler: F) -> Result<(), Error>
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, HandlerError>> + Send + 'static,
    {
        self.register_erased(method, Registered::new(handler)).await
    }

    async fn register_erased(&self, method: &str, handler: Arc<dyn Handler<Job>>) -> Result<(), Error> {
        // In place before it is registered: the first call may come right behind the answer.
        let before = self.client.intake.methods.insert(method, handler);
        let updated = self.update_registration(Registration::Add, Names::Methods, method).await;
        if updated.is_err() {
            match before {
                Some(before) => drop(self.client.intake.methods.insert(method, before)),
                None => drop(self.client.intake.methods.remove(method)),
            }
        }
        updated
    }

    /// Answers calls of `method` no longer, and returns when the gateway knows. Those that run go on.
    ///
    /// # Errors
    /// As for [`register`](Self::register). The handler is gone in any case.
    ///
    /// # Cancel safety
    /// When dropped half-way, the gateway may not know until the next reconnection; calls are answered
    /// with [`Code::MethodNotFound`](crate::Code::MethodNotFound).
    pub async fn unregister(&self, method: &str) -> Result<(), Error> {
        self.client.intake.methods.remove(method);
        self.update_registration(Registration::Remove, Names::Methods, method).await
    }

    /// Takes the messages of `topic`, and returns when the gateway knows.
    ///
    /// # Errors
    /// As for [`register`](Self::register).
    ///
    /// # Cancel safety
    /// When dropped half-way, the topic may or may not be taken.
    pub async fn subscribe(&self, topic: &str) -> Result<(), Error> {
        self.update_registration(Registration::Add, Names::Topics, topic).await
    }

    /// Takes the messages of `topic` no longer, and returns when the gateway knows. Those in the queue
    /// stay there.
    ///
    /// # Errors
    /// As for [`register`](Self::register).
    ///
    /// # Cancel safety
    /// When dropped half-way, the gateway may not know until the next reconnection.
    pub async fn unsubscribe(&self, topic: &str) -> Result<(), Error> {
        self.update_registration(Registration::Remove, Names::Topics, topic).await
    }

    async fn update_registration(&self, change: Registration, of: Names, name: &str) -> Result<(), Error> {
        let deadline = Instant::now() + self.client.options.call_timeout;
        self.client.update_registration(change, of, name, deadline).await
    }

    /// The next message of this service's topics, or `None` once this service is closed. Clones may
    /// receive concurrently: each message goes to one of them.
    ///
    /// # Cancel safety
    /// Cancel safe: no message is lost.
    pub async fn recv(&self) -> Option<Message> {
        self.client.intake.inbox.pop().await
    }

    /// Opens a stream to an edge.
    pub fn open_stream(&self, edge: EdgeId) -> OpenStream<'_> {
        OpenStream::new(Target::Client(&self.client), Peer::Edge(edge))
    }

    /// The next stream that an edge opened, or `None` once this service is closed.
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

    /// Waits until this service is closed for good, and returns why.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn closed(&self) -> Closed {
        self.client.watch().closed().await
    }

    /// How this service stands to the gateway, now and from now on.
    #[must_use]
    pub fn status(&self) -> StatusWatch {
        self.client.watch()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status: Status = self.status().get();
        f.debug_struct("Service").field("id", &self.id()).field("status", &status).finish()
    }
}
