//! Frames of the lane, decoded for the exchange.

use super::{RemoteCallers, side};
use bytes::Bytes;
use frontier_exchange::{
    Batch, CorrelationId, Destination, Envelope, Exchange, Identity, Inbound, OfferedName, Outcome, Peer,
    RemoteCaller, RemoteEdge, Reply, RequestKind, Returned, Unsent, Violation,
};
use frontier_protocol::{
    Ack, Code, Custom, EdgeId, Flags, Frame, GoAway, Kind, Offer, OfferEntry, ParseError, Publish, Register,
    Request, Response, TAIL_LEN, split_remote_caller, split_trace,
};
use std::sync::Arc;
use std::time::Instant;

/// What frames of one peer are decoded with.
pub(super) struct Decode<'a> {
    pub(super) exchange: &'a Arc<Exchange>,
    pub(super) peer: &'a Arc<Peer>,
    pub(super) callers: Option<&'a RemoteCallers>,
}

/// In whose name another gateway asks.
#[derive(Debug)]
pub(super) enum Asker {
    Service(Arc<RemoteCaller>),
    Edge(RemoteEdge),
}

const NO_EDGE_ID: &str = "the custom header does not end with an EdgeID, which has 8 bytes and is not 0";

pub(super) const NO_TRACE: &str = "the trace context is longer than what it stands in";

pub(super) fn broken(error: &ParseError) -> Violation {
    Violation::new(error.to_string())
}

impl Decode<'_> {
    /// Acts on one frame of the lane.
    pub(super) fn on_frame(&self, frame: &Frame, batch: &mut Batch<'_>) -> Result<(), Violation> {
        let Self { exchange, peer, .. } = self;
        if !side(peer).may_send(frame.kind) {
            return Err(Violation::new(format!("{:?} must not come from a peer of this kind", frame.kind)));
        }
        if is_registration(frame) && !may_register(peer) {
            return Err(Violation::new(format!(
                "{:?} must not come from an edge without the feature",
                frame.kind
            )));
        }
        if frame.flags.has(Flags::DETACHED)
            && matches!(frame.kind, Kind::Request | Kind::Publish | Kind::Response)
        {
            return Err(Violation::new("a detached payload must come on a stream of its own"));
        }
        let inbound = match frame.kind {
            Kind::Request | Kind::Publish => {
                let mut caller = None;
                let envelope = self.request(frame, batch.now(), &mut caller)?;
                if envelope.is_reserved_call() {
                    return self.on_reserved_call(envelope);
                }
                return exchange.on(peer, Inbound::Request(envelope), batch);
            }
            Kind::Response => Inbound::Reply(self.response(frame)?.0),
            Kind::Ack => {
                let Ack { code, detail, text } = Ack::parse(frame).map_err(|error| broken(&error))?;
                let outcome = Outcome { code, detail, custom: b"", payload: text.as_bytes() };
                let correlation = CorrelationId(frame.id);
                Inbound::Reply(Reply { correlation, kind: RequestKind::Message, outcome, edge: None })
            }
            Kind::Cancel => Inbound::Cancel(frame.id),
            Kind::Register | Kind::Unregister => {
                let Register { change, of, names } =
                    Register::parse(frame).map_err(|error| broken(&error))?;
                let register = Inbound::Register { id: frame.id, change, of, names: &names };
                return exchange.on(peer, register, batch);
            }
            Kind::Returned => Inbound::Returned(returned(frame)?),
            Kind::Offer => {
                let Offer { is_first, is_last, entries } =
                    Offer::parse(frame).map_err(|error| broken(&error))?;
                let names: Vec<_> = entries
                    .into_iter()
                    .map(|OfferEntry { of, name, is_offered }| OfferedName { of, name, is_offered })
                    .collect();
                return exchange.on(peer, Inbound::Offer { is_first, is_last, names: &names }, batch);
            }
            Kind::GoAway => {
                let code = GoAway::parse(frame).map_err(|error| broken(&error))?.code;
                Inbound::Leave { is_draining: code == Code::Draining }
            }
            _ => return Ok(()),
        };
        exchange.on(peer, inbound, batch)
    }

    /// Another gateway calls a reserved method for itself: it is carried to its end in a task of its own.
    fn on_reserved_call(&self, envelope: Envelope<'_>) -> Result<(), Violation> {
        let exchange = self.exchange.clone();
        if let Some(call) = exchange.enter_reserved_call(self.peer, envelope)? {
            tokio::spawn(async move { exchange.on_reserved_call(call).await });
        }
        Ok(())
    }

    /// A call or a message. `caller` is where the service or the edge of another gateway is kept meanwhile.
    pub(super) fn request<'f>(
        &self,
        frame: &'f Frame,
        now: Instant,
        caller: &'f mut Option<Asker>,
    ) -> Result<Envelope<'f>, Violation> {
        let (kind, wants_reply, timeout_ms, name, custom, payload) = if frame.kind == Kind::Request {
            let Request { timeout_ms, method, custom, payload } =
                Request::parse(frame).map_err(|error| broken(&error))?;
            (RequestKind::Call, true, timeout_ms, method, custom, payload)
        } else {
            let Publish { timeout_ms, topic, custom, payload } =
                Publish::parse(frame).map_err(|error| broken(&error))?;
            (RequestKind::Message, frame.flags.has(Flags::ACKED), timeout_ms, topic, custom, payload)
        };
        let (mut to, mut custom) = self.destination(custom.body(), frame.flags, caller);
        let mut trace: &[u8] = b"";
        if frame.flags.has(Flags::TRACED) {
            match split_trace(custom) {
                Some(parts) => (custom, trace) = parts,
                None => to = Destination::Unreadable(NO_TRACE),
            }
        }
        let deadline = self.exchange.deadline(timeout_ms, now);
        Ok(Envelope { kind, id: frame.id, wants_reply, to, name, custom, trace, payload, deadline })
    }

    /// Whom a request is for, by who sent it and by the end of its custom header; with what is left of that.
    fn destination<'f>(
        &self,
        custom: &'f [u8],
        flags: Flags,
        caller: &'f mut Option<Asker>,
    ) -> (Destination<'f>, &'f [u8]) {
        if self.peer.edge_id().is_some() {
            return (Destination::Name, custom);
        }
        let unreadable = (Destination::Unreadable(NO_EDGE_ID), custom);
        let Some((rest, edge)) = Custom::split_tail(custom) else {
            return match custom.split_last_chunk::<TAIL_LEN>() {
                // 0, the id of nobody.
                Some((rest, _)) if self.callers.is_none() => (Destination::Edge(EdgeId(0)), rest),
                _ => unreadable,
            };
        };
        let Some(callers) = self.callers else { return (Destination::Edge(edge), rest) };
        let Some((custom, encoded)) = split_remote_caller(rest) else { return unreadable };
        let returns = flags.has(Flags::RETURN);
        let asker = if flags.has(Flags::BY_NAME) {
            Asker::Edge(callers.edge(edge, encoded))
        } else {
            Asker::Service(callers.get(encoded))
        };
        let to = match caller.insert(asker) {
            Asker::Service(caller) => Destination::LocalEdge { edge, caller, returns },
            Asker::Edge(edge) => Destination::LocalName { edge, returns },
        };
        (to, custom)
    }

    /// A reply to a call; and its payload, in place of which there is a length if it is detached.
    pub(super) fn response<'f>(&self, frame: &'f Frame) -> Result<(Reply<'f>, &'f [u8]), Violation> {
        let Response { code, detail, custom, payload } =
            Response::parse(frame).map_err(|error| broken(&error))?;
        let (custom, edge) = self.replied_by(custom.body(), frame.flags);
        let outcome = Outcome { code, detail, custom, payload };
        let correlation = CorrelationId(frame.id);
        Ok((Reply { correlation, kind: RequestKind::Call, outcome, edge }, payload))
    }

    /// The users' own part of the custom header of a reply, and the edge that replied, where the other gateway has
    /// added it; what that answers by itself has none.
    fn replied_by<'f>(&self, custom: &'f [u8], flags: Flags) -> (&'f [u8], Option<EdgeId>) {
        match self.peer.identity() {
            Identity::OwnerGateway { .. } if !flags.has(Flags::UNTAILED) => {
                Custom::split_tail(custom).map_or((custom, None), |(custom, edge)| (custom, Some(edge)))
            }
            _ => (custom, None),
        }
    }
}

pub(super) fn is_registration(frame: &Frame) -> bool {
    matches!(frame.kind, Kind::Register | Kind::Unregister)
}

/// Whether the peer may register names: a service, and an edge with which that was agreed on.
pub(super) fn may_register(peer: &Peer) -> bool {
    peer.is_service() || (peer.edge_id().is_some() && peer.outlet().may_register())
}

/// A request that another gateway gives back.
fn returned(frame: &Frame) -> Result<Returned<'_>, Violation> {
    let frontier_protocol::Returned { timeout_ms, name, custom, payload } =
        frontier_protocol::Returned::parse(frame).map_err(|error| broken(&error))?;
    let forwarded = Custom::split_tail(custom.body());
    let forwarded = forwarded.and_then(|(rest, edge)| Some((split_remote_caller(rest)?, edge)));
    let Some(((custom, caller), edge)) = forwarded else {
        return Err(broken(&ParseError::Invalid { kind: frame.kind, field: "custom header" }));
    };
    let traced = if frame.flags.has(Flags::TRACED) { split_trace(custom) } else { Some((custom, &b""[..])) };
    let Some((custom, trace)) = traced else {
        return Err(broken(&ParseError::Invalid { kind: frame.kind, field: "trace context" }));
    };
    Ok(Returned {
        correlation: (frame.id != 0).then_some(CorrelationId(frame.id)),
        edge,
        by_name: frame.flags.has(Flags::BY_NAME),
        service: frontier_protocol::RemoteCaller::parse(caller).map(|caller| caller.id),
        name,
        custom,
        trace,
        payload,
        timeout_ms,
    })
}

/// A request that was queued for a service and never sent. Its custom header ends with the edge that it is from. With
/// `is_forwarded` it was queued for another gateway, and who asks stands in front of that.
pub(super) fn unsent(frame: &Frame, is_forwarded: bool) -> Option<Unsent> {
    let (name, custom, payload) = match frame.kind {
        Kind::Request => Request::parse(frame).map(|it| (it.method, it.custom, it.payload)).ok()?,
        Kind::Publish => Publish::parse(frame).map(|it| (it.topic, it.custom, it.payload)).ok()?,
        _ => return None,
    };
    let (custom, edge) = Custom::split_tail(custom.body())?;
    let custom = if is_forwarded { split_remote_caller(custom)?.0 } else { custom };
    let traced = if frame.flags.has(Flags::TRACED) { split_trace(custom) } else { None };
    let (custom, trace) = traced.unwrap_or((custom, b""));
    Some(Unsent {
        edge,
        correlation: CorrelationId(frame.id),
        name: name.into(),
        custom: Bytes::copy_from_slice(custom),
        trace: Bytes::copy_from_slice(trace),
        payload: Bytes::copy_from_slice(payload),
    })
}
