//! Taking up sessions that outlived a broker: all of them when this one has them, and one when somebody asks for it.

use super::{Backing, Place, Sessions, told};
use crate::session::{self, Link};
use frontier_sessions::{Answer, Fault, FaultCode, Opened, SessionId, SessionKind, Store, StoreError};
use futures_util::{StreamExt, stream};
use std::time::{Duration, Instant};

/// How many sessions are taken up at once.
const TAKEN_UP: usize = 64;

/// The pause before a store is asked again that does not answer while sessions are taken up.
const STORE_PAUSE: Duration = Duration::from_millis(200);

impl Sessions {
    /// Takes all sessions up again that outlived a broker. Those in which there is something to compute go on at once, and
    /// those that are interactive; the others when somebody asks for them. A store that several brokers have is waited for.
    pub(crate) async fn recover(&self) {
        let (store, waits): (&dyn Store, bool) = match &self.0.backing {
            Backing::Nothing => return,
            Backing::Disk(disk) => (disk, false),
            Backing::Redis(redis) => (redis, true),
        };
        let (mut after, mut count) = (None, 0_usize);
        loop {
            let ids = match patiently(waits, || store.sessions(after)).await {
                Ok(ids) => ids,
                Err(error) => return tracing::error!(%error, "sessions are not taken up again"),
            };
            let Some(last) = ids.last() else { break };
            after = Some(*last);
            let acquired = stream::iter(ids)
                .map(|id| async move { (id, patiently(waits, || store.acquire(id)).await) })
                .buffer_unordered(TAKEN_UP);
            let taken_up = acquired.map(|(id, acquired)| match acquired {
                Ok(Some(opened)) => {
                    self.take_up(opened);
                    1
                }
                Ok(None) => 0,
                Err(error) => {
                    tracing::error!(%error, session = %id, "a session is not taken up again");
                    0
                }
            });
            count += taken_up.fold(0, |sum, one| async move { sum + one }).await;
        }
        if count > 0 {
            tracing::info!(sessions = count, "sessions are taken up again");
        }
    }

    fn take_up(&self, opened: Opened) {
        let Opened { log, record, clients } = opened;
        // One that is interactive has its timers, which end it.
        let is_interactive = record.settings.kind == SessionKind::Interactive;
        let goes_on = is_interactive || clients.iter().any(|(_, client)| !client.pending.is_empty());
        let mut session = self.session(&record);
        session.recover(clients, Instant::now());
        let place = if goes_on { Place::take(&self.0) } else { Err(Fault::new(FaultCode::Draining, "")) };
        let link = match place {
            Ok(place) => self.start(session, log, place),
            Err(fault) => {
                if goes_on {
                    tracing::warn!(%fault, session = %record.id, "a session waits until somebody asks for it");
                }
                Link::suspended(session::view(&session))
            }
        };
        self.keep(record, link);
    }

    /// Takes up a session that was suspended.
    pub(super) async fn revive(&self, id: SessionId, kind: SessionKind) -> Result<Link, Fault> {
        self.check_draining()?;
        let place = Place::take(&self.0)?;
        let opened = self.store(kind)?.acquire(id).await.map_err(|error| told(&error))?;
        let gone = || Fault::new(FaultCode::SessionFinished, format!("the session {id} was closed"));
        let Opened { log, record, clients } = opened.ok_or_else(gone)?;
        let mut session = self.session(&record);
        session.recover(clients, Instant::now());
        Ok(self.start(session, log, place))
    }
}

/// Asks a store; again, if it is to be waited for and does not answer.
async fn patiently<'a, T>(waits: bool, ask: impl Fn() -> Answer<'a, T>) -> Result<T, StoreError> {
    loop {
        match ask().await {
            Err(StoreError::Unavailable(why)) if waits => {
                tracing::warn!(why, "sessions are taken up when the store answers");
                tokio::time::sleep(STORE_PAUSE).await;
            }
            answer => return answer,
        }
    }
}
