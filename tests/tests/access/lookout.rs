//! Who came in, as a service sees it.

use frontier_sdk::{Builder, Edge, Service};
use frontier_tests::{Change, Presence, within};

/// A service that is told of every edge.
pub(crate) struct Lookout {
    _service: Service,
    presence: Presence,
}

impl Lookout {
    pub(crate) async fn of(service: Builder<Service>) -> Self {
        let service = within("the service gets in", service.connect()).await.unwrap();
        let presence = Presence::of(&service).await.unwrap();
        Self { _service: service, presence }
    }

    /// Lets in one that may come in, which must be the first of all that tried: whoever got in before
    /// would have been told before.
    pub(crate) async fn sees_only(&self, good: Builder<Edge>) {
        let edge = within("the good one gets in", good.connect()).await.unwrap();
        self.presence.wait(edge.id(), 1).await;
        let came: Vec<_> =
            self.presence.all().into_iter().map(|(change, event)| (change, event.id)).collect();
        assert_eq!(came, [(Change::Online, edge.id())], "somebody else came in");
    }
}
