use ahash::AHashMap;
use frontier_protocol::EdgeId;
use std::sync::Arc;

/// Where edges are, as far as is known. Bounded: those that were not asked for in a long time are forgotten.
///
/// Two generations: when the young one is half of the bound it becomes the old one, and what was old is
/// forgotten. Who is asked for is young again.
pub(super) struct Places {
    young: AHashMap<EdgeId, Place>,
    old: AHashMap<EdgeId, Place>,
    /// The bound of each of the two.
    half: usize,
}

/// Where an edge is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) frontier: Arc<str>,
    /// When the edge connected there, in directory time; 0 if that is not known.
    pub(super) stamp: u64,
}

impl Places {
    pub(super) fn new(bound: usize) -> Self {
        Self { young: AHashMap::new(), old: AHashMap::new(), half: bound.div_ceil(2) }
    }

    /// Whether it remembers anything at all.
    pub(super) fn is_used(&self) -> bool {
        self.half > 0
    }

    pub(super) fn get(&mut self, edge: EdgeId) -> Option<Arc<str>> {
        if let Some(place) = self.young.get(&edge) {
            return Some(place.frontier.clone());
        }
        let place = self.old.remove(&edge)?;
        let frontier = place.frontier.clone();
        self.insert(edge, place);
        Some(frontier)
    }

    /// Someone who wants to reach the edge has found it there.
    pub(super) fn found(&mut self, edge: EdgeId, frontier: Arc<str>) {
        self.old.remove(&edge);
        self.insert(edge, Place { frontier, stamp: 0 });
    }

    /// The directory tells that the edge is there. Nobody has asked, so no other edge is forgotten for it.
    pub(super) fn told(&mut self, edge: EdgeId, place: Place) {
        let known = match self.young.get_mut(&edge) {
            Some(known) => Some(known),
            None => self.old.get_mut(&edge),
        };
        if let Some(known) = known {
            if known.stamp <= place.stamp {
                *known = place;
            }
        } else if self.young.len() < self.half {
            self.young.insert(edge, place);
        }
    }

    /// The directory tells that the edge has left there.
    pub(super) fn left(&mut self, edge: EdgeId, left: &Place) {
        let is_meant = |known: &Place| known.frontier == left.frontier && known.stamp <= left.stamp;
        for generation in [&mut self.young, &mut self.old] {
            if generation.get(&edge).is_some_and(is_meant) {
                generation.remove(&edge);
            }
        }
    }

    /// The gateway itself says that the edge is not there.
    pub(super) fn refuted(&mut self, edge: EdgeId, frontier: &str) {
        for generation in [&mut self.young, &mut self.old] {
            if generation.get(&edge).is_some_and(|known| *known.frontier == *frontier) {
                generation.remove(&edge);
            }
        }
    }

    fn insert(&mut self, edge: EdgeId, place: Place) {
        if self.half == 0 {
            return;
        }
        if self.young.len() >= self.half && !self.young.contains_key(&edge) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(edge, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(frontier: &str, stamp: u64) -> Place {
        Place { frontier: frontier.into(), stamp }
    }

    fn at(places: &mut Places, edge: u64) -> Option<String> {
        places.get(EdgeId(edge)).map(|frontier| frontier.to_string())
    }

    #[test]
    fn who_is_asked_for_is_remembered_and_the_others_are_forgotten() {
        let mut places = Places::new(4);
        for edge in 0..100 {
            places.found(EdgeId(edge), "f".into());
            assert_eq!(at(&mut places, 0).as_deref(), Some("f"), "after {edge}");
            assert!(places.young.len() <= 2 && places.old.len() <= 2);
        }
        assert_eq!(at(&mut places, 50), None);
    }

    #[test]
    fn what_nobody_asked_for_takes_no_place_from_others() {
        let mut places = Places::new(2);
        places.found(EdgeId(1), "a".into());
        places.told(EdgeId(2), place("b", 5));
        assert_eq!((at(&mut places, 1).as_deref(), at(&mut places, 2)), (Some("a"), None));
        places.told(EdgeId(1), place("b", 5));
        assert_eq!(at(&mut places, 1).as_deref(), Some("b"));
    }

    #[test]
    fn late_news_change_nothing() {
        let mut places = Places::new(10);
        places.told(EdgeId(1), place("b", 7));
        places.told(EdgeId(1), place("a", 6));
        places.left(EdgeId(1), &place("a", 6));
        places.left(EdgeId(1), &place("b", 6));
        places.refuted(EdgeId(1), "a");
        assert_eq!(at(&mut places, 1).as_deref(), Some("b"));
        places.left(EdgeId(1), &place("b", 7));
        assert_eq!(at(&mut places, 1), None);
        places.found(EdgeId(1), "b".into());
        places.refuted(EdgeId(1), "b");
        assert_eq!(at(&mut places, 1), None);
    }

    #[test]
    fn without_a_bound_nothing_is_remembered() {
        let mut places = Places::new(0);
        places.found(EdgeId(1), "a".into());
        places.told(EdgeId(1), place("a", 1));
        assert_eq!((at(&mut places, 1), places.is_used()), (None, false));
    }
}
