//! How much a spool holds on disk, and which files could go.

use super::log::{Found, Slot};
use std::collections::BTreeMap;

/// What one message takes beside its own bytes, for as long as it is not written: about.
const OVERHEAD: u64 = 256;

/// What is on disk, and what is on its way there.
#[derive(Debug, Default)]
pub(crate) struct Room {
    segments: BTreeMap<u32, Segment>,
    /// Of files that have messages.
    bytes: u64,
    messages: usize,
    queued_bytes: u64,
    queued: usize,
}

#[derive(Debug, Default)]
struct Segment {
    bytes: u64,
    /// Messages that are not done.
    live: usize,
}

impl Room {
    pub(crate) fn of(found: &Found) -> Self {
        let mut room = Self::default();
        for (slot, _) in &found.messages {
            room.add(slot);
        }
        // What is damaged or done takes room as well.
        for (segment, bytes) in &found.segments {
            if let Some(it) = room.segments.get_mut(segment) {
                room.bytes += bytes - it.bytes.min(*bytes);
                it.bytes = *bytes;
            }
        }
        room
    }

    /// Messages on disk, and on their way there.
    pub(crate) fn messages(&self) -> usize {
        self.messages + self.queued
    }

    /// What the files have in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether one more fits in.
    pub(crate) fn fits(&self, size: u64, max_messages: usize, max_size: u64) -> bool {
        self.messages() < max_messages && self.bytes + self.queued_bytes + size + OVERHEAD <= max_size
    }

    /// Messages on their way to disk, and their bytes: about.
    pub(crate) fn queued(&self) -> (usize, u64) {
        (self.queued, self.queued_bytes)
    }

    /// One is to be written.
    pub(crate) fn queue(&mut self, size: u64) {
        self.queued += 1;
        self.queued_bytes += size + OVERHEAD;
    }

    /// It was written, or is not going to be.
    pub(crate) fn unqueue(&mut self, size: u64) {
        self.queued -= 1;
        self.queued_bytes -= size + OVERHEAD;
    }

    /// It stands there.
    pub(crate) fn add(&mut self, slot: &Slot) {
        let segment = self.segments.entry(slot.segment).or_default();
        let before = if segment.live == 0 { 0 } else { segment.bytes };
        segment.bytes = segment.bytes.max(u64::from(slot.offset) + u64::from(slot.len));
        segment.live += 1;
        self.bytes += segment.bytes - before;
        self.messages += 1;
    }

    /// It is done.
    pub(crate) fn take(&mut self, slot: &Slot) {
        let Some(segment) = self.segments.get_mut(&slot.segment) else { return };
        segment.live -= 1;
        self.messages -= 1;
        if segment.live == 0 {
            self.bytes -= segment.bytes;
        }
    }

    /// The files in which there is a message, the oldest first.
    pub(crate) fn segments(&self) -> impl Iterator<Item = u32> {
        self.segments.iter().filter(|(_, segment)| segment.live > 0).map(|(number, _)| *number)
    }

    /// Files of which everything is done, which are known no more. Nothing must be under way to one.
    pub(crate) fn sweep(&mut self) -> Vec<u32> {
        self.segments.extract_if(.., |_, segment| segment.live == 0).map(|(number, _)| number).collect()
    }
}
