//! The service of a whole cluster, as users hold it.

use super::Handle;
use crate::builder::Builder;
use crate::client::Target;
use crate::handler::Registered;
use crate::service::presence;
use crate::status::{Closed, Status, StatusWatch};
use crate::stream::{Peer, Stream};
use crate::{
    Call, EdgeEvent, EdgeIdRequest, Error, HandlerError, Message, OpenStream, Publish, Request, Response,
};
use bytes::Bytes;
use frontier_protocol::{
    EDGE_OFFLINE, EDGE_ONLINE, EdgeId, GET_EDGE_ID, Names, Registration, Role, ServiceId,
};
use std::fmt;

/// A [`Service`](crate::Service) of a whole cluster: connected to every frontier that frontlas knows, and
/// through them to all edges.
///
/// ```no_run
/// use frontier_sdk::{ClusterService, EdgeId};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let service = ClusterService::builder("http://127.0.0.1:40011")
///     .url("http://127.0.0.2:40011") // another replica of frontlas
///     .name("files")
///     .topics(["telemetry"])
///     .connect()
///     .await?;
/// service.call(EdgeId(42), "reboot", "now").await?;
/// # Ok(()) }
/// ```
///
/// # Frontiers
/// Those that come are connected to, those that go are left, an address that changes is followed, all
/// without anyone who calls noticing. A lost connection is made anew, with everything that was registered. The
/// builder's options hold for each connection, but the queues of messages and streams are one for all.
///
/// # Edges
/// Where an edge is connected is remembered, kept up to date by a watch of frontlas, and looked up when it
/// is not known. A frontier that does not have the edge says so at once; then the edge is looked up again and
/// asked for where it is now. While its frontier is lost or stops, calls wait for it, or for the edge to
/// turn up elsewhere, within their deadlines. What had been sent when a connection was lost fails with
/// [`Code::Disconnected`](crate::Code::Disconnected), for nobody knows whether it had its effect; it is never
/// sent twice. No error of a call ends a connection.
///
/// # Without frontlas
/// Connections and calls go on. An edge whose frontier is not known is asked for at up to 16 of the connected
/// frontiers, one after the other.
///
/// # Costs
/// Those of a service for each frontier, and two allocations more for each call.
#[derive(Clone)]
pub struct ClusterService {
    cluster: Handle,
}

/// How a [`ClusterService`] is connected to one frontier.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrontierStatus {
    /// The frontier's id.
    pub id: String,
    /// The id of this service there.
    pub service_id: ServiceId,
    /// Where services reach it, as it advertises.
    pub address: String,
    /// Whether there is a connection.
    pub is_connected: bool,
    /// Whether frontlas lists it. If not, it is left once its connection is lost, or after a while.
    pub is_listed: bool,
}

impl ClusterService {
    /// A service that will ask frontlas at `url`, such as `http://127.0.0.1:40011` or `https://host:port`.
    /// [`Builder::url`] adds other replicas, which are tried in turn.
    pub fn builder(url: impl Into<String>) -> Builder<Self> {
        Builder::new(Role::Service, url)
    }

    pub(super) fn new(cluster: Handle) -> Self {
        Self { cluster }
    }

    /// The id of this service: that of the builder, or else one drawn at random. On each frontier, and so in
    /// the directory, it has an id of its own that is made of this one, [`FrontierStatus::service_id`].
    #[must_use]
    pub fn id(&self) -> ServiceId {
        self.cluster.id()
    }

    /// The frontiers that it knows, ordered by id.
    #[must_use]
    pub fn frontiers(&self) -> Vec<FrontierStatus> {
        let status = |member: std::sync::Arc<super::member::Member>| FrontierStatus {
            id: member.id.to_string(),
            service_id: self.id().at(&member.id),
            address: member.address(),
            is_connected: member.is_connected(),
            is_listed: !member.is_unlisted(),
        };
        self.cluster.members.all().into_iter().map(status).collect()
    }

    /// Sends a message to an edge, and waits until it is done with it.
    pub fn publish(&self, edge: EdgeId, payload: impl Into<Bytes>) -> Publish<'_> {
        Publish::new(Target::Cluster(&self.cluster), "", payload, Some(edge))
    }

    /// Calls `method` of an edge.
    pub fn call<'a>(&'a self, edge: EdgeId, method: &'a str, payload: impl Into<Bytes>) -> Call<'a> {
        Call::new(Target::Cluster(&self.cluster), method, payload, Some(edge))
    }

    /// Opens a stream to an edge.
    pub fn open_stream(&self, edge: EdgeId) -> OpenStream<'_> {
        OpenStream::new(Target::Cluster(&self.cluster), Peer::Edge(edge))
    }

    /// Answers calls of `method` with `handler`, instead of the one before it, and returns when all connected
    /// frontiers have answered. Those that come later begin with it.
    ///
    /// # Errors
    /// What a frontier says, if none has taken it; [`Code::Disconnected`](crate::Code::Disconnected) if there
    /// was none within the call timeout. `handler` is in place only if all went well.
    ///
    /// # Cancel safety
    /// When dropped half-way, the method may or may not be registered.
    pub async fn register<F, Fut>(&self, method: &str, handler: F) -> Result<(), Error>
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, HandlerError>> + Send + 'static,
    {
        self.cluster.register(method, Registered::new(handler)).await
    }

    /// Answers calls of `method` no longer. Those that run go on.
    ///
    /// # Errors
    /// As for [`register`](Self::register). The handler is gone in any case.
    ///
    /// # Cancel safety
    /// When dropped half-way, frontiers may not know until the next reconnection; calls are answered with
    /// [`Code::MethodNotFound`](crate::Code::MethodNotFound).
    pub async fn unregister(&self, method: &str) -> Result<(), Error> {
        self.cluster.intake.methods.remove(method);
        self.cluster.update_registration(Registration::Remove, Names::Methods, method).await
    }

    /// Gives out the ids of edges, by the meta that each presents. An error refuses the edge, with
    /// its text; [`HandlerError::retry_later`] has it come again.
    ///
    /// # Errors
    /// As for [`register`](Self::register).
    ///
    /// # Cancel safety
    /// As for [`register`](Self::register).
    pub async fn on_edge_id<F, Fut>(&self, handler: F) -> Result<(), Error>
    where
        F: Fn(Bytes) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<EdgeId, HandlerError>> + Send + 'static,
    {
        self.cluster.register(GET_EDGE_ID, presence::edge_id(handler)).await
    }

    /// As [`on_edge_id`](Self::on_edge_id), by the credentials that each edge has shown to its frontier as
    /// well. The later of the two counts.
    ///
    /// # Errors
    /// As for [`register`](Self::register).
    ///
    /// # Cancel safety
    /// As for [`register`](Self::register).
    pub async fn on_edge_id_request<F, Fut>(&self, handler: F) -> Result<(), Error>
    where
        F: Fn(EdgeIdRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<EdgeId, HandlerError>> + Send + 'static,
    {
        self.cluster.register(GET_EDGE_ID, presence::edge_id_request(handler)).await
    }

    /// Hears of each edge that comes to any frontier. An error refuses the edge, with its text. When
    /// an edge moves, the one frontier may tell that it has come before the other tells that it has left.
    ///
    /// # Errors
    /// As for [`register`](Self::register).
    ///
    /// # Cancel safety
    /// As for [`register`](Self::register).
    pub async fn on_edge_online<F, Fut>(&self, handler: F) -> Result<(), Error>
    where
        F: Fn(EdgeEvent) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.cluster.register(EDGE_ONLINE, presence::event(handler)).await
    }

    /// Hears of each edge that leaves a frontier.
    ///
    /// # Errors
    /// As for [`register`](Self::register).
    ///
    /// # Cancel safety
    /// As for [`register`](Self::register).
    pub async fn on_edge_offline<F, Fut>(&self, handler: F) -> Result<(), Error>
    where
        F: Fn(EdgeEvent) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.cluster.register(EDGE_OFFLINE, presence::event(handler)).await
    }

    /// Takes the messages of `topic`, from all frontiers.
    ///
    /// # Errors
    /// As for [`register`](Self::register).
    ///
    /// # Cancel safety
    /// As for [`register`](Self::register).
    pub async fn subscribe(&self, topic: &str) -> Result<(), Error> {
        self.cluster.update_registration(Registration::Add, Names::Topics, topic).await
    }

    /// Takes the messages of `topic` no longer. Those in the queue stay there.
    ///
    /// # Errors
    /// As for [`register`](Self::register).
    ///
    /// # Cancel safety
    /// When dropped half-way, frontiers may not know until the next reconnection.
    pub async fn unsubscribe(&self, topic: &str) -> Result<(), Error> {
        self.cluster.update_registration(Registration::Remove, Names::Topics, topic).await
    }

    /// The next message of this service's topics from any frontier, or `None` once this service is closed. A
    /// full queue is told to the sender as [`Code::Overloaded`](crate::Code::Overloaded).
    ///
    /// # Cancel safety
    /// Cancel safe: no message is lost.
    pub async fn recv(&self) -> Option<Message> {
        self.cluster.intake.inbox.pop().await
    }

    /// The next stream that an edge opened through any frontier, or `None` once this service is closed.
    ///
    /// # Cancel safety
    /// Cancel safe: no stream is lost.
    pub async fn accept_stream(&self) -> Option<Stream> {
        self.cluster.intake.accepts.pop().await
    }

    /// Closes in good order, at all frontiers at once; see [`Service::close`](crate::Service::close). May be
    /// called again.
    ///
    /// # Errors
    /// [`Code::Deadline`](crate::Code::Deadline) if not everything was done in time.
    ///
    /// # Cancel safety
    /// Once polled, the close goes on by itself.
    pub async fn close(&self) -> Result<(), Error> {
        self.cluster.close().await
    }

    /// Waits until this service is closed for good, and returns why: here, or because another one with its
    /// id has taken its place. A frontier that refuses it does not close it.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn closed(&self) -> Closed {
        self.cluster.watch().closed().await
    }

    /// How this service is connected to the cluster, now and from now on: connected if it is to any frontier.
    #[must_use]
    pub fn status(&self) -> StatusWatch {
        self.cluster.watch()
    }
}

impl fmt::Debug for ClusterService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status: Status = self.status().get();
        f.debug_struct("ClusterService").field("id", &self.id()).field("status", &status).finish()
    }
}
