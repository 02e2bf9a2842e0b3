//! What the gateway asks a service about edges: reserved methods, registered like any other.

use super::{EdgeEvent, EdgeIdRequest, Service};
use crate::connection::Job;
use crate::handler::{Handler, Registered};
use crate::{Error, HandlerError, Request, Response};
use bytes::Bytes;
use frontier_protocol::{EDGE_OFFLINE, EDGE_ONLINE, EdgeId, GET_EDGE_ID};
use std::sync::Arc;
use std::time::Duration;

impl Service {
    /// Gives out the ids of edges, by the meta that each presents. An error refuses the edge,
    /// with its text; [`HandlerError::retry_later`] has it come again.
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
        self.register_erased(GET_EDGE_ID, edge_id(handler)).await
    }

    /// Gives out the ids of edges as [`on_edge_id`](Self::on_edge_id) does, and sees what the gateway has found
    /// out about each by its credentials. One of the two is registered at a time.
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
        self.register_erased(GET_EDGE_ID, edge_id_request(handler)).await
    }

    /// Hears of each edge that comes. An error refuses the edge, with its text;
    /// [`HandlerError::retry_later`] has it come again.
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
        self.register_erased(EDGE_ONLINE, event(handler)).await
    }

    /// Hears of each edge that leaves. An error is logged by the gateway and changes nothing.
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
        self.register_erased(EDGE_OFFLINE, event(handler)).await
    }
}

/// The handler of [`GET_EDGE_ID`].
pub(crate) fn edge_id<F, Fut>(handler: F) -> Arc<dyn Handler<Job>>
where
    F: Fn(Bytes) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<EdgeId, HandlerError>> + Send + 'static,
{
    Registered::new(move |request: Request| {
        let id = handler(request.data);
        async move { Ok(Response::new(id.await?.0.to_be_bytes().to_vec())) }
    })
}

/// The handler of [`GET_EDGE_ID`] that sees credentials.
pub(crate) fn edge_id_request<F, Fut>(handler: F) -> Arc<dyn Handler<Job>>
where
    F: Fn(EdgeIdRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<EdgeId, HandlerError>> + Send + 'static,
{
    Registered::new(move |request: Request| {
        let id = EdgeIdRequest::parse(request).map(&handler);
        async move {
            match id {
                Some(id) => Ok(Response::new(id.await?.0.to_be_bytes().to_vec())),
                None => Err(HandlerError::retry_later("the request is cut short", Duration::ZERO)),
            }
        }
    })
}

/// The handler of [`EDGE_ONLINE`] or [`EDGE_OFFLINE`].
pub(crate) fn event<F, Fut>(handler: F) -> Arc<dyn Handler<Job>>
where
    F: Fn(EdgeEvent) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
{
    Registered::new(move |request: Request| {
        let handled = EdgeEvent::parse(request.data).map(&handler);
        async move {
            match handled {
                Some(handled) => handled.await.map(|()| Response::default()),
                None => Err(HandlerError::new(0, "the event is cut short")),
            }
        }
    })
}
