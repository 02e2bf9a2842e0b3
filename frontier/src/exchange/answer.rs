use super::away::lost;
use super::parcel::{ADDRESSED_LEN, Address, Parcel};
use super::{Exchange, Failure};
use crate::calls::{Answer, Asker, Form, InFlight, Question, Ticket};
use crate::peer::{Identity, Peer, Wakes};
use frontier_protocol::{
    Ack, Cancel, Code, Custom, EdgeId, Flags, Frame, Kind, Publish, Request, Response, TAIL_LEN,
};
use frontier_transport::Priority;
use smallvec::smallvec;
use std::sync::Arc;
use std::time::Instant;

/// An outcome, borrowed from the frame that brought it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) code: Code,
    pub(crate) detail: u32,
    pub(crate) custom: &'a [u8],
    pub(crate) payload: &'a [u8],
}

impl<'a> Outcome<'a> {
    pub(crate) fn failure(failure: &'a Failure) -> Self {
        Self { code: failure.code, detail: failure.detail, custom: b"", payload: failure.text.as_bytes() }
    }
}

impl Exchange {
    /// Gives `outcome`, which `from` answered to what it had under `ticket`, to whoever asked.
    pub(crate) fn answer(
        &self,
        question: Question,
        from: &Peer,
        ticket: Ticket,
        outcome: Outcome<'_>,
        wakes: &mut Wakes,
    ) {
        match question.asker {
            Asker::Gateway(reply) => {
                // The gateway may have stopped waiting.
                let _ = reply.send(Answer {
                    code: outcome.code,
                    detail: outcome.detail,
                    payload: outcome.payload.to_vec(),
                });
            }
            Asker::Peer(asker, id) => {
                // Without this entry the asker has cancelled, or has been answered.
                if asker.calls.lock().strike(id, from, ticket) {
                    let (custom, tail) = from_whom(from, outcome.custom);
                    self.reply(&asker, id, question.form, tail, Outcome { custom, ..outcome }, wakes);
                }
            }
        }
    }

    /// Queues the frame that tells `asker` what became of its question `id`.
    pub(crate) fn reply(
        &self,
        asker: &Peer,
        id: u64,
        form: Form,
        tail: Option<EdgeId>,
        outcome: Outcome<'_>,
        wakes: &mut Wakes,
    ) {
        let fit = self.check_answer(asker, tail, outcome);
        let (outcome, tail) = match &fit {
            Ok(()) => (outcome, tail),
            Err(failure) => (Outcome::failure(failure), None),
        };
        let custom = match tail {
            Some(edge) => Custom::tailed(outcome.custom, edge),
            None => Custom::plain(outcome.custom),
        };
        let Outcome { code, detail, payload, .. } = outcome;
        let pushed = wakes.push(&asker.link, Priority::Answer, |out| match form {
            Form::Call => Response { code, detail, custom, payload }.encode_with(id, Flags::default(), out),
            Form::Message => {
                let text = std::str::from_utf8(payload).unwrap_or_default();
                Ack { code, detail, text }.encode(id, out)
            }
        });
        // The asker's link is closed then, or closes because it is full; it learns of its calls from that.
        let _ = pushed;
    }

    /// Refuses an answer that is over a limit, or longer than the frames that `asker` takes.
    fn check_answer(&self, asker: &Peer, tail: Option<EdgeId>, outcome: Outcome<'_>) -> Result<(), Failure> {
        self.check_custom(outcome.custom.len())?;
        self.check_payload(outcome.payload.len() as u64)?;
        let tail = if tail.is_some() { TAIL_LEN } else { 0 };
        if asker.takes(ADDRESSED_LEN + outcome.custom.len() + tail + outcome.payload.len()) {
            return Ok(());
        }
        Err(Failure::new(Code::TooLarge, "the answer is longer than the frames that its asker takes"))
    }

    /// Queues a failure for `asker`.
    pub(crate) fn reply_failure(
        &self,
        asker: &Peer,
        id: u64,
        form: Form,
        failure: &Failure,
        wakes: &mut Wakes,
    ) {
        self.reply(asker, id, form, None, Outcome::failure(failure), wakes);
    }

    /// The asker no longer waits for its question `id`.
    pub(crate) fn cancel(&self, asker: &Peer, id: u64, wakes: &mut Wakes) {
        let struck = asker.calls.lock().cancel(id);
        if let Some((target, ticket)) = struck {
            Self::drop_question(&target, ticket, wakes);
        }
    }

    /// Tells `target` that nobody waits for its answer any more.
    pub(crate) fn drop_question(target: &Peer, ticket: Ticket, wakes: &mut Wakes) {
        let question = target.calls.lock().settle(ticket);
        if question.is_some_and(|question| question.form == Form::Call) {
            Self::push_cancel(target, ticket, wakes);
        }
    }

    fn push_cancel(target: &Peer, ticket: Ticket, wakes: &mut Wakes) {
        // Where it can't be queued the link is closed, and the call has ended with it.
        let _ = wakes.push(&target.link, Priority::Answer, |out| Cancel::encode(ticket.0, out));
    }

    /// Fails the questions to `peer` whose deadline is over.
    pub(crate) fn expire(&self, peer: &Peer, now: Instant, wakes: &mut Wakes) {
        let expired = peer.calls.lock().expire(now);
        for (ticket, question) in expired {
            if question.form == Form::Call {
                Self::push_cancel(peer, ticket, wakes);
            }
            let failure = Failure::plain(Code::Deadline);
            self.answer(question, peer, ticket, Outcome::failure(&failure), wakes);
        }
    }

    /// Ends everything in flight from and to `peer`, whose link is closed. What is `unsent` never left
    /// the gateway; if the peer is a service, it goes to another one.
    pub(crate) fn retire(&self, peer: &Arc<Peer>, unsent: &[Frame]) {
        let mut wakes = Wakes::default();
        let InFlight { asked, asking } = peer.calls.lock().close();
        for (target, ticket) in asking {
            Self::drop_question(&target, ticket, &mut wakes);
        }
        let lost = Failure::new(Code::Disconnected, lost(peer));
        let unsent: ahash::AHashMap<u64, &Frame> = unsent
            .iter()
            .filter(|frame| matches!(frame.kind, Kind::Request | Kind::Publish))
            .filter(|_| peer.is_service())
            .map(|frame| (frame.id, frame))
            .collect();
        for (ticket, question) in asked {
            match (unsent.get(&ticket.0), question) {
                (Some(frame), Question { asker: Asker::Peer(asker, id), form, deadline }) => {
                    if asker.calls.lock().strike(id, peer, ticket)
                        && let Err(failure) =
                            self.redirect(peer, &asker, id, form, deadline, frame, &mut wakes)
                    {
                        self.reply_failure(&asker, id, form, &failure, &mut wakes);
                    }
                }
                (_, question) => self.answer(question, peer, ticket, Outcome::failure(&lost), &mut wakes),
            }
        }
    }

    /// Forwards a frame anew that the service `from` never got.
    #[expect(clippy::too_many_arguments, reason = "the parts of a question that was taken apart")]
    fn redirect(
        &self,
        from: &Arc<Peer>,
        asker: &Arc<Peer>,
        id: u64,
        form: Form,
        deadline: Instant,
        frame: &Frame,
        wakes: &mut Wakes,
    ) -> Result<(), Failure> {
        let broken = || Failure::plain(Code::Internal);
        let (name, custom, payload) = match form {
            Form::Call => Request::parse(frame).map(|it| (it.method, it.custom, it.payload)),
            Form::Message => Publish::parse(frame).map(|it| (it.topic, it.custom, it.payload)),
        }
        .map_err(|_| broken())?;
        let (custom, _) = Custom::split_tail(custom.body()).ok_or_else(broken)?;
        let (to, now) = (Address::Name, Instant::now());
        let parcel = Parcel { form, answered: true, id, to, name, custom, payload, now, deadline };
        self.forward(asker, parcel, smallvec![from.clone()], wakes).unwrap_or_else(|_| Err(broken()))
    }
}

/// The users' own part of the custom header of an answer, and the edge that gave it: the tail for a service.
pub(super) fn from_whom<'a>(from: &Peer, custom: &'a [u8]) -> (&'a [u8], Option<EdgeId>) {
    match from.identity {
        Identity::Edge { id, .. } => (custom, Some(id)),
        // The other gateway has added it; what it answers by itself has neither.
        Identity::Holder { .. } => {
            Custom::split_tail(custom).map_or((custom, None), |(custom, edge)| (custom, Some(edge)))
        }
        _ => (custom, None),
    }
}
