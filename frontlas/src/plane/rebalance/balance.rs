//! Who should give how many edges to whom. Pure: counts in, numbers out, the same at every replica.

use super::reach::Reach;
use crate::model::Frontier;
use std::collections::BTreeMap;

/// Differences of so many edges are never evened out: edges come and go.
const TOLERATED_DIFFERENCE: u64 = 5;

/// What is kept from one round to the next.
#[derive(Debug)]
pub(super) struct Balances {
    /// In percent of the mean.
    threshold: u8,
    /// Of each class of frontiers, those of equal reach.
    of: BTreeMap<Reach, Balance>,
    /// What edges reached at each frontier when it last was open: from one that drains services leave first.
    reaches: BTreeMap<String, Reach>,
}

impl Balances {
    pub(super) fn new(threshold: u8) -> Self {
        Self { threshold, of: BTreeMap::new(), reaches: BTreeMap::new() }
    }

    pub(super) fn of(&mut self, reach: Reach) -> &mut Balance {
        self.of.entry(reach).or_insert_with(|| Balance::new(self.threshold))
    }

    /// What edges reach at each of these frontiers, or did before it closed.
    pub(super) fn reaches(&mut self, frontiers: &[Frontier]) -> &BTreeMap<String, Reach> {
        let mut before = std::mem::take(&mut self.reaches);
        let mut reach = |it: &Frontier| match before.remove(&it.id).filter(|_| !it.is_open()) {
            Some(before) => before,
            None => Reach::of(it),
        };
        self.reaches = frontiers.iter().map(|it| (it.id.clone(), reach(it))).collect();
        &self.reaches
    }

    /// Forgets those of classes that are no more.
    pub(super) fn retain(&mut self, is_there: impl Fn(&Reach) -> bool) {
        self.of.retain(|reach, _| is_there(reach));
    }
}

/// When moving begins, and whether it goes on.
///
/// ```text
/// at rest ── one is off the mean by more than the threshold ──▶ moving
///    ▲                                                            │
///    └──────── all are within a quarter of the threshold ─────────┘
/// ```
///
/// The two bounds lie apart, so that edges that come and go do not start it again and again.
#[derive(Debug)]
pub(super) struct Balance {
    /// In percent of the mean.
    threshold: u64,
    is_moving: bool,
}

/// What is to be done, by the indexes of the loads that it was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    /// How many edges each keeps.
    pub(super) keep: Vec<u64>,
    pub(super) transfers: Vec<Transfer>,
}

/// Edges that one is to give to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transfer {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) count: u64,
}

impl Balance {
    pub(super) fn new(threshold: u8) -> Self {
        Self { threshold: threshold.into(), is_moving: false }
    }

    /// For frontiers with these ids and numbers of edges. `None` if nothing is to be done.
    pub(super) fn decide(&mut self, loads: &[(&str, u64)]) -> Option<Decision> {
        self.is_moving = is_uneven(loads, self.threshold, if self.is_moving { 4 } else { 1 });
        self.is_moving.then(|| decide(loads))
    }
}

/// Whether one is off the mean by more than a part of the threshold.
fn is_uneven(loads: &[(&str, u64)], threshold: u64, part: u128) -> bool {
    let counts = || loads.iter().map(|(_, edges)| *edges);
    let (Some(least), Some(most)) = (counts().min(), counts().max()) else { return false };
    if most - least <= TOLERATED_DIFFERENCE {
        return false;
    }
    let total: u128 = counts().map(u128::from).sum();
    let of_all = |edges: u64| u128::from(edges) * loads.len() as u128;
    // In edges, times the number of frontiers.
    let off = of_all(most).abs_diff(total).max(of_all(least).abs_diff(total));
    off * 100 * part > total * u128::from(threshold)
}

/// Each keeps the mean; where that is no whole number, those with the most edges keep one more. Surpluses are matched
/// with deficits in the order of their size: so each transfer is exact, there are as few of them as can be, and no
/// edge moves that need not.
fn decide(loads: &[(&str, u64)]) -> Decision {
    let mut order: Vec<usize> = (0..loads.len()).collect();
    order.sort_by(|&a, &b| loads[b].1.cmp(&loads[a].1).then_with(|| loads[a].0.cmp(loads[b].0)));
    let total: u128 = loads.iter().map(|(_, edges)| u128::from(*edges)).sum();
    let count = loads.len().max(1) as u128;
    // A mean of 64-bit numbers is one.
    let mean = u64::try_from(total / count).unwrap_or(u64::MAX);
    let mut more = total % count;
    let mut keep = vec![mean; loads.len()];
    for &index in &order {
        if more == 0 {
            break;
        }
        keep[index] += 1;
        more -= 1;
    }
    let mut transfers = Vec::new();
    let mut receivers = order.iter().rev().map(|&to| (to, keep[to].saturating_sub(loads[to].1)));
    let mut receiver = receivers.next();
    for &from in &order {
        let mut rest = loads[from].1.saturating_sub(keep[from]);
        while rest > 0 {
            let Some((to, lacks)) = &mut receiver else { break };
            let count = rest.min(*lacks);
            if count > 0 {
                transfers.push(Transfer { from, to: *to, count });
            }
            (rest, *lacks) = (rest - count, *lacks - count);
            if *lacks == 0 {
                receiver = receivers.next();
            }
        }
    }
    Decision { keep, transfers }
}

#[cfg(test)]
mod tests;
