//! What the services here take, for other gateways: which names there are, in the order in which that changed last.

use ahash::AHashMap;
use frontier_protocol::Offered;
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use tokio::sync::Notify;

/// What a name is counted as beside its own bytes, where it is told.
const NAME_COST: usize = 16;

/// How many names are remembered that no service takes any more, for followers that have not heard of it.
const MAX_WITHDRAWN: usize = 65_536;

/// A name that some service takes from here on, or that none does any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameChange {
    /// What it is the name of.
    pub of: Offered,
    /// The exact name.
    pub name: Arc<str>,
    /// Whether a service takes it.
    pub is_offered: bool,
}

/// Some of what is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameChanges {
    /// What was told before is void.
    pub is_first: bool,
    /// For the first time the follower knows everything.
    pub is_last: bool,
    /// In the order in which they hold.
    pub changes: Vec<NameChange>,
}

/// The names that the services here take, each once, and who follows them. A name stands once among the changes, however
/// often it came and went: what is kept is in proportion to the names, and not to what happens to them.
#[derive(Debug, Default)]
pub(crate) struct OfferedNames {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    entries: [AHashMap<Arc<str>, Entry>; 3],
    /// By the number of its last change.
    changes: BTreeMap<u64, (Offered, Arc<str>)>,
    /// Those of them that no service takes.
    withdrawn: BTreeMap<u64, (Offered, Arc<str>)>,
    last: u64,
    /// The last change that was forgotten before everyone had heard of it.
    forgotten: u64,
    /// By number: what each has heard of.
    followers: AHashMap<u64, u64>,
    last_follower: u64,
}

#[derive(Debug)]
struct Entry {
    /// How many services take it.
    takers: u32,
    /// The number of its last change.
    changed: u64,
}

/// Several changes that are seen as one.
#[derive(Debug)]
pub(super) struct Edit<'a> {
    state: MutexGuard<'a, State>,
    news: &'a Notify,
}

/// One who hears what the services here take, until it is dropped.
#[derive(Debug)]
pub struct NameFollower {
    names: Arc<OfferedNames>,
    number: u64,
    /// It is told everything, and what it was told before is void.
    starts_anew: bool,
    /// What was forgotten before it was last told everything is nothing that it misses.
    missed_to: u64,
    /// It has not known everything yet.
    is_behind: bool,
}

fn place(of: Offered) -> usize {
    match of {
        Offered::Method => 0,
        Offered::Topic => 1,
        Offered::Service => 2,
    }
}

impl OfferedNames {
    /// Nobody sees any of what is done until the edit is dropped.
    pub(super) fn edit(&self) -> Edit<'_> {
        Edit { state: self.state.lock(), news: &self.news }
    }

    /// One more who follows, and knows nothing yet.
    pub(crate) fn follow(self: &Arc<Self>) -> NameFollower {
        let mut state = self.state.lock();
        state.last_follower += 1;
        let number = state.last_follower;
        state.followers.insert(number, 0);
        drop(state);
        NameFollower { names: self.clone(), number, starts_anew: true, missed_to: 0, is_behind: true }
    }

    /// How many names are kept, and how many of them no service takes.
    #[cfg(test)]
    fn counts(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.changes.len(), state.withdrawn.len())
    }
}

impl State {
    fn note(&mut self, of: Offered, name: &Arc<str>, before: Option<u64>) -> u64 {
        if let Some(before) = before {
            self.changes.remove(&before);
            self.withdrawn.remove(&before);
        }
        self.last += 1;
        self.changes.insert(self.last, (of, name.clone()));
        self.last
    }

    /// Forgets the withdrawn names up to this change, of which everyone has heard.
    fn forget_to(&mut self, heard: u64) {
        while let Some(first) = self.withdrawn.first_entry()
            && *first.key() <= heard
        {
            let (number, (of, name)) = first.remove_entry();
            self.changes.remove(&number);
            self.entries[place(of)].remove(&name);
        }
    }

    fn heard_by_all(&self) -> u64 {
        self.followers.values().copied().min().unwrap_or(u64::MAX)
    }
}

impl Edit<'_> {
    /// One more service takes the name.
    pub(super) fn add(&mut self, of: Offered, name: &str) {
        let state = &mut *self.state;
        if let Some(entry) = state.entries[place(of)].get_mut(name) {
            entry.takers += 1;
            if entry.takers > 1 {
                return;
            }
        }
        let known = state.entries[place(of)].get_key_value(name);
        let (name, before) = known
            .map_or_else(|| (Arc::from(name), None), |(name, entry)| (name.clone(), Some(entry.changed)));
        let changed = state.note(of, &name, before);
        state.entries[place(of)].insert(name, Entry { takers: 1, changed });
    }

    /// One service less takes the name.
    pub(super) fn remove(&mut self, of: Offered, name: &str) {
        let state = &mut *self.state;
        let Some(entry) = state.entries[place(of)].get_mut(name) else { return };
        entry.takers = entry.takers.saturating_sub(1);
        if entry.takers > 0 {
            return;
        }
        let before = entry.changed;
        let Some((name, _)) = state.entries[place(of)].get_key_value(name) else { return };
        let name = name.clone();
        let changed = state.note(of, &name, Some(before));
        state.withdrawn.insert(changed, (of, name.clone()));
        if let Some(entry) = state.entries[place(of)].get_mut(&name) {
            entry.changed = changed;
        }
    }
}

impl Drop for Edit<'_> {
    fn drop(&mut self) {
        let state = &mut *self.state;
        if state.followers.is_empty() {
            return state.forget_to(u64::MAX);
        }
        if state.withdrawn.len() > MAX_WITHDRAWN {
            // Whoever has not heard of them is told everything.
            let excess = state.withdrawn.len() - MAX_WITHDRAWN;
            if let Some(number) = state.withdrawn.keys().nth(excess).copied() {
                state.forget_to(number);
                state.forgotten = number;
            }
        }
        self.news.notify_waiters();
    }
}

impl NameFollower {
    /// Some of what it has not heard of: names of `bytes` bytes at most, each counted 16 longer, and one name at least. `None` if there is
    /// nothing.
    pub fn take(&mut self, bytes: usize) -> Option<NameChanges> {
        let mut guard = self.names.state.lock();
        let state = &mut *guard;
        let heard = state.followers.get(&self.number).copied().unwrap_or_default();
        self.starts_anew |= heard < state.forgotten && self.missed_to < state.forgotten;
        let mut heard = heard;
        if self.starts_anew {
            (heard, self.missed_to, self.is_behind) = (0, state.forgotten, true);
        }
        let mut taken = NameChanges { is_first: self.starts_anew, ..NameChanges::default() };
        let mut room = bytes;
        let mut is_all = true;
        for (number, (of, name)) in state.changes.range((Bound::Excluded(heard), Bound::Unbounded)) {
            let cost = name.len() + NAME_COST;
            if !taken.changes.is_empty() && cost > room {
                is_all = false;
                break;
            }
            room = room.saturating_sub(cost);
            heard = *number;
            let is_offered = !state.withdrawn.contains_key(number);
            taken.changes.push(NameChange { of: *of, name: name.clone(), is_offered });
        }
        taken.is_last = is_all && self.is_behind;
        if taken == NameChanges::default() {
            return None;
        }
        self.starts_anew = false;
        self.is_behind &= !taken.is_last;
        if is_all {
            heard = state.last;
        }
        state.followers.insert(self.number, heard);
        let heard = state.heard_by_all();
        state.forget_to(heard);
        Some(taken)
    }

    /// Waits until there is something to take.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn changed(&self) {
        loop {
            let notified = self.names.news.notified();
            tokio::pin!(notified);
            // Registered before it is looked, so that what comes in between is not missed.
            notified.as_mut().enable();
            if self.has_news() {
                return;
            }
            notified.await;
        }
    }

    fn has_news(&self) -> bool {
        let state = self.names.state.lock();
        self.starts_anew
            || self.is_behind
            || state.followers.get(&self.number).is_some_and(|heard| *heard < state.last)
    }
}

impl Drop for NameFollower {
    fn drop(&mut self) {
        let mut state = self.names.state.lock();
        state.followers.remove(&self.number);
        let heard = state.heard_by_all();
        state.forget_to(heard);
    }
}

#[cfg(test)]
mod tests;
