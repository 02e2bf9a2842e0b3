//! The next snapshot of the routes, while it is being made.
//!
//! ```text
//!   published ◀── readers        spare ◀── changes, which are noted
//!        └────────────── swapped ──────────────┘
//!                spare: was published ◀── the same changes, once nobody reads it any more
//! ```
//!
//! There are two copies. Each change is made twice, and none costs more than itself.

use super::routes::{Candidates, Routes};
use arc_swap::ArcSwap;
use std::sync::Arc;

/// How often others have their turn before a reader is left with its copy.
const PATIENCE: usize = 1000;

/// One of the tables of the routes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Table {
    Methods,
    Topics,
    Names,
}

/// Who takes a name from here on; `None` if nobody does.
type Change = (Table, Arc<str>, Option<Candidates>);

/// The copy that is not published.
#[derive(Debug, Default)]
pub(super) struct Draft {
    spare: Arc<Routes>,
    /// What the published one has, and the spare one has not: as many changes as one publication had.
    missing: Vec<Change>,
    /// What the spare one has, and the published one has not.
    ahead: Vec<Change>,
}

impl Draft {
    /// What is to be published next, as it is now.
    pub(super) fn routes(&mut self) -> &Routes {
        self.spare()
    }

    /// Changes who takes a name.
    pub(super) fn set(&mut self, table: Table, name: Arc<str>, takers: Option<Candidates>) {
        let change = (table, name, takers);
        self.spare().apply(&change);
        self.ahead.push(change);
    }

    /// Readers see all changes from here on, in one instant.
    pub(super) fn publish(&mut self, published: &ArcSwap<Routes>) {
        if self.ahead.is_empty() {
            return;
        }
        // Both are the same again, but for readers of the old one.
        self.spare();
        self.spare = published.swap(self.spare.clone());
        self.missing = std::mem::take(&mut self.ahead);
        // At once if nobody reads it, so that nobody is kept in memory who has left.
        self.catch_up();
    }

    /// The copy that is not published, with all that the other one has.
    fn spare(&mut self) -> &mut Routes {
        // Readers look up one name: they are gone in less than a microsecond, unless the system has put one to sleep.
        for _ in 0..PATIENCE {
            if self.catch_up() {
                break;
            }
            std::thread::yield_now();
        }
        // A copy of all is what it takes if one is asleep for long.
        let spare = Arc::make_mut(&mut self.spare);
        self.missing.drain(..).for_each(|change| spare.apply(&change));
        spare
    }

    /// Makes the changes that are missing. `false` if somebody still reads the spare copy.
    fn catch_up(&mut self) -> bool {
        let Some(spare) = Arc::get_mut(&mut self.spare) else { return false };
        self.missing.drain(..).for_each(|change| spare.apply(&change));
        true
    }
}

impl Routes {
    fn apply(&mut self, (table, name, takers): &Change) {
        let table = match table {
            Table::Methods => &mut self.methods,
            Table::Topics => &mut self.topics,
            Table::Names => &mut self.names,
        };
        table.set(name, takers.clone());
    }
}

#[cfg(test)]
mod tests;
