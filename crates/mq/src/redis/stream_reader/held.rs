//! Entries that are held, for as long as the source is there, whatever becomes of connections.

use super::commands::Commands;
use super::entries::{self, Entry, EntryId};
use crate::Record;
use crate::source::Intake;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What is known of entries.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// By their numbers here.
    pub(super) by_number: BTreeMap<u64, EntryId>,
    ids: HashSet<EntryId>,
    /// Those that have ended, of which the server is still to be told.
    pub(super) to_ack: Vec<EntryId>,
    /// The last one that was read of each stream.
    pub(super) last_read: BTreeMap<usize, Box<str>>,
}

impl Held {
    /// These have ended.
    pub(super) fn end(&mut self, numbers: impl Iterator<Item = u64>) {
        for number in numbers {
            if let Some(entry) = self.by_number.remove(&number) {
                self.ids.remove(&entry);
                self.to_ack.push(entry);
            }
        }
    }

    /// Takes entries but those that are held already. What was trimmed is acked, for nobody to get it again.
    pub(super) fn take(
        &mut self,
        commands: &Commands,
        intake: &Intake,
        origins: &[Arc<str>],
        stream: usize,
        entries: Vec<Entry>,
        is_redelivered: bool,
    ) {
        let Some(origin) = origins.get(stream) else { return };
        let (mut ids, mut records, mut gone) = (Vec::new(), Vec::<Record>::new(), 0);
        for (id, fields) in entries {
            let entry = EntryId { stream, id };
            if self.ids.contains(&entry) {
                continue;
            }
            let Some(fields) = fields else {
                gone += 1;
                self.to_ack.push(entry);
                continue;
            };
            records.push(entries::record(&commands.config, origin, &entry.id, fields, is_redelivered));
            ids.push(entry);
        }
        intake.gone(gone, "entries that were not acked are not in the stream any more");
        for (number, entry) in intake.take(records).into_iter().zip(ids) {
            self.ids.insert(entry.clone());
            self.by_number.insert(number, entry);
        }
    }
}
