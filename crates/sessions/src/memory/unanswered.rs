//! The requests of one client that have no response, by their places.

use crate::{Request, Sequence};
use std::collections::{BTreeMap, VecDeque};

/// How many places without a request the row may have beside as many as there are requests.
const GAPS: usize = 1024;

/// A row that has more places than this, and needs few of them, gives memory back.
const KEPT: usize = 4096;

/// Requests come one after the other and are mostly answered in that order: they stand in a row, and those that are left far behind
/// in a map.
#[derive(Default)]
pub(super) struct Unanswered {
    behind: BTreeMap<Sequence, Request>,
    /// The place of the first one of the row; all in the map are before it.
    first: Sequence,
    row: VecDeque<Option<Request>>,
    /// How many requests are in the row. Its first place has one.
    standing: usize,
}

impl Unanswered {
    /// Whether there is one at this place.
    pub(super) fn contains(&self, sequence: Sequence) -> bool {
        match self.index(sequence) {
            Some(index) => self.row.get(index).is_some_and(Option::is_some),
            None => self.behind.contains_key(&sequence),
        }
    }

    /// Adds one behind all that have come. Another one at a place that has one takes it.
    pub(super) fn push(&mut self, sequence: Sequence, request: Request) {
        if self.row.is_empty() {
            self.first = sequence.max(self.behind.last_key_value().map_or(0, |(last, _)| last + 1));
        }
        let end = self.first + self.row.len() as u64;
        match self.index(sequence) {
            None => drop(self.behind.insert(sequence, request)),
            Some(index) if sequence < end => {
                self.standing += usize::from(self.row[index].replace(request).is_none());
            }
            Some(_) => {
                if sequence > end {
                    // None is known to come so: no row is made of what is not there.
                    while !self.row.is_empty() {
                        self.leave_first();
                    }
                    self.first = sequence;
                }
                self.row.push_back(Some(request));
                self.standing += 1;
            }
        }
    }

    /// Takes the one at this place.
    pub(super) fn remove(&mut self, sequence: Sequence) -> Option<Request> {
        let Some(index) = self.index(sequence) else { return self.behind.remove(&sequence) };
        let request = self.row.get_mut(index)?.take()?;
        self.standing -= 1;
        self.skip_gaps();
        while self.row.len() > 2 * self.standing + GAPS {
            self.leave_first();
        }
        if self.row.capacity() > KEPT && self.row.len() < self.row.capacity() / 8 {
            self.row.shrink_to(2 * self.row.len());
        }
        Some(request)
    }

    /// Drops those from this place on: how many bytes they have, by `size`.
    pub(super) fn drop_from(&mut self, from: Sequence, size: impl Fn(&Request) -> usize) -> usize {
        let mut gone: usize = self.behind.split_off(&from).values().map(&size).sum();
        let left = self.index(from).unwrap_or(0).min(self.row.len());
        for request in self.row.drain(left..).flatten() {
            self.standing -= 1;
            gone += size(&request);
        }
        gone
    }

    /// Those from this place on, in their order.
    pub(super) fn from(&self, from: Sequence) -> impl Iterator<Item = (Sequence, &Request)> {
        let start = self.index(from).unwrap_or(0).min(self.row.len());
        let places = self.first + start as u64..;
        let row = places.zip(self.row.range(start..)).filter_map(|(place, it)| Some((place, it.as_ref()?)));
        self.behind.range(from..).map(|(place, it)| (*place, it)).chain(row)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Request> {
        self.behind.values().chain(self.row.iter().flatten())
    }

    /// Where a place of the row is, or behind it would be.
    fn index(&self, sequence: Sequence) -> Option<usize> {
        usize::try_from(sequence.checked_sub(self.first)?).ok()
    }

    /// Puts the first one of the row among those that are left behind.
    fn leave_first(&mut self) {
        if let Some(Some(request)) = self.row.pop_front() {
            self.behind.insert(self.first, request);
            self.standing -= 1;
            self.first += 1;
        }
        self.skip_gaps();
    }

    fn skip_gaps(&mut self) {
        while self.row.front().is_some_and(Option::is_none) {
            self.row.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageId;

    fn request(sequence: Sequence) -> Request {
        let (body, text) = (vec![0; 7].into(), "x".into());
        Request { id: MessageId(sequence.into()), action: text, body, user_data: "".into() }
    }

    fn places(unanswered: &Unanswered, from: Sequence) -> Vec<Sequence> {
        let all = unanswered.from(from);
        all.inspect(|(place, it)| assert_eq!(it.id.0, u128::from(*place))).map(|(place, _)| place).collect()
    }

    #[test]
    fn it_is_a_map_by_places() {
        let mut state = 7_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let (mut unanswered, mut map) = (Unanswered::default(), BTreeMap::new());
        let mut next = 0;
        for _ in 0..20_000 {
            let any = random(next + 2);
            match random(200) {
                0..100 => {
                    next += if random(500) == 0 { 3000 } else { 0 };
                    unanswered.push(next, request(next));
                    map.insert(next, ());
                    next += 1;
                }
                100..198 => {
                    // Mostly the oldest, but for some.
                    let old = map.keys().copied().find(|_| random(10) > 0).unwrap_or(any);
                    assert_eq!(unanswered.remove(old).is_some(), map.remove(&old).is_some());
                }
                198 => {
                    let gone = map.split_off(&any).len();
                    assert_eq!(unanswered.drop_from(any, |it| it.body.len()), 7 * gone);
                    next = next.min(any);
                }
                _ => {
                    let left: Vec<_> = map.range(any..).map(|(it, ())| *it).collect();
                    assert_eq!(places(&unanswered, any), left);
                }
            }
            assert_eq!(unanswered.contains(any), map.contains_key(&any));
        }
        assert_eq!(places(&unanswered, 0), map.keys().copied().collect::<Vec<_>>());
        assert_eq!(unanswered.all().count(), map.len());
    }

    #[test]
    fn one_that_is_never_answered_holds_no_place_for_the_others() {
        let mut unanswered = Unanswered::default();
        (0..100_000).for_each(|it| unanswered.push(it, request(it)));
        assert!((1..100_000).all(|it| unanswered.remove(it).is_some()));
        assert_eq!((places(&unanswered, 0), unanswered.behind.len()), (vec![0], 1));
        assert!(unanswered.row.capacity() <= KEPT, "{}", unanswered.row.capacity());
        unanswered.push(100_000, request(100_000));
        assert_eq!(places(&unanswered, 0), [0, 100_000]);
        // Said once more, it is the same one.
        unanswered.push(0, request(0));
        assert_eq!(unanswered.all().count(), 2);
    }
}
