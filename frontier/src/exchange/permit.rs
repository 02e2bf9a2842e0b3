//! Whether a peer may do what it asks for, and whether it has done too much of it. Whoever is not restricted
//! pays for one look.

use super::{Exchange, Failure};
use crate::calls::Form;
use crate::forwarding::Guest;
use crate::peer::Peer;
use frontier_access::LogDecision;
use frontier_protocol::{Code, EdgeId};
use std::time::Instant;
use tracing::{debug, info};

impl Exchange {
    /// Lets `asker` send a question with so many bytes of payload, and charges it for it.
    #[inline]
    pub(super) fn permit(&self, asker: &Peer, form: Form, name: &str, bytes: u64) -> Result<(), Failure> {
        let Some(standing) = asker.access.restricted() else { return Ok(()) };
        let Some(standing) = &*standing else { return Ok(()) };
        let is_edge = asker.edge_id().is_some();
        let allowed = match (&standing.grants, form) {
            (Some(grants), Form::Call) => grants.may_call(name),
            // A service's message has a topic of no meaning to the gateway.
            (Some(grants), Form::Message) if is_edge => grants.may_publish(name),
            _ => Ok(()),
        };
        let charge = || {
            let Some(meter) = &standing.meter else { return Ok(()) };
            let (bytes, now) = (usize::try_from(bytes).unwrap_or(usize::MAX), Instant::now());
            match form {
                Form::Call => meter.call(bytes, now),
                Form::Message => meter.message(bytes, now),
            }
        };
        self.told(asker, allowed.map_err(Failure::from).and_then(|()| Ok(charge()?)))
    }

    /// Lets `opener` open a stream to the service `name`, or to an edge, and charges it for it.
    pub(super) fn permit_stream(&self, opener: &Peer, name: &str) -> Result<(), Failure> {
        let Some(standing) = opener.access.restricted() else { return Ok(()) };
        let Some(standing) = &*standing else { return Ok(()) };
        let allowed = match &standing.grants {
            Some(grants) if opener.edge_id().is_some() => grants.may_open_stream(name),
            _ => Ok(()),
        };
        let charge = || standing.meter.as_ref().map_or(Ok(()), |meter| meter.stream(Instant::now()));
        self.told(opener, allowed.map_err(Failure::from).and_then(|()| Ok(charge()?)))
    }

    /// Lets the service `asker` send something to the edge `target`.
    #[inline]
    pub(super) fn permit_reach(&self, asker: &Peer, id: EdgeId, target: &Peer) -> Result<(), Failure> {
        let Some(standing) = asker.access.restricted() else { return Ok(()) };
        let Some(grants) = standing.as_ref().and_then(|standing| standing.grants.as_ref()) else {
            return Ok(());
        };
        let allowed = target.access.with_labels(|labels| grants.may_reach(id, labels));
        self.told(asker, allowed.map_err(Failure::from))
    }

    /// Lets the service `guest` of another gateway send something to the edge `target`: a call of the method
    /// `call`, or else a message or a stream.
    pub(super) fn permit_guest(
        &self,
        forwarder: &Peer,
        guest: &Guest,
        call: Option<&str>,
        id: EdgeId,
        target: &Peer,
    ) -> Result<(), Failure> {
        let Some(grants) = &guest.grants else { return Ok(()) };
        let may_call = call.map_or(Ok(()), |method| grants.may_call(method));
        let allowed =
            may_call.and_then(|()| target.access.with_labels(|labels| grants.may_reach(id, labels)));
        allowed.map_err(|denial| {
            let text = format!("service {:?} of another gateway: {denial}", guest.name);
            self.log_denied(forwarder, &text);
            Failure::from(denial)
        })
    }

    /// Notes in the log what is refused: nobody may hear of it otherwise, as of a message without an ack.
    fn told(&self, peer: &Peer, permitted: Result<(), Failure>) -> Result<(), Failure> {
        if let Err(failure) = &permitted {
            match failure.code {
                Code::Denied => self.log_denied(peer, &failure.text),
                _ => debug!(peer = peer.wire_id(), addr = %peer.addr, error = %failure.text, "refused"),
            }
        }
        permitted
    }

    /// A few lines a second at most.
    pub(crate) fn log_denied(&self, peer: &Peer, error: &str) {
        let LogDecision::Log { suppressed } = self.denials.admit(Instant::now()) else { return };
        info!(peer = peer.wire_id(), addr = %peer.addr, %error, suppressed, "denied");
    }
}
