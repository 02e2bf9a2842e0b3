//! Whether a peer may do what it asks for, and whether it has done too much of it. Whoever is not restricted pays
//! for one look.

use crate::counters::QUOTAS;
use crate::remote_caller::RemoteCaller;
use crate::remote_edge::RemoteEdge;
use crate::{Exchange, Failure, Peer, RequestKind};
use frontier_access::PeerText;
use frontier_protocol::{Code, EdgeId, Offered};
use std::time::Instant;
use tracing::debug;
use tracing::field::display;

impl Exchange {
    /// Lets `requester` send a request with so many bytes of payload, and charges it for it.
    #[inline]
    pub(crate) fn permit(
        &self,
        requester: &Peer,
        kind: RequestKind,
        name: &str,
        bytes: u64,
    ) -> Result<(), Failure> {
        let Some(authorization) = requester.authorization().restricted() else { return Ok(()) };
        let Some(authorization) = &*authorization else { return Ok(()) };
        let is_edge = requester.edge_id().is_some();
        let allowed = match (&authorization.grants, kind) {
            (Some(grants), RequestKind::Call) => grants.may_call(name),
            // A service's message has a topic of no meaning to the gateway.
            (Some(grants), RequestKind::Message) if is_edge => grants.may_publish(name),
            _ => Ok(()),
        };
        let charge = || {
            let Some(meter) = &authorization.meter else { return Ok(()) };
            let (bytes, now) = (usize::try_from(bytes).unwrap_or(usize::MAX), Instant::now());
            match kind {
                RequestKind::Call => meter.call(bytes, now),
                RequestKind::Message => meter.message(bytes, now),
            }
        };
        self.logged(requester, allowed.map_err(Failure::from).and_then(|()| Ok(charge()?)))
    }

    /// Lets the edge `requester` send again what another gateway gives back in its name. It was charged for it.
    pub(crate) fn permit_returned(
        &self,
        requester: &Peer,
        kind: RequestKind,
        name: &str,
    ) -> Result<(), Failure> {
        let Some(authorization) = requester.authorization().restricted() else { return Ok(()) };
        let Some(grants) = authorization.as_ref().and_then(|it| it.grants.as_ref()) else { return Ok(()) };
        let allowed = match kind {
            RequestKind::Call => grants.may_call(name),
            RequestKind::Message => grants.may_publish(name),
        };
        self.logged(requester, allowed.map_err(Failure::from))
    }

    /// Lets `opener` open a stream to the service `name`, or to an edge, and charges it for it.
    pub(crate) fn permit_stream(&self, opener: &Peer, name: &str) -> Result<(), Failure> {
        let Some(authorization) = opener.authorization().restricted() else { return Ok(()) };
        let Some(authorization) = &*authorization else { return Ok(()) };
        let allowed = match &authorization.grants {
            Some(grants) if opener.edge_id().is_some() => grants.may_open_stream(name),
            _ => Ok(()),
        };
        let charge = || authorization.meter.as_ref().map_or(Ok(()), |meter| meter.stream(Instant::now()));
        self.logged(opener, allowed.map_err(Failure::from).and_then(|()| Ok(charge()?)))
    }

    /// Lets the service `requester` send something to the edge `target`.
    #[inline]
    pub(crate) fn permit_reach(&self, requester: &Peer, id: EdgeId, target: &Peer) -> Result<(), Failure> {
        let Some(authorization) = requester.authorization().restricted() else { return Ok(()) };
        let Some(grants) = authorization.as_ref().and_then(|it| it.grants.as_ref()) else { return Ok(()) };
        let allowed = target.authorization().with_labels(|labels| grants.may_reach(id, labels));
        self.logged(requester, allowed.map_err(Failure::from))
    }

    /// Lets the service `caller` of another gateway send something to the edge `target`: a call of the method
    /// `method`, or else a message or a stream.
    pub(crate) fn permit_remote_caller(
        &self,
        origin: &Peer,
        caller: &RemoteCaller,
        method: Option<&str>,
        id: EdgeId,
        target: &Peer,
    ) -> Result<(), Failure> {
        if let Some(text) = caller.unreadable {
            return Err(Failure::new(Code::Protocol, text));
        }
        let Some(grants) = &caller.grants else { return Ok(()) };
        let may_call = method.map_or(Ok(()), |method| grants.may_call(method));
        let allowed =
            may_call.and_then(|()| target.authorization().with_labels(|labels| grants.may_reach(id, labels)));
        allowed.map_err(|denial| {
            let text = format!("service {:?} of another gateway: {denial}", caller.name);
            self.log_denied(origin, &text);
            Failure::from(denial)
        })
    }

    /// Lets the edge `edge` of another gateway use a method, a topic or a service here.
    pub(crate) fn permit_remote_edge(
        &self,
        origin: &Peer,
        edge: &RemoteEdge,
        of: Offered,
        name: &str,
    ) -> Result<(), Failure> {
        if let Some(text) = edge.unreadable {
            return Err(Failure::new(Code::Protocol, text));
        }
        let Some(grants) = &edge.grants else { return Ok(()) };
        let allowed = match of {
            Offered::Method => grants.may_call(name),
            Offered::Topic => grants.may_publish(name),
            Offered::Service => grants.may_open_stream(name),
        };
        allowed.map_err(|denial| {
            self.log_denied(origin, &format!("edge {} of another gateway: {denial}", edge.id));
            Failure::from(denial)
        })
    }

    /// Notes in the log what is refused: nobody may hear of it otherwise, as of a message without an ack.
    fn logged(&self, peer: &Peer, permitted: Result<(), Failure>) -> Result<(), Failure> {
        if let Err(failure) = &permitted {
            match failure.code {
                Code::Denied => self.log_denied(peer, &failure.text),
                _ => {
                    // Else it is a quota.
                    self.counters().refuse(QUOTAS);
                    let addr = peer.addr().map(display);
                    debug!(peer = peer.number(), addr, error = %PeerText(&failure.text), "refused");
                }
            }
        }
        permitted
    }
}
