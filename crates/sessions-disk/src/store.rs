//! The store, and taking sessions over.

use crate::engine::{Engine, OpenError, Opener, unavailable};
use crate::log::{ClientState, DiskLog};
use crate::room::Room;
use crate::tables::{CLIENTS, Client, ClientRow, Operation, REQUESTS, RESPONSES, SESSIONS};
use crate::writer::{self, Job, Message, Ownership, Writer};
use frontier_sessions::codec;
use frontier_sessions::{
    Answer, ClientId, Durability, Fence, Log, Opened, Recovered, RecoveredClient, SessionId, SessionRecord,
    Store, StoreError,
};
use parking_lot::Mutex;
use redb::ReadTransaction;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// How many ids there are in one answer of [`Store::sessions`].
const PAGE: usize = 1000;

/// Where sessions are kept, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskConfig {
    /// The file; it is made if it is not there, its folder is not.
    pub path: PathBuf,
    /// The most bytes of requests and responses, each of which counts as 128 more than it has. The file takes up to twice as much.
    pub size: u64,
    /// What of the file is kept in memory, in bytes.
    pub cache_size: usize,
}

/// Sessions in a file. Cheap to clone.
#[derive(Clone)]
pub struct DiskStore(Arc<Shared>);

/// What the store and its logs have in common.
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) room: Arc<Room>,
    messages: mpsc::Sender<Message>,
    /// The owners of sessions that were made or taken over since the file was opened.
    owners: Mutex<HashMap<SessionId, Arc<Ownership>>>,
    next_fence: AtomicU64,
    next_client: AtomicU64,
}

impl DiskStore {
    /// Opens the file, or makes it. Blocks; after a crash for as long as it takes to read what is in it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(config: &DiskConfig) -> Result<Self, OpenError> {
        let DiskConfig { path, size, cache_size } = config.clone();
        let opener = move || {
            let mut builder = redb::Builder::new();
            builder.set_cache_size(cache_size).set_repair_callback(|session| {
                tracing::info!(progress = session.progress(), "reading the file of sessions after a crash");
            });
            builder.create(&path)
        };
        Self::open_with(Box::new(opener), size)
    }

    pub(crate) fn open_with(opener: Opener, size: u64) -> Result<Self, OpenError> {
        let (engine, begun) = Engine::open(opener)?;
        let (engine, room) = (Arc::new(engine), Arc::new(Room::new(size, begun.taken)));
        let (messages, receiver) = mpsc::channel(writer::WAITING);
        let writer =
            Writer { engine: engine.clone(), room: room.clone(), taken: begun.taken, has_garbage: true };
        let thread = thread::Builder::new().name("sessions-disk".to_owned());
        thread.spawn(move || writer.run(receiver)).map_err(|error| OpenError::Engine(error.to_string()))?;
        Ok(Self(Arc::new(Shared {
            engine,
            room,
            messages,
            owners: Mutex::default(),
            next_fence: AtomicU64::new((begun.boot << 32) + 1),
            next_client: AtomicU64::new(begun.next),
        })))
    }

    /// What is taken of its size, in bytes.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.0.room.taken()
    }

    /// Writes what came before, and closes the file. Everything later is [`StoreError::Unavailable`].
    ///
    /// # Cancel safety
    /// It goes on when dropped.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.0.messages.send(Message::Close(done)).await.is_ok() {
            // It is gone when it is closed.
            let _ = closed.await;
        }
    }

    async fn make(&self, record: SessionRecord) -> Result<Box<dyn Log>, StoreError> {
        let session = record.id;
        let bytes = codec::write_record(&record);
        // What it takes is counted when it is written.
        self.0.room.take(bytes.len() as u64)?;
        self.0.room.give(bytes.len() as u64);
        self.0.write(Operation::Create { session, record: bytes }, None).await?;
        let fence = self.0.fence();
        let ownership = Arc::new(Ownership::default());
        ownership.set(fence);
        self.0.owners.lock().insert(session, ownership.clone());
        Ok(Box::new(DiskLog::new(self.0.clone(), session, ownership, fence, HashMap::new())))
    }

    async fn take_over(&self, session: SessionId) -> Result<Option<Opened>, StoreError> {
        let shared = self.0.clone();
        if shared.reading(move |transaction| read_record(transaction, session)).await?.is_none() {
            return Ok(None);
        }
        let fence = shared.fence();
        let ownership = shared.owners.lock().entry(session).or_default().clone();
        ownership.set(fence);
        // Whatever the earlier owner has under way is written, or comes too late.
        shared.write(Operation::Barrier, None).await?;
        let read = move |transaction: &ReadTransaction| {
            Ok((read_record(transaction, session)?, read_clients(transaction, session)?))
        };
        let (Some(record), rows) = shared.reading(read).await? else {
            // It was deleted meanwhile.
            shared.forget_owner(session);
            return Ok(None);
        };
        let mut states = HashMap::new();
        let mut clients = Vec::new();
        for (number, row, recovered) in rows {
            let id = ClientId::new(&row.name).map_err(|fault| {
                StoreError::Damaged(format!("a client of the session {session}: {fault}"))
            })?;
            let before = row.commit.before;
            if row.stored > before {
                let client = Client { session, number, name: row.name };
                let by = Some((ownership.clone(), fence));
                shared.write(Operation::Discard { client, from: before }, by).await?;
            }
            states.insert(id.clone(), ClientState::stored(number, row.stored.min(before)));
            clients.push((id, recovered) as Recovered);
        }
        let log = Box::new(DiskLog::new(shared, session, ownership, fence, states));
        Ok(Some(Opened { log, record, clients }))
    }

    async fn list(&self, after: Option<SessionId>) -> Result<Vec<SessionId>, StoreError> {
        let shared = self.0.clone();
        shared
            .reading(move |transaction| {
                let sessions = transaction.open_table(SESSIONS).map_err(unavailable)?;
                let first = after.map_or(Some(0), |after| after.0.checked_add(1));
                let Some(first) = first else { return Ok(Vec::new()) };
                let ids = sessions.range(first..).map_err(unavailable)?.take(PAGE);
                ids.map(|item| item.map(|(id, _)| SessionId(id.value())).map_err(unavailable)).collect()
            })
            .await
    }
}

fn read_record(
    transaction: &ReadTransaction,
    session: SessionId,
) -> Result<Option<SessionRecord>, StoreError> {
    let sessions = transaction.open_table(SESSIONS).map_err(unavailable)?;
    let bytes = sessions.get(session.0).map_err(unavailable)?;
    bytes.map(|bytes| codec::read_record(session, bytes.value())).transpose()
}

type Rows = Vec<(u64, ClientRow, RecoveredClient)>;

fn read_clients(transaction: &ReadTransaction, session: SessionId) -> Result<Rows, StoreError> {
    let clients = transaction.open_table(CLIENTS).map_err(unavailable)?;
    let requests = transaction.open_table(REQUESTS).map_err(unavailable)?;
    let responses = transaction.open_table(RESPONSES).map_err(unavailable)?;
    let all = (session.0, 0)..=(session.0, u64::MAX);
    let mut rows = Vec::new();
    for item in clients.range(all).map_err(unavailable)? {
        let (key, row) = item.map_err(unavailable)?;
        let (number, row) = (key.value().1, ClientRow::read(row.value()));
        let mut recovered = RecoveredClient {
            commit: row.commit,
            failed: row.failed,
            next_position: row.next_position,
            acknowledged: row.acknowledged,
            ..RecoveredClient::default()
        };
        for item in requests.range((number, 0)..(number, row.commit.before)).map_err(unavailable)? {
            let (key, bytes) = item.map_err(unavailable)?;
            recovered.pending.push((key.value().1, codec::message_id(bytes.value())?));
        }
        for item in responses.range((number, 0)..(number, u64::MAX)).map_err(unavailable)? {
            let (key, bytes) = item.map_err(unavailable)?;
            let (id, size) = (codec::message_id(bytes.value())?, codec::response_size(bytes.value())?);
            recovered.answered.push((key.value().1, id, size));
        }
        rows.push((number, row, recovered));
    }
    Ok(rows)
}

impl Shared {
    fn fence(&self) -> Fence {
        Fence(self.next_fence.fetch_add(1, Ordering::SeqCst))
    }

    /// The number of a new client.
    pub(crate) fn client_number(&self) -> u64 {
        self.next_client.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn forget_owner(&self, session: SessionId) {
        if let Some(ownership) = self.owners.lock().remove(&session) {
            ownership.end();
        }
    }

    /// Writes it, and waits until it is on disk.
    pub(crate) async fn write(
        &self,
        operation: Operation,
        by: Option<(Arc<Ownership>, Fence)>,
    ) -> Result<(), StoreError> {
        let (answer, written) = oneshot::channel();
        let job = Job { operation, by, answer: writer::Answer::Synced(answer) };
        self.messages.send(Message::Job(job)).await.map_err(|_| closed())?;
        written.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Has it written with what comes next.
    pub(crate) async fn write_some_time(
        &self,
        operation: Operation,
        by: Option<(Arc<Ownership>, Fence)>,
    ) -> Result<(), StoreError> {
        let job = Job { operation, by, answer: writer::Answer::Lazy };
        self.messages.send(Message::Job(job)).await.map_err(|_| closed())
    }

    /// Reads what was written, on a thread that may block.
    pub(crate) async fn reading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let engine = self.engine.clone();
        let done = tokio::task::spawn_blocking(move || work(&engine.read()?)).await;
        done.unwrap_or_else(|error| Err(StoreError::Unavailable(format!("reading has failed: {error}"))))
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the file of sessions is closed".to_owned())
}

impl Store for DiskStore {
    fn durability(&self) -> Durability {
        Durability::Disk
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

#[cfg(test)]
mod tests;
