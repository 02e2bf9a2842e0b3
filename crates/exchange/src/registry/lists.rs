//! The lists of services that take a name, each made once: what many names have in common they share.

use super::routes::{Candidate, Candidates};
use crate::Peer;
use ahash::AHashMap;
use std::sync::{Arc, Weak};

/// Lists of which it is remembered how they came about; with more all are forgotten, and made anew when needed.
const MAX_REMEMBERED: usize = 4096;

/// What became of lists when a service came to them or left them. Where a hundred services register the same ten
/// thousand names, a hundred lists are made, and not a million.
#[derive(Debug, Default)]
pub(super) struct Lists {
    made: AHashMap<Step, (u64, Weak<[Candidate]>)>,
}

/// From which list, by the epoch of which service, and whether that one was added.
type Step = (u64, u64, bool);

impl Lists {
    /// `takers` with `candidate` behind them.
    pub(super) fn with(&mut self, takers: Option<&Candidates>, candidate: &Candidate) -> Candidates {
        let step = (takers.map_or(0, Candidates::number), candidate.service.epoch().0, true);
        let is_it =
            |list: &[Candidate]| list.last().is_some_and(|it| Arc::ptr_eq(&it.service, &candidate.service));
        self.step(step, is_it, || {
            takers.into_iter().flat_map(|it| it.iter()).chain([candidate]).cloned().collect()
        })
    }

    /// `takers` without `service`; `None` if nobody is left.
    pub(super) fn without(&mut self, takers: &Candidates, service: &Arc<Peer>) -> Option<Candidates> {
        let is_other = |it: &&Candidate| !Arc::ptr_eq(&it.service, service);
        let left = takers.iter().filter(is_other).count();
        if left == 0 {
            return None;
        }
        if left == takers.len() {
            return Some(takers.clone());
        }
        let step = (takers.number(), service.epoch().0, false);
        let is_it = |list: &[Candidate]| list.len() == left && list.iter().all(|it| is_other(&it));
        Some(self.step(step, is_it, || takers.iter().filter(is_other).cloned().collect()))
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.made.len()
    }

    fn step(
        &mut self,
        step: Step,
        is_it: impl Fn(&[Candidate]) -> bool,
        make: impl FnOnce() -> Candidates,
    ) -> Candidates {
        if let Some((number, list)) = self.made.get(&step)
            && let Some(list) = list.upgrade()
            && is_it(&list)
        {
            return Candidates::known(*number, list);
        }
        let made = make();
        if self.made.len() >= MAX_REMEMBERED {
            self.made.clear();
        }
        self.made.insert(step, (made.number(), made.downgrade()));
        made
    }
}
