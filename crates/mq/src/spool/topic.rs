//! The messages of one topic, which go out in their order.

use super::log::Slot;
use crate::Message;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// A message in memory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) message: Message,
    /// Under which its sender hears of it, who has not yet.
    pub(crate) token: Option<u64>,
    /// When it came, in seconds since 1970.
    pub(crate) time: u32,
    /// When it is written, if the broker has not confirmed it.
    pub(crate) spill_at: Option<Instant>,
    /// When its sender is told at last.
    pub(crate) deadline: Instant,
    pub(crate) disk: Disk,
    /// Its sender was told that it failed.
    pub(crate) is_given_up: bool,
}

/// Whether a message is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    No,
    /// It is on its way there.
    Writing,
    Yes(Slot),
}

/// ```text
///   idle ──▶ flying ──▶ gone (confirmed, or refused for good)
///    ▲ │       │
///    │ └───────┴──(on disk, and can't go now)──▶ queue
///    └───────────────(read again)────────────────┘
/// ```
#[derive(Debug, Default)]
pub(crate) struct Topic {
    /// In memory, and not at the broker.
    pub(crate) idle: BTreeMap<u64, Entry>,
    /// At the broker, which has not answered yet.
    pub(crate) flying: BTreeMap<u64, Entry>,
    /// On disk alone, in their order.
    pub(crate) queue: VecDeque<Slot>,
    /// The first of those that are being read.
    reading: Option<u64>,
    /// Of those that were at the broker together one has failed: nothing follows until all have ended.
    has_failed: bool,
    /// The broker has looked at one of them, and does not take it now.
    was_refused: bool,
    /// Until when nothing goes out.
    not_before: Option<Instant>,
    /// How often in a row the broker did not take what it looked at.
    refusals: u32,
}

impl Topic {
    pub(crate) fn is_empty(&self) -> bool {
        self.idle.is_empty() && self.flying.is_empty() && self.queue.is_empty() && self.reading.is_none()
    }

    pub(crate) fn get_mut(&mut self, sequence: u64) -> Option<&mut Entry> {
        self.idle.get_mut(&sequence).or_else(|| self.flying.get_mut(&sequence))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.idle.values().chain(self.flying.values())
    }

    /// Whether it may go out by what happened before.
    pub(crate) fn may_go(&self, now: Instant) -> bool {
        !self.has_failed && self.not_before.is_none_or(|time| time <= now)
    }

    /// The number of the next one in memory, unless older ones are on disk.
    pub(crate) fn next(&self) -> Option<u64> {
        let (sequence, _) = self.idle.first_key_value()?;
        let on_disk = self.queue.front().map(|slot| slot.sequence);
        let has_older = [on_disk, self.reading].into_iter().flatten().any(|other| other < *sequence);
        (!has_older).then_some(*sequence)
    }

    /// The oldest on disk, which is read now.
    pub(crate) fn begin_read(&mut self) -> Option<Slot> {
        let slot = self.queue.pop_front()?;
        self.reading = Some(self.reading.map_or(slot.sequence, |first| first.min(slot.sequence)));
        Some(slot)
    }

    /// All that were read are in memory.
    pub(crate) fn end_read(&mut self) {
        self.reading = None;
    }

    /// Whether the next one is on disk.
    pub(crate) fn waits_for_disk(&self, now: Instant) -> bool {
        self.may_go(now) && !self.queue.is_empty() && self.next().is_none()
    }

    /// How often in a row the broker did not take what it looked at, with this time.
    pub(crate) fn refusals(&self) -> u32 {
        self.refusals.saturating_add(1)
    }

    /// One has failed, and goes again. `is_refused` if the broker has looked at it.
    pub(crate) fn failed(&mut self, is_refused: bool) {
        self.has_failed = true;
        self.was_refused |= is_refused;
    }

    /// Whether one has failed of those that were at the broker together.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// One was confirmed.
    pub(crate) fn confirmed(&mut self) {
        self.refusals = 0;
    }

    /// Waits for so long.
    pub(crate) fn pause(&mut self, until: Instant) {
        self.not_before = Some(until);
    }

    /// Where all that were at the broker together have ended, the next ones may follow; after a pause where they were refused.
    pub(crate) fn end_round(&mut self, first_pause: Duration, max_pause: Duration, now: Instant) {
        if !self.has_failed || !self.flying.is_empty() {
            return;
        }
        self.has_failed = false;
        if std::mem::take(&mut self.was_refused) {
            let pause = first_pause.saturating_mul(1 << self.refusals.min(16)).min(max_pause);
            self.refusals = self.refusals.saturating_add(1);
            self.pause(now + pause);
        }
    }

    /// Leaves on disk what is there and can't go. What it was in memory.
    pub(crate) fn demote(&mut self) -> Vec<Entry> {
        let is_on_disk = |_: &u64, entry: &mut Entry| matches!(entry.disk, Disk::Yes(_));
        let demoted: Vec<Entry> = self.idle.extract_if(.., is_on_disk).map(|(_, entry)| entry).collect();
        for entry in &demoted {
            if let Disk::Yes(slot) = entry.disk {
                self.enqueue(slot);
            }
        }
        demoted
    }

    /// Puts it where it belongs: at an end, nearly always.
    pub(crate) fn enqueue(&mut self, slot: Slot) {
        let at = self.queue.partition_point(|other| other.sequence < slot.sequence);
        self.queue.insert(at, slot);
    }

    /// When the oldest came, in seconds since 1970.
    pub(crate) fn oldest(&self) -> Option<u32> {
        let on_disk = |entry: &&Entry| entry.disk != Disk::No;
        let in_memory = self.entries().filter(on_disk).map(|entry| entry.time).min();
        self.queue.front().map(|slot| slot.time).into_iter().chain(in_memory).min()
    }
}
