//! All sessions of this broker.

use crate::config::{HostConfig, SessionsConfig};
use crate::dispatch::{DispatchHandle, Standing};
use crate::execution::Caller;
use crate::gateway::Connected;
use crate::session::{self, Parts, Session, Who};
use dashmap::DashMap;
use frontier_sessions as domain;
use frontier_sessions::{
    ClientCounts, Durability, Fault, FaultCode, MemoryStore, SessionId, SessionKind, SessionRecord, Settings,
    Store, StoreError, Throttle,
};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How many sessions that have ended are remembered, and for how long: whoever asks for one is told what became of it.
const REMEMBERED: usize = 10_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// All sessions of this broker. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    config: SessionsConfig,
    resend_limit: u32,
    store: MemoryStore,
    dispatch: DispatchHandle,
    caller: Arc<Caller>,
    by_id: DashMap<SessionId, Arc<Session>>,
    open: AtomicUsize,
    created: AtomicU64,
    /// Those that have ended, the latest last.
    ended: Mutex<VecDeque<(Instant, SessionId)>>,
    /// What those had that are forgotten.
    forgotten: Mutex<ClientCounts>,
    draining: AtomicBool,
}

/// What all sessions are at, and have done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) open: usize,
    pub(crate) created: u64,
    pub(crate) counts: ClientCounts,
    pub(crate) stored: usize,
}

impl Sessions {
    pub(crate) fn new(
        config: &SessionsConfig,
        hosts: &HostConfig,
        dispatch: DispatchHandle,
        gateway: Arc<OnceLock<Connected>>,
    ) -> Self {
        let caller = Arc::new(Caller {
            gateway,
            message_size: config.limits.session.message_size,
            hang_timeout: hosts.hang_timeout,
        });
        Self(Arc::new(Inner {
            config: config.clone(),
            resend_limit: hosts.resend_limit,
            store: MemoryStore::new(config.limits.storage_size),
            dispatch,
            caller,
            by_id: DashMap::new(),
            open: AtomicUsize::new(0),
            created: AtomicU64::new(0),
            ended: Mutex::default(),
            forgotten: Mutex::default(),
            draining: AtomicBool::new(false),
        }))
    }

    /// What holds unless a session says otherwise.
    pub(crate) fn config(&self) -> &SessionsConfig {
        &self.0.config
    }

    /// Makes a session.
    pub(crate) async fn create(
        &self,
        who: Who,
        settings: Settings,
        notes: Vec<u8>,
    ) -> Result<Arc<Session>, Fault> {
        settings.check()?;
        self.check_draining()?;
        let inner = &self.0;
        if settings.kind == SessionKind::Durable && inner.store.durability() == Durability::Process {
            let text = "this broker keeps sessions in memory: it has no durable ones";
            return Err(Fault::new(FaultCode::Unsupported, text));
        }
        let place = Place::take(inner)?;
        let id = SessionId(rand::random());
        let record = SessionRecord { id, settings, creator: who, created_at: now_ms(), notes };
        let log = inner.store.create(record.clone()).await.map_err(|error| match error {
            StoreError::Full => Fault::new(FaultCode::StorageFull, error.to_string()),
            _ => Fault::new(FaultCode::StoreUnavailable, error.to_string()),
        })?;
        let limits = &inner.config.limits;
        let session = domain::Session::new(
            id,
            record.settings.clone(),
            record.creator.clone(),
            limits.session,
            Throttle::new(limits.throttle_start, limits.throttle_stop),
            inner.resend_limit,
            Instant::now(),
        );
        let (dispatch, caller) = (inner.dispatch.clone(), inner.caller.clone());
        let parts = Parts { session, record, log, dispatch, caller };
        let sessions = self.clone();
        let session = Arc::new(session::start(parts, move || sessions.ended(id, place)));
        inner.by_id.insert(id, session.clone());
        inner.created.fetch_add(1, Ordering::Relaxed);
        Ok(session)
    }

    fn ended(&self, id: SessionId, place: Place) {
        drop(place);
        let now = Instant::now();
        let mut ended = self.0.ended.lock();
        ended.push_back((now, id));
        while let Some((since, id)) = ended.front().copied() {
            if ended.len() <= REMEMBERED && now.duration_since(since) < REMEMBERED_FOR {
                break;
            }
            ended.pop_front();
            if let Some((_, session)) = self.0.by_id.remove(&id) {
                add(&mut self.0.forgotten.lock(), &session.view().counts);
            }
        }
    }

    /// A session, if there is or was one a short time ago.
    pub(crate) fn get(&self, id: SessionId) -> Result<Arc<Session>, Fault> {
        let found = self.0.by_id.get(&id).map(|session| session.value().clone());
        found.ok_or_else(|| Fault::new(FaultCode::InvalidSessionId, format!("there is no session {id}")))
    }

    /// All of them, in no order.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.0.by_id.iter().map(|entry| entry.value().clone()).collect()
    }

    /// How the services stand.
    pub(crate) fn standing(&self) -> Standing {
        self.0.dispatch.standing()
    }

    /// From now on nothing new is taken.
    pub(crate) fn drain(&self) {
        self.0.draining.store(true, Ordering::SeqCst);
    }

    /// Whether anything new is taken.
    pub(crate) fn check_draining(&self) -> Result<(), Fault> {
        if self.0.draining.load(Ordering::SeqCst) {
            return Err(Fault::new(FaultCode::Draining, "this broker is stopping"));
        }
        Ok(())
    }

    /// How many requests are not answered, and how many responses were not fetched.
    pub(crate) fn left(&self) -> u64 {
        let open = self.all();
        let open = open.iter().map(|session| session.view()).filter(|view| view.closing.is_none());
        open.map(|view| view.counts.queued + view.counts.running + view.counts.unfetched).sum()
    }

    pub(crate) fn totals(&self) -> Totals {
        let mut counts = *self.0.forgotten.lock();
        for session in self.all() {
            add(&mut counts, &session.view().counts);
        }
        Totals {
            open: self.0.open.load(Ordering::Relaxed),
            created: self.0.created.load(Ordering::Relaxed),
            counts,
            stored: self.0.store.taken(),
        }
    }
}

/// One of the sessions that may be open at once, until it is dropped.
struct Place(Arc<Inner>);

impl Place {
    fn take(inner: &Arc<Inner>) -> Result<Self, Fault> {
        let most = inner.config.limits.sessions;
        let one_more = |open: usize| (open < most).then_some(open + 1);
        if inner.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_err() {
            let text = format!("{most} sessions are open, the most there may be");
            return Err(Fault::new(FaultCode::TooManySessions, text));
        }
        Ok(Self(inner.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn add(sum: &mut ClientCounts, counts: &ClientCounts) {
    sum.received += counts.received;
    sum.answered += counts.answered;
    sum.failed += counts.failed;
    sum.queued += counts.queued;
    sum.running += counts.running;
    sum.unfetched += counts.unfetched;
    sum.uncommitted += counts.uncommitted;
}
