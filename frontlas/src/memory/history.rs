//! The history of changes.

use crate::model::{Change, Changes, Numbered, Position};
use std::collections::VecDeque;

/// The last changes, each with its number.
pub(super) struct History {
    id: u64,
    last: u64,
    keep: usize,
    changes: VecDeque<Change>,
}

impl History {
    pub(super) fn new(id: u64, keep: usize) -> Self {
        Self { id, last: 0, keep, changes: VecDeque::new() }
    }

    pub(super) fn push(&mut self, change: Change) {
        if self.changes.len() >= self.keep {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
        self.last += 1;
    }

    pub(super) fn position(&self) -> Position {
        Position { history: self.id, number: self.last }
    }

    pub(super) fn since(&self, since: Position, limit: usize) -> Changes {
        let first = self.last - self.changes.len() as u64 + 1;
        let wanted = since.number.saturating_add(1);
        if since.history != self.id || since.number > self.last || wanted < first {
            return Changes::Gone;
        }
        let skipped = usize::try_from(wanted - first).unwrap_or(usize::MAX);
        let changes = self.changes.iter().skip(skipped).take(limit);
        Changes::Since(
            (wanted..).zip(changes).map(|(number, it)| Numbered { number, change: it.clone() }).collect(),
        )
    }
}
