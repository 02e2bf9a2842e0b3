//! To which frontier edges are connected, as far as a cluster's service has heard.

use ahash::AHashMap;
use frontier_protocol::EdgeId;
use std::sync::Arc;

/// Where edges are, as far as is known. Bounded: those that nobody has looked up in a long time are forgotten.
///
/// Two generations: when the young one is half of the bound it becomes the old one, and what was old is
/// forgotten. An edge that is looked up is young again.
pub(super) struct EdgeCache {
    young: AHashMap<EdgeId, EdgeLocation>,
    old: AHashMap<EdgeId, EdgeLocation>,
    /// The bound of each of the two.
    half: usize,
}

/// Where an edge is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EdgeLocation {
    pub(super) frontier: Arc<str>,
    /// When the edge connected there, in directory time; 0 if that is not known.
    pub(super) connected_at: u64,
}

impl EdgeCache {
    pub(super) fn new(bound: usize) -> Self {
        Self { young: AHashMap::new(), old: AHashMap::new(), half: bound.div_ceil(2) }
    }

    /// Whether anything is cached at all.
    pub(super) fn is_enabled(&self) -> bool {
        self.half > 0
    }

    pub(super) fn get(&mut self, edge: EdgeId) -> Option<Arc<str>> {
        if let Some(location) = self.young.get(&edge) {
            return Some(location.frontier.clone());
        }
        let location = self.old.remove(&edge)?;
        let frontier = location.frontier.clone();
        self.store(edge, location);
        Some(frontier)
    }

    /// Someone who wants to reach the edge has found it there.
    pub(super) fn insert(&mut self, edge: EdgeId, frontier: Arc<str>) {
        self.old.remove(&edge);
        self.store(edge, EdgeLocation { frontier, connected_at: 0 });
    }

    /// The directory says that the edge is there. Nobody has looked it up, so no other edge is forgotten for it.
    pub(super) fn update(&mut self, edge: EdgeId, location: EdgeLocation) {
        let known = match self.young.get_mut(&edge) {
            Some(known) => Some(known),
            None => self.old.get_mut(&edge),
        };
        if let Some(known) = known {
            if known.connected_at <= location.connected_at {
                *known = location;
            }
        } else if self.young.len() < self.half {
            self.young.insert(edge, location);
        }
    }

    /// The directory says that the edge has left there.
    pub(super) fn remove(&mut self, edge: EdgeId, left: &EdgeLocation) {
        let is_meant =
            |known: &EdgeLocation| known.frontier == left.frontier && known.connected_at <= left.connected_at;
        for generation in [&mut self.young, &mut self.old] {
            if generation.get(&edge).is_some_and(is_meant) {
                generation.remove(&edge);
            }
        }
    }

    /// The gateway itself says that the edge is not there.
    pub(super) fn invalidate(&mut self, edge: EdgeId, frontier: &str) {
        for generation in [&mut self.young, &mut self.old] {
            if generation.get(&edge).is_some_and(|known| *known.frontier == *frontier) {
                generation.remove(&edge);
            }
        }
    }

    fn store(&mut self, edge: EdgeId, location: EdgeLocation) {
        if self.half == 0 {
            return;
        }
        if self.young.len() >= self.half && !self.young.contains_key(&edge) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(edge, location);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(frontier: &str, connected_at: u64) -> EdgeLocation {
        EdgeLocation { frontier: frontier.into(), connected_at }
    }

    fn at(edge_cache: &mut EdgeCache, edge: u64) -> Option<String> {
        edge_cache.get(EdgeId(edge)).map(|frontier| frontier.to_string())
    }

    #[test]
    fn who_is_asked_for_is_remembered_and_the_others_are_forgotten() {
        let mut edge_cache = EdgeCache::new(4);
        for edge in 0..100 {
            edge_cache.insert(EdgeId(edge), "f".into());
            assert_eq!(at(&mut edge_cache, 0).as_deref(), Some("f"), "after {edge}");
            assert!(edge_cache.young.len() <= 2 && edge_cache.old.len() <= 2);
        }
        assert_eq!(at(&mut edge_cache, 50), None);
    }

    #[test]
    fn what_nobody_asked_for_takes_no_place_from_others() {
        let mut edge_cache = EdgeCache::new(2);
        edge_cache.insert(EdgeId(1), "a".into());
        edge_cache.update(EdgeId(2), location("b", 5));
        assert_eq!((at(&mut edge_cache, 1).as_deref(), at(&mut edge_cache, 2)), (Some("a"), None));
        edge_cache.update(EdgeId(1), location("b", 5));
        assert_eq!(at(&mut edge_cache, 1).as_deref(), Some("b"));
    }

    #[test]
    fn late_news_change_nothing() {
        let mut edge_cache = EdgeCache::new(10);
        edge_cache.update(EdgeId(1), location("b", 7));
        edge_cache.update(EdgeId(1), location("a", 6));
        edge_cache.remove(EdgeId(1), &location("a", 6));
        edge_cache.remove(EdgeId(1), &location("b", 6));
        edge_cache.invalidate(EdgeId(1), "a");
        assert_eq!(at(&mut edge_cache, 1).as_deref(), Some("b"));
        edge_cache.remove(EdgeId(1), &location("b", 7));
        assert_eq!(at(&mut edge_cache, 1), None);
        edge_cache.insert(EdgeId(1), "b".into());
        edge_cache.invalidate(EdgeId(1), "b");
        assert_eq!(at(&mut edge_cache, 1), None);
    }

    #[test]
    fn without_a_bound_nothing_is_remembered() {
        let mut edge_cache = EdgeCache::new(0);
        edge_cache.insert(EdgeId(1), "a".into());
        edge_cache.update(EdgeId(1), location("a", 1));
        assert_eq!((at(&mut edge_cache, 1), edge_cache.is_enabled()), (None, false));
    }
}
