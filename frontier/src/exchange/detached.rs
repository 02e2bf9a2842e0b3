//! Payloads that travel on a stream of their own. They are passed on as they come: the gateway never
//! holds one whole.

use super::answer::Outcome;
use super::balance::Tried;
use super::forward::{Entered, Parcel, withdraw};
use super::pump::{CopyError, copy_exact};
use super::{Breach, Exchange, Failure};
use crate::calls::{Asker, Form, Ticket};
use crate::peer::{Peer, Wakes};
use frontier_protocol::{Code, Custom, Flags, Frame, Kind, Publish, Request, Response};
use frontier_transport::{MuxStream, OpenError};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::AsyncWriteExt;

impl Exchange {
    /// A call or a message whose payload follows on `stream`.
    pub(super) async fn on_detached_question(
        &self,
        asker: &Arc<Peer>,
        frame: &Frame,
        stream: MuxStream,
        excess: bool,
    ) -> Result<(), Breach> {
        let (form, answered, timeout_ms, name, custom, payload) = if frame.kind == Kind::Request {
            let it = Request::parse(frame)?;
            (Form::Call, true, it.timeout_ms, it.method, it.custom, it.payload)
        } else {
            let it = Publish::parse(frame)?;
            let acked = frame.flags.has(Flags::ACKED);
            (Form::Message, acked, it.timeout_ms, it.topic, it.custom, it.payload)
        };
        let now = Instant::now();
        let deadline = self.deadline(timeout_ms, now);
        let parcel =
            Parcel { form, answered, id: frame.id, name, custom: custom.body(), payload, now, deadline };
        let len = announced(payload);
        let permit = || self.check_payload(len).and_then(|()| self.permit(asker, form, name, len));
        let failure = if excess {
            Err(self.too_many_streams())
        } else if let Err(failure) = permit() {
            Err(failure)
        } else {
            let mut is_entered = false;
            let carried = self.carry(asker, parcel, stream, len, &mut is_entered);
            match tokio::time::timeout_at(deadline.into(), carried).await {
                Ok(carried) => carried?,
                // The sweep fails it for its deadline.
                Err(_) if is_entered => Ok(()),
                Err(_) => Err(Failure::plain(Code::Deadline)),
            }
        };
        if let Err(failure) = failure
            && answered
        {
            self.reply_failure(asker, frame.id, form, &failure, &mut Wakes::default());
        }
        Ok(())
    }

    async fn carry(
        &self,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        mut stream: MuxStream,
        len: u64,
        is_entered: &mut bool,
    ) -> Result<Result<(), Failure>, Breach> {
        let mut tried = Tried::new();
        loop {
            let route = match self.route(asker, parcel.form, parcel.name, parcel.custom, &tried) {
                Ok(route) => route,
                Err(failure) => return Ok(Err(failure)),
            };
            let target = route.target;
            let mut onward = match target.link.open_stream().await {
                Ok(onward) => onward,
                Err(OpenError::Closed) => {
                    tried.push(target);
                    continue;
                }
                Err(error) => return Ok(Err(Failure::new(error.code(), error.to_string()))),
            };
            let parcel = Parcel { now: Instant::now(), ..parcel };
            let ticket = if parcel.answered {
                match self.enter(asker, parcel, &target)? {
                    Ok(Entered::Yes(ticket)) => {
                        *is_entered = true;
                        ticket
                    }
                    Ok(Entered::Answered) => return Ok(Ok(())),
                    Ok(Entered::TargetGone) => {
                        tried.push(target);
                        continue;
                    }
                    Err(failure) => return Ok(Err(failure)),
                }
            } else {
                Ticket(0)
            };
            // It may have left while the stream was opened, and hang up before it sees this.
            if !target.is_online() {
                *is_entered = false;
                if parcel.answered && !withdraw(asker, parcel.id, &target, ticket) {
                    return Ok(Ok(()));
                }
                tried.push(target);
                continue;
            }
            let copied = self.send_on(parcel, ticket, route.custom, &mut stream, &mut onward, len).await;
            let Err(failure) = copied else { return Ok(Ok(())) };
            let still_asked = parcel.answered && withdraw(asker, parcel.id, &target, ticket);
            return Ok(if still_asked { Err(failure) } else { Ok(()) });
        }
    }

    async fn send_on(
        &self,
        parcel: Parcel<'_>,
        ticket: Ticket,
        custom: Custom<'_>,
        stream: &mut MuxStream,
        onward: &mut MuxStream,
        len: u64,
    ) -> Result<(), Failure> {
        let mut head = Vec::new();
        parcel
            .encode(ticket.0, Flags::DETACHED, custom, parcel.payload, &mut head)
            .map_err(|error| Failure::new(Code::TooLarge, error.to_string()))?;
        onward.write_all(&head).await.map_err(|_| copy_failed(&CopyError::Target))?;
        copy_exact(stream, onward, len).await.map_err(|error| copy_failed(&error))
    }

    /// An answer whose payload follows on `stream`.
    pub(super) async fn on_detached_answer(
        &self,
        from: &Peer,
        frame: &Frame,
        mut stream: MuxStream,
    ) -> Result<(), Breach> {
        let response = Response::parse(frame)?;
        let len = announced(response.payload);
        let ticket = Ticket(frame.id);
        let settled = from.calls.lock().settle(ticket);
        let Some(question) = settled else { return Ok(()) };
        let fit = self.check_payload(len).and_then(|()| self.check_custom(response.custom.body()));
        let (asker, id) = match (&question.asker, question.form, fit) {
            (Asker::Peer(asker, id), Form::Call, Ok(())) => (asker.clone(), *id),
            (_, _, fit) => {
                let failure = fit.err().unwrap_or_else(|| Failure::plain(Code::Protocol));
                self.answer(question, from, ticket, Outcome::failure(&failure), &mut Wakes::default());
                return Ok(());
            }
        };
        if !asker.calls.lock().strike(id, from, ticket) {
            return Ok(());
        }
        let passed = self.pass_back(&asker, id, from, response, &mut stream, len);
        let passed = tokio::time::timeout_at(question.deadline.into(), passed).await;
        if let Err(failure) = passed.unwrap_or_else(|_| Err(Failure::plain(Code::Deadline))) {
            self.reply_failure(&asker, id, Form::Call, &failure, &mut Wakes::default());
        }
        Ok(())
    }

    async fn pass_back(
        &self,
        asker: &Peer,
        id: u64,
        from: &Peer,
        response: Response<'_>,
        stream: &mut MuxStream,
        len: u64,
    ) -> Result<(), Failure> {
        let custom = response.custom.body();
        let custom = from.edge_id().map_or(Custom::plain(custom), |edge| Custom::tailed(custom, edge));
        let mut head = Vec::new();
        Response { custom, ..response }
            .encode_with(id, Flags::DETACHED, &mut head)
            .map_err(|error| Failure::new(Code::TooLarge, error.to_string()))?;
        let onward = asker.link.open_stream().await;
        let mut onward = onward.map_err(|error| Failure::new(error.code(), error.to_string()))?;
        onward.write_all(&head).await.map_err(|_| copy_failed(&CopyError::Target))?;
        copy_exact(stream, &mut onward, len).await.map_err(|error| copy_failed(&error))
    }

    pub(super) fn check_payload(&self, len: u64) -> Result<(), Failure> {
        if len <= self.limits.payload {
            return Ok(());
        }
        let text = format!("a payload of {len} bytes is over the limit of {}", self.limits.payload);
        Err(Failure::new(Code::TooLarge, text))
    }
}

/// The length that stands in place of a detached payload; the parser has seen that it is there.
fn announced(payload: &[u8]) -> u64 {
    payload.first_chunk().map_or(0, |len| u64::from(u32::from_be_bytes(*len)))
}

fn copy_failed(error: &CopyError) -> Failure {
    let code = match error {
        CopyError::Source => Code::Protocol,
        CopyError::Lost | CopyError::Target => Code::Disconnected,
    };
    Failure::new(code, error.to_string())
}
