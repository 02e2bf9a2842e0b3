//! What the task of a connection shares with those who send to its peer: the outbox, and the streams.

mod streams;

use super::outbox::Outbox;
use super::stream::Stream;
use ahash::{AHashMap, AHashSet};
use frontier_exchange::{QueueError, Queued};
use frontier_geminio as wire;
use frontier_transport::CloseReason;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::Notify;

/// How much is written at once, in bytes, before others have their turn.
const BATCH: usize = 256 * 1024;

/// Ids of what no reply brings back: no correlation id has this lower half.
const OWN_ID: u64 = u32::MAX as u64;

#[derive(Debug)]
pub(super) struct Lane {
    state: Mutex<State>,
    /// There is something to write.
    pub(super) work: Notify,
    /// There is room for requests.
    room: Notify,
    /// A stream that was full has room.
    pub(super) read: Notify,
    /// The connection is closed, or to be left.
    ended: Notify,
    written: AtomicU64,
    ids: AtomicU64,
    hard: usize,
    max_streams: usize,
}

#[derive(Debug)]
struct State {
    outbox: Outbox,
    streams: AHashMap<u64, Stream>,
    /// What waits in all of them for their readers, in bytes.
    inbound_len: usize,
    /// The connection is not read, since a stream is full; or since when it is.
    is_held: bool,
    read_since: Instant,
    /// Streams that have something to write, in their turn.
    ready: VecDeque<u64>,
    next_session: u64,
    /// Calls whose reply is to be an EdgeID.
    asks_for_id: AHashSet<u64>,
    leave_at: Option<Instant>,
    /// The answer to the peer's goodbye.
    goodbye: Vec<u8>,
}

/// Whether the connection may go on.
pub(super) enum Ended {
    Closed(CloseReason),
    /// The last word was said: it ends once nothing is in flight.
    Sealed,
    /// It is to be left at this time.
    Leaves(Instant),
}

impl Lane {
    pub(super) fn new(soft: usize, max_streams: u32) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                outbox: Outbox::new(soft),
                streams: AHashMap::new(),
                inbound_len: 0,
                is_held: false,
                read_since: Instant::now(),
                ready: VecDeque::new(),
                next_session: wire::MAIN_SESSION,
                asks_for_id: AHashSet::new(),
                leave_at: None,
                goodbye: Vec::new(),
            }),
            work: Notify::new(),
            room: Notify::new(),
            read: Notify::new(),
            ended: Notify::new(),
            written: AtomicU64::new(0),
            ids: AtomicU64::new(1),
            hard: 2 * soft,
            max_streams: max_streams as usize,
        })
    }

    /// An id for a packet that no correlation id stands for.
    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed) << 32 | OWN_ID
    }

    /// Queues a request that `encode` appends.
    pub(super) fn request(
        &self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), wire::EncodeError>,
    ) -> Result<Queued, QueueError> {
        let outbox = &mut self.state.lock().outbox;
        outbox.admits()?;
        let was_empty = outbox.queued.is_empty();
        encode(&mut outbox.queued).map_err(|error| QueueError::TooLarge(error.to_string().into()))?;
        Ok(Queued { needs_wake: was_empty })
    }

    /// Queues a message, which may wait until others are acknowledged.
    pub(super) fn message(
        &self,
        id: u64,
        deadline: Instant,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), wire::EncodeError>,
    ) -> Result<Queued, QueueError> {
        let outbox = &mut self.state.lock().outbox;
        outbox.admits()?;
        let mut packet = Vec::new();
        encode(&mut packet).map_err(|error| QueueError::TooLarge(error.to_string().into()))?;
        outbox.message(id, packet, deadline);
        Ok(Queued { needs_wake: true })
    }

    /// A message was acknowledged.
    pub(super) fn acked(&self, id: u64) {
        if self.state.lock().outbox.acked(id, Instant::now()) {
            self.work.notify_one();
        }
    }

    /// Queues a reply or a notice. Who does not read them is closed.
    pub(super) fn reply(
        &self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), wire::EncodeError>,
    ) -> Result<Queued, QueueError> {
        let mut state = self.state.lock();
        let outbox = &mut state.outbox;
        if let Some(reason) = &outbox.closed {
            return Err(QueueError::Closed(reason.to_string().into()));
        }
        if outbox.backlog() >= self.hard {
            drop(state);
            self.close(CloseReason::SlowPeer);
            return Err(QueueError::Full);
        }
        let was_empty = outbox.queued.is_empty();
        encode(&mut outbox.queued).map_err(|error| QueueError::TooLarge(error.to_string().into()))?;
        Ok(Queued { needs_wake: was_empty })
    }

    /// The same for a packet that always fits, sent at once. A peer that is gone does not hear it.
    pub(super) fn say(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        let queued = self.reply(|out| {
            encode(out);
            Ok(())
        });
        if queued.is_ok() {
            self.work.notify_one();
        }
    }

    /// The peer has said goodbye: the answer stands behind everything else.
    pub(super) fn answer_goodbye(&self, id: u64) {
        wire::disconnected(id, &mut self.state.lock().goodbye);
    }

    pub(super) fn take_goodbye(&self) -> Vec<u8> {
        std::mem::take(&mut self.state.lock().goodbye)
    }

    pub(super) fn note_id_request(&self, id: u64) {
        self.state.lock().asks_for_id.insert(id);
    }

    /// Whether the reply to this call is to be an EdgeID.
    pub(super) fn was_id_request(&self, id: u64) -> bool {
        let asks = &mut self.state.lock().asks_for_id;
        !asks.is_empty() && asks.remove(&id)
    }

    /// Waits for something to write, and moves it to `out`: packets first, then one of each stream.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn next_batch(self: &Arc<Self>, out: &mut Vec<u8>) {
        loop {
            if self.take_batch(out) {
                return;
            }
            self.work.notified().await;
        }
    }

    fn take_batch(self: &Arc<Self>, out: &mut Vec<u8>) -> bool {
        let mut state = self.state.lock();
        std::mem::swap(out, &mut state.outbox.queued);
        if !state.ready.is_empty() {
            self.take_from_streams(&mut state, out);
        }
        state.outbox.taken = out.len();
        !out.is_empty()
    }

    fn take_from_streams(self: &Arc<Self>, state: &mut State, out: &mut Vec<u8>) {
        let now = Instant::now();
        let State { streams, ready, .. } = state;
        for _ in 0..ready.len() {
            if out.len() >= BATCH {
                break;
            }
            let Some(session) = ready.pop_front() else { break };
            let Some(stream) = streams.get_mut(&session) else { continue };
            stream.write_one(self.next_id(), session, now, out);
            stream.is_ready = stream.has_outbound();
            if stream.is_ready {
                ready.push_back(session);
            } else if stream.is_released {
                self.end_later(session, stream.linger(now));
            }
        }
        if ready.is_empty() && ready.capacity() > 64 {
            *ready = VecDeque::new();
        }
    }

    pub(super) fn wrote(&self, len: usize) {
        self.written.fetch_add(len as u64, Ordering::Relaxed);
        let outbox = &mut self.state.lock().outbox;
        outbox.taken = outbox.taken.saturating_sub(len);
        if outbox.has_room() {
            self.room.notify_waiters();
        }
    }

    /// Packets that were never written, and none will be.
    pub(super) fn take_unsent(&self, reason: CloseReason) -> Vec<u8> {
        self.close(reason);
        self.state.lock().outbox.take_unsent()
    }

    pub(super) fn backlog(&self) -> usize {
        self.state.lock().outbox.backlog()
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) async fn writable(&self) {
        loop {
            let notified = self.room.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if !matches!(self.state.lock().outbox.admits(), Err(QueueError::Full)) {
                return;
            }
            notified.await;
        }
    }

    pub(super) fn close(&self, reason: CloseReason) {
        let mut state = self.state.lock();
        if state.outbox.closed.is_some() {
            return;
        }
        state.outbox.closed = Some(reason);
        state.streams.values_mut().for_each(Stream::wake);
        drop(state);
        self.room.notify_waiters();
        self.ended.notify_one();
    }

    pub(super) fn close_reason(&self) -> Option<CloseReason> {
        self.state.lock().outbox.closed.clone()
    }

    pub(super) fn seal(&self) -> Result<Queued, QueueError> {
        let outbox = &mut self.state.lock().outbox;
        if let Some(reason) = &outbox.closed {
            return Err(QueueError::Closed(reason.to_string().into()));
        }
        outbox.sealed = true;
        self.ended.notify_one();
        Ok(Queued::SENT)
    }

    pub(super) fn leave_at(&self, at: Instant) {
        self.state.lock().leave_at = Some(at);
        self.ended.notify_one();
    }

    /// Waits until the connection is closed, or is to end.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn ended(&self) -> Ended {
        loop {
            {
                let mut state = self.state.lock();
                if let Some(reason) = &state.outbox.closed {
                    return Ended::Closed(reason.clone());
                }
                if let Some(at) = state.leave_at.take() {
                    return Ended::Leaves(at);
                }
                if state.outbox.sealed {
                    return Ended::Sealed;
                }
            }
            self.ended.notified().await;
        }
    }
}
