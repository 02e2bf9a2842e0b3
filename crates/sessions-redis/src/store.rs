//! The store, and taking sessions over.

use crate::log::RedisLog;
use crate::reply::{self, unexpected};
use crate::safety;
use crate::scripts::Scripts;
use crate::shared::{Promise, Shared};
use frontier_redis::{Args, Command, Connection, RedisConfig, RedisStats};
use frontier_sessions::codec;
use frontier_sessions::{
    Answer, ClientId, Commit, Durability, Fence, Log, Opened, Recovered, RecoveredClient, SessionId,
    SessionKind, SessionRecord, Store, StoreError,
};
use redis::Value;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// How many ids there are in one answer of [`Store::sessions`].
const PAGE: usize = 1000;

/// Where sessions are kept, and how safe they are to be.
#[derive(Clone, Debug)]
pub struct RedisStoreConfig {
    /// How Redis is reached. It takes version 7.0 or later.
    pub redis: RedisConfig,
    /// What all keys begin with; brokers with the same one have the same sessions. `sessions:`.
    pub prefix: String,
    /// How many replicas have to have what is confirmed: so many servers may be lost. 0.
    pub replicas: u32,
}

/// Sessions in Redis. It connects when it is first used. Cheap to clone.
///
/// Every operation ends within three times the timeouts of its configuration; those that read or drop much take that for each
/// part.
#[derive(Clone, Debug)]
pub struct RedisStore(pub(crate) Arc<Shared>);

impl RedisStore {
    /// The store in the Redis that `config` names. Does not connect yet.
    #[must_use]
    pub fn new(config: RedisStoreConfig) -> Self {
        let RedisStoreConfig { redis, prefix, replicas } = config;
        let patience = redis.read_timeout;
        let (connection, control) = (Connection::new(redis.clone()), Connection::new(redis));
        let (scripts, leader) = (Scripts::new(), AtomicU64::new(0));
        Self(Arc::new(Shared { connection, control, scripts, prefix, leader, replicas, patience }))
    }

    /// Goes on with the user names, passwords and TLS of this configuration, from the next connect on.
    pub fn reconfigure(&self, config: &RedisConfig) {
        self.0.connection.reconfigure(config);
        self.0.control.reconfigure(config);
    }

    /// How Redis does.
    #[must_use]
    pub fn stats(&self) -> &RedisStats {
        self.0.connection.stats()
    }

    async fn make(&self, record: SessionRecord) -> Result<Box<dyn Log>, StoreError> {
        let (shared, session) = (&self.0, record.id);
        let prefix = shared.of(session);
        let meta = format!("{prefix}meta");
        self.check(&meta, record.settings.kind).await?;
        // It is in the index before it is there, so that it is found whenever it is; and after, if it was taken out meanwhile.
        let index = Args::new(&shared.index()).arg(0).arg(session);
        let index = Command::writing("ZADD", index);
        shared.send(&index).await?;
        let fence = format!("1:{}", token());
        let args =
            Args::new(&prefix).arg(&fence).bytes(codec::write_record(&record).into()).arg(shared.leader());
        let promise = promise(record.settings.kind);
        let answer = shared.run(&shared.scripts.create, &meta, &args, promise).await?;
        match reply::read::<String>(answer)?.as_str() {
            "ok" => {}
            "exists" => return Err(StoreError::Exists),
            _ => return Err(unexpected()),
        }
        shared.send(&index).await?;
        Ok(Box::new(RedisLog::new(shared.clone(), session, Fence(1), fence, promise)))
    }

    /// Whether the server can keep what such a session promises.
    async fn check(&self, meta: &str, kind: SessionKind) -> Result<(), StoreError> {
        let info = self.0.send(&safety::server().at_node_of(meta)).await?;
        safety::may_keep(info).map_err(StoreError::Unsupported)?;
        if kind == SessionKind::Durable {
            let config = self.0.connection.send(&safety::syncs().at_node_of(meta)).await;
            // One that may not be asked makes no promise.
            let config = config.map_err(|error| StoreError::Unsupported(format!("CONFIG GET: {error}")))?;
            safety::is_synced(config).map_err(StoreError::Unsupported)?;
        }
        Ok(())
    }

    async fn take_over(&self, session: SessionId) -> Result<Option<Opened>, StoreError> {
        let shared = &self.0;
        let prefix = shared.of(session);
        let args = Args::new(&prefix).arg(token()).arg(shared.leader());
        let meta = format!("{prefix}meta");
        let answer = shared.run(&shared.scripts.acquire, &meta, &args, Promise::Kept).await?;
        if answer == Value::Array(Vec::new()) {
            self.forget(session, &meta).await?;
            return Ok(None);
        }
        if reply::is_refusal(&answer) {
            return Err(StoreError::Fenced);
        }
        let answer = reply::array(answer)?;
        let [fence, record, clients] = <[Value; 3]>::try_from(answer).map_err(|_| unexpected())?;
        let fence: String = reply::read(fence)?;
        let number = fence.split(':').next().and_then(|number| number.parse().ok()).ok_or_else(unexpected)?;
        let record = codec::read_record(session, &reply::bytes(record)?)?;
        let promise = promise(record.settings.kind);
        let log = RedisLog::new(shared.clone(), session, Fence(number), fence, promise);
        let mut recovered = Vec::new();
        for row in reply::array(clients)? {
            recovered.push(recover(&log, session, reply::array(row)?).await?);
        }
        Ok(Some(Opened { log: Box::new(log), record, clients: recovered }))
    }

    /// Takes one that is not there out of the index, unless it comes just then.
    async fn forget(&self, session: SessionId, meta: &str) -> Result<(), StoreError> {
        let index = self.0.index();
        self.0.send(&Command::writing("ZREM", Args::new(&index).arg(session))).await?;
        let exists: bool = reply::read(self.0.send(&Command::reading("EXISTS", Args::new(meta))).await?)?;
        if exists {
            self.0.send(&Command::writing("ZADD", Args::new(&index).arg(0).arg(session))).await?;
        }
        Ok(())
    }

    async fn list(&self, after: Option<SessionId>) -> Result<Vec<SessionId>, StoreError> {
        let from = after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
        let args = Args::new(&self.0.index()).arg(from).arg("+").arg("LIMIT").arg(0).arg(PAGE);
        let ids: Vec<String> = reply::read(self.0.send(&Command::reading("ZRANGEBYLEX", args)).await?)?;
        ids.iter().map(|id| id.parse().map_err(|_| unexpected())).collect()
    }
}

/// What is promised of a session of this kind once something is confirmed.
fn promise(kind: SessionKind) -> Promise {
    match kind {
        SessionKind::Interactive => Promise::Kept,
        SessionKind::Durable => Promise::OnDisk,
    }
}

/// A text that no other owner has.
fn token() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// A client as it was, without what was not committed.
async fn recover(log: &RedisLog, session: SessionId, row: Vec<Value>) -> Result<Recovered, StoreError> {
    let mut row = row.into_iter();
    let name: String = reply::read(row.next().ok_or_else(unexpected)?)?;
    let client = ClientId::new(&name)
        .map_err(|fault| StoreError::Damaged(format!("a client of the session {session}: {fault}")))?;
    let numbers = row.map(reply::read::<u64>).collect::<Result<Vec<_>, _>>()?;
    let [batch, received, before, ended, next_position, acknowledged, failed, end, first] =
        <[u64; 9]>::try_from(numbers).map_err(|_| unexpected())?;
    log.note_end(&client, end);
    if end > before {
        log.drop_from(&client, before).await?;
    }
    let commit = Commit { batch, received, before, ended: ended != 0 };
    let pending = log.pending(&client, before).await?;
    let answered = log.answered(&client, first, next_position).await?;
    let recovered = RecoveredClient { commit, pending, answered, failed, next_position, acknowledged };
    Ok((client, recovered))
}

impl Store for RedisStore {
    fn durability(&self) -> Durability {
        Durability::Server
    }

    fn create(&self, record: SessionRecord) -> Answer<'_, Box<dyn Log>> {
        Box::pin(self.make(record))
    }

    fn acquire(&self, session: SessionId) -> Answer<'_, Option<Opened>> {
        Box::pin(self.take_over(session))
    }

    fn sessions(&self, after: Option<SessionId>) -> Answer<'_, Vec<SessionId>> {
        Box::pin(self.list(after))
    }
}
