use super::answer::Outcome;
use super::parcel::Parcel;
use super::{Exchange, Failure};
use crate::calls::{Form, Ticket};
use crate::peer::{Peer, Wakes};
use frontier_protocol::{
    Ack, Code, Flags, Frame, GoAway, Kind, ParseError, Register, RegisterAck, Response, pong,
};
use frontier_transport::Priority;
use std::sync::Arc;
use std::time::Instant;
use thiserror::Error;

/// A peer broke the protocol; its connection ends.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct Breach(String);

impl Breach {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<ParseError> for Breach {
    fn from(error: ParseError) -> Self {
        Self(error.to_string())
    }
}

impl Exchange {
    /// Acts on one frame that `peer` sent on its lane.
    ///
    /// # Errors
    /// [`Breach`] if the peer must not send such a frame.
    pub(crate) fn on_frame(&self, peer: &Arc<Peer>, frame: &Frame, wakes: &mut Wakes) -> Result<(), Breach> {
        if !peer.side().may_send(frame.kind) {
            return Err(Breach::new(format!("{:?} must not come from a peer of this kind", frame.kind)));
        }
        match frame.kind {
            Kind::Request | Kind::Publish => {
                let parcel = self.parcel(peer, frame, Instant::now())?;
                self.on_question(peer, frame, parcel, wakes)
            }
            Kind::Response => {
                let Response { code, detail, custom, payload } = Response::parse(frame)?;
                if frame.flags.has(Flags::DETACHED) {
                    return Err(detached_on_lane());
                }
                let outcome = Outcome { code, detail, custom: custom.body(), payload };
                self.on_answer(peer, frame.id, Form::Call, outcome, wakes)
            }
            Kind::Ack => {
                let Ack { code, detail, text } = Ack::parse(frame)?;
                let outcome = Outcome { code, detail, custom: b"", payload: text.as_bytes() };
                self.on_answer(peer, frame.id, Form::Message, outcome, wakes)
            }
            Kind::Cancel => {
                self.cancel(peer, frame.id, wakes);
                Ok(())
            }
            Kind::Register | Kind::Unregister => self.on_register(peer, frame, wakes),
            Kind::Returned => self.on_returned(peer, frame, wakes),
            Kind::Ping => {
                let _ = wakes.push(&peer.link, Priority::Answer, |out| {
                    pong(frame.id, out);
                    Ok(())
                });
                Ok(())
            }
            Kind::GoAway => {
                self.on_go_away(peer, GoAway::parse(frame)?.code, wakes);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn on_question(
        &self,
        asker: &Arc<Peer>,
        frame: &Frame,
        parcel: Parcel<'_>,
        wakes: &mut Wakes,
    ) -> Result<(), Breach> {
        if frame.flags.has(Flags::DETACHED) {
            return Err(detached_on_lane());
        }
        let bytes = parcel.payload.len() as u64;
        let forwarded = match self.permit(asker, parcel.form, parcel.name, bytes) {
            Ok(()) => self.forward(asker, parcel, Default::default(), wakes)?,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = forwarded
            && parcel.answered
        {
            self.reply_failure(asker, parcel.id, parcel.form, &failure, wakes);
        }
        Ok(())
    }

    pub(crate) fn on_answer(
        &self,
        from: &Peer,
        id: u64,
        form: Form,
        outcome: Outcome<'_>,
        wakes: &mut Wakes,
    ) -> Result<(), Breach> {
        // An answer that nobody waits for is late: its question was cancelled or is overdue.
        let Some(question) = from.calls.lock().settle(Ticket(id)) else { return Ok(()) };
        if question.form != form {
            let failure = Failure::plain(Code::Protocol);
            self.answer(question, from, Ticket(id), Outcome::failure(&failure), wakes);
            return Err(Breach::new("a call was answered as a message, or the other way round"));
        }
        self.answer(question, from, Ticket(id), outcome, wakes);
        Ok(())
    }

    fn on_register(&self, service: &Arc<Peer>, frame: &Frame, wakes: &mut Wakes) -> Result<(), Breach> {
        let Register { change, of, names } = Register::parse(frame)?;
        let limits = self.limits.service();
        let outcome = self.registry.services.change(service, change, of, &names, limits);
        let (code, text) = match &outcome {
            Ok(()) => (Code::Ok, String::new()),
            Err(error) => (error.code(), error.to_string()),
        };
        if code == Code::Denied {
            self.log_denied(service, &text);
        }
        let _ = wakes.push(&service.link, Priority::Answer, |out| {
            RegisterAck { change, code, text: &text }.encode(frame.id, out)
        });
        Ok(())
    }
}

fn detached_on_lane() -> Breach {
    Breach::new("a detached payload must come on a stream of its own")
}
