//! What a service or an edge adds to its names, and takes off them, once it has joined.

use crate::limits::key;
use crate::registry::EdgeMethods;
use crate::turn::let_others_run;
use crate::{Batch, Exchange, Peer, RegistrationError};
use frontier_protocol::{Code, Names, Registration};
use std::sync::Arc;

/// Names that are changed without a pause: a fraction of a millisecond.
const NAMES_PER_TURN: usize = 512;

/// After how many such turns routing hears of the names.
const TURNS_PER_SNAPSHOT: usize = 4;

impl Exchange {
    pub(crate) fn on_register(
        &self,
        peer: &Arc<Peer>,
        id: u64,
        change: Registration,
        of: Names,
        names: &[&str],
        batch: &mut Batch<'_>,
    ) {
        let outcome = match (peer.edge_id(), of) {
            (None, _) => self.registry().services.change(peer, change, of, names, self.limits()),
            (Some(_), Names::Topics) => Err(RegistrationError::TopicOfEdge),
            (Some(_), Names::Methods) => {
                self.registry().edge_methods.change(peer, change, names, self.limits())
            }
        };
        self.registered(peer, id, change, &outcome, batch);
    }

    /// Whether an edge may tell of these methods with its handshake.
    ///
    /// # Errors
    /// [`RegistrationError`] of the limit that they are over, which is counted.
    pub fn check_methods(&self, methods: &[&str]) -> Result<(), RegistrationError> {
        let checked = EdgeMethods::check(methods, self.limits());
        checked.inspect_err(|error| self.count_refused(error))
    }

    /// What an edge tells of with its handshake, once it has joined: as [`Inbound::Register`](crate::Inbound::Register), but
    /// nobody is answered. It is for lists; whether requests go to the edge does not depend on it.
    ///
    /// # Errors
    /// [`RegistrationError`]; none of them are kept then, which is counted.
    pub fn add_methods(&self, edge: &Arc<Peer>, methods: &[&str]) -> Result<(), RegistrationError> {
        let added = self.registry().edge_methods.change(edge, Registration::Add, methods, self.limits());
        added.inspect_err(|error| self.count_refused(error))
    }

    /// A service adds names, or takes them away: the same as [`Inbound::Register`](crate::Inbound::Register) for names
    /// without end. After each few hundred of them others have their turn, and routing hears of some before it hears of all.
    /// An edge, which never has many, waits until others have had theirs.
    ///
    /// # Cancel safety
    /// Not cancel safe: the service is not told how far it came, and routing may not hear of the last of it until the next change.
    pub async fn register(
        &self,
        service: &Arc<Peer>,
        id: u64,
        change: Registration,
        of: Names,
        names: &[&str],
    ) {
        if service.edge_id().is_some() {
            let_others_run().await;
            return self.on_register(service, id, change, of, names, &mut self.batch());
        }
        let services = &self.registry().services;
        let mut outcome = services.check_change(service, change, of, names, self.limits());
        for (turn, names) in names.chunks(NAMES_PER_TURN).enumerate() {
            if outcome.is_err() {
                break;
            }
            let publishes = turn % TURNS_PER_SNAPSHOT == TURNS_PER_SNAPSHOT - 1;
            outcome = services.apply(service, change, of, names, publishes);
            let_others_run().await;
        }
        services.publish_draft();
        self.registered(service, id, change, &outcome, &mut self.batch());
    }

    /// Takes off what a service has registered whose connection has ended, with pauses as [`register`](Self::register).
    /// Then [`leave`](Self::leave) has not much left to do.
    ///
    /// # Cancel safety
    /// Cancel safe: what is left is taken off by `leave`.
    pub async fn unregister_all(&self, service: &Arc<Peer>) {
        let services = &self.registry().services;
        for turn in 1.. {
            let publishes = turn % TURNS_PER_SNAPSHOT == 0;
            if !services.withdraw_some(service, NAMES_PER_TURN, publishes) {
                break;
            }
            let_others_run().await;
        }
        services.publish_draft();
    }

    /// Counts a registration that a limit has refused.
    pub(crate) fn count_refused(&self, error: &RegistrationError) {
        match error {
            RegistrationError::TooMany(_) => self.counters().refuse(key::NAMES),
            RegistrationError::NameTooLong { .. } => self.counters().refuse(key::NAME),
            RegistrationError::TooManyOfEdge(_) => self.counters().refuse(key::EDGE_NAMES),
            RegistrationError::TooLongOfEdge { .. } => self.counters().refuse(key::EDGE_NAMES_LEN),
            RegistrationError::TooMuchOfEdges(_) => self.counters().refuse(key::ALL_EDGE_NAMES_LEN),
            _ => {}
        }
    }

    fn registered(
        &self,
        service: &Arc<Peer>,
        id: u64,
        change: Registration,
        outcome: &Result<(), RegistrationError>,
        batch: &mut Batch<'_>,
    ) {
        if let Err(error) = outcome {
            self.count_refused(error);
        }
        if let Err(error) = outcome
            && error.code() == Code::Denied
        {
            self.log_denied(service, &error.to_string());
        }
        let told = service.outlet().registered(id, change, outcome.as_ref().copied());
        // A service whose connection is closed has no names any more.
        let _ = batch.queued(service, told);
    }
}
