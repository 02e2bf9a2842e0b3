//! That it is a map.

use super::*;
use proptest::prelude::*;

#[test]
fn names_of_one_hash_are_told_apart() {
    let (mut map, name) = (NameMap::default(), Arc::<str>::from("a"));
    map.set(&name, Some(1));
    // As if another name had the same hash.
    let hash = map.hasher.hash_one("a");
    map.shards[shard(hash)].get_mut(&hash).unwrap().insert(0, ("b".into(), 2));
    assert_eq!((map.get("a"), map.get("b")), (Some(&1), None), "which it does not");
    map.set(&name, Some(3));
    assert_eq!(map.get("a"), Some(&3));
    map.set(&name, None);
    assert_eq!(map.get("a"), None);
    assert_eq!(map.shards[shard(hash)][&hash].len(), 1);
}

#[test]
fn its_tables_are_filled_evenly_and_give_their_memory_back() {
    let mut map = NameMap::default();
    let names: Vec<Arc<str>> = (0..100_000).map(|n| n.to_string().into()).collect();
    names.iter().for_each(|name| map.set(name, Some(())));
    let sizes = map.shards.iter().map(HashMap::len);
    assert!(sizes.clone().max() < Some(2 * 100_000 / SHARDS) && sizes.clone().sum::<usize>() == 100_000);
    names.iter().for_each(|name| map.set(name, None));
    assert!(map.is_empty() && map.shards.iter().all(|shard| shard.capacity() <= 64));
}

proptest! {
    #[test]
    fn it_is_a_map(steps in prop::collection::vec((0..200u16, any::<Option<u8>>()), 0..400)) {
        let (mut map, mut model) = (NameMap::default(), HashMap::new());
        for (name, value) in steps {
            let name = name.to_string();
            map.set(&Arc::from(&*name), value);
            match value {
                Some(value) => model.insert(name, value),
                None => model.remove(&name),
            };
        }
        prop_assert_eq!(map.is_empty(), model.is_empty());
        for name in 0..200 {
            let name = name.to_string();
            prop_assert_eq!(map.get(&name), model.get(&name));
        }
    }
}
