//! Sessions over HTTP with JSON: docs/sessions.md.

mod error;
mod ids;
mod json;
mod requests;
mod responses;
mod sessions;
mod time_span;

use crate::session::{Session, Who};
use crate::sessions::Sessions;
use axum::Router;
use axum::extract::Path;
use axum::routing::{delete, get, post};
use error::Refusal;
use frontier_access::authn::OperatorRole;
use frontier_admin::{Operator, Watches};
use frontier_sessions::{ClientId, Fault, FaultCode};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Rest {
    sessions: Sessions,
    /// Streams of responses that are open.
    watches: Watches,
    /// What bodies that are being read may have, together, in KiB.
    receiving: Arc<Semaphore>,
    /// The server ends.
    end: CancellationToken,
}

type Answer = Result<axum::response::Response, Refusal>;

impl Rest {
    pub(crate) fn new(sessions: Sessions, watches: Watches, end: CancellationToken) -> Self {
        let kib = (sessions.config().limits.receiving_size / 1024).min(Semaphore::MAX_PERMITS);
        Self { sessions, watches, receiving: Arc::new(Semaphore::new(kib)), end }
    }

    /// The session of this id, which who asks may use in this way.
    fn session(&self, id: &str, operator: &Operator, role: OperatorRole) -> Result<Arc<Session>, Refusal> {
        operator.confirm(role)?;
        let session = self.sessions.get(id.parse()?)?;
        session.check_access(&who(operator))?;
        Ok(session)
    }

    /// Room for a body of at most so many bytes.
    fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let room = self.receiving.clone().try_acquire_many_owned(kib);
        room.map_err(|_| {
            Fault::new(FaultCode::Throttled, "too much is being received (receiving_size)").into()
        })
    }
}

/// The name of who asks.
fn who(operator: &Operator) -> Who {
    operator.subject().map(Arc::from)
}

/// The client that is meant: the one of those who name none, if none is named.
fn client(named: Option<&str>) -> Result<ClientId, Fault> {
    named.map_or_else(|| Ok(ClientId::anonymous()), ClientId::new)
}

type Id = Path<String>;

/// Every route.
pub(crate) fn routes(rest: Rest) -> Router {
    const SESSION: &str = "/api/v1/sessions/{id}";
    let of = |rest: &str| format!("{SESSION}{rest}");
    Router::new()
        .route("/api/v1/sessions", get(sessions::list).post(sessions::create))
        .route(SESSION, get(sessions::get).delete(sessions::close))
        .route(&of("/attach"), post(sessions::attach))
        .route(&of("/status"), get(sessions::status))
        .route(&of("/requests"), post(requests::send))
        .route(&of("/requests/flush"), post(requests::flush))
        .route(&of("/responses"), get(responses::get))
        .route(&of("/clients/{client}"), delete(sessions::purge))
        .with_state(rest)
}
