//! Payloads that travel on a stream of their own. They are passed on as they come: the gateway never
//! holds one whole.

use super::answer::{Outcome, from_whom};
use super::away::lost;
use super::balance::Tried;
use super::forward::{Entered, receiver, withdraw};
use super::parcel::{Address, Parcel};
use super::pump::{CopyError, copy_exact};
use super::route::{Route, Unrouted, offline};
use super::stream::{broken, go_ahead, refuse};
use super::{Breach, Exchange, Failure};
use crate::calls::{Asker, Form, Ticket};
use crate::forwarding::Found;
use crate::peer::{Peer, Wakes};
use frontier_protocol::{Code, Custom, EdgeId, Flags, Frame, OpenAck, Response};
use frontier_transport::{FirstFrame, MuxStream, OpenError};
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

/// What became of a question that went to another gateway.
enum Carried {
    Done(Result<(), Failure>),
    /// The edge is not there. Nothing of the payload was read.
    NotThere,
    /// The link was lost before anything was read.
    Gone,
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
                Ok(route) if route.target.is_holder() => return self.carry_away(asker, parcel, stream, len, progress).await,
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

    /// Carries a question of a service to the gateway where its edge is. Its payload is read only when that has
    /// said that it has the edge.
    async fn carry_away(
        &self,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        stream: &mut MuxStream,
        len: u64,
        progress: &mut Progress,
    ) -> Result<Result<(), Failure>, Breach> {
        let (Address::Edge(edge), Some(forwarding)) = (parcel.to, self.forwarding()) else {
            return Ok(Err(match parcel.to {
                Address::Edge(edge) => offline(edge),
                _ => Failure::plain(Code::Internal),
            }));
        };
        let (mut avoid, mut gone) = (None, false);
        loop {
            let holder = match forwarding.find(edge, avoid.as_ref(), self.clock()).await {
                Ok(Found::At(holder)) => holder,
                Ok(Found::Here) => return Ok(Err(offline(edge))),
                Err(failure) => return Ok(Err(failure)),
            };
            let parcel = Parcel { now: Instant::now(), ..parcel };
            match self.carry_to(&holder, edge, asker, parcel, stream, len, progress).await? {
                Carried::Done(done) => return Ok(done),
                Carried::NotThere if avoid.is_none() => {
                    forwarding.forget(edge, &holder);
                    avoid = Some(holder);
                }
                Carried::NotThere => return Ok(Err(offline(edge))),
                Carried::Gone if !gone => gone = true,
                Carried::Gone => return Ok(Err(Failure::new(Code::Disconnected, lost(&holder)))),
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a question and both ends of its way")]
    async fn carry_to(
        &self,
        holder: &Arc<Peer>,
        edge: EdgeId,
        asker: &Arc<Peer>,
        parcel: Parcel<'_>,
        stream: &mut MuxStream,
        len: u64,
        progress: &mut Progress,
    ) -> Result<Carried, Breach> {
        let mut onward = match holder.link.open_stream().await {
            Ok(onward) => onward,
            Err(OpenError::Closed) => return Ok(Carried::Gone),
            Err(error) => {
                let text = format!("{}: {error}", receiver(holder));
                return Ok(Carried::Done(Err(Failure::new(error.code(), text))));
            }
        };
        let ticket = match self.enter_detached(asker, parcel, holder, progress)? {
            Ok(Entered::Yes(ticket)) => ticket,
            Ok(Entered::Answered) => return Ok(Carried::Done(Ok(()))),
            Ok(Entered::TargetGone) => return Ok(Carried::Gone),
            Err(failure) => return Ok(Carried::Done(Err(failure))),
        };
        let route = Route::holder(holder.clone(), asker, parcel.custom, edge, false);
        let carried = async {
            self.send_head(parcel, ticket, &route, &mut onward).await?;
            let FirstFrame { frame, stream: mut onward } = FirstFrame::read(onward, self.limits.frame)
                .await
                .map_err(|_| Failure::new(Code::Disconnected, lost(holder)))?;
            match OpenAck::parse(&frame).map_err(|error| broken(holder, &error))? {
                OpenAck { code: Code::Ok, .. } => {
                    copy_exact(stream, &mut onward, len).await.map_err(|error| copy_failed(&error))
                }
                OpenAck { code, detail, text } => Err(Failure::new(code, text.to_owned()).detailed(detail)),
            }
        };
        let Err(failure) = carried.await else { return Ok(Carried::Done(Ok(()))) };
        if parcel.answered && !withdraw(asker, parcel.id, holder, ticket) {
            return Ok(Carried::Done(Ok(())));
        }
        progress.is_entered = false;
        Ok(match failure.code {
            Code::EdgeNotOnline => Carried::NotThere,
            _ => Carried::Done(Err(failure)),
        })
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
