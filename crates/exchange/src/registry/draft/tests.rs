//! That both copies become the same, and what a change costs.

use super::super::routes::Candidate;
use super::*;
use crate::testing;

fn takers(id: u64) -> Option<Candidates> {
    Some([Candidate::new(testing::lone(testing::service(id)), None)].into_iter().collect())
}

fn taken(routes: &Routes, name: &str) -> Option<u64> {
    routes.method(name).map(|takers| takers[0].service.number())
}

#[test]
fn readers_see_what_is_published_and_all_of_it_at_once() {
    let (published, mut draft) = (ArcSwap::default(), Draft::default());
    for round in 1..5 {
        for name in ["a", "b"] {
            draft.set(Table::Methods, name.into(), takers(round));
            assert_eq!(taken(draft.routes(), name), Some(round));
            let before = (round > 1).then(|| round - 1);
            assert_eq!(taken(&published.load(), name), before);
        }
        draft.publish(&published);
        assert!(["a", "b"].iter().all(|name| taken(&published.load(), name) == Some(round)));
    }
    draft.set(Table::Methods, "a".into(), None);
    draft.publish(&published);
    assert_eq!((taken(&published.load(), "a"), taken(&published.load(), "b")), (None, Some(4)));
}

/// The work is counted, so it is the same on any machine.
#[test]
fn a_change_is_made_twice_and_is_all_the_work_however_many_names_there_are() {
    let (published, mut draft) = (ArcSwap::default(), Draft::default());
    (0..100_000).for_each(|n: u32| draft.set(Table::Methods, n.to_string().into(), takers(1)));
    draft.publish(&published);
    let copies = [Arc::as_ptr(&published.load()), Arc::as_ptr(&draft.spare)];
    for n in 0..1000 {
        draft.set(Table::Methods, format!("new-{n}").into(), takers(2));
        assert_eq!((draft.ahead.len(), draft.missing.len()), (1, 0));
        draft.publish(&published);
        assert_eq!((draft.ahead.len(), draft.missing.len()), (0, 0), "nobody reads");
        assert!(copies.contains(&Arc::as_ptr(&published.load())), "nothing is copied");
        assert!(copies.contains(&Arc::as_ptr(&draft.spare)));
    }
    draft.publish(&published);
    assert_eq!(taken(draft.routes(), "new-999"), Some(2));
}

#[test]
fn a_reader_that_stays_keeps_what_it_reads_and_holds_up_nobody_for_ever() {
    let (published, mut draft) = (ArcSwap::default(), Draft::default());
    let reader = published.load_full();
    for round in 1..4 {
        draft.set(Table::Methods, "a".into(), takers(round));
        draft.publish(&published);
        assert_eq!(taken(&published.load(), "a"), Some(round));
    }
    assert_eq!(taken(&reader, "a"), None);
}

/// Whoever is gone is in neither copy.
#[test]
fn who_has_left_is_not_kept_in_memory() {
    let (published, mut draft) = (ArcSwap::default(), Draft::default());
    let service = testing::lone(testing::service(1));
    let list: Candidates = [Candidate::new(service.clone(), None)].into_iter().collect();
    draft.set(Table::Topics, "t".into(), Some(list));
    draft.publish(&published);
    draft.set(Table::Topics, "t".into(), None);
    draft.publish(&published);
    assert_eq!(Arc::strong_count(&service), 1);
}

#[test]
fn readers_beside_a_writer_see_each_publication_whole() {
    let (published, mut draft) = (ArcSwap::default(), Draft::default());
    let published = &published;
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(move || {
                loop {
                    let routes = published.load();
                    let both = ["a", "b"].map(|name| taken(&routes, name));
                    assert_eq!(both[0], both[1]);
                    if both[0] == Some(2000) {
                        break;
                    }
                }
            });
        }
        for round in 1..=2000 {
            let takers = takers(round);
            draft.set(Table::Methods, "a".into(), takers.clone());
            draft.set(Table::Methods, "b".into(), takers);
            draft.publish(published);
        }
    });
}
