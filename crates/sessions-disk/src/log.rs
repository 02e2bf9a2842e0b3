//! The part of the store for one session.

use crate::engine::unavailable;
use crate::store::Shared;
use crate::tables::{Client, Completed, Operation, REQUESTS, RESPONSES, cost};
use crate::writer::Ownership;
use bytes::Bytes;
use frontier_sessions::codec;
use frontier_sessions::{
    Answer, Budget, ClientId, Commit, Completion, Fence, Log, Outcome, Position, Sequence, SessionId,
    StoreError, StoredRequest, StoredResponse,
};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How many bytes of a client's requests wait in memory for their commit; with more, all of them are written.
const UNWRITTEN: usize = 16 << 20;

/// One session, for its owner.
pub(crate) struct DiskLog {
    shared: Arc<Shared>,
    session: SessionId,
    ownership: Arc<Ownership>,
    fence: Fence,
    clients: Mutex<HashMap<ClientId, ClientState>>,
}

/// What is known of a client without a look at the disk.
pub(crate) struct ClientState {
    number: u64,
    /// The requests below it were written.
    stored: Sequence,
    /// Those from here on that were written are to be dropped before any other is.
    discard: Option<Sequence>,
    /// Those that were not, as they will be.
    unwritten: BTreeMap<Sequence, Bytes>,
    unwritten_size: usize,
}

impl ClientState {
    /// Of a client whose requests below `stored` were written.
    pub(crate) fn stored(number: u64, stored: Sequence) -> Self {
        Self { number, stored, discard: None, unwritten: BTreeMap::new(), unwritten_size: 0 }
    }

    /// Forgets those that wait from there on: what room they took.
    fn drop_from(&mut self, from: Sequence) -> u64 {
        let gone = self.unwritten.split_off(&from);
        self.unwritten_size -= gone.values().map(Bytes::len).sum::<usize>();
        gone.values().map(|value| cost(value)).sum()
    }

    /// The same, and has what was written from there on dropped before anything else is written.
    fn discard_from(&mut self, from: Sequence) -> u64 {
        self.discard = Some(self.discard.map_or(from, |before| before.min(from)));
        self.stored = self.stored.min(from);
        self.drop_from(from)
    }

    /// These are written now.
    fn written(&mut self, before: Sequence) {
        let left = self.unwritten.split_off(&before);
        self.unwritten_size = left.values().map(Bytes::len).sum();
        self.unwritten = left;
        self.stored = self.stored.max(before);
    }

    /// What waits, as it will be written.
    fn unwritten(&self) -> Vec<(Sequence, Bytes)> {
        self.unwritten.iter().map(|(sequence, value)| (*sequence, value.clone())).collect()
    }
}

impl DiskLog {
    pub(crate) fn new(
        shared: Arc<Shared>,
        session: SessionId,
        ownership: Arc<Ownership>,
        fence: Fence,
        clients: HashMap<ClientId, ClientState>,
    ) -> Self {
        Self { shared, session, ownership, fence, clients: Mutex::new(clients) }
    }

    fn owner(&self) -> Option<(Arc<Ownership>, Fence)> {
        Some((self.ownership.clone(), self.fence))
    }

    /// Works on what is known of a client, if this is the owner.
    fn with<T>(&self, id: &ClientId, work: impl FnOnce(&mut ClientState) -> T) -> Result<T, StoreError> {
        self.ownership.check(self.fence)?;
        let mut clients = self.clients.lock();
        if let Some(state) = clients.get_mut(id) {
            return Ok(work(state));
        }
        let mut state = ClientState::stored(self.shared.client_number(), 0);
        let done = work(&mut state);
        clients.insert(id.clone(), state);
        Ok(done)
    }

    fn client(&self, id: &ClientId, state: &ClientState) -> Client {
        Client { session: self.session, number: state.number, name: id.as_str().to_owned() }
    }

    async fn write(&self, operation: Operation) -> Result<(), StoreError> {
        self.shared.write(operation, self.owner()).await
    }

    async fn keep(
        &self,
        id: &ClientId,
        requests: Vec<StoredRequest>,
        commit: Option<Commit>,
    ) -> Result<(), StoreError> {
        // What it takes to write them is paid by who sends them, not by the thread that writes.
        let encode = |it: StoredRequest| (it.sequence, codec::write_request(&it.request));
        let requests: Vec<_> = requests.into_iter().map(encode).collect();
        let (is_full, first) = self.with(id, |state| {
            let is_new =
                |sequence: &Sequence| *sequence >= state.stored && !state.unwritten.contains_key(sequence);
            let fresh: Vec<_> = requests.into_iter().filter(|(sequence, _)| is_new(sequence)).collect();
            self.shared.room.take(fresh.iter().map(|(_, value)| cost(value)).sum())?;
            let first = fresh.first().map(|(sequence, _)| *sequence);
            state.unwritten_size += fresh.iter().map(|(_, value)| value.len()).sum::<usize>();
            state.unwritten.extend(fresh);
            Ok((state.unwritten_size > UNWRITTEN, first))
        })??;
        if !is_full && commit.is_none() {
            return Ok(());
        }
        let written = self.write_all(id, commit).await;
        if let (Err(_), Some(first)) = (&written, first) {
            // None of them is kept, whether they were written or not: others may come in their places.
            let given = self.with(id, |state| state.discard_from(first))?;
            self.shared.room.give(given);
        }
        written
    }

    /// Writes what waits, and the commit if there is one.
    async fn write_all(&self, id: &ClientId, commit: Option<Commit>) -> Result<(), StoreError> {
        self.discard_written(id).await?;
        let (client, requests) = self.with(id, |state| (self.client(id, state), state.unwritten()))?;
        let before = requests.last().map(|(sequence, _)| sequence + 1);
        self.write(Operation::Append { client, requests, commit }).await?;
        if let Some(before) = before {
            self.with(id, |state| state.written(before))?;
        }
        Ok(())
    }

    async fn drop_requests(&self, id: &ClientId, from: Sequence) -> Result<(), StoreError> {
        let given = self.with(id, |state| {
            let is_written = from < state.stored;
            if is_written { state.discard_from(from) } else { state.drop_from(from) }
        })?;
        self.shared.room.give(given);
        self.discard_written(id).await
    }

    /// Drops what was written and is to be dropped, so that nothing else is taken for it.
    async fn discard_written(&self, id: &ClientId) -> Result<(), StoreError> {
        let (client, from) = self.with(id, |state| (self.client(id, state), state.discard))?;
        if let Some(from) = from {
            self.write(Operation::Discard { client, from }).await?;
            self.with(id, |state| state.discard = None)?;
        }
        Ok(())
    }

    async fn read_requests(
        &self,
        id: &ClientId,
        from: Sequence,
        budget: Budget,
    ) -> Result<Vec<StoredRequest>, StoreError> {
        let (number, stored) = self.with(id, |state| (state.number, state.stored))?;
        let mut room = Fill::new(budget);
        if from < stored {
            let (found, left) = self
                .shared
                .reading(move |transaction| {
                    let requests = transaction.open_table(REQUESTS).map_err(unavailable)?;
                    let mut found = Vec::new();
                    for item in requests.range((number, from)..(number, stored)).map_err(unavailable)? {
                        if room.is_full() {
                            break;
                        }
                        let (key, bytes) = item.map_err(unavailable)?;
                        let request = codec::read_request(bytes.value())?;
                        room.add(request.size());
                        found.push(StoredRequest { sequence: key.value().1, request });
                    }
                    Ok((found, room))
                })
                .await?;
            room = left;
            if room.is_full() {
                self.ownership.check(self.fence)?;
                return Ok(found);
            }
            return self.read_unwritten(id, from, room, found);
        }
        self.read_unwritten(id, from, room, Vec::new())
    }

    fn read_unwritten(
        &self,
        id: &ClientId,
        from: Sequence,
        mut room: Fill,
        mut found: Vec<StoredRequest>,
    ) -> Result<Vec<StoredRequest>, StoreError> {
        self.with(id, |state| {
            for (&sequence, bytes) in state.unwritten.range(from..) {
                if room.is_full() {
                    break;
                }
                let request = codec::read_request(bytes)?;
                room.add(request.size());
                found.push(StoredRequest { sequence, request });
            }
            Ok(found)
        })?
    }

    async fn put_responses(&self, id: &ClientId, completions: Vec<Completion>) -> Result<(), StoreError> {
        let completed: Vec<_> = completions
            .into_iter()
            .map(|Completion { sequence, position, response }| Completed {
                sequence,
                position,
                is_fault: matches!(response.outcome, Outcome::Fault(_)),
                value: codec::write_response(&response),
            })
            .collect();
        let last = completed.iter().map(|it| it.sequence).max();
        let (client, is_unwritten) =
            self.with(id, |state| (self.client(id, state), last.is_some_and(|last| last >= state.stored)))?;
        if is_unwritten {
            self.write_all(id, None).await?;
        }
        self.write(Operation::Complete { client, completed }).await
    }

    async fn read_responses(
        &self,
        id: &ClientId,
        from: Position,
        budget: Budget,
    ) -> Result<Vec<StoredResponse>, StoreError> {
        let number = self.with(id, |state| state.number)?;
        let found = self
            .shared
            .reading(move |transaction| {
                let responses = transaction.open_table(RESPONSES).map_err(unavailable)?;
                let (mut found, mut room) = (Vec::new(), Fill::new(budget));
                for item in responses.range((number, from)..(number, u64::MAX)).map_err(unavailable)? {
                    if room.is_full() {
                        break;
                    }
                    let (key, bytes) = item.map_err(unavailable)?;
                    let response = codec::read_response(bytes.value())?;
                    room.add(response.size());
                    found.push(StoredResponse { position: key.value().1, response });
                }
                Ok(found)
            })
            .await?;
        self.ownership.check(self.fence)?;
        Ok(found)
    }

    async fn drop_client(&self, id: &ClientId) -> Result<(), StoreError> {
        let client = self.with(id, |state| self.client(id, state))?;
        self.write(Operation::Purge { client }).await?;
        if let Some(mut state) = self.clients.lock().remove(id) {
            self.shared.room.give(state.drop_from(0));
        }
        Ok(())
    }

    async fn drop_session(&self) -> Result<(), StoreError> {
        self.ownership.check(self.fence)?;
        self.write(Operation::Delete { session: self.session }).await?;
        self.shared.forget_owner(self.session);
        Ok(())
    }
}

impl Drop for DiskLog {
    /// What was not committed is gone with its owner.
    fn drop(&mut self) {
        let given: u64 = self.clients.get_mut().values_mut().map(|state| state.drop_from(0)).sum();
        self.shared.room.give(given);
    }
}

/// How much of a budget is used.
struct Fill {
    budget: Budget,
    items: usize,
    bytes: usize,
}

impl Fill {
    fn new(budget: Budget) -> Self {
        Self { budget, items: 0, bytes: 0 }
    }

    /// One fits in any case.
    fn is_full(&self) -> bool {
        self.items > 0 && (self.items >= self.budget.items || self.bytes >= self.budget.bytes)
    }

    fn add(&mut self, bytes: usize) {
        (self.items, self.bytes) = (self.items + 1, self.bytes + bytes);
    }
}

impl Log for DiskLog {
    fn fence(&self) -> Fence {
        self.fence
    }

    fn append<'a>(
        &'a self,
        client: &'a ClientId,
        requests: Vec<StoredRequest>,
        commit: Option<Commit>,
    ) -> Answer<'a, ()> {
        Box::pin(self.keep(client, requests, commit))
    }

    fn commit<'a>(&'a self, client: &'a ClientId, commit: Commit) -> Answer<'a, ()> {
        Box::pin(self.write_all(client, Some(commit)))
    }

    fn discard<'a>(&'a self, client: &'a ClientId, from: Sequence) -> Answer<'a, ()> {
        Box::pin(self.drop_requests(client, from))
    }

    fn requests<'a>(
        &'a self,
        client: &'a ClientId,
        from: Sequence,
        budget: Budget,
    ) -> Answer<'a, Vec<StoredRequest>> {
        Box::pin(self.read_requests(client, from, budget))
    }

    fn complete<'a>(&'a self, client: &'a ClientId, completions: Vec<Completion>) -> Answer<'a, ()> {
        Box::pin(self.put_responses(client, completions))
    }

    fn responses<'a>(
        &'a self,
        client: &'a ClientId,
        from: Position,
        budget: Budget,
    ) -> Answer<'a, Vec<StoredResponse>> {
        Box::pin(self.read_responses(client, from, budget))
    }

    fn acknowledge<'a>(&'a self, client: &'a ClientId, before: Position) -> Answer<'a, ()> {
        Box::pin(async move {
            let client = self.with(client, |state| self.client(client, state))?;
            self.shared.write_some_time(Operation::Acknowledge { client, before }, self.owner()).await
        })
    }

    fn forget<'a>(&'a self, client: &'a ClientId, before: Position) -> Answer<'a, ()> {
        Box::pin(async move {
            let client = self.with(client, |state| self.client(client, state))?;
            self.write(Operation::Forget { client, before }).await
        })
    }

    fn purge<'a>(&'a self, client: &'a ClientId) -> Answer<'a, ()> {
        Box::pin(self.drop_client(client))
    }

    fn delete(&self) -> Answer<'_, ()> {
        Box::pin(self.drop_session())
    }
}
