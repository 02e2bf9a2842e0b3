//! A persistent map from names to values: a copy costs nothing, and a change copies the path to its name alone.
//!
//! It is a trie over the hash of the name, three bits a level, with hashed keys that nobody outside can guess. What
//! two copies have in common they share.

use ahash::RandomState;
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

/// Bits of the hash that one level looks at. With more a look is shorter, and a change dearer: it copies whole nodes, and
/// each child of one is somewhere else in memory.
const BITS: u32 = 3;

/// The children of a node, in place.
type Children<V> = SmallVec<[Arc<Node<V>>; 1 << BITS]>;

/// A map from names to values.
#[derive(Clone, Debug)]
pub(crate) struct NameMap<V> {
    root: Option<Arc<Node<V>>>,
    hasher: RandomState,
}

#[derive(Clone, Debug)]
enum Node<V> {
    Branch {
        /// Which of the places of a level are taken: `children` has those alone, in their order.
        taken: u8,
        children: Children<V>,
    },
    /// The names of one hash: one, as good as always.
    Leaf { hash: u64, entries: SmallVec<[(Arc<str>, V); 1]> },
}

impl<V> Default for NameMap<V> {
    fn default() -> Self {
        Self { root: None, hasher: RandomState::default() }
    }
}

impl<V> NameMap<V> {
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// The value of that name.
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The name and its value, as they stand here.
    #[inline]
    pub(crate) fn entry(&self, name: &str) -> Option<&(Arc<str>, V)> {
        let mut node = self.root.as_deref()?;
        let hash = self.hasher.hash_one(name);
        let mut rest = hash;
        loop {
            match node {
                Node::Branch { taken, children } => {
                    let (bit, place) = place(*taken, rest);
                    if taken & bit == 0 {
                        return None;
                    }
                    node = &children[place];
                    rest >>= BITS;
                }
                Node::Leaf { hash: of, entries } => {
                    let is_it = |(key, _): &&(Arc<str>, V)| *of == hash && **key == *name;
                    return entries.iter().find(is_it);
                }
            }
        }
    }
}

impl<V: Clone> NameMap<V> {
    /// Gives the name a value.
    pub(crate) fn insert(&mut self, name: Arc<str>, value: V) {
        let hash = self.hasher.hash_one(&*name);
        match &mut self.root {
            None => self.root = Some(leaf(hash, name, value)),
            Some(root) => insert(root, 0, hash, name, value),
        }
    }

    /// Takes the name out, if it is there.
    pub(crate) fn remove(&mut self, name: &str) {
        if self.get(name).is_none() {
            return;
        }
        let hash = self.hasher.hash_one(name);
        if let Some(root) = &mut self.root
            && remove(root, hash, name)
        {
            self.root = None;
        }
    }
}

/// The place that the lowest bits of `hash` name, as a bit and as an index into the children.
fn place(taken: u8, hash: u64) -> (u8, usize) {
    let bit = 1 << (hash & ((1 << BITS) - 1));
    (bit, (taken & (bit - 1)).count_ones() as usize)
}

fn leaf<V>(hash: u64, name: Arc<str>, value: V) -> Arc<Node<V>> {
    Arc::new(Node::Leaf { hash, entries: smallvec![(name, value)] })
}

fn insert<V: Clone>(node: &mut Arc<Node<V>>, shift: u32, hash: u64, name: Arc<str>, value: V) {
    if let Node::Leaf { hash: other, .. } = **node
        && other != hash
    {
        *node = split(shift, (other, node.clone()), (hash, leaf(hash, name, value)));
        return;
    }
    match Arc::make_mut(node) {
        Node::Branch { taken, children } => {
            let (bit, place) = place(*taken, hash >> shift);
            if *taken & bit == 0 {
                *taken |= bit;
                children.insert(place, leaf(hash, name, value));
            } else {
                insert(&mut children[place], shift + BITS, hash, name, value);
            }
        }
        Node::Leaf { entries, .. } => match entries.iter_mut().find(|(key, _)| **key == *name) {
            Some((_, old)) => *old = value,
            None => entries.push((name, value)),
        },
    }
}

/// Two leaves in place of one. Their hashes differ, so there is a level at which they part.
fn split<V>(shift: u32, one: (u64, Arc<Node<V>>), other: (u64, Arc<Node<V>>)) -> Arc<Node<V>> {
    let bits = [one.0, other.0].map(|hash| place(0, hash >> shift).0);
    let children: Children<V> = if bits[0] == bits[1] {
        smallvec![split(shift + BITS, one, other)]
    } else if bits[0] < bits[1] {
        smallvec![one.1, other.1]
    } else {
        smallvec![other.1, one.1]
    };
    Arc::new(Node::Branch { taken: bits[0] | bits[1], children })
}

/// Takes out a name that is there. Whether nothing is left of the node.
fn remove<V: Clone>(node: &mut Arc<Node<V>>, rest: u64, name: &str) -> bool {
    match Arc::make_mut(node) {
        Node::Branch { taken, children } => {
            let (bit, place) = place(*taken, rest);
            if remove(&mut children[place], rest >> BITS, name) {
                *taken &= !bit;
                children.remove(place);
            }
            // A leaf that is alone stands one level higher.
            if let [only] = &**children
                && matches!(**only, Node::Leaf { .. })
            {
                *node = only.clone();
                return false;
            }
            children.is_empty()
        }
        Node::Leaf { entries, .. } => {
            entries.retain(|(key, _)| **key != *name);
            entries.is_empty()
        }
    }
}

#[cfg(test)]
mod tests;
