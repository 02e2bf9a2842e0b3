//! All sessions of this broker.

mod recovery;

use crate::config::{HostConfig, SessionsConfig};
use crate::dispatch::{DispatchHandle, HostStanding, Standing};
use crate::execution::{Caller, HedgeCounters};
use crate::gateway::Connected;
use crate::leading::Leading;
use crate::session::{self, Link, Parts, Pressure, Revive, Room, Session, Who};
use dashmap::DashMap;
use frontier_sessions as domain;
use frontier_sessions::{
    ClientCounts, Durability, Fault, FaultCode, Log, MemoryStore, SessionId, SessionKind, SessionRecord,
    SessionState, Settings, Store, StoreError, Throttle,
};
use frontier_sessions_disk::DiskStore;
use frontier_sessions_redis::RedisStore;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How many sessions that have ended are remembered, and for how long: whoever asks for one is told what became of it.
const REMEMBERED: usize = 10_000;
/// How many bytes of fetched responses a client keeps where there is no room, at most: what may be on its way.
const MAX_LEFT: usize = 1 << 20;
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
    memory: MemoryStore,
    /// Where sessions are kept that outlive the broker.
    backing: Backing,
    leading: Leading,
    dispatch: DispatchHandle,
    caller: Arc<Caller>,
    by_id: DashMap<SessionId, Arc<Session>>,
    open: AtomicUsize,
    created: AtomicU64,
    /// Those that have ended, the latest last.
    ended: Mutex<VecDeque<(Instant, SessionId)>>,
    /// What those had that are forgotten.
    forgotten: Mutex<ClientCounts>,
    draining: Arc<AtomicBool>,
    pressure: Pressure,
}

/// Where sessions are kept beside memory.
pub(crate) enum Backing {
    /// Nowhere: none outlives the broker.
    Nothing,
    /// Durable ones in a file.
    Disk(DiskStore),
    /// All of them.
    Redis(RedisStore),
}

/// What all sessions are at, and have done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) open: usize,
    pub(crate) created: u64,
    pub(crate) counts: ClientCounts,
    /// What is kept in memory, and on disk, in bytes.
    pub(crate) stored: usize,
    pub(crate) on_disk: u64,
    /// Calls that were made at a second host as well: those in which that was first, and the others.
    pub(crate) hedges_won: u64,
    pub(crate) hedges_lost: u64,
}

impl Sessions {
    pub(crate) fn new(
        config: &SessionsConfig,
        hosts: &HostConfig,
        backing: Backing,
        leading: Leading,
        dispatch: DispatchHandle,
        gateway: Arc<OnceLock<Connected>>,
    ) -> Self {
        let caller = Arc::new(Caller {
            gateway,
            message_size: config.limits.session.message_size,
            hang_timeout: hosts.hang_timeout,
            hedges: hosts.dispatch.hedge.is_some(),
            counters: HedgeCounters::default(),
        });
        Self(Arc::new(Inner {
            config: config.clone(),
            resend_limit: hosts.resend_limit,
            memory: MemoryStore::new(config.limits.storage_size),
            backing,
            leading,
            dispatch,
            caller,
            by_id: DashMap::new(),
            open: AtomicUsize::new(0),
            created: AtomicU64::new(0),
            ended: Mutex::default(),
            forgotten: Mutex::default(),
            draining: Arc::default(),
            pressure: Arc::default(),
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
        let store = self.store(settings.kind)?;
        let place = Place::take(inner)?;
        let id = SessionId(rand::random());
        let record = SessionRecord { id, settings, creator: who, created_at: now_ms(), notes };
        let log = store.create(record.clone()).await.map_err(|error| told(&error))?;
        if !self.0.leading.is_assured() {
            // Whoever has the sessions now may not have seen it. It is nobody's yet.
            let _ = log.delete().await;
            return Err(Fault::new(FaultCode::NotOwner, "another broker may have the sessions"));
        }
        let link = self.start(self.session(&record), log, place);
        let session = self.keep(record, link);
        inner.created.fetch_add(1, Ordering::Relaxed);
        Ok(session)
    }

    /// Where sessions of this kind are kept.
    fn store(&self, kind: SessionKind) -> Result<&dyn Store, Fault> {
        match (kind, &self.0.backing) {
            (_, Backing::Redis(redis)) => Ok(redis),
            (SessionKind::Interactive, _) => Ok(&self.0.memory),
            (SessionKind::Durable, Backing::Disk(disk)) => Ok(disk),
            (SessionKind::Durable, Backing::Nothing) => {
                let text = "this broker keeps sessions in memory: without store.path or store.redis it has no durable ones";
                Err(Fault::new(FaultCode::Unsupported, text))
            }
        }
    }

    /// Whether sessions of this kind are there after the broker has ended.
    fn outlives(&self, kind: SessionKind) -> bool {
        self.store(kind).is_ok_and(|store| store.durability() != Durability::Process)
    }

    fn session(&self, record: &SessionRecord) -> domain::Session {
        let limits = &self.0.config.limits;
        domain::Session::new(
            record.id,
            record.settings.clone(),
            record.creator.clone(),
            limits.session,
            Throttle::new(limits.throttle_start, limits.throttle_stop),
            self.0.resend_limit,
            Instant::now(),
        )
    }

    fn start(&self, session: domain::Session, log: Box<dyn Log>, place: Place) -> Link {
        let (dispatch, caller) = (self.0.dispatch.clone(), self.0.caller.clone());
        let id = session.id();
        let outlives = self.outlives(session.settings().kind);
        let (draining, leading) = (self.0.draining.clone(), self.0.leading.clone());
        // Durable ones in a file have no room in common with those in memory.
        let is_shared = session.settings().kind == SessionKind::Interactive
            || matches!(self.0.backing, Backing::Redis(_));
        let left = (self.0.config.limits.storage_size / 1024).min(MAX_LEFT);
        let parts = Parts {
            session,
            log,
            dispatch,
            caller,
            outlives,
            draining,
            leading,
            room: Room::new(self.0.pressure.clone(), is_shared, left),
        };
        let sessions = self.clone();
        session::start(parts, move || sessions.ended(id, place))
    }

    /// How long an answer of a session may take: who asks is told why there is none before their own time is up.
    fn patience(&self) -> Duration {
        self.0.config.server.request_timeout * 4 / 5
    }

    fn keep(&self, record: SessionRecord, link: Link) -> Arc<Session> {
        let sessions = self.clone();
        let (id, kind) = (record.id, record.settings.kind);
        let revive: Revive = Arc::new(move |id| {
            let sessions = sessions.clone();
            Box::pin(async move { sessions.revive(id, kind).await })
        });
        let session = Arc::new(Session::new(record, link, self.patience(), revive));
        self.0.by_id.insert(id, session.clone());
        session
    }

    /// Closes what is on disk.
    pub(crate) async fn close(&self) {
        if let Backing::Disk(disk) = &self.0.backing {
            disk.close().await;
        }
    }

    fn ended(&self, id: SessionId, place: Place) {
        drop(place);
        // One that is suspended is there still.
        let is_suspended = |session: &Session| {
            let view = session.view();
            view.closing.is_none() && view.state == SessionState::Suspended
        };
        if self.0.by_id.get(&id).is_some_and(|session| is_suspended(&session)) {
            return;
        }
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

    /// Where sessions are that several brokers have.
    pub(crate) fn redis(&self) -> Option<&RedisStore> {
        match &self.0.backing {
            Backing::Redis(redis) => Some(redis),
            Backing::Nothing | Backing::Disk(_) => None,
        }
    }

    /// Who of several brokers has the sessions.
    pub(crate) fn leading(&self) -> &Leading {
        &self.0.leading
    }

    /// How the services stand.
    pub(crate) fn standing(&self) -> Standing {
        self.0.dispatch.standing()
    }

    /// The hosts of a service.
    pub(crate) async fn hosts(&self, service: &str) -> Vec<HostStanding> {
        self.0.dispatch.hosts(service).await
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

    /// How many requests are not answered, and how many responses were not fetched. Of sessions that outlive the broker those
    /// count that are at hosts: the rest is there after a restart, or at another broker.
    pub(crate) fn left(&self) -> u64 {
        let all = self.all();
        let open = all.iter().map(|it| (it.record.settings.kind, it.view()));
        let open = open.filter(|(_, view)| view.closing.is_none());
        open.map(|(kind, view)| match self.outlives(kind) {
            true => view.counts.running,
            false => view.counts.queued + view.counts.running + view.counts.unfetched,
        })
        .sum()
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
            hedges_won: self.0.caller.counters.won.load(Ordering::Relaxed),
            hedges_lost: self.0.caller.counters.lost.load(Ordering::Relaxed),
            stored: self.0.memory.taken(),
            on_disk: match &self.0.backing {
                Backing::Disk(disk) => disk.taken(),
                Backing::Nothing | Backing::Redis(_) => 0,
            },
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

/// What an error of the store means for who makes or takes up a session.
fn told(error: &StoreError) -> Fault {
    let code = match error {
        StoreError::Full => FaultCode::StorageFull,
        StoreError::Unsupported(_) => FaultCode::Unsupported,
        StoreError::Damaged(_) => FaultCode::SessionFailure,
        StoreError::Fenced | StoreError::Exists | StoreError::Unavailable(_) => FaultCode::StoreUnavailable,
    };
    Fault::new(code, error.to_string())
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
