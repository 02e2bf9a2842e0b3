//! What methods edges have told of: for lists and people, not for routing.

use super::method_lists::{MethodList, MethodLists};
use super::services::check;
use crate::hash::scatter;
use crate::{Limits, Peer, RegistrationError, Stage};
use ahash::AHashMap;
use frontier_protocol::Registration;
use parking_lot::Mutex;
use std::sync::Arc;

/// Tables by which the edges are shared out, so that none is long at a million edges.
const SHARDS: usize = 256;

/// The lists of edges, by their epochs.
type Shard = Mutex<AHashMap<u64, Arc<MethodList>>>;

/// The methods that each edge has told of. Beside the edges, so that one that tells nothing costs nothing.
#[derive(Debug)]
pub(crate) struct EdgeMethods {
    shards: Box<[Shard]>,
    lists: Arc<MethodLists>,
}

impl Default for EdgeMethods {
    fn default() -> Self {
        let shards = std::iter::repeat_with(Shard::default).take(SHARDS).collect();
        Self { shards, lists: Arc::default() }
    }
}

impl EdgeMethods {
    /// What `edge` has told of, if it has.
    pub(crate) fn of(&self, edge: &Peer) -> Option<Arc<MethodList>> {
        self.shard(edge).lock().get(&edge.epoch().0).cloned()
    }

    /// What the lists of all edges take, in bytes.
    pub(crate) fn taken(&self) -> usize {
        self.lists.taken()
    }

    /// Whether an edge may tell of these, if it has told of nothing yet.
    pub(crate) fn check(names: &[&str], limits: &Limits) -> Result<(), RegistrationError> {
        check(names, limits)?;
        if names.len() > limits.edge_names {
            return Err(RegistrationError::TooManyOfEdge(limits.edge_names));
        }
        let (len, max) = (names.iter().map(|name| name.len()).sum(), limits.edge_names_len);
        if len > max {
            return Err(RegistrationError::TooLongOfEdge { len, max });
        }
        Ok(())
    }

    /// Adds methods to what `edge` has told of, or takes them off: all of them, or none. What is there already, or is not,
    /// changes nothing.
    pub(crate) fn change(
        &self,
        edge: &Peer,
        change: Registration,
        names: &[&str],
        limits: &Limits,
    ) -> Result<(), RegistrationError> {
        // It never has more than that, so it can't take off more either.
        Self::check(names, limits)?;
        let mut names = names.to_vec();
        names.sort_unstable();
        names.dedup();
        loop {
            let old = self.of(edge);
            let all = changed(old.as_deref(), change, &names);
            if all.len() == old.as_ref().map_or(0, |old| old.len()) {
                return Ok(());
            }
            if change == Registration::Add {
                Self::check(&all, limits)?;
            }
            let new = match &all[..] {
                [] => None,
                all => Some(self.lists.list(all, limits.all_edge_names_len)?),
            };
            if self.put(edge, old.as_ref(), new)? {
                return Ok(());
            }
        }
    }

    /// Puts `new` in the place of `old`. `false` if something else is there by now.
    fn put(
        &self,
        edge: &Peer,
        old: Option<&Arc<MethodList>>,
        new: Option<Arc<MethodList>>,
    ) -> Result<bool, RegistrationError> {
        let mut shard = self.shard(edge).lock();
        // Looked at under the lock: whoever ends it has forgotten what is here, or is about to.
        if edge.stage() == Stage::Gone {
            return Err(RegistrationError::Superseded);
        }
        let key = edge.epoch().0;
        if shard.get(&key).map(Arc::as_ptr) != old.map(Arc::as_ptr) {
            return Ok(false);
        }
        let before = match new {
            Some(new) => shard.insert(key, new),
            None => shard.remove(&key),
        };
        // The end of a list takes a lock of its own.
        drop(shard);
        drop(before);
        Ok(true)
    }

    /// Forgets what `edge` has told of, which is gone.
    pub(crate) fn forget(&self, edge: &Peer) {
        let mut shard = self.shard(edge).lock();
        let list = shard.remove(&edge.epoch().0);
        // One burst is no reason to hold its memory for ever.
        if shard.capacity() > 64 && shard.len() < shard.capacity() / 4 {
            shard.shrink_to_fit();
        }
        drop(shard);
        drop(list);
    }

    fn shard(&self, edge: &Peer) -> &Shard {
        #[expect(clippy::cast_possible_truncation, reason = "its lowest bits are what is wanted")]
        let place = scatter(edge.epoch().0) as usize % SHARDS;
        &self.shards[place]
    }
}

/// What is in the list once `names`, which are in order, have been added or taken off.
fn changed<'a>(old: Option<&'a MethodList>, change: Registration, names: &[&'a str]) -> Vec<&'a str> {
    let old = old.into_iter().flat_map(MethodList::iter);
    match change {
        Registration::Add => {
            let mut all: Vec<&str> = old.chain(names.iter().copied()).collect();
            // Two runs that are in order each: merged, and not sorted anew.
            all.sort();
            all.dedup();
            all
        }
        Registration::Remove => old.filter(|name| names.binary_search(name).is_err()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LIMITS, edge, lone};
    use Registration::{Add, Remove};

    fn told(methods: &EdgeMethods, edge: &Peer) -> Vec<String> {
        methods.of(edge).iter().flat_map(|list| list.iter()).map(str::to_owned).collect()
    }

    #[test]
    fn methods_come_and_go_and_end_with_the_edge() {
        let (methods, edge) = (EdgeMethods::default(), lone(edge(7)));
        methods.change(&edge, Add, &["m", "b", "m"], &LIMITS).unwrap();
        methods.change(&edge, Add, &["a", "b"], &LIMITS).unwrap();
        assert_eq!(told(&methods, &edge), ["a", "b", "m"]);
        methods.change(&edge, Remove, &["b", "x"], &LIMITS).unwrap();
        assert_eq!(told(&methods, &edge), ["a", "m"]);
        methods.change(&edge, Remove, &["a", "m"], &LIMITS).unwrap();
        assert!(methods.of(&edge).is_none(), "one that has nothing left costs nothing");
        methods.change(&edge, Add, &["m"], &LIMITS).unwrap();
        edge.advance(Stage::Gone);
        methods.forget(&edge);
        assert_eq!((told(&methods, &edge).len(), methods.taken()), (0, 0));
        let late = methods.change(&edge, Add, &["m"], &LIMITS);
        assert_eq!((late, methods.taken()), (Err(RegistrationError::Superseded), 0));
    }

    #[test]
    fn what_is_over_a_limit_changes_nothing() {
        let limits =
            Limits { name_len: 8, edge_names: 3, edge_names_len: 12, all_edge_names_len: 400, ..LIMITS };
        let (methods, edge, other) = (EdgeMethods::default(), lone(edge(7)), lone(edge(8)));
        let add = |names: &[&str]| methods.change(&edge, Add, names, &limits);
        add(&["a", "b"]).unwrap();
        assert_eq!(add(&[""]), Err(RegistrationError::EmptyName));
        assert_eq!(add(&["123456789"]), Err(RegistrationError::NameTooLong { len: 9, max: 8 }));
        assert_eq!(add(&["b", "c", "d"]), Err(RegistrationError::TooManyOfEdge(3)));
        assert_eq!(add(&["a", "a", "a", "a"]), Err(RegistrationError::TooManyOfEdge(3)));
        assert_eq!(add(&["12345678", "123"]), Err(RegistrationError::TooManyOfEdge(3)));
        add(&["12345678"]).unwrap();
        assert_eq!(told(&methods, &edge), ["12345678", "a", "b"]);
        methods.change(&edge, Remove, &["a", "b"], &limits).unwrap();
        assert_eq!(add(&["1234", "2"]), Err(RegistrationError::TooLongOfEdge { len: 13, max: 12 }));
        methods.change(&other, Add, &["x"], &limits).unwrap();
        assert_eq!(add(&["y"]), Err(RegistrationError::TooMuchOfEdges(400)));
        assert_eq!(
            (told(&methods, &edge), told(&methods, &other)),
            (vec!["12345678".into()], vec!["x".into()])
        );
        assert_eq!(
            methods.change(&other, Add, &["12345678"], &limits),
            Err(RegistrationError::TooMuchOfEdges(400))
        );
    }

    #[test]
    fn edges_that_tell_the_same_share_it_whatever_the_order_and_the_steps() {
        let methods = EdgeMethods::default();
        let edges: Vec<_> = (0..1000).map(|id| lone(edge(id))).collect();
        for (number, edge) in edges.iter().enumerate() {
            if number % 2 == 0 {
                methods.change(edge, Add, &["reboot", "get", "set"], &LIMITS).unwrap();
            } else {
                for name in ["set", "reboot", "get"] {
                    methods.change(edge, Add, &[name], &LIMITS).unwrap();
                }
            }
        }
        let first = methods.of(&edges[0]).unwrap();
        assert!(edges.iter().all(|edge| Arc::ptr_eq(&first, &methods.of(edge).unwrap())));
        assert_eq!(methods.lists.len(), 1);
        edges.iter().for_each(|edge| methods.forget(edge));
        drop(first);
        assert_eq!((methods.lists.len(), methods.taken()), (0, 0));
    }
}
