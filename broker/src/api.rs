//! What all ways for clients to the sessions have in common: REST, WebSocket and gRPC.

mod notes;
mod refusal;
mod texts;

pub(crate) use notes::Notes;
pub(crate) use refusal::{RETRY_AFTER, Refusal, invalid};
pub(crate) use texts::Texts;

use crate::reader::Reader;
use crate::session::{Session, View, Who};
use crate::sessions::Sessions;
use frontier_access::authn::OperatorRole;
use frontier_admin::{ApiError, Operator, Watches};
use frontier_sessions::{
    ClientId, Closing, Fault, FaultCode, Request, SessionState, Settings, Start, gather,
};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) sessions: Sessions,
    /// Streams of requests and responses that are open.
    pub(crate) watches: Watches,
    /// What bodies that are being read may have, together, in KiB.
    receiving: Arc<Semaphore>,
    /// The server ends.
    pub(crate) end: CancellationToken,
    /// What runs beside the requests of HTTP: WebSockets.
    pub(crate) tasks: TaskTracker,
}

/// Hosts of a service, and what they do at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) hosts: usize,
    pub(crate) capacity: u64,
}

impl Api {
    pub(crate) fn new(sessions: Sessions, watches: Watches, end: CancellationToken) -> Self {
        let kib = (sessions.config().limits.receiving_size / 1024).min(Semaphore::MAX_PERMITS);
        Self { sessions, watches, receiving: Arc::new(Semaphore::new(kib)), end, tasks: TaskTracker::new() }
    }

    /// The session of this id, which who asks may use in this way.
    pub(crate) fn session(
        &self,
        id: &str,
        operator: &Operator,
        role: OperatorRole,
    ) -> Result<Arc<Session>, Refusal> {
        operator.confirm(role)?;
        let session = self.sessions.get(id.parse()?)?;
        session.check_access(&who(operator))?;
        Ok(session)
    }

    /// Makes a session.
    pub(crate) async fn create(
        &self,
        operator: &Operator,
        settings: Settings,
        notes: &Notes,
    ) -> Result<Arc<Session>, Refusal> {
        let service = settings.service.clone();
        let made = self.sessions.create(who(operator), settings, notes.to_bytes());
        audited(operator, "create_session", &service, made).await
    }

    /// Ends a session.
    pub(crate) async fn close(&self, operator: &Operator, id: &str) -> Result<(), Refusal> {
        let session = self.session(id, operator, OperatorRole::Operate)?;
        audited(operator, "close_session", id, session.close(who(operator))).await
    }

    /// Drops a client of a session.
    pub(crate) async fn purge(&self, operator: &Operator, id: &str, client: ClientId) -> Result<(), Refusal> {
        let session = self.session(id, operator, OperatorRole::Operate)?;
        audited(operator, "purge_client", id, session.purge(who(operator), client)).await?;
        Ok(())
    }

    /// Hosts of the service of a session.
    pub(crate) fn figures(&self, session: &Session) -> Figures {
        let standing = self.sessions.standing();
        let found = standing.get(session.record.settings.service.as_str()).copied().unwrap_or_default();
        Figures { hosts: found.hosts, capacity: found.capacity }
    }

    /// Reads responses as a stream.
    pub(crate) async fn reader(
        &self,
        session: Arc<Session>,
        who: Who,
        client: ClientId,
        start: Start,
    ) -> Result<Reader, Refusal> {
        let keepalive = self.sessions.config().server.keepalive;
        Ok(Reader::open(session, who, client, start, keepalive, self.end.clone()).await?)
    }

    /// Room for a body of at most so many bytes.
    pub(crate) fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let room = self.receiving.clone().try_acquire_many_owned(kib);
        room.map_err(|_| {
            Fault::new(FaultCode::Throttled, "too much is being received (receiving_size)").into()
        })
    }
}

/// Of how many requests that came together the bodies are put together, if they have no more than so many bytes each. One that
/// is never answered keeps those of the others.
const TOGETHER: usize = 16;
const SHORT: usize = 64;

/// Puts the short bodies of requests together that came together.
pub(crate) fn gather_bodies(requests: &mut [Request]) {
    for some in requests.chunks_mut(TOGETHER) {
        gather(some.iter_mut().map(|request| &mut request.body), SHORT);
    }
}

/// The name of who asks.
pub(crate) fn who(operator: &Operator) -> Who {
    operator.subject().map(Arc::from)
}

/// The client that is meant: the one of those who name none, if none is named.
pub(crate) fn client(named: Option<&str>) -> Result<ClientId, Fault> {
    named.map_or_else(|| Ok(ClientId::anonymous()), ClientId::new)
}

/// CloudSOA's state of a session: its number and its name.
pub(crate) fn session_state(view: &View) -> (u8, &'static str) {
    match (&view.closing, view.state) {
        (Some(Closing::Closed), _) => (3, "Closed"),
        (Some(Closing::Failed(_)), _) => (4, "Faulted"),
        (Some(Closing::TimedOut), _) | (None, SessionState::Suspended) => (5, "TimedOut"),
        (None, SessionState::Finished) => (2, "Closing"),
        (None, SessionState::Started | SessionState::Running | SessionState::Idle) => (1, "Active"),
    }
}

/// Whose answer is written to the audit log as one of a change.
async fn audited<T>(
    operator: &Operator,
    action: &'static str,
    target: &str,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Refusal> {
    let mut fault = None;
    let work = async {
        work.await.map_err(|error| {
            let told = ApiError::Precondition(error.to_string());
            fault = Some(error);
            told
        })
    };
    let done = operator.perform(OperatorRole::Operate, action, target, work).await;
    done.map_err(|error| fault.map_or(Refusal::Api(error), Refusal::Fault))
}
