//! What there is in the exchange at one moment, in numbers: for metrics.

use crate::Exchange;

/// What there is in the exchange. The numbers are not read in one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// EdgeIDs that a connection holds, those that are joining or leaving included.
    pub edges: usize,
    /// Services.
    pub services: usize,
    /// Methods, topics and names of services here.
    pub names: [usize; 3],
    /// The same that other gateways offer.
    pub offered: [usize; 3],
    /// What the methods that edges have told of take, in bytes.
    pub edge_methods: usize,
    /// Other gateways that ask here, by their connections.
    pub origin_gateways: usize,
    /// Other gateways that are asked, by their connections.
    pub owner_gateways: usize,
    /// Bytes that wait in the lobby, as they are counted there.
    pub lobby: usize,
    /// What waits to be read by peers.
    pub outboxes: Outboxes,
}

/// What was queued for peers when the last sweep went over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outboxes {
    /// Bytes, of all together.
    pub bytes: usize,
    /// Bytes, of the one that has most.
    pub largest: usize,
    /// Connections for which anything was queued.
    pub waiting: usize,
}

impl Outboxes {
    pub(crate) fn note(&mut self, backlog: usize) {
        self.bytes += backlog;
        self.largest = self.largest.max(backlog);
        self.waiting += usize::from(backlog > 0);
    }
}

impl Exchange {
    /// What there is in it now. Looks at the tables and not at who is in them: some hundred microseconds, however many
    /// there are.
    #[must_use]
    pub fn census(&self) -> Census {
        let registry = self.registry();
        let (mut origin_gateways, mut owner_gateways) = (0, 0);
        registry.gateways.for_each(|gateway| {
            origin_gateways += usize::from(gateway.is_origin_gateway());
            owner_gateways += usize::from(gateway.is_owner_gateway());
        });
        Census {
            edges: registry.edges.len(),
            services: registry.services.len(),
            names: registry.services.routes().len_by_kind(),
            offered: registry.elsewhere.len_by_kind(),
            edge_methods: registry.edge_methods.taken(),
            origin_gateways,
            owner_gateways,
            lobby: self.lobby.taken(),
            outboxes: *self.outboxes.lock(),
        }
    }
}
