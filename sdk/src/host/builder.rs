//! What is said of a host before it connects.

use super::execution::{HostError, HostHandler, HostRequest};
use super::wire::Announcement;
use super::{ConnectError, ServiceHost};
use crate::{Builder, Edge, Response};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What to call when the host is to stop.
pub(super) type OnExiting = Arc<dyn Fn(Duration) + Send + Sync>;

/// A host that is to connect. Nothing is checked before [`connect`](Self::connect).
#[must_use = "nothing happens before `connect`"]
pub struct HostBuilder {
    pub(super) edge: Builder<Edge>,
    pub(super) card: Announcement,
    pub(super) handler: HostHandler,
    pub(super) on_exiting: Option<OnExiting>,
}

impl HostBuilder {
    pub(super) fn new(edge: Builder<Edge>, service: String) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let capacity = std::thread::available_parallelism().map_or(1, |it| it.get());
        let card = Announcement {
            service,
            version: String::new(),
            node: String::new(),
            generation: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            capacity: u32::try_from(capacity).unwrap_or(u32::MAX),
            labels: BTreeMap::new(),
            depth: 0,
            draining: false,
        };
        let none = |_: HostRequest| -> std::pin::Pin<Box<dyn Future<Output = _> + Send>> {
            Box::pin(async { Err(HostError::NotInitialized("the host has no handler".to_owned())) })
        };
        Self { edge, card, handler: Arc::new(none), on_exiting: None }
    }

    /// The version of the service.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.card.version = version.into();
        self
    }

    /// The machine that it runs on. If it can't offer the service, others on that machine are not asked either.
    pub fn node(mut self, node: impl Into<String>) -> Self {
        self.card.node = node.into();
        self
    }

    /// How many requests it computes at once, at least 1; as many as there are processors, unless set.
    pub fn capacity(mut self, capacity: u32) -> Self {
        self.card.capacity = capacity.max(1);
        self
    }

    /// What it has: sessions may ask for it.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.card.labels.insert(name.into(), value.into());
        self
    }

    /// Computes the requests.
    pub fn handler<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(HostRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, HostError>> + Send + 'static,
    {
        self.handler = Arc::new(move |request| Box::pin(handler(request)));
        self
    }

    /// Is called once when the host begins to stop, with the time that requests have left. It must not block.
    pub fn on_exiting(mut self, hook: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        self.on_exiting = Some(Arc::new(hook));
        self
    }

    /// Connects to the gateway, and tells the broker as soon as there is one.
    ///
    /// # Errors
    /// As [`Builder::connect`] of an edge.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is left behind.
    pub async fn connect(self) -> Result<ServiceHost, ConnectError> {
        // Requests come that wait for their turn, beside those that are computed.
        let handlers = usize::try_from(self.card.capacity).unwrap_or(usize::MAX).saturating_mul(64).max(1024);
        let Self { edge, card, handler, on_exiting } = self;
        ServiceHost::start(Self { edge: edge.max_handlers(handlers), card, handler, on_exiting }).await
    }
}

impl fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostBuilder")
            .field("edge", &self.edge)
            .field("card", &self.card)
            .finish_non_exhaustive()
    }
}
