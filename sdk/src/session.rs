//! Work sessions: requests that are computed by hosts, sent to a broker and fetched from it.
//!
//! ```text
//!   Session ── create, attach, status, close ─────────────────────────▶ broker
//!   BrokerClient ── send_request ─▶ a task that sends what has come ──▶
//!                ── flush, end_requests ─▶ the same task, in order ───▶
//!                ◀─ get_responses: a stream, from where it was ────────
//! ```

mod broker;
mod client;
mod durable;
mod error;
mod outgoing;
mod response;
mod responses;
mod start_info;

pub use client::{BrokerClient, ResponseTask};
pub use durable::DurableSession;
pub use error::SessionError;
pub use response::{BrokerResponse, ResponseFault};
pub use responses::{ResponseStart, Responses};
pub use start_info::SessionStartInfo;

use broker::Broker;
use frontier_api::broker::{
    AttachSessionRequest, CloseSessionRequest, CreateSessionRequest, GetSessionStatusRequest,
    SessionInfoReply, SessionState, SessionType,
};
use std::fmt;
use std::sync::Arc;

/// An interactive session: a service, and what is computed by its hosts for this program. Cheap to clone. [`DurableSession`] is the
/// other kind.
///
/// ```no_run
/// use frontier_sdk::{BrokerResponse, Session, SessionStartInfo};
/// use futures_util::StreamExt;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize)]
/// struct Job {
///     seed: u64,
/// }
///
/// #[derive(Debug, Deserialize)]
/// struct Estimate {
///     pi: f64,
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let info = SessionStartInfo::new("http://127.0.0.1:30020", "monte-carlo").maximum_units(100);
/// let session = Session::create(info).await?;
/// let client = session.client("main")?;
/// for seed in 0..1000 {
///     client.send_request("estimate", &Job { seed }, &seed.to_string()).await?;
/// }
/// client.end_requests().await?;
///
/// let mut responses = client.get_responses::<Estimate>();
/// while let Some(response) = responses.next().await {
///     let BrokerResponse { result, user_data, .. } = response?;
///     match result {
///         Ok(estimate) => println!("{user_data}: {}", estimate.pi),
///         Err(fault) => println!("{user_data}: {fault}"),
///     }
/// }
/// session.close().await?;
/// # Ok(()) }
/// ```
///
/// What is lost on the way is sent again, with the same ids, so it is computed once; a stream of responses that breaks off goes
/// on where it was. That ends when no broker has answered for [`SessionStartInfo::patience`].
///
/// Dropping it leaves the session as it is: it can be attached to, by its id, until nobody has used it for its idle time.
#[derive(Clone)]
pub struct Session {
    broker: Arc<Broker>,
    id: Arc<str>,
    service: Arc<str>,
    is_durable: bool,
}

/// How a session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionStatus {
    /// Whether it takes requests.
    pub is_active: bool,
    /// Requests that are not answered, those included that are computed now.
    pub pending: u64,
    /// Requests that are computed now.
    pub running: u64,
    /// Requests that are answered, by a fault or otherwise.
    pub processed: u64,
    /// Those of them that are answered by a fault.
    pub failed: u64,
    /// Hosts of the service.
    pub hosts: u64,
    /// What these compute at once.
    pub capacity: u64,
    /// Why it has failed, if it has.
    pub failure: Option<String>,
}

impl Session {
    /// Makes a session. An attempt whose answer is lost is made again, and may leave a session that nobody uses, which soon
    /// ends.
    ///
    /// # Errors
    /// [`SessionError`] if the URL or another option is wrong, the broker refuses, or none answers.
    ///
    /// # Cancel safety
    /// Not cancel safe: a session may be left that nobody uses.
    pub async fn create(info: SessionStartInfo) -> Result<Self, SessionError> {
        Self::create_as(info, SessionType::Interactive).await
    }

    async fn create_as(info: SessionStartInfo, kind: SessionType) -> Result<Self, SessionError> {
        let broker = Broker::new(&info)?;
        let create = CreateSessionRequest { session_type: kind.into(), ..info.request };
        let made = broker.ask(|mut client, shown| {
            let create = create.clone();
            async move { client.create_session(shown.by(create)).await }
        });
        let made = made.await?;
        Ok(Self::new(broker, made))
    }

    /// Attaches to the session of this id, which is there already. Of `info` counts what says how the broker is reached.
    ///
    /// # Errors
    /// [`SessionError`], as [`create`](Self::create); a fault `InvalidSessionId` if there is no such session, and
    /// `Session_ValidateJobFailed_AlreadyFinished` if it has ended, `InvalidAttachDurableSession` if it is durable.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn attach(info: SessionStartInfo, id: &str) -> Result<Self, SessionError> {
        Self::attach_as(info, id, SessionType::Interactive).await
    }

    async fn attach_as(info: SessionStartInfo, id: &str, kind: SessionType) -> Result<Self, SessionError> {
        let broker = Broker::new(&info)?;
        let attached = broker.ask(|mut client, shown| {
            let attach = AttachSessionRequest {
                session_id: id.to_owned(),
                session_type: Some(kind.into()),
                ..Default::default()
            };
            async move { client.attach_session(shown.by(attach)).await }
        });
        let attached = attached.await?;
        Ok(Self::new(broker, attached))
    }

    fn new(broker: Broker, info: SessionInfoReply) -> Self {
        let is_durable = info.session_type() == SessionType::Durable;
        Self {
            broker: Arc::new(broker),
            id: info.session_id.into(),
            service: info.service_name.into(),
            is_durable,
        }
    }

    /// Its id, by which others attach to it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The service that its hosts offer.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// A client of it, which has queues of its own. Of this name: 1 to 128 letters, digits, `_`, `-`, `{`, `}` and blanks, whose
    /// case does not count. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`SessionError::ClientId`].
    pub fn client(&self, id: &str) -> Result<BrokerClient, SessionError> {
        BrokerClient::new(self.clone(), id)
    }

    /// How it stands.
    ///
    /// # Errors
    /// [`SessionError`] if the broker refuses, or none answers.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn status(&self) -> Result<SessionStatus, SessionError> {
        let status = self.broker.ask(|mut client, shown| {
            let get = GetSessionStatusRequest { session_id: self.id.to_string() };
            async move { client.get_session_status(shown.by(get)).await }
        });
        let status = status.await?;
        let number = |number: i64| u64::try_from(number).unwrap_or_default();
        Ok(SessionStatus {
            is_active: status.state() == SessionState::Active,
            pending: number(status.pending_requests),
            running: number(status.current_units.into()),
            processed: number(status.processed_requests),
            failed: number(status.failed_requests),
            hosts: number(status.hosts),
            capacity: number(status.capacity),
            failure: (!status.failure.is_empty()).then_some(status.failure),
        })
    }

    /// Ends it: what is queued is not computed, and responses are gone. Once more does no harm.
    ///
    /// # Errors
    /// [`SessionError`] if the broker refuses, or none answers.
    ///
    /// # Cancel safety
    /// Cancel safe: it may have ended.
    pub async fn close(&self) -> Result<(), SessionError> {
        let closed = self.broker.ask(|mut client, shown| {
            let close = CloseSessionRequest { session_id: self.id.to_string() };
            async move { client.close_session(shown.by(close)).await }
        });
        closed.await
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
