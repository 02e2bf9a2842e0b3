//! What followers hear of the names that services take.

use super::*;
use Offered::{Method, Topic};

fn names() -> Arc<OfferedNames> {
    Arc::default()
}

fn add(names: &OfferedNames, name: &str) {
    names.edit().add(Method, name);
}

fn remove(names: &OfferedNames, name: &str) {
    names.edit().remove(Method, name);
}

/// The names, those that are withdrawn with a dash in front.
fn told(follower: &mut NameFollower) -> (bool, bool, Vec<String>) {
    let NameChanges { is_first, is_last, changes } = follower.take(usize::MAX).expect("there is news");
    let text = |it: &NameChange| format!("{}{}", if it.is_offered { "" } else { "-" }, it.name);
    (is_first, is_last, changes.iter().map(text).collect())
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_follower_is_told_everything_and_then_what_changes() {
    let names = names();
    add(&names, "a");
    add(&names, "b");
    let mut follower = names.follow();
    assert_eq!(told(&mut follower), (true, true, texts(&["a", "b"])));
    assert_eq!(follower.take(usize::MAX), None);
    add(&names, "c");
    remove(&names, "a");
    assert_eq!(told(&mut follower), (false, false, texts(&["c", "-a"])));
    assert_eq!(follower.take(usize::MAX), None);
    assert_eq!(names.counts(), (2, 0), "who was told need not be told again");
    assert_eq!(told(&mut names.follow()), (true, true, texts(&["b", "c"])));
}

#[test]
fn a_name_is_offered_until_the_last_service_gives_it_up() {
    let names = names();
    let mut follower = names.follow();
    assert_eq!(told(&mut follower), (true, true, Vec::new()));
    add(&names, "a");
    add(&names, "a");
    names.edit().add(Topic, "a");
    remove(&names, "a");
    let changes = follower.take(usize::MAX).unwrap().changes;
    assert_eq!(
        changes.iter().map(|it| (it.of, it.is_offered)).collect::<Vec<_>>(),
        [(Method, true), (Topic, true)]
    );
    remove(&names, "a");
    assert_eq!(told(&mut follower), (false, false, texts(&["-a"])));
    remove(&names, "a");
    remove(&names, "never there");
    assert_eq!(follower.take(usize::MAX), None);
}

#[test]
fn what_comes_and_goes_is_told_once_as_it_is_in_the_end() {
    let names = names();
    let mut follower = names.follow();
    told(&mut follower);
    for _ in 0..100 {
        add(&names, "a");
        remove(&names, "a");
    }
    assert_eq!(names.counts(), (1, 1));
    assert_eq!(told(&mut follower), (false, false, texts(&["-a"])));
    // A take-over is one edit, and nothing to be told.
    add(&names, "a");
    told(&mut follower);
    let mut edit = names.edit();
    edit.remove(Method, "a");
    edit.add(Method, "a");
    drop(edit);
    assert_eq!(told(&mut follower), (false, false, texts(&["a"])), "at most that it is still there");
}

#[test]
fn what_is_told_comes_in_pieces_and_the_last_one_makes_it_whole() {
    let names = names();
    for name in ["aaaa", "bbbb", "cccc"] {
        add(&names, name);
    }
    let mut follower = names.follow();
    let piece = |follower: &mut NameFollower| {
        let it = follower.take(21).unwrap();
        (it.is_first, it.is_last, it.changes.len())
    };
    assert_eq!(piece(&mut follower), (true, false, 1));
    add(&names, "dddd");
    remove(&names, "aaaa");
    assert_eq!([piece(&mut follower), piece(&mut follower)], [(false, false, 1); 2]);
    assert_eq!([piece(&mut follower), piece(&mut follower)], [(false, false, 1), (false, true, 1)]);
    assert_eq!(follower.take(21), None);
}

#[test]
fn nobody_is_told_of_what_was_forgotten_but_everything_anew() {
    let names = names();
    add(&names, "stays");
    let (mut quick, mut slow) = (names.follow(), names.follow());
    let many = |turn: usize| (0..MAX_WITHDRAWN).map(move |n| format!("{turn}-{n}"));
    for name in many(0) {
        add(&names, &name);
    }
    while quick.take(1 << 20).is_some() {}
    while slow.take(1 << 20).is_some() {}
    for turn in 0..3 {
        for name in many(turn) {
            remove(&names, &name);
        }
        for name in many(turn + 1) {
            add(&names, &name);
        }
        let told: usize = std::iter::from_fn(|| quick.take(1 << 20)).map(|it| it.changes.len()).sum();
        assert_eq!(told, 2 * MAX_WITHDRAWN);
    }
    assert!(names.counts().1 <= MAX_WITHDRAWN);
    let first = slow.take(1 << 20).unwrap();
    assert!(first.is_first && &*first.changes[0].name == "stays");
    let mut known: std::collections::HashSet<Arc<str>> = Default::default();
    for NameChange { name, is_offered, .. } in
        first.changes.into_iter().chain(std::iter::from_fn(|| slow.take(1 << 20)).flat_map(|it| it.changes))
    {
        if is_offered {
            known.insert(name)
        } else {
            known.remove(&name)
        };
    }
    assert_eq!(known.len(), MAX_WITHDRAWN + 1);
}

#[test]
fn where_nobody_follows_nothing_is_kept_of_what_has_gone() {
    let names = names();
    add(&names, "a");
    remove(&names, "a");
    assert_eq!(names.counts(), (0, 0));
    let follower = names.follow();
    add(&names, "b");
    remove(&names, "b");
    assert_eq!(names.counts(), (1, 1));
    drop(follower);
    assert_eq!(names.counts(), (0, 0));
}

#[tokio::test]
async fn a_follower_is_woken_by_what_is_new() {
    let names = names();
    let mut follower = names.follow();
    follower.changed().await;
    told(&mut follower);
    let (_, ()) = tokio::join!(follower.changed(), async { add(&names, "a") });
    told(&mut follower);
    let waits = tokio::time::timeout(std::time::Duration::from_millis(1), follower.changed());
    assert!(waits.await.is_err());
}
