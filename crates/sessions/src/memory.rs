//! A store in memory, for interactive sessions.

mod unanswered;

use crate::batch::Commit;
use crate::bodies::gather;
use crate::id::{ClientId, Fence, Position, Sequence, SessionId};
use crate::store::{
    Answer, Budget, Completion, Durability, Log, Opened, RecoveredClient, SessionRecord, Store, StoreError,
    StoredRequest, StoredResponse,
};
use crate::{Outcome, Response};
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use unanswered::Unanswered;

/// What one request or response takes beside its own bytes, so that empty ones count as well.
const ITEM: usize = 128;

/// Answers of up to so many bytes are put together, in blocks of no more than so many.
const SHORT: usize = 512;
const BLOCK: usize = 8 << 10;

/// How many ids there are in one answer of [`Store::sessions`].
const PAGE: usize = 1000;

/// Sessions in memory, up to a size. Each has a lock of its own; that of the list is held to find one.
pub struct MemoryStore {
    sessions: Arc<Sessions>,
    room: Arc<Room>,
}

type Sessions = RwLock<BTreeMap<SessionId, Arc<Kept>>>;

/// What all sessions take.
struct Room {
    size: usize,
    taken: AtomicUsize,
}

impl Room {
    fn take(&self, bytes: usize) -> Result<(), StoreError> {
        let fits = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= self.size);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        taken.map(drop).map_err(|_| StoreError::Full)
    }

    /// Whether there is room or not.
    fn take_anyway(&self, bytes: usize) {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One session.
struct Kept {
    record: SessionRecord,
    state: Mutex<State>,
}

struct State {
    /// Of its owner; `None` once it is deleted.
    fence: Option<Fence>,
    clients: HashMap<ClientId, Queues>,
}

#[derive(Default)]
struct Queues {
    commit: Commit,
    requests: Unanswered,
    responses: VecDeque<StoredResponse>,
    next_position: Position,
    acknowledged: Position,
    failed: u64,
}

impl MemoryStore {
    /// For at most so many bytes of requests and responses, each of them counted as 128 more than it has.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let room = Arc::new(Room { size, taken: AtomicUsize::new(0) });
        Self { sessions: Arc::default(), room }
    }

    /// What is taken of its size, in bytes.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.room.taken.load(Ordering::Relaxed)
    }

    fn insert(&self, record: SessionRecord) -> Result<Box<dyn Log>, StoreError> {
        let mut sessions = self.sessions.write();
        let id = record.id;
        if sessions.contains_key(&id) {
            return Err(StoreError::Exists);
        }
        let state = Mutex::new(State { fence: Some(Fence(1)), clients: HashMap::new() });
        let kept = Arc::new(Kept { record, state });
        sessions.insert(id, kept.clone());
        drop(sessions);
        Ok(Box::new(self.log(kept, Fence(1))))
    }

    fn log(&self, kept: Arc<Kept>, fence: Fence) -> MemoryLog {
        MemoryLog { sessions: self.sessions.clone(), kept, fence, room: self.room.clone() }
    }

    fn take_over(&self, session: SessionId) -> Option<Opened> {
        let kept = self.sessions.read().get(&session)?.clone();
        let mut state = kept.state.lock();
        let fence = Fence(state.fence?.0 + 1);
        state.fence = Some(fence);
        let clients =
            state.clients.iter().map(|(client, queues)| (client.clone(), queues.recovered())).collect();
        drop(state);
        let record = kept.record.clone();
        let log = Box::new(self.log(kept, fence));
        Some(Opened { log, record, clients })
    }
}

impl Store for MemoryStore {
    fn durability(&self) -> Durability {
        Durability::Process
    }

    fn create(&self, record: SessionRecord) -> Answer<'_, Box<dyn Log>> {
        Box::pin(ready(self.insert(record)))
    }

    fn acquire(&self, session: SessionId) -> Answer<'_, Option<Opened>> {
        Box::pin(ready(Ok(self.take_over(session))))
    }

    fn sessions(&self, after: Option<SessionId>) -> Answer<'_, Vec<SessionId>> {
        let sessions = self.sessions.read();
        let ids = sessions.keys().filter(|id| after.is_none_or(|after| **id > after));
        Box::pin(ready(Ok(ids.copied().take(PAGE).collect())))
    }
}

struct MemoryLog {
    sessions: Arc<Sessions>,
    kept: Arc<Kept>,
    fence: Fence,
    room: Arc<Room>,
}

impl MemoryLog {
    /// Works on the queues of a client, as long as this is the owner.
    fn with<T>(
        &self,
        client: &ClientId,
        work: impl FnOnce(&mut Queues) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.kept.state.lock();
        if state.fence != Some(self.fence) {
            return Err(StoreError::Fenced);
        }
        if !state.clients.contains_key(client) {
            state.clients.insert(client.clone(), Queues::default());
        }
        state.clients.get_mut(client).map_or(Err(StoreError::Fenced), work)
    }

    fn answer<'a, T: Send + 'a>(result: Result<T, StoreError>) -> Answer<'a, T> {
        Box::pin(ready(result))
    }
}

impl Log for MemoryLog {
    fn fence(&self) -> Fence {
        self.fence
    }

    fn append<'a>(
        &'a self,
        client: &'a ClientId,
        requests: Vec<StoredRequest>,
        commit: Option<Commit>,
    ) -> Answer<'a, ()> {
        Self::answer(self.with(client, |queues| {
            let mut fresh = requests;
            fresh.retain(|it| !queues.requests.contains(it.sequence));
            self.room.take(fresh.iter().map(|it| it.request.size() + ITEM).sum())?;
            fresh.into_iter().for_each(|it| queues.requests.push(it.sequence, it.request));
            queues.commit = commit.unwrap_or(queues.commit);
            Ok(())
        }))
    }

    fn commit<'a>(&'a self, client: &'a ClientId, commit: Commit) -> Answer<'a, ()> {
        Self::answer(self.with(client, |queues| {
            queues.commit = commit;
            Ok(())
        }))
    }

    fn discard<'a>(&'a self, client: &'a ClientId, from: Sequence) -> Answer<'a, ()> {
        Self::answer(self.with(client, |queues| {
            self.room.give(queues.requests.drop_from(from, |it| it.size() + ITEM));
            Ok(())
        }))
    }

    fn requests<'a>(
        &'a self,
        client: &'a ClientId,
        from: Sequence,
        budget: Budget,
    ) -> Answer<'a, Vec<StoredRequest>> {
        Self::answer(self.with(client, |queues| {
            let stored = queues.requests.from(from);
            let stored = stored.map(|(sequence, it)| StoredRequest { sequence, request: it.clone() });
            Ok(within(budget, stored, |it| it.request.size()))
        }))
    }

    fn complete<'a>(&'a self, client: &'a ClientId, completions: Vec<Completion>) -> Answer<'a, ()> {
        let mut completions = completions;
        gather_answers(&mut completions);
        Self::answer(self.with(client, |queues| {
            completions.into_iter().for_each(|it| queues.complete(it, &self.room));
            Ok(())
        }))
    }

    fn responses<'a>(
        &'a self,
        client: &'a ClientId,
        from: Position,
        budget: Budget,
    ) -> Answer<'a, Vec<StoredResponse>> {
        Self::answer(self.with(client, |queues| {
            let start = queues.responses.partition_point(|it| it.position < from);
            Ok(within(budget, queues.responses.range(start..).cloned(), |it| it.response.size()))
        }))
    }

    fn acknowledge<'a>(&'a self, client: &'a ClientId, before: Position) -> Answer<'a, ()> {
        Self::answer(self.with(client, |queues| {
            queues.acknowledged = queues.acknowledged.max(before);
            Ok(())
        }))
    }

    fn forget<'a>(&'a self, client: &'a ClientId, before: Position) -> Answer<'a, ()> {
        Self::answer(self.with(client, |queues| {
            let count = queues.responses.partition_point(|it| it.position < before);
            let gone = queues.responses.drain(..count);
            self.room.give(gone.map(|it| it.response.size() + ITEM).sum());
            Ok(())
        }))
    }

    fn purge<'a>(&'a self, client: &'a ClientId) -> Answer<'a, ()> {
        let size = self.with(client, |queues| Ok(queues.size()));
        Self::answer(size.map(|size| {
            self.room.give(size);
            self.kept.state.lock().clients.remove(client);
        }))
    }

    fn delete(&self) -> Answer<'_, ()> {
        let mut state = self.kept.state.lock();
        if state.fence != Some(self.fence) {
            return Self::answer(Err(StoreError::Fenced));
        }
        state.fence = None;
        self.room.give(state.clients.values().map(Queues::size).sum());
        state.clients = HashMap::new();
        drop(state);
        self.sessions.write().remove(&self.kept.record.id);
        Self::answer(Ok(()))
    }
}

impl Queues {
    fn complete(&mut self, completion: Completion, room: &Room) {
        let Completion { sequence, position, response } = completion;
        // It was completed before, or its client was purged.
        let Some(request) = self.requests.remove(sequence) else { return };
        room.give(request.size() + ITEM);
        room.take_anyway(response.size() + ITEM);
        self.failed += u64::from(matches!(response.outcome, Outcome::Fault(_)));
        self.next_position = self.next_position.max(position + 1);
        // Mostly it is the last one, and looking for its place among many would take longer than all else.
        let is_last = self.responses.back().is_none_or(|last| last.position < position);
        let place = if is_last {
            self.responses.len()
        } else {
            self.responses.partition_point(|it| it.position < position)
        };
        self.responses.insert(place, StoredResponse { position, response });
    }

    fn size(&self) -> usize {
        let requests: usize = self.requests.all().map(|it| it.size() + ITEM).sum();
        let responses: usize = self.responses.iter().map(|it| it.response.size() + ITEM).sum();
        requests + responses
    }

    fn recovered(&self) -> RecoveredClient {
        let before = self.commit.before;
        let pending = self.requests.from(0).take_while(|(sequence, _)| *sequence < before);
        let pending = pending.map(|(sequence, it)| (sequence, it.id)).collect();
        let answered = |it: &StoredResponse| {
            let Response { request, .. } = it.response;
            (it.position, request, it.response.size())
        };
        RecoveredClient {
            commit: self.commit,
            pending,
            answered: self.responses.iter().map(answered).collect(),
            failed: self.failed,
            next_position: self.next_position,
            acknowledged: self.acknowledged,
        }
    }
}

/// Puts short answers together, in memory of their own.
fn gather_answers(completions: &mut [Completion]) {
    for some in completions.chunks_mut(BLOCK / SHORT) {
        let answers = some.iter_mut().filter_map(|it| match &mut it.response.outcome {
            Outcome::Answer(body) => Some(body),
            Outcome::Fault(_) => None,
        });
        gather(answers, SHORT);
    }
}

fn within<T>(budget: Budget, items: impl Iterator<Item = T>, size: impl Fn(&T) -> usize) -> Vec<T> {
    let mut bytes = 0;
    let items = items.take(budget.items.max(1));
    let mut found = Vec::with_capacity(items.size_hint().0);
    for item in items {
        if bytes >= budget.bytes {
            break;
        }
        bytes += size(&item);
        found.push(item);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MessageId, Request, Settings};
    use bytes::Bytes;

    #[tokio::test]
    async fn a_short_answer_leaves_what_it_came_in() {
        let store = MemoryStore::new(1 << 20);
        let settings = Settings::interactive("a");
        let record =
            SessionRecord { id: SessionId(1), settings, creator: None, created_at: 0, notes: Vec::new() };
        let log = store.create(record).await.unwrap();
        let client = ClientId::anonymous();
        let request = |sequence: u64| {
            let (action, body, user_data) = ("a".into(), Bytes::new(), "".into());
            let request = Request { id: MessageId(sequence.into()), action, body, user_data };
            StoredRequest { sequence, request }
        };
        log.append(&client, (0..300).map(request).collect(), None).await.unwrap();
        let read = Bytes::from(vec![7; 60_000]);
        let completion = |sequence: u64| {
            let outcome = Outcome::Answer(read.slice(..usize::try_from(sequence).unwrap()));
            let response = Response { request: MessageId(sequence.into()), user_data: "".into(), outcome };
            Completion { sequence, position: sequence, response }
        };
        log.complete(&client, (0..300).map(completion).collect()).await.unwrap();
        read.try_into_mut().expect("nobody else has it");
        let budget = Budget { items: 1000, bytes: 1 << 20 };
        let responses = log.responses(&client, 0, budget).await.unwrap();
        for (StoredResponse { response, .. }, length) in responses.iter().zip(0..300) {
            assert_eq!(response.outcome, Outcome::Answer(vec![7; length].into()));
        }
        assert_eq!((responses.len(), store.taken()), (300, 300 * ITEM + (0..300).sum::<usize>()));
    }
}
