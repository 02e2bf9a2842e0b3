//! How many bytes of streams may be on their way.
//!
//! Whatever the path holds stands before the next small frame: the socket's buffer, a router's, the peer's. Nobody tells
//! how much that is. A ping does: it is answered once all that went before it has come. So a ping goes out behind the
//! bytes of streams now and then, one at a time; its answer says how many of them have come, and the time that it took,
//! less the shortest ever, is how long they queued. As long as that is short, more may be on their way; once it is
//! long, less.
//!
//! ```text
//!   limit:  4 KiB at first ──▶ grows while it is used up and the queue is short ──▶ holds ──▶ is cut to what fits
//!                                  (up to 150 ms)                              (up to 300 ms)    (beyond)
//! ```
//!
//! A peer that does not answer in time tells nothing: the limit is none then, and bytes are bound by the windows of their
//! streams alone. It is asked again now and then, and measured again once it has answered.

use std::time::{Duration, Instant};

/// Bytes that may be on their way at first: half a second at 64 kbit/s.
const FIRST: u64 = 4 * 1024;

/// The least limit, in bytes.
const LEAST: u64 = 1024;

/// The most, in bytes: a second at 128 Mbit/s, or 10 Gbit/s over 12 ms.
const MOST: u64 = 16 * 1024 * 1024;

/// What queues for no longer did not queue.
const NOISE: Duration = Duration::from_millis(10);

/// A round trip as short as this lets the limit grow by four instead of two.
const SHORT: Duration = Duration::from_millis(25);

/// A full limit that queues for no longer than this may grow.
const FAIR: Duration = Duration::from_millis(150);

/// A queue longer than this is cut to it.
const LONG: Duration = Duration::from_millis(300);

/// The shortest round trip is asked for anew after so long, since windows grow by it.
const STALE: Duration = Duration::from_secs(10);

/// An answer that comes so much later than after the shortest round trip is waited for no longer. More than a queue that
/// is ours ever takes.
const PATIENCE: Duration = Duration::from_secs(2);

/// A peer that has not answered is asked again after so long.
const AGAIN: Duration = Duration::from_secs(10);

/// What is on its way, and how much may be.
#[derive(Debug)]
pub(crate) struct Flight {
    sent: u64,
    delivered: u64,
    limit: u64,
    ping: Option<Ping>,
    /// How many pings there were: the value of the next.
    pings: u32,
    /// The shortest time of an answer.
    round_trip: Option<Duration>,
    asked: Option<Instant>,
    /// Whether something had to wait since the last answer.
    was_full: bool,
    /// When the queue became long: the limit then, and the time of an answer.
    cut: Option<(u64, Duration)>,
    /// Whether the next answer tells of what was sent before the limit was cut.
    is_settling: bool,
    /// Whether the ping was not answered in time, so that nothing limits what goes.
    is_overdue: bool,
}

/// A ping whose answer is awaited.
#[derive(Debug)]
struct Ping {
    value: u32,
    at: Instant,
    /// What had been sent before it, and how much of that was on its way.
    behind: u64,
    ahead: u64,
}

impl Flight {
    pub(crate) fn new() -> Self {
        Self {
            sent: 0,
            delivered: 0,
            limit: FIRST,
            ping: None,
            pings: 0,
            round_trip: None,
            asked: None,
            was_full: false,
            cut: None,
            is_settling: false,
            is_overdue: false,
        }
    }

    /// The shortest round trip, if one was measured.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The longest body that a frame should have, of `most`.
    pub(crate) fn max_body(&self, most: usize) -> usize {
        if self.is_overdue {
            return most;
        }
        usize::try_from(self.limit / 4).map_or(most, |body| body.min(most))
    }

    /// How many bytes of one stream go out before it is another's turn.
    pub(crate) fn max_turn(&self) -> usize {
        let most = if self.is_overdue { MOST } else { self.limit };
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Whether a frame of `len` bytes may go. One always may if there is nothing else on its way.
    pub(crate) fn takes(&mut self, len: usize) -> bool {
        let on_way = self.sent - self.delivered;
        let takes = self.is_overdue || on_way == 0 || on_way + len as u64 <= self.limit;
        self.was_full |= !takes;
        takes
    }

    pub(crate) fn sent(&mut self, len: usize) {
        self.sent += len as u64;
    }

    /// The value of a ping that is to go out now, in front of `more` bytes of streams.
    pub(crate) fn ask(&mut self, more: usize, now: impl FnOnce() -> Instant) -> Option<u32> {
        if let Some(ping) = &self.ping {
            // Whichever answer comes first is one to the first of them.
            let value = ping.value;
            return self.is_again_due(now).then_some(value);
        }
        let unknown = self.sent - self.delivered;
        // The first tells the round trip while there is no queue of our own yet.
        let is_due = match self.round_trip {
            None => unknown + more as u64 >= FIRST / 4,
            Some(_) => unknown >= self.limit / 2,
        };
        // Whatever waits, waits for an answer.
        (is_due || (self.was_full && unknown > 0)).then(|| self.start(now()))
    }

    /// As [`ask`](Self::ask), of one who reads much and would know the round trip.
    pub(crate) fn ask_round_trip(&mut self, now: Instant) -> Option<u32> {
        let is_known = self.asked.is_some_and(|asked| now.saturating_duration_since(asked) < STALE);
        (self.ping.is_none() && !is_known).then(|| self.start(now))
    }

    fn is_again_due(&mut self, now: impl FnOnce() -> Instant) -> bool {
        if !self.is_overdue {
            return false;
        }
        let now = now();
        let is_due = self.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= AGAIN);
        if is_due {
            self.asked = Some(now);
        }
        is_due
    }

    /// When [`expire`](Self::expire) lets go what waits for an answer, unless that comes.
    pub(crate) fn overdue_at(&self) -> Option<Instant> {
        let ping = self.ping.as_ref().filter(|_| self.was_full && !self.is_overdue)?;
        Some(ping.at + self.round_trip.unwrap_or_default() + PATIENCE)
    }

    /// Waits no longer for an answer that is overdue.
    pub(crate) fn expire(&mut self, now: impl FnOnce() -> Instant) {
        self.is_overdue |= self.overdue_at().is_some_and(|at| at <= now());
    }

    fn start(&mut self, at: Instant) -> u32 {
        let value = self.pings;
        self.pings = value.wrapping_add(1);
        self.asked = Some(at);
        self.ping = Some(Ping { value, at, behind: self.sent, ahead: self.sent - self.delivered });
        value
    }

    /// The answer to a ping came. Others than the one that is awaited mean nothing.
    pub(crate) fn answered(&mut self, value: u32, now: Instant) {
        let Some(ping) = self.ping.take_if(|ping| ping.value == value) else { return };
        let took = now.saturating_duration_since(ping.at);
        if std::mem::take(&mut self.is_overdue) {
            // How long bytes queued is for the next one to tell.
            (self.delivered, self.was_full, self.is_settling) = (ping.behind, true, false);
            return;
        }
        let is_first = self.round_trip.is_none();
        let shortest = self.round_trip.map_or(took, |shortest| shortest.min(took));
        self.round_trip = Some(shortest);
        self.delivered = ping.behind;
        let was_full = std::mem::take(&mut self.was_full);
        if std::mem::take(&mut self.is_settling) {
            return;
        }
        if took - shortest > LONG {
            self.shorten(took, shortest);
            return;
        }
        self.cut = None;
        if was_full && !is_first {
            self.limit = (self.limit * self.growth(took, shortest, ping.ahead)).min(MOST);
        }
    }

    /// By how much more may be on its way, when so much took so long.
    fn growth(&self, took: Duration, shortest: Duration, ahead: u64) -> u64 {
        if took - shortest <= NOISE {
            // Four times as much may queue for three round trips, if there was just room for it.
            return if shortest <= SHORT { 4 } else { 2 };
        }
        let full = (took - shortest).as_secs_f64() * self.limit as f64 / ahead.max(1) as f64;
        if full <= FAIR.as_secs_f64() { 2 } else { 1 }
    }

    fn shorten(&mut self, took: Duration, shortest: Duration) {
        let (limit, before) = *self.cut.get_or_insert((self.limit, took));
        if self.limit <= (limit / 4).max(LEAST) && took >= before * 3 / 4 {
            // A quarter as much takes as long: the path has become longer, and it is not us who fill it.
            self.round_trip = Some(took);
            self.cut = None;
            return;
        }
        let share = (shortest + LONG).as_secs_f64() / took.as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the limit")]
        let limit = (self.limit as f64 * share) as u64;
        self.limit = limit.max(LEAST);
        self.is_settling = true;
    }
}

#[cfg(test)]
mod tests;
