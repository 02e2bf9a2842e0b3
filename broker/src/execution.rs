//! One call at a host, and what becomes of it.

use crate::gateway::Connected;
use frontier_sdk::host::wire::{self, RequestHeader};
use frontier_sdk::{Call, Code, EdgeId, Error, Response};
use frontier_sessions::{AttemptId, CallFault, Ending, FaultCode, Grant, Outcome, SessionId, Taken, Verdict};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Calls hosts.
pub(crate) struct Caller {
    /// Set once there is a connection; no host is known before.
    pub(crate) gateway: Arc<OnceLock<Connected>>,
    pub(crate) message_size: usize,
    pub(crate) hang_timeout: Option<Duration>,
    /// Whether calls are made at second hosts as well, and what became of those.
    pub(crate) hedges: bool,
    pub(crate) counters: HedgeCounters,
}

/// What became of calls that were made at a second host as well.
#[derive(Debug, Default)]
pub(crate) struct HedgeCounters {
    /// The second one has answered first.
    pub(crate) won: AtomicU64,
    /// It has not.
    pub(crate) lost: AtomicU64,
}

/// A call that has ended.
pub(crate) struct Done {
    pub(crate) attempt: AttemptId,
    pub(crate) taken: Taken,
    pub(crate) verdict: Verdict,
    pub(crate) ending: Ending,
}

impl Caller {
    /// The call of a request, to be made; `None` if there is no way to hosts yet.
    pub(crate) fn call(
        &self,
        session: SessionId,
        grant: Grant,
        taken: &Taken,
        timeout: Duration,
    ) -> Option<Call<'_>> {
        let request = &taken.stored.request;
        let header = RequestHeader {
            session: session.0,
            message: request.id.0,
            tries: taken.tries,
            action: &request.action,
            user_data: &request.user_data,
        };
        let call = self.gateway.get()?.call(EdgeId(grant.host.edge), wire::EXECUTE, request.body.clone());
        Some(call.custom(header.encode()).timeout(self.patience(timeout)))
    }

    /// What its end means for the request and for the host.
    pub(crate) fn judge(&self, answer: Result<Response, Error>, timeout: Duration) -> (Verdict, Ending) {
        match answer {
            Ok(answer) if answer.data.len() > self.message_size => {
                let (has, may) = (answer.data.len(), self.message_size);
                let text = format!("the answer has {has} bytes, {may} may be");
                (fault(FaultCode::MessageTooLarge, 0, &text), Ending::Answered)
            }
            Ok(answer) => (Verdict::Done(Outcome::Answer(answer.data)), Ending::Answered),
            Err(error) => {
                let is_connected = self.gateway.get().is_some_and(Connected::is_connected);
                judge(&error, is_connected, self.patience(timeout))
            }
        }
    }

    /// How long a call may take.
    fn patience(&self, timeout: Duration) -> Duration {
        self.hang_timeout.map_or(timeout, |most| most.min(timeout))
    }
}

fn fault(code: FaultCode, detail: u32, text: &str) -> Verdict {
    Verdict::Done(Outcome::Fault(CallFault { code: code.name().into(), detail, text: text.into() }))
}

/// What an error of a call means for the request and for the host.
fn judge(error: &Error, is_connected: bool, timeout: Duration) -> (Verdict, Ending) {
    let failed = |text: String, ending| (Verdict::Failed(text), ending);
    match (error.code(), error.application()) {
        (_, Some(wire::RETRY)) => failed(error.text().to_owned(), Ending::Answered),
        (_, Some(wire::GIVEN_BACK)) => (Verdict::GivenBack, Ending::Preempted),
        (_, Some(wire::NOT_INITIALIZED)) => (Verdict::GivenBack, Ending::NotInitialized),
        (_, Some(detail)) => (fault(FaultCode::ServiceFault, detail, error.text()), Ending::Answered),
        // It was not begun. The pause that the host gets keeps this from going round at once.
        (
            Code::EdgeNotOnline
            | Code::MethodNotFound
            | Code::Overloaded
            | Code::Draining
            | Code::ServiceNotOnline,
            None,
        ) => (Verdict::GivenBack, Ending::Unreachable),
        // The way to all hosts is gone: this one has done nothing wrong.
        (Code::Disconnected | Code::Cancelled, None) if !is_connected => {
            (Verdict::GivenBack, Ending::Unreachable)
        }
        (Code::Disconnected, None) => failed("the host was lost".to_owned(), Ending::Unreachable),
        (Code::Deadline, None) => failed(format!("no answer within {timeout:?}"), Ending::Failed),
        (Code::TooLarge, None) => (fault(FaultCode::MessageTooLarge, 0, error.text()), Ending::Answered),
        (_, None) => failed(error.to_string(), Ending::Failed),
    }
}
