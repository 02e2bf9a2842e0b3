//! The streams of a connection: they come, are read and written, and go.

use super::super::stream::{MAX_INBOUND, MAX_INBOUND_OF_ALL, MIN_INBOUND, QUIET, Stream};
use super::{Lane, State};
use bytes::Bytes;
use frontier_geminio as wire;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Lane {
    pub(in crate::geminio) fn streams(&self) -> u32 {
        u32::try_from(self.state.lock().streams.len()).unwrap_or(u32::MAX)
    }

    pub(in crate::geminio) fn max_streams(&self) -> usize {
        self.max_streams
    }

    /// One more stream, under this session or under one of ours. `None` if the session is taken, or there are as many as
    /// there may be.
    pub(in crate::geminio) fn add_stream(&self, session: Option<u64>) -> Option<u64> {
        let mut state = self.state.lock();
        if state.streams.len() >= self.max_streams || state.outbox.closed.is_some() {
            return None;
        }
        let session = match session {
            Some(session) if session <= wire::MAIN_SESSION || state.streams.contains_key(&session) => {
                return None;
            }
            Some(session) => session,
            None => loop {
                state.next_session += 1;
                if !state.streams.contains_key(&state.next_session) {
                    break state.next_session;
                }
            },
        };
        state.streams.insert(session, Stream::default());
        Some(session)
    }

    /// Acts on a stream. `None` if it is not there, or the connection is closed.
    pub(in crate::geminio) fn with<T>(&self, session: u64, act: impl FnOnce(&mut Stream) -> T) -> Option<T> {
        self.look(session, |stream, is_closed| (!is_closed).then(|| act(stream))).flatten()
    }

    /// Acts on a stream, which may be one of a connection that is closed: it is said whether it is.
    pub(in crate::geminio) fn look<T>(
        &self,
        session: u64,
        act: impl FnOnce(&mut Stream, bool) -> T,
    ) -> Option<T> {
        let mut state = self.state.lock();
        let State { outbox, streams, inbound_len, .. } = &mut *state;
        let stream = streams.get_mut(&session)?;
        let before = stream.inbound_len;
        let acted = act(stream, outbox.closed.is_some());
        *inbound_len = *inbound_len - before + stream.inbound_len;
        Some(acted)
    }

    /// The same where the stream is given something to write.
    pub(in crate::geminio) fn write<T>(&self, session: u64, act: impl FnOnce(&mut Stream) -> T) -> Option<T> {
        let mut state = self.state.lock();
        let State { outbox, streams, ready, .. } = &mut *state;
        if outbox.closed.is_some() {
            return None;
        }
        let stream = streams.get_mut(&session)?;
        let acted = act(stream);
        if stream.is_closed() {
            stream.clear_outbound();
        } else if stream.has_outbound() && !stream.is_ready {
            stream.is_ready = true;
            ready.push_back(session);
            drop(state);
            self.work.notify_one();
        }
        Some(acted)
    }

    /// Gives a stream what has come for it. Whether it is full now, and nothing more is to be read for it.
    pub(in crate::geminio) fn deliver(&self, session: u64, pieces: impl IntoIterator<Item = Bytes>) -> bool {
        self.with(session, |stream| {
            if !(stream.is_released || stream.has_dismissed || stream.is_overrun) {
                pieces.into_iter().for_each(|piece| stream.push(piece));
            }
        });
        self.fullness(session).is_some()
    }

    /// What the reader of a stream has taken so far, and what waits for it, if that is all that may wait.
    pub(in crate::geminio) fn fullness(&self, session: u64) -> Option<(u64, usize)> {
        let state = self.state.lock();
        let stream = state.streams.get(&session)?;
        let most = if state.inbound_len > MAX_INBOUND_OF_ALL { MIN_INBOUND } else { MAX_INBOUND };
        let is_full = stream.inbound_len > most && state.outbox.closed.is_none();
        is_full.then_some((stream.taken, stream.inbound_len))
    }

    /// Gives a stream up that nobody reads.
    pub(in crate::geminio) fn overrun(self: &Arc<Self>, session: u64) {
        let is_there = self.with(session, |stream| {
            stream.is_overrun = true;
            stream.discard();
            stream.wake();
        });
        if is_there.is_some() {
            self.end(session);
        }
    }

    /// The peer has closed a stream: we do once nothing more comes, or at once if nobody reads it.
    pub(in crate::geminio) fn dismissed_by_peer(self: &Arc<Self>, session: u64) {
        let told = self.with(session, |stream| {
            let is_first = stream.dismissed_at.is_none();
            stream.dismissed_at.get_or_insert_with(Instant::now);
            stream.clear_outbound();
            stream.wake();
            let is_read = !(stream.is_released || stream.is_overrun || stream.has_dismissed);
            (is_first, is_read)
        });
        match told {
            Some((true, true)) => self.end_when_quiet(session),
            Some((_, false)) => self.end(session),
            // It is waited for already, or the connection is gone.
            Some((false, true)) | None => {}
        }
    }

    fn end_when_quiet(self: &Arc<Self>, session: u64) {
        let lane = self.clone();
        tokio::spawn(async move {
            let mut left = QUIET;
            while !left.is_zero() {
                tokio::time::sleep(left).await;
                left = lane.noise(session);
            }
            lane.end(session);
        });
    }

    /// How long it takes until a stream that the peer has closed is quiet, if nothing more comes.
    fn noise(&self, session: u64) -> Duration {
        let state = self.state.lock();
        let waits = state.streams.get(&session).filter(|it| !(it.is_released || it.has_dismissed));
        let Some(at) = waits.and_then(|stream| stream.dismissed_at) else { return Duration::ZERO };
        match state.outbox.closed {
            Some(_) => Duration::ZERO,
            None if state.is_held => QUIET,
            None => (at.max(state.read_since) + QUIET).saturating_duration_since(Instant::now()),
        }
    }

    /// Nothing more is read of the connection for a while, or it is again.
    pub(in crate::geminio) fn hold(&self, is_held: bool) {
        let mut state = self.state.lock();
        (state.is_held, state.read_since) = (is_held, Instant::now());
    }

    /// Nobody here has anything to do with a stream any more: it is closed behind all that was written on it.
    pub(in crate::geminio) fn release(self: &Arc<Self>, session: u64, keeps_written: bool) {
        let linger = self.look(session, |stream, is_closed| {
            stream.is_released = true;
            stream.discard();
            if is_closed || !keeps_written {
                stream.clear_outbound();
            }
            (!is_closed && !stream.has_outbound()).then(|| stream.linger(Instant::now()))
        });
        self.read.notify_one();
        if let Some(Some(linger)) = linger {
            self.end_later(session, linger);
        }
    }

    pub(super) fn end_later(self: &Arc<Self>, session: u64, linger: Duration) {
        let lane = self.clone();
        tokio::spawn(async move {
            if !linger.is_zero() {
                tokio::time::sleep(linger).await;
            }
            lane.end(session);
        });
    }

    /// Closes a stream for our part.
    fn end(&self, session: u64) {
        let ends = self.with(session, |stream| {
            stream.wake();
            !std::mem::replace(&mut stream.has_dismissed, true)
        });
        if ends == Some(true) {
            self.say(|out| wire::dismiss(self.next_id(), session, out));
        }
        self.forget_closed(session);
    }

    fn forget_closed(&self, session: u64) {
        let mut state = self.state.lock();
        let is_over = |it: &Stream| it.is_released && it.dismissed_at.is_some() && it.has_dismissed;
        if state.streams.get(&session).is_some_and(is_over) {
            state.streams.remove(&session);
        }
    }
}
