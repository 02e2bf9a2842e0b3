//! That it is a map, that a copy stays as it was, and what a change costs.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

impl<V> NameMap<V> {
    /// How many nodes there are that `other` does not share.
    fn own_nodes(&self, other: &Self) -> usize {
        let mut shared = Vec::new();
        other.root.iter().for_each(|root| collect(root, &mut shared));
        shared.sort_unstable();
        let mut own = Vec::new();
        self.root.iter().for_each(|root| collect(root, &mut own));
        own.iter().filter(|node| shared.binary_search(node).is_err()).count()
    }
}

fn collect<V>(node: &Arc<Node<V>>, all: &mut Vec<usize>) {
    all.push(Arc::as_ptr(node).addr());
    if let Node::Branch { children, .. } = &**node {
        children.iter().for_each(|child| collect(child, all));
    }
}

fn filled(names: usize) -> NameMap<usize> {
    let mut map = NameMap::default();
    (0..names).for_each(|n| map.insert(n.to_string().into(), n));
    map
}

/// The work is counted in nodes that are made anew, so it is the same on any machine.
#[test]
fn a_change_costs_the_path_to_its_name_however_many_names_there_are() {
    for names in [0, 1, 100, 100_000] {
        let before = filled(names);
        let mut after = before.clone();
        assert_eq!(after.own_nodes(&before), 0, "a copy is free");
        after.insert("new".into(), 0);
        assert!(after.own_nodes(&before) <= 14, "{names}: {}", after.own_nodes(&before));
        after.insert("new".into(), 1);
        after.remove("new");
        assert!(after.own_nodes(&before) <= 14, "{names}: {}", after.own_nodes(&before));
        after.remove("unknown");
        assert!((0..names).all(|n| before.get(&n.to_string()) == Some(&n)));
    }
    // What many changes have in common is copied once.
    let before = filled(100_000);
    let mut after = before.clone();
    (0..10_000).for_each(|n| after.insert(format!("new-{n}").into(), n));
    assert!(after.own_nodes(&before) < 60_000, "{}", after.own_nodes(&before));
}

#[test]
fn names_of_one_hash_and_of_hashes_that_part_late_are_told_apart() {
    let mut root = leaf(0, "a".into(), 1);
    for (hash, name, value) in [(0, "b", 2), (1 << 63, "c", 3), (1 << 3, "d", 4), (0, "a", 5)] {
        insert(&mut root, 0, hash, name.into(), value);
    }
    let mut nodes = Vec::new();
    collect(&root, &mut nodes);
    assert_eq!(nodes.len(), 25, "three leaves, and what parts them at the second level and the last");
    for (hash, name) in [(0, "b"), (0, "a"), (1 << 63, "c")] {
        assert!(!remove(&mut root, hash, name));
    }
    assert!(matches!(&*root, Node::Leaf { entries, .. } if entries[..] == [("d".into(), 4)]));
    assert!(remove(&mut root, 1 << 3, "d"));
}

proptest! {
    #[test]
    fn it_is_a_map_and_its_copies_do_not_change(steps in prop::collection::vec((0..200u16, any::<Option<u8>>()), 0..400)) {
        let (mut map, mut model) = (NameMap::default(), HashMap::new());
        let mut copies = Vec::new();
        for (name, value) in steps {
            let name = name.to_string();
            match value {
                Some(value) => {
                    map.insert(Arc::from(&*name), value);
                    model.insert(name, value);
                }
                None => {
                    map.remove(&name);
                    model.remove(&name);
                }
            }
            if copies.len() < 8 {
                copies.push((map.clone(), model.clone()));
            }
        }
        copies.push((map, model));
        for (map, model) in copies {
            prop_assert_eq!(map.is_empty(), model.is_empty());
            for name in 0..200 {
                let name = name.to_string();
                prop_assert_eq!(map.get(&name), model.get(&name));
            }
        }
    }
}
