//! Changes of what services take that other gateways hear of once routing knows of them.

use super::offered::OfferedNames;
use frontier_protocol::Offered;
use std::sync::Arc;

/// A name that one more service takes, or one less.
#[derive(Debug)]
struct Change {
    of: Offered,
    name: Arc<str>,
    is_taken: bool,
}

/// The changes that were not published yet, in their order. Nothing is kept where there is nobody to be told.
#[derive(Debug, Default)]
pub(super) struct Offers {
    told: Option<Arc<OfferedNames>>,
    changes: Vec<Change>,
}

impl Offers {
    pub(super) fn new(told: Option<Arc<OfferedNames>>) -> Self {
        Self { told, changes: Vec::new() }
    }

    /// One more service takes the name.
    pub(super) fn add(&mut self, of: Offered, name: Arc<str>) {
        self.note(Change { of, name, is_taken: true });
    }

    /// One service less takes the name.
    pub(super) fn remove(&mut self, of: Offered, name: Arc<str>) {
        self.note(Change { of, name, is_taken: false });
    }

    fn note(&mut self, change: Change) {
        if self.told.is_some() {
            self.changes.push(change);
        }
    }

    /// Others hear of all changes, as of one.
    pub(super) fn publish(&mut self) {
        let Some(told) = self.told.as_ref().filter(|_| !self.changes.is_empty()) else { return };
        let mut edit = told.edit();
        for Change { of, name, is_taken } in std::mem::take(&mut self.changes) {
            if is_taken {
                edit.add(of, &name);
            } else {
                edit.remove(of, &name);
            }
        }
    }
}
