use super::Exchange;
use super::balance::{Chooser, Tried};
use crate::calls::{Answer, Asker, Form, Question, Refusal, Ticket};
use crate::peer::{Peer, Wakes};
use frontier_protocol::{Code, Custom, EdgeId, Request};
use frontier_transport::{Priority, PushError};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A call of the gateway itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnCall<'a> {
    pub(crate) method: &'a str,
    pub(crate) custom: &'a [u8],
    pub(crate) payload: &'a [u8],
}

impl Exchange {
    /// The gateway itself calls one of the services that registered the method, chosen for the edge `id` at `ip`; if that one is lost meanwhile, at the next. `None` if no service has
    /// registered the method, or none is left.
    pub(crate) async fn call_service(
        &self,
        call: OwnCall<'_>,
        id: EdgeId,
        ip: IpAddr,
        timeout: Duration,
    ) -> Option<Answer> {
        let deadline = Instant::now() + timeout;
        // Closed never, so this fails never; a timeout is told as any other.
        let Ok(Ok(_permit)) = tokio::time::timeout(timeout, self.own_calls.acquire()).await else {
            return Some(Answer::error(Code::Deadline, "too many edges come and go at once"));
        };
        let edge = Chooser { id, ip, affinity: None };
        let mut tried = Tried::new();
        loop {
            let target = {
                let routes = self.registry.services.routes();
                self.balancer.choose(routes.method(call.method)?, edge, &tried)?.clone()
            };
            let answer = self.call_peer(&target, call, deadline).await;
            match answer.code {
                Code::Disconnected | Code::Draining => tried.push(target),
                _ => return Some(answer),
            }
        }
    }

    async fn call_peer(&self, target: &Arc<Peer>, call: OwnCall<'_>, deadline: Instant) -> Answer {
        let (reply, answered) = oneshot::channel();
        let question = Question { asker: Asker::Gateway(reply), form: Form::Call, deadline };
        // The gateway's own questions are bounded by their permits.
        let asked = target.calls.lock().ask(question, usize::MAX);
        let ticket = match asked {
            Ok(ticket) => ticket,
            Err((Refusal::Closed | Refusal::Full | Refusal::Duplicate, _)) => {
                return Answer::error(Code::Disconnected, "the service is gone");
            }
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout_ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1);
        let OwnCall { method, custom, payload } = call;
        let request = Request { timeout_ms, method, custom: Custom::plain(custom), payload };
        let _withdraw = Withdraw { target, ticket };
        loop {
            match target.link.send(Priority::Question, |out| request.encode(ticket.0, out)) {
                Ok(()) => break,
                Err(PushError::Full(_)) => {
                    // Closed meanwhile: the next round tells.
                    let room = tokio::time::timeout_at(deadline.into(), target.link.writable()).await;
                    if room.is_err() {
                        return Answer::error(Code::Deadline, "the service does not read fast enough");
                    }
                }
                Err(error) => return Answer::error(error.code(), &error.to_string()),
            }
        }
        match tokio::time::timeout_at(deadline.into(), answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Answer::error(Code::Internal, "the question was dropped"),
            Err(_) => Answer::error(Code::Deadline, "the service did not answer in time"),
        }
    }
}

/// Takes a question of the gateway back when nobody waits for it any more.
struct Withdraw<'a> {
    target: &'a Peer,
    ticket: Ticket,
}

impl Drop for Withdraw<'_> {
    fn drop(&mut self) {
        Exchange::drop_question(self.target, self.ticket, &mut Wakes::default());
    }
}
