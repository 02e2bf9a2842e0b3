//! Payloads that travel on a leg of their own. They are passed on as they come: the gateway never holds one whole.

use crate::balance::Tried;
use crate::counters::{Begun as Counted, Part};
use crate::envelope::Destination;
use crate::failure::Rejected;
use crate::forward::{Entered, end_unasked, withdraw};
use crate::join::{CopyError, pass_on};
use crate::leg::{BeginError, Begun, IncomingLeg};
use crate::outgoing::Head;
use crate::outlet::OpenError;
use crate::pending::PendingRequest;
use crate::remote::Found;
use crate::route::{Route, Unrouted};
use crate::shares::Asker;
use crate::{CorrelationId, Envelope, Exchange, Failure, Outcome, Peer, Reply, RequestKind, Violation};
use frontier_protocol::{Code, EdgeId};
use std::sync::Arc;
use std::time::Instant;
use tokio::time::timeout_at;

/// How far a request with a payload of its own has come.
#[derive(Debug)]
struct Progress<'c> {
    /// How it ends, as long as it is counted here.
    counted: Counted<'c>,
    /// It is entered at both peers: who takes it out there tells the requester, and counts its end.
    is_entered: bool,
    /// The gateway that it comes from was told that the payload may come.
    is_awaited: bool,
    /// Bytes of the payload that have come.
    came: u64,
}

impl Progress<'_> {
    fn entered(&mut self) {
        self.is_entered = true;
        self.counted.hand_over();
    }

    fn withdrawn(&mut self) {
        self.is_entered = false;
        self.counted.take_back();
    }
}

/// What became of a request that went to another gateway.
enum Carried {
    Done(Result<(), Rejected>),
    /// The edge, or a service that takes the name, is not there. Nothing of the payload was read.
    NotThere,
    /// The link was lost before anything was read.
    Lost,
    /// The edge is said to be here.
    Here,
}

impl Exchange {
    /// A call or a message whose payload of `len` bytes follows on `leg`. With `excess` the requester has more streams
    /// than it may have.
    ///
    /// # Errors
    /// [`Violation`] if the requester must not send that.
    ///
    /// # Cancel safety
    /// Cancel safe: the legs are reset, and the request fails at its deadline.
    pub async fn on_payload_request(
        self: &Arc<Self>,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        len: u64,
        mut leg: Box<dyn IncomingLeg>,
        excess: bool,
    ) -> Result<(), Violation> {
        let Envelope { kind, id, wants_reply, name, deadline, .. } = envelope;
        let direction = requester.direction();
        let counted = self.counters().begin(kind.into(), direction);
        let mut recorded = self.begin_span(requester, &envelope);
        let trace = recorded.as_mut().map(|recorded| std::mem::take(&mut recorded.trace));
        let envelope = Envelope { trace: trace.as_deref().unwrap_or(envelope.trace), ..envelope };
        let mut progress = Progress { counted, is_entered: false, is_awaited: false, came: 0 };
        let meter = requester.authorization().meter();
        let permitted = if excess {
            Err(self.too_many_streams())
        } else {
            self.check_payload(len).and_then(|()| self.permit(requester, kind, name, len))
        };
        let was_permitted = permitted.is_ok();
        let carried = if let Err(failure) = permitted {
            Err(failure.into())
        } else {
            let carried = self.carry(requester, envelope, &mut *leg, len, &mut progress);
            match timeout_at(deadline.into(), carried).await {
                Ok(carried) => carried,
                // It fails at its deadline.
                Err(_) if progress.is_entered => Ok(()),
                Err(_) => Err(Failure::plain(Code::Deadline).into()),
            }
        };
        self.counters().passed(kind.into(), direction, Part::Request, progress.came);
        // It was charged by what it announced.
        if let Some(meter) = meter.filter(|_| was_permitted) {
            meter.give_back_bytes(len.saturating_sub(progress.came));
        }
        let Err(rejected) = carried else {
            if wants_reply {
                // Whoever takes it from the tables counts it, or has.
                progress.counted.hand_over();
            } else {
                progress.counted.end(Code::Ok);
                end_unasked(recorded, Code::Ok);
            }
            // The sender's own end may be on its way still, and a drop would take from it what it has not read.
            leg.linger();
            return Ok(());
        };
        let failure = rejected.failure()?;
        if requester.is_origin_gateway() && !progress.is_awaited {
            progress.counted.end(failure.code);
            self.end_span(requester, id, failure.code);
            end_unasked(recorded, failure.code);
            leg.refuse(&failure).await;
        } else if wants_reply {
            progress.counted.hand_over();
            self.reply_failure(requester, id, kind, &failure, &mut self.batch());
        } else {
            progress.counted.end(failure.code);
            end_unasked(recorded, failure.code);
        }
        Ok(())
    }

    async fn carry(
        self: &Arc<Self>,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        leg: &mut dyn IncomingLeg,
        len: u64,
        progress: &mut Progress<'_>,
    ) -> Result<(), Rejected> {
        let (mut tried, mut was_here) = (Tried::new(), false);
        loop {
            let edge = match (self.route(requester, &envelope, &tried), envelope.to) {
                (Ok(route), Destination::Name | Destination::NameFor { .. })
                    if route.target.is_owner_gateway() =>
                {
                    match self.carry_to(&route, requester, envelope, leg, len, progress).await {
                        Carried::Done(done) => return done,
                        Carried::NotThere | Carried::Lost | Carried::Here => tried.push(route.target),
                    }
                    continue;
                }
                (Ok(route), Destination::Edge(edge)) if route.target.is_owner_gateway() => Some(edge),
                (Ok(route), _) => {
                    match self.carry_here(&route, requester, envelope, leg, len, progress).await {
                        Carried::Done(done) => return done,
                        Carried::NotThere | Carried::Lost | Carried::Here => tried.push(route.target),
                    }
                    continue;
                }
                (Err(Unrouted::NotHere(edge)), _) if requester.is_origin_gateway() => {
                    return Err(Failure::edge_not_online(edge).into());
                }
                (Err(Unrouted::NotHere(edge)), _) => Some(edge),
                (Err(Unrouted::Failed(failure) | Unrouted::NoTaker(failure)), _) => {
                    return Err(failure.into());
                }
            };
            let Some(edge) = edge else { return Err(Failure::plain(Code::Internal).into()) };
            match self.carry_to_owner(edge, requester, envelope, leg, len, progress).await {
                Carried::Done(done) => return done,
                // It may have come here while it was looked for.
                Carried::Here if !std::mem::replace(&mut was_here, true) => {}
                _ => return Err(Failure::edge_not_online(edge).into()),
            }
        }
    }

    /// Carries a request to an edge or a service that is here.
    async fn carry_here(
        &self,
        route: &Route<'_>,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        leg: &mut dyn IncomingLeg,
        len: u64,
        progress: &mut Progress<'_>,
    ) -> Carried {
        let target = &route.target;
        let _share = match self.leg_share(target, Asker::of_request(requester, &envelope.to)) {
            Ok(share) => share,
            Err(failure) => return Carried::Done(Err(failure.into())),
        };
        let onward = match target.outlet().open().await {
            Ok(onward) => onward,
            Err(OpenError::Closed) => return Carried::Lost,
            Err(error) => return Carried::Done(Err(self.not_opened(target, &error).into())),
        };
        let correlation = match self.enter_payload(requester, &envelope, target, progress) {
            Ok(Entered::Yes(correlation)) => correlation,
            Ok(Entered::Answered) => return Carried::Done(Ok(())),
            Ok(Entered::TargetGone) => return Carried::Lost,
            Err(rejected) => return Carried::Done(Err(rejected)),
        };
        // It may have left while the leg was opened, and hang up before it sees this.
        if !target.is_online() {
            progress.withdrawn();
            if envelope.wants_reply && !withdraw(requester, envelope.id, target, correlation) {
                return Carried::Done(Ok(()));
            }
            return Carried::Lost;
        }
        let copied = async {
            if requester.is_origin_gateway() {
                progress.is_awaited = true;
                leg.accept().await.map_err(|_| Failure::plain(Code::Disconnected))?;
            }
            let onward = begin(onward, &envelope, correlation, route, len).await.map_err(lost)?;
            self.note_routed(requester, &envelope, target);
            pass_on(leg, onward, len, &mut progress.came).await.map_err(|error| copy_failed(&error))
        };
        let Err(failure) = copied.await else { return Carried::Done(Ok(())) };
        let is_untold = !envelope.wants_reply || withdraw(requester, envelope.id, target, correlation);
        if !is_untold {
            return Carried::Done(Ok(()));
        }
        progress.withdrawn();
        Carried::Done(Err(failure.into()))
    }

    /// Enters a request at both peers, if it is to be answered.
    fn enter_payload(
        &self,
        requester: &Arc<Peer>,
        envelope: &Envelope<'_>,
        target: &Arc<Peer>,
        progress: &mut Progress<'_>,
    ) -> Result<Entered, Rejected> {
        if !envelope.wants_reply {
            return Ok(Entered::Yes(CorrelationId(0)));
        }
        let entered = self.enter(requester, envelope, target, None, Instant::now());
        if matches!(entered, Ok(Entered::Yes(_))) {
            progress.entered();
        }
        entered
    }

    /// Carries a request of a service to the gateway where its edge is. Its payload is read only when that has said
    /// that it has the edge.
    async fn carry_to_owner(
        self: &Arc<Self>,
        edge: EdgeId,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        leg: &mut dyn IncomingLeg,
        len: u64,
        progress: &mut Progress<'_>,
    ) -> Carried {
        let (mut avoid, mut was_lost) = (None, false);
        loop {
            let owner = match self.find(Asker::of(requester), edge, avoid.as_ref()).await {
                Ok(Found::At(owner)) => owner,
                Ok(Found::Here) => return Carried::Here,
                Err(failure) => return Carried::Done(Err(failure.into())),
            };
            let route = Route::owner(owner.clone(), requester, edge, false);
            match self.carry_to(&route, requester, envelope, leg, len, progress).await {
                Carried::NotThere if avoid.is_none() => {
                    self.forget_owner(edge, &owner);
                    avoid = Some(owner);
                }
                Carried::Lost if !was_lost => was_lost = true,
                Carried::Lost => {
                    return Carried::Done(Err(Failure::new(Code::Disconnected, owner.lost()).into()));
                }
                carried => return carried,
            }
        }
    }

    /// Carries a request to another gateway, whose word that the payload may come is waited for.
    async fn carry_to(
        &self,
        route: &Route<'_>,
        requester: &Arc<Peer>,
        envelope: Envelope<'_>,
        leg: &mut dyn IncomingLeg,
        len: u64,
        progress: &mut Progress<'_>,
    ) -> Carried {
        let owner = &route.target;
        let _share = match self.leg_share(owner, Asker::of(requester)) {
            Ok(share) => share,
            Err(failure) => return Carried::Done(Err(failure.into())),
        };
        let onward = match owner.outlet().open().await {
            Ok(onward) => onward,
            Err(OpenError::Closed) => return Carried::Lost,
            Err(error) => return Carried::Done(Err(self.not_opened(owner, &error).into())),
        };
        let correlation = match self.enter_payload(requester, &envelope, owner, progress) {
            Ok(Entered::Yes(correlation)) => correlation,
            Ok(Entered::Answered) => return Carried::Done(Ok(())),
            Ok(Entered::TargetGone) => return Carried::Lost,
            Err(rejected) => return Carried::Done(Err(rejected)),
        };
        let (failure, is_not_there) = match begin(onward, &envelope, correlation, route, len).await {
            Ok(onward) => {
                self.note_routed(requester, &envelope, owner);
                match pass_on(leg, onward, len, &mut progress.came).await {
                    Ok(()) => return Carried::Done(Ok(())),
                    Err(error) => (copy_failed(&error), false),
                }
            }
            Err(BeginError::Refused(failure)) => {
                let is_not_there = matches!(
                    failure.code,
                    Code::EdgeNotOnline
                        | Code::MethodNotFound
                        | Code::TopicNotOnline
                        | Code::ServiceNotOnline
                );
                (failure, is_not_there)
            }
            Err(BeginError::Lost) => (Failure::new(Code::Disconnected, owner.lost()), false),
        };
        if envelope.wants_reply && !withdraw(requester, envelope.id, owner, correlation) {
            return Carried::Done(Ok(()));
        }
        progress.withdrawn();
        if is_not_there { Carried::NotThere } else { Carried::Done(Err(failure.into())) }
    }

    /// A reply to a call whose payload of `len` bytes follows on `leg`.
    ///
    /// # Errors
    /// [`Violation`] if the peer must not send that.
    ///
    /// # Cancel safety
    /// Cancel safe: the requester is told that the reply was lost.
    pub async fn on_payload_reply(
        self: &Arc<Self>,
        from: &Arc<Peer>,
        reply: Reply<'_>,
        len: u64,
        mut leg: Box<dyn IncomingLeg>,
    ) -> Result<(), Violation> {
        let Reply { correlation, outcome, edge, .. } = reply;
        let completed = from.pending.lock().complete(correlation);
        let Some(request) = completed else { return Ok(()) };
        let fit = self.check_payload(len).and_then(|()| self.check_replied_custom(outcome.custom.len()));
        if request.kind != RequestKind::Call || request.requester.is_internal() || fit.is_err() {
            let failure = fit.err().unwrap_or_else(|| Failure::plain(Code::Protocol));
            let mut batch = self.batch();
            self.answer(request, from, correlation, None, Outcome::failure(&failure), &mut batch);
            return Ok(());
        }
        let PendingRequest { requester, id, kind, deadline, begun, .. } = request;
        if !requester.pending.lock().untrack(id, from, correlation) {
            return Ok(());
        }
        self.batch().took(kind, requester.direction(), begun);
        let edge = from.edge_id().or(edge);
        let mut came = 0;
        let mut passing = Passing { exchange: self, requester: &requester, id, kind, ends_with: None };
        let passed = async {
            let onward = requester.outlet().open().await;
            let onward = onward.map_err(|error| Failure::new(error.code(), error.to_string()))?;
            let onward = onward.begin(Head::Reply(id, edge, outcome, len)).await.map_err(lost)?;
            pass_on(&mut *leg, onward, len, &mut came).await.map_err(|error| copy_failed(&error))
        };
        let passed = timeout_at(deadline.into(), passed).await;
        passing.ends_with = Some(match passed.unwrap_or_else(|_| Err(Failure::plain(Code::Deadline))) {
            Ok(()) => Ok(outcome.code),
            Err(failure) => Err(failure),
        });
        self.counters().passed(kind.into(), requester.direction(), Part::Reply, came);
        leg.linger();
        Ok(())
    }
}

/// A reply that is on its way to the requester, who has no entry any more and hears of nothing else.
struct Passing<'a> {
    exchange: &'a Exchange,
    requester: &'a Arc<Peer>,
    id: u64,
    kind: RequestKind,
    /// The code that was passed on, or why none was; `None` if the task ended over it.
    ends_with: Option<Result<Code, Failure>>,
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        let Self { exchange, requester, id, kind, .. } = *self;
        let lost = || Err(Failure::new(Code::Disconnected, CopyError::Lost.to_string()));
        match self.ends_with.take().unwrap_or_else(lost) {
            Ok(code) => {
                exchange.counters().ended(kind.into(), requester.direction(), code);
                exchange.end_span(requester, id, code);
            }
            Err(failure) => exchange.reply_failure(requester, id, kind, &failure, &mut exchange.batch()),
        }
    }
}

/// Says on a leg what request comes with it.
async fn begin(
    leg: Box<dyn crate::NewLeg>,
    envelope: &Envelope<'_>,
    correlation: CorrelationId,
    route: &Route<'_>,
    len: u64,
) -> Begun {
    let correlation = envelope.wants_reply.then_some(correlation);
    let outgoing = envelope.outgoing(correlation, route, Instant::now());
    leg.begin(Head::Request(&outgoing, len)).await
}

fn lost(error: BeginError) -> Failure {
    match error {
        BeginError::Refused(failure) => failure,
        BeginError::Lost => copy_failed(&CopyError::Target),
    }
}

fn copy_failed(error: &CopyError) -> Failure {
    let code = match error {
        CopyError::Source => Code::Protocol,
        CopyError::Lost | CopyError::Target => Code::Disconnected,
        CopyError::Refused => Code::Overloaded,
    };
    Failure::new(code, error.to_string())
}
