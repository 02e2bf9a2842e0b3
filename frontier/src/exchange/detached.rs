//! Payloads that travel on a stream of their own. They are passed on as they come: the gateway never
//! holds one whole.

mod away;

use super::answer::{Outcome, from_whom};
use super::balance::Tried;
use super::forward::{Entered, withdraw};
use super::parcel::Parcel;
use super::pump::{CopyError, copy_exact};
use super::route::{Route, Unrouted, offline};
use super::stream::{go_ahead, refuse};
use super::{Breach, Exchange, Failure};
use crate::calls::{Asker, Form, Ticket};
use crate::peer::{Peer, Wakes};
use frontier_protocol::{Code, Custom, Flags, Frame, Response};
use frontier_transport::{MuxStream, OpenError};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::AsyncWriteExt;

/// How far a detached question has come.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// It is in both tables: who takes it out there tells the asker.
    is_entered: bool,
    /// The gateway that forwards it was told that the payload may come.
    is_awaited: bool,
}

impl Exchange {
    /// A call or a message whose payload follows on `stream`.
    pub(super) async fn on_detached_question(
        &self,
        asker: &Arc<Peer>,
        frame: &Frame,
        mut stream: MuxStream,
        excess: bool,
    ) -> Result<(), Breach> {
        let parcel = self.parcel(asker, frame, Instant::now())?;
        let Parcel { form, answered, name, payload, deadline, .. } = parcel;
        let len = announced(payload);
        let permit = || self.check_payload(len).and_then(|()| self.permit(asker, form, name, len));
        let mut progress = Progress::default();
        let failure = if excess {
            Err(self.too_many_streams())
        } else if let Err(failure) = permit() {
            Err(failure)
        } else {
            let carried = self.carry(asker, parcel, &mut stream, len, &mut progress);
            match tokio::time::timeout_at(deadline.into(), carried).await {
                Ok(carried) => carried?,
                // The sweep fails it for its deadline.
                Err(_) if progress.is_entered => Ok(()),
                Err(_) => Err(Failure::plain(Code::Deadline)),
            }
        };
        if let Err(failure) = failure {
            if asker.is_forwarder() && !progress.is_awaited {
                refuse(stream, &failure).await;
            } else if answered {
                self.reply_failure(asker, frame.id, form, &failure, &mut Wakes::default());
            }
        }
        Ok(())
    }

    async fn carry(
        &self,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        stream: &mut MuxStream,
        len: u64,
        progress: &mut Progress,
    ) -> Result<Result<(), Failure>, Breach> {
        let mut tried = Tried::new();
        loop {
            let route = match self.route(asker, &parcel, &tried) {
                Ok(route) if route.target.is_holder() => {
                    return self.carry_away(asker, parcel, stream, len, progress).await;
                }
                Ok(route) => route,
                Err(Unrouted::Away(_)) if !asker.is_forwarder() => {
                    return self.carry_away(asker, parcel, stream, len, progress).await;
                }
                Err(Unrouted::Away(edge)) => return Ok(Err(offline(edge))),
                Err(Unrouted::Failed(failure)) => return Ok(Err(failure)),
            };
            let target = &route.target;
            let mut onward = match target.link.open_stream().await {
                Ok(onward) => onward,
                Err(OpenError::Closed) => {
                    tried.push(route.target);
                    continue;
                }
                Err(error) => return Ok(Err(Failure::new(error.code(), error.to_string()))),
            };
            let parcel = Parcel { now: Instant::now(), ..parcel };
            let ticket = match self.enter_detached(asker, parcel, target, progress)? {
                Ok(Entered::Yes(ticket)) => ticket,
                Ok(Entered::Answered) => return Ok(Ok(())),
                Ok(Entered::TargetGone) => {
                    tried.push(route.target);
                    continue;
                }
                Err(failure) => return Ok(Err(failure)),
            };
            // It may have left while the stream was opened, and hang up before it sees this.
            if !target.is_online() {
                progress.is_entered = false;
                if parcel.answered && !withdraw(asker, parcel.id, target, ticket) {
                    return Ok(Ok(()));
                }
                tried.push(route.target);
                continue;
            }
            let copied = async {
                if asker.is_forwarder() {
                    progress.is_awaited = true;
                    go_ahead(stream).await?;
                }
                self.send_head(parcel, ticket, &route, &mut onward).await?;
                copy_exact(stream, &mut onward, len).await.map_err(|error| copy_failed(&error))
            };
            let Err(failure) = copied.await else { return Ok(Ok(())) };
            let still_asked = parcel.answered && withdraw(asker, parcel.id, target, ticket);
            return Ok(if still_asked { Err(failure) } else { Ok(()) });
        }
    }

    /// Enters a question in both tables, if it is to be answered.
    fn enter_detached(
        &self,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        target: &Arc<Peer>,
        progress: &mut Progress,
    ) -> Result<Result<Entered, Failure>, Breach> {
        if !parcel.answered {
            return Ok(Ok(Entered::Yes(Ticket(0))));
        }
        let entered = self.enter(asker, parcel, target, None)?;
        progress.is_entered = matches!(entered, Ok(Entered::Yes(_)));
        Ok(entered)
    }

    async fn send_head(
        &self,
        parcel: Parcel<'_>,
        ticket: Ticket,
        route: &Route<'_>,
        onward: &mut MuxStream,
    ) -> Result<(), Failure> {
        let mut head = Vec::new();
        parcel
            .encode(ticket.0, Flags::DETACHED, route, &mut head)
            .map_err(|error| Failure::new(Code::TooLarge, error.to_string()))?;
        onward.write_all(&head).await.map_err(|_| copy_failed(&CopyError::Target))
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
        let (custom, tail) = from_whom(from, response.custom.body());
        let fit = self.check_payload(len).and_then(|()| self.check_custom(custom.len()));
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
        let custom = tail.map_or(Custom::plain(custom), |edge| Custom::tailed(custom, edge));
        let passed = self.pass_back(&asker, id, Response { custom, ..response }, &mut stream, len);
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
        response: Response<'_>,
        stream: &mut MuxStream,
        len: u64,
    ) -> Result<(), Failure> {
        let mut head = Vec::new();
        response
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
