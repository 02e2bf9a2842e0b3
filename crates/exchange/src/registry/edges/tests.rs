//! Who holds an EdgeID, through take-overs and late ends.

use super::*;
use crate::testing;

const ID: EdgeId = EdgeId(7);

fn edge() -> Arc<Peer> {
    testing::lone(testing::edge(ID.0))
}

#[test]
fn an_edge_is_reachable_from_its_publication_to_its_release() {
    let (edges, edge) = (Edges::default(), edge());
    assert!(edges.claim(ID, &edge).unwrap().is_none());
    assert!(edges.is_taken(ID) && edges.online(ID).is_none());
    assert!(edges.publish(ID, &edge));
    assert!(edges.online(ID).is_some_and(|online| Arc::ptr_eq(&online, &edge)));
    assert!(edges.online(EdgeId(8)).is_none());
    edges.release(ID, &edge);
    assert!(!edges.is_taken(ID) && edge.stage() == Stage::Gone);
}

#[test]
fn a_leaving_edge_keeps_its_id_but_takes_nothing() {
    let (edges, edge) = (Edges::default(), edge());
    edges.claim(ID, &edge).unwrap();
    edges.publish(ID, &edge);
    edge.advance(Stage::Leaving);
    assert!(edges.online(ID).is_none() && edges.is_taken(ID));
    assert!(!edges.publish(ID, &edge), "it does not come back");
}

#[test]
fn a_take_over_ends_the_old_one_whatever_it_was_at() {
    // How far the old one is when the new one comes: claimed, or published.
    for is_published in [false, true] {
        let (edges, old, new) = (Edges::default(), edge(), edge());
        edges.claim(ID, &old).unwrap();
        if is_published {
            edges.publish(ID, &old);
        }
        assert!(
            edges.claim(ID, &new).unwrap().is_some_and(|(predecessor, _)| Arc::ptr_eq(&predecessor, &old))
        );
        assert!(edges.online(ID).is_none(), "nothing reaches either until the new one is published");
        assert!(!edges.publish(ID, &old) && !old.is_online(), "a late publication changes nothing");
        edges.release(ID, &old);
        assert!(edges.is_taken(ID), "nor does a late release");
        assert!(edges.publish(ID, &new));
        edges.release(ID, &old);
        assert!(edges.online(ID).is_some_and(|online| Arc::ptr_eq(&online, &new)));
        edges.release(ID, &new);
        assert!(!edges.is_taken(ID));
    }
}

#[test]
fn of_a_chain_only_the_last_stands() {
    let edges = Edges::default();
    let chain = [edge(), edge(), edge()];
    assert!(edges.claim(ID, &chain[0]).unwrap().is_none());
    for pair in chain.windows(2) {
        assert!(
            edges
                .claim(ID, &pair[1])
                .unwrap()
                .is_some_and(|(predecessor, _)| Arc::ptr_eq(&predecessor, &pair[0]))
        );
    }
    assert_eq!(chain.each_ref().map(|edge| edges.publish(ID, edge)), [false, false, true]);
    let mut seen = 0;
    edges.for_each(|edge| {
        assert!(Arc::ptr_eq(edge, &chain[2]));
        seen += 1;
    });
    assert_eq!(seen, 1);
}

#[test]
fn of_those_who_claim_at_once_the_newest_is_online_in_the_end() {
    for _ in 0..200 {
        let edges = Edges::default();
        let racers = [edge(), edge(), edge(), edge()];
        std::thread::scope(|threads| {
            for edge in &racers {
                threads.spawn(|| {
                    let won = edges.claim(ID, edge).is_ok() && edges.publish(ID, edge);
                    if !won {
                        edges.release(ID, edge);
                    }
                });
            }
        });
        let online = racers.iter().filter(|edge| edge.is_online()).count();
        assert_eq!(online, 1);
        let newest = racers.last().unwrap();
        assert!(edges.online(ID).is_some_and(|online| Arc::ptr_eq(&online, newest)));
    }
}

#[test]
fn an_older_connection_does_not_take_over_a_newer_one() {
    let (edges, older, newer) = (Edges::default(), edge(), edge());
    assert!(older.epoch() < newer.epoch());
    edges.claim(ID, &newer).unwrap();
    assert_eq!(edges.claim(ID, &older).unwrap_err().0, ClaimError::Superseded);
    assert!(edges.publish(ID, &newer));
}
