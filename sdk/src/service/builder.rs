//! What only services are built with.

use super::{EdgeEvent, EdgeIdRequest, Service, presence};
use crate::builder::Builder;
use crate::connect_error::ConnectError;
use crate::handler::Registered;
use crate::{HandlerError, Request, Response};
use bytes::Bytes;
use frontier_protocol::{EDGE_OFFLINE, EDGE_ONLINE, EdgeId, GET_EDGE_ID, ServiceId};

/// What is given here holds from the first moment of the first connection: the gateway knows of all of
/// it before anyone can reach the service.
impl<P: Serves> Builder<P> {
    /// The id to ask for. The gateway decides.
    pub fn id(mut self, id: ServiceId) -> Self {
        self.options.identity.id = id.0;
        self
    }

    /// The name by which edges open streams to this service. Without one they open none.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.identity.name = name.into();
        self
    }

    /// Topics that this service takes from the start, besides those given before.
    pub fn topics<T: Into<String>>(mut self, topics: impl IntoIterator<Item = T>) -> Self {
        self.options.identity.topics.extend(topics.into_iter().map(Into::into));
        self
    }

    /// Answers calls of `method` from the start; see [`Service::register`].
    pub fn register<F, Fut>(mut self, method: &str, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, HandlerError>> + Send + 'static,
    {
        self.handlers.insert(method, Registered::new(handler));
        self
    }

    /// Gives out the ids of edges from the start; see [`Service::on_edge_id`].
    pub fn on_edge_id<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Bytes) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<EdgeId, HandlerError>> + Send + 'static,
    {
        self.handlers.insert(GET_EDGE_ID, presence::edge_id(handler));
        self
    }

    /// Gives out the ids of edges from the start, by their credentials; see
    /// [`Service::on_edge_id_request`].
    pub fn on_edge_id_request<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(EdgeIdRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<EdgeId, HandlerError>> + Send + 'static,
    {
        self.handlers.insert(GET_EDGE_ID, presence::edge_id_request(handler));
        self
    }

    /// Hears of each edge that comes from the start; see [`Service::on_edge_online`].
    pub fn on_edge_online<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(EdgeEvent) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.handlers.insert(EDGE_ONLINE, presence::event(handler));
        self
    }

    /// Hears of each edge that leaves from the start; see [`Service::on_edge_offline`].
    pub fn on_edge_offline<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(EdgeEvent) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.handlers.insert(EDGE_OFFLINE, presence::event(handler));
        self
    }
}

impl Builder<Service> {
    /// Connects.
    ///
    /// # Errors
    /// [`ConnectError`] if a URL or another option is wrong, the gateway refuses, or no attempt goes
    /// well within the connect timeout.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is left behind.
    pub async fn connect(self) -> Result<Service, ConnectError> {
        Ok(Service { client: self.establish().await? })
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Service {}
    #[cfg(feature = "cluster")]
    impl Sealed for crate::ClusterService {}
}

/// What serves edges: a [`Service`], or a service of a whole cluster. They are built alike.
pub trait Serves: sealed::Sealed {}

impl Serves for Service {}

#[cfg(feature = "cluster")]
impl Serves for crate::ClusterService {}
