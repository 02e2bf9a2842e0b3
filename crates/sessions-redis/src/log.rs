//! The part of the store for one session.

use crate::reply::{self, is_more, page, pairs, unexpected};
use crate::shared::{Promise, Shared};
use bytes::Bytes;
use frontier_redis::{Args, Command, Script};
use frontier_sessions::codec;
use frontier_sessions::{
    Answer, Budget, ClientId, Commit, Completion, Fence, Log, MessageId, Outcome, Position, Sequence,
    SessionId, StoreError, StoredRequest, StoredResponse,
};
use parking_lot::Mutex;
use redis::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::vec::IntoIter;

/// The most requests or responses of one script, and the bytes with which it takes no more: Redis does nothing else meanwhile.
const MOST: usize = 1000;
const MOST_BYTES: usize = 1 << 20;

/// How many are dropped by one script.
const DROPPED: u64 = 4096;

/// The greatest number that a script gets: what a Lua number holds.
const GREATEST: u64 = 1 << 53;

/// One session, for its owner.
pub(crate) struct RedisLog {
    shared: Arc<Shared>,
    session: SessionId,
    prefix: String,
    meta: String,
    number: Fence,
    /// The number, and what makes it one of its own.
    fence: String,
    /// What a commit and a response promise.
    promise: Promise,
    /// Held by whoever does something.
    turn: tokio::sync::Mutex<Turn>,
    /// Of each client, below which place requests may be in the store.
    ends: Mutex<HashMap<ClientId, Sequence>>,
}

/// Numbers of operations.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    last: u64,
    confirmed: u64,
}

impl RedisLog {
    pub(crate) fn new(
        shared: Arc<Shared>,
        session: SessionId,
        number: Fence,
        fence: String,
        promise: Promise,
    ) -> Self {
        let prefix = shared.of(session);
        Self {
            shared,
            session,
            meta: format!("{prefix}meta"),
            prefix,
            number,
            fence,
            promise,
            turn: tokio::sync::Mutex::default(),
            ends: Mutex::default(),
        }
    }

    /// Requests of this client may be in the store below `end`.
    pub(crate) fn note_end(&self, client: &ClientId, end: Sequence) {
        self.ends.lock().insert(client.clone(), end);
    }

    fn end(&self, client: &ClientId) -> Sequence {
        self.ends.lock().get(client).copied().unwrap_or_default()
    }

    fn args(&self, turn: Turn, client: &str) -> Args {
        Args::new(&self.prefix).arg(&self.fence).arg(turn.last).arg(turn.confirmed).arg(client)
    }

    /// Does something, after all that was done before.
    async fn write(
        &self,
        script: &Script,
        client: &str,
        args: impl FnOnce(Args) -> Args,
        promise: Promise,
    ) -> Result<IntoIter<Value>, StoreError> {
        let mut turn = self.turn.lock().await;
        // Whatever becomes of it: what comes later has another number.
        turn.last += 1;
        let args = args(self.args(*turn, client));
        let answer = reply::owned(self.shared.run(script, &self.meta, &args, promise).await?)?;
        if self.shared.keeps(promise) {
            turn.confirmed = turn.last;
        }
        Ok(answer)
    }

    async fn read(
        &self,
        script: &Script,
        client: &ClientId,
        args: impl FnOnce(Args) -> Args,
    ) -> Result<IntoIter<Value>, StoreError> {
        let turn = self.turn.lock().await;
        let args = args(self.args(*turn, client.as_str()));
        reply::owned(self.shared.run(script, &self.meta, &args, Promise::Nothing).await?)
    }

    async fn keep(
        &self,
        client: &ClientId,
        requests: Vec<StoredRequest>,
        commit: Option<Commit>,
    ) -> Result<(), StoreError> {
        let Some(first) = requests.first().map(|it| it.sequence) else { return Ok(()) };
        let after = first + requests.len() as u64;
        // What came before in these places was not confirmed, and may be there.
        self.drop_from(client, first).await?;
        self.note_end(client, after.max(self.end(client)));
        let values = requests.iter().map(|it| codec::write_request(&it.request));
        let parts = parts(values.collect(), Bytes::len);
        let (mut at, last) = (first, parts.len() - 1);
        for (index, part) in parts.into_iter().enumerate() {
            let commit = commit.filter(|_| index == last);
            // What is not committed need not be on disk, but whoever flushes it later relies on it.
            let promise = if commit.is_some() { self.promise } else { Promise::Kept };
            let count = part.len() as u64;
            let args = |args: Args| {
                let args = args.arg(at).arg(count);
                let args = match commit {
                    Some(commit) => committed(args, commit),
                    None => args.all(["", "", "", ""]),
                };
                part.into_iter().fold(args, Args::bytes)
            };
            let kept = self.write(&self.shared.scripts.append, client.as_str(), args, promise).await;
            if matches!(kept, Err(StoreError::Full)) && index > 0 {
                // None of them is kept. If this fails, it is done before the next ones are.
                let _ = self.drop_from(client, first).await;
            }
            kept?;
            at += count;
        }
        Ok(())
    }

    /// Drops requests from there on.
    pub(crate) async fn drop_from(&self, client: &ClientId, from: Sequence) -> Result<(), StoreError> {
        while self.end(client) > from {
            let args = |args: Args| args.arg(from).arg(DROPPED);
            let script = &self.shared.scripts.discard;
            // Others take their places, and must not be taken for these.
            let mut answer = self.write(script, client.as_str(), args, Promise::Kept).await?;
            if !is_more(&mut answer)? {
                self.note_end(client, from);
            }
        }
        Ok(())
    }

    /// Which requests have no response.
    pub(crate) async fn pending(
        &self,
        client: &ClientId,
        before: Sequence,
    ) -> Result<Vec<(Sequence, MessageId)>, StoreError> {
        let mut pending = Vec::new();
        let mut from = Some(0);
        while let Some(at) = from {
            let args = |args: Args| args.arg(at).arg(before);
            let mut answer = self.read(&self.shared.scripts.pending, client, args).await?;
            let items;
            (from, items) = page(&mut answer)?;
            for (sequence, bytes) in pairs(items)? {
                pending.push((sequence, codec::message_id(&bytes)?));
            }
        }
        Ok(pending)
    }

    /// Which responses there are, and how long they are.
    pub(crate) async fn answered(
        &self,
        client: &ClientId,
        first: Position,
        next: Position,
    ) -> Result<Vec<(Position, MessageId, usize)>, StoreError> {
        let mut answered = Vec::new();
        let mut from = Some(first);
        while let Some(at) = from {
            let args = |args: Args| args.arg(at).arg(next);
            let mut answer = self.read(&self.shared.scripts.answered, client, args).await?;
            let items;
            (from, items) = page(&mut answer)?;
            let mut items = items.into_iter();
            while let Some(position) = items.next() {
                let (Some(begin), Some(length)) = (items.next(), items.next()) else {
                    return Err(unexpected());
                };
                let (begin, length) = (reply::bytes(begin)?, reply::read::<usize>(length)?);
                // Of an answer there is what comes before its body.
                let left_out = length.saturating_sub(begin.len());
                let size = codec::response_size(&begin)? + left_out;
                answered.push((reply::read(position)?, codec::message_id(&begin)?, size));
            }
        }
        Ok(answered)
    }

    async fn read_all<T>(
        &self,
        script: &Script,
        client: &ClientId,
        from: u64,
        budget: Budget,
        item: impl Fn(u64, &[u8]) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let (mut found, mut size) = (Vec::new(), 0);
        let mut next = Some(from);
        while let Some(at) = next {
            let left = budget.items.max(1).saturating_sub(found.len());
            let room = budget.bytes.max(1).saturating_sub(size);
            if left == 0 || room == 0 {
                break;
            }
            let room = u64::try_from(room).unwrap_or(GREATEST).min(GREATEST);
            let args = |args: Args| args.arg(at).arg(left.min(MOST)).arg(room);
            let mut answer = self.read(script, client, args).await?;
            let items;
            (next, items) = page(&mut answer)?;
            for (place, bytes) in pairs(items)? {
                size += bytes.len();
                found.push(item(place, &bytes)?);
            }
        }
        Ok(found)
    }

    async fn put_responses(&self, client: &ClientId, completions: Vec<Completion>) -> Result<(), StoreError> {
        let encoded = completions.iter().map(|it| {
            let is_fault = u8::from(matches!(it.response.outcome, Outcome::Fault(_)));
            (it.sequence, it.position, is_fault, codec::write_response(&it.response))
        });
        for part in parts(encoded.collect(), |(.., value)| value.len()) {
            let args = |args: Args| {
                part.into_iter().fold(args, |args, (sequence, position, is_fault, value)| {
                    args.arg(sequence).arg(position).arg(is_fault).bytes(value)
                })
            };
            self.write(&self.shared.scripts.complete, client.as_str(), args, self.promise).await?;
        }
        Ok(())
    }

    async fn drop_responses(&self, client: &ClientId, before: Position) -> Result<(), StoreError> {
        loop {
            let args = |args: Args| args.arg(before).arg(DROPPED);
            let script = &self.shared.scripts.forget;
            let mut answer = self.write(script, client.as_str(), args, Promise::Nothing).await?;
            if !is_more(&mut answer)? {
                return Ok(());
            }
        }
    }

    async fn drop_client(&self, client: &ClientId) -> Result<(), StoreError> {
        self.write(&self.shared.scripts.purge, client.as_str(), |args| args, self.promise).await?;
        self.ends.lock().remove(client);
        Ok(())
    }

    async fn drop_session(&self) -> Result<(), StoreError> {
        self.write(&self.shared.scripts.delete, "", |args| args, self.promise).await?;
        let index = Args::new(&self.shared.index()).arg(self.session);
        // One that is left in the index is taken out by whoever finds that it is not there.
        self.shared.send(&Command::writing("ZREM", index)).await.map(drop)
    }
}

fn committed(args: Args, commit: Commit) -> Args {
    let Commit { batch, received, before, ended } = commit;
    args.arg(batch).arg(received).arg(before).arg(u8::from(ended))
}

/// In parts, each of which one script takes.
fn parts<T>(items: Vec<T>, size: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut parts: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        bytes += size(&item);
        match parts.last_mut() {
            Some(part) if part.len() < MOST && bytes <= MOST_BYTES => part.push(item),
            _ => {
                bytes = size(&item);
                parts.push(vec![item]);
            }
        }
    }
    parts
}

impl Log for RedisLog {
    fn fence(&self) -> Fence {
        self.number
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
        Box::pin(async move {
            let args = |args| committed(args, commit);
            self.write(&self.shared.scripts.commit, client.as_str(), args, self.promise).await.map(drop)
        })
    }

    fn discard<'a>(&'a self, client: &'a ClientId, from: Sequence) -> Answer<'a, ()> {
        Box::pin(self.drop_from(client, from))
    }

    fn requests<'a>(
        &'a self,
        client: &'a ClientId,
        from: Sequence,
        budget: Budget,
    ) -> Answer<'a, Vec<StoredRequest>> {
        let item = |sequence, bytes: &[u8]| {
            codec::read_request(bytes).map(|request| StoredRequest { sequence, request })
        };
        Box::pin(self.read_all(&self.shared.scripts.requests, client, from, budget, item))
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
        let item = |position, bytes: &[u8]| {
            codec::read_response(bytes).map(|response| StoredResponse { position, response })
        };
        Box::pin(self.read_all(&self.shared.scripts.responses, client, from, budget, item))
    }

    fn acknowledge<'a>(&'a self, client: &'a ClientId, before: Position) -> Answer<'a, ()> {
        Box::pin(async move {
            let script = &self.shared.scripts.acknowledge;
            let args = |args: Args| args.arg(before);
            self.write(script, client.as_str(), args, Promise::Nothing).await.map(drop)
        })
    }

    fn forget<'a>(&'a self, client: &'a ClientId, before: Position) -> Answer<'a, ()> {
        Box::pin(self.drop_responses(client, before))
    }

    fn purge<'a>(&'a self, client: &'a ClientId) -> Answer<'a, ()> {
        Box::pin(self.drop_client(client))
    }

    fn delete(&self) -> Answer<'_, ()> {
        Box::pin(self.drop_session())
    }
}
