//! What a spool knows, under its lock.

use super::dead::Burial;
use super::log::{Found, Slot};
use super::metrics::{Seldom, SpoolCount, SpoolCounters};
use super::room::Room;
use super::topic::{Disk, Topic};
use crate::{SinkStatus, SpoolConfig};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::{info, warn};

/// Topics of which there may be nothing, and that stay all the same.
const MAX_EMPTY_TOPICS: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) topics: HashMap<Arc<str>, Topic>,
    /// The topics of those at the broker, by their numbers.
    pub(super) flying: HashMap<u64, Arc<str>>,
    pub(super) room: Room,
    /// What is in memory.
    pub(super) held: Held,
    /// For the worker: to be written.
    pub(super) to_write: VecDeque<Write>,
    /// For the worker: done.
    pub(super) done: Vec<Slot>,
    /// For the worker: to the dead letters.
    pub(super) to_bury: Vec<Burial>,
    next: u64,
    /// Nothing is due before; `None` for never.
    pub(super) next_due: Option<Instant>,
    pub(super) is_closing: bool,
    pub(super) is_stopping: bool,
    pub(super) is_stopped: bool,
    pub(super) stuck: Option<String>,
    pub(super) failing: Option<String>,
    /// What could not be written last, in bytes.
    pub(super) failed_bytes: usize,
    /// When something could not be written, as long as that is not known to have gone.
    pub(super) fault_at: Option<Instant>,
    /// What was counted when it was said that messages go to disk, and not yet that there are none any more.
    said: Option<Ends>,
    pub(super) used: Seldom,
    pub(super) refused: Seldom,
    pub(super) dropped: Seldom,
    pub(super) failed: Seldom,
    pub(super) buried: Seldom,
}

/// Messages that went out of the spool: to the broker, to the dead letters, and nowhere.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    drained: u64,
    dead_lettered: u64,
    dropped: u64,
    damaged: u64,
}

impl Ends {
    fn of(counters: &SpoolCounters) -> Self {
        Self {
            drained: counters.get(SpoolCount::Drained),
            dead_lettered: counters.get(SpoolCount::DeadLettered),
            dropped: counters.get(SpoolCount::Dropped),
            damaged: counters.get(SpoolCount::Damaged),
        }
    }
}

/// A message that is to be written.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) sequence: u64,
    pub(super) topic: Arc<str>,
    /// What it counts for.
    pub(super) size: u64,
}

/// Messages in memory, and what they count for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl State {
    pub(super) fn of(found: &Found) -> Self {
        let mut state = Self { room: Room::of(found), next: 1, ..Self::default() };
        for (slot, name) in &found.messages {
            let name: Arc<str> = Arc::from(&**name);
            state.topics.entry(name).or_default().enqueue(*slot);
            state.next = slot.sequence.saturating_add(1);
        }
        state.said = (!found.messages.is_empty()).then(Ends::default);
        state
    }

    pub(super) fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    pub(super) fn hold(&mut self, size: usize) {
        self.held.messages += 1;
        self.held.bytes += size;
    }

    pub(super) fn release(&mut self, size: usize) {
        self.held.messages -= 1;
        self.held.bytes -= size;
    }

    /// Something is due then.
    pub(super) fn look_at(&mut self, time: Instant) {
        self.next_due = Some(self.next_due.map_or(time, |due| due.min(time)));
    }

    /// It is done, and nobody has it in memory.
    pub(super) fn finish(&mut self, slot: Slot) {
        self.room.take(&slot);
        self.done.push(slot);
    }

    /// Leaves on disk what can't go now.
    pub(super) fn demote(&mut self, name: &str) {
        let demoted = self.topics.get_mut(name).map(Topic::demote).unwrap_or_default();
        for entry in demoted {
            self.release(entry.message.size());
        }
    }

    /// Drops what is in the oldest file and not in memory. How many.
    pub(super) fn drop_oldest(&mut self) -> u64 {
        let segments: Vec<u32> = self.room.segments().collect();
        for segment in segments {
            let mut dropped = Vec::new();
            for topic in self.topics.values_mut() {
                topic.queue.retain(|slot| {
                    let stays = slot.segment != segment;
                    if !stays {
                        dropped.push(*slot);
                    }
                    stays
                });
            }
            for slot in &dropped {
                self.finish(*slot);
            }
            if !dropped.is_empty() {
                return dropped.len() as u64;
            }
        }
        0
    }

    /// A topic of which there is nothing is not kept, where there are many.
    pub(super) fn forget(&mut self, name: &str) {
        if self.topics.len() > MAX_EMPTY_TOPICS && self.topics.get(name).is_some_and(Topic::is_empty) {
            self.topics.remove(name);
        }
    }

    /// A line when the first message goes to disk.
    pub(super) fn say_used(
        &mut self,
        sink: &str,
        config: &SpoolConfig,
        counters: &SpoolCounters,
        status: Option<SinkStatus>,
    ) {
        if self.said.is_some() || self.used.admit(0).is_none() {
            return;
        }
        self.said = Some(Ends::of(counters));
        let status = status.and_then(|status| status.away.or(status.blocked));
        let cause = status.map_or_else(
            || {
                format!(
                    "the broker has not confirmed them within {:?}, or refuses them for now",
                    config.after
                )
            },
            |(_, cause)| cause,
        );
        warn!(sink, cause, folder = %config.path.display(), "messages go to the spool");
    }

    /// A line when there is none on disk any more.
    pub(super) fn say_empty(&mut self, sink: &str, counters: &SpoolCounters) {
        let Some(before) = self.said.take_if(|_| self.room.messages() == 0) else { return };
        let now = Ends::of(counters);
        let (drained, dead_lettered, dropped, damaged) = (
            now.drained - before.drained,
            now.dead_lettered - before.dead_lettered,
            now.dropped - before.dropped,
            now.damaged - before.damaged,
        );
        if dead_lettered + dropped + damaged == 0 {
            info!(sink, drained, "the spool is empty: the broker has its messages");
        } else {
            warn!(
                sink,
                drained,
                dead_lettered,
                dropped,
                damaged,
                "the spool is empty: the broker has those of its messages that are drained"
            );
        }
    }

    /// There was a fault just now, or there is none any more.
    pub(super) fn note_fault(&mut self) {
        self.fault_at = (self.failing.is_some() || self.stuck.is_some()).then(Instant::now);
    }

    /// Messages in memory that are not on disk, and not to be written.
    pub(super) fn is_settled(&self) -> bool {
        self.to_write.is_empty()
            && self.to_bury.is_empty()
            && self.done.is_empty()
            && self.topics.values().flat_map(Topic::entries).all(|entry| entry.disk != Disk::Writing)
    }
}
