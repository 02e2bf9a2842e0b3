use super::Exchange;
use super::route::Route;
use crate::calls::Form;
use crate::peer::{Identity, Peer};
use frontier_protocol::{
    Custom, EdgeId, EncodeError, Flags, Frame, HEADER_LEN, Kind, ParseError, Publish, Request,
    split_remote_caller,
};
use std::time::{Duration, Instant};

/// Bytes of a call, a message or a response in front of its name.
pub(super) const ADDRESSED_LEN: usize = HEADER_LEN + 8;

/// Longer than it ever takes from reading the clock for a parcel to entering it.
const MOMENT: Duration = Duration::from_secs(1);

/// A call or a message on its way, borrowed from the frame that brought it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parcel<'a> {
    pub(crate) form: Form,
    /// Whether the asker waits for what becomes of it.
    pub(crate) answered: bool,
    /// The asker's id for it.
    pub(crate) id: u64,
    pub(crate) to: Address<'a>,
    pub(crate) name: &'a str,
    /// The users' own.
    pub(crate) custom: &'a [u8],
    pub(crate) payload: &'a [u8],
    /// When it was last looked at the clock for this parcel, a moment ago.
    pub(crate) now: Instant,
    pub(crate) deadline: Instant,
}

/// Whom a parcel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address<'a> {
    /// A service that takes its name: an edge asks.
    Name,
    /// This edge: a service asks.
    Edge(EdgeId),
    /// This edge, and only if it is here: another gateway asks for a service of its own.
    Forwarded {
        edge: EdgeId,
        /// What stands for the service.
        caller: &'a [u8],
        /// Whether the other gateway wants it back if the edge is not here.
        returns: bool,
    },
    /// Nobody: the custom header is too short to say.
    Missing,
}

impl<'a> Address<'a> {
    /// By who sent a custom header, and by its end; with what is left of it.
    fn of(asker: &Peer, custom: &'a [u8], flags: Flags) -> (Self, &'a [u8]) {
        if asker.edge_id().is_some() {
            return (Self::Name, custom);
        }
        let Some((rest, edge)) = Custom::split_tail(custom) else { return (Self::Missing, custom) };
        if !matches!(asker.identity, Identity::Forwarder { .. }) {
            return (Self::Edge(edge), rest);
        }
        match split_remote_caller(rest) {
            Some((custom, caller)) => {
                (Self::Forwarded { edge, caller, returns: flags.has(Flags::RETURN) }, custom)
            }
            None => (Self::Missing, rest),
        }
    }
}

impl Exchange {
    /// Reads a call or a message of `asker`, at `now`.
    pub(super) fn parcel<'a>(
        &self,
        asker: &Peer,
        frame: &'a Frame,
        now: Instant,
    ) -> Result<Parcel<'a>, ParseError> {
        let (form, answered, timeout_ms, name, custom, payload) = if frame.kind == Kind::Request {
            let Request { timeout_ms, method, custom, payload } = Request::parse(frame)?;
            (Form::Call, true, timeout_ms, method, custom, payload)
        } else {
            let Publish { timeout_ms, topic, custom, payload } = Publish::parse(frame)?;
            (Form::Message, frame.flags.has(Flags::ACKED), timeout_ms, topic, custom, payload)
        };
        let (to, custom) = Address::of(asker, custom.body(), frame.flags);
        let deadline = self.deadline(timeout_ms, now);
        Ok(Parcel { form, answered, id: frame.id, to, name, custom, payload, now, deadline })
    }
}

impl Parcel<'_> {
    /// Whether its deadline is over. The clock is read only if it can be.
    pub(super) fn is_overdue(&self) -> bool {
        self.deadline.saturating_duration_since(self.now) < MOMENT && self.deadline <= Instant::now()
    }

    /// Bytes of the frame that carries it on.
    pub(super) fn frame_len(&self, route: &Route<'_>) -> usize {
        let custom = route.custom();
        ADDRESSED_LEN + self.name.len() + custom.body().len() + custom.added() + self.payload.len()
    }

    /// Bytes that it holds.
    pub(super) fn size(&self) -> usize {
        self.name.len() + self.custom.len() + self.payload.len()
    }

    /// What is left until the deadline, as it stands on the wire: at least a millisecond, since 0
    /// means something else.
    pub(super) fn timeout_ms(&self) -> u32 {
        let left = self.deadline.saturating_duration_since(self.now);
        u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1)
    }

    /// Appends the frame that carries the parcel to its target.
    pub(super) fn encode(
        &self,
        id: u64,
        flags: Flags,
        route: &Route<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let (timeout_ms, custom, payload) = (self.timeout_ms(), route.custom(), self.payload);
        let flags = if route.returns { flags.with(Flags::RETURN) } else { flags };
        match self.form {
            Form::Call => {
                Request { timeout_ms, method: self.name, custom, payload }.encode_with(id, flags, out)
            }
            Form::Message => {
                let flags = if self.answered { flags.with(Flags::ACKED) } else { flags };
                Publish { timeout_ms, topic: self.name, custom, payload }.encode_with(id, flags, out)
            }
        }
    }
}
