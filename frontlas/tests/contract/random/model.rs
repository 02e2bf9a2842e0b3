//! A model of the directory: which verdict each event must get, and where each edge must be.

use super::{Actor, FRONTIERS};
use frontlas::{Event, Presence, Timestamp, Verdict};
use std::collections::BTreeMap;

/// What the directory must know of an id: the latest connection that it was ever told of.
#[derive(Clone, Debug)]
pub(super) struct Latest {
    pub(super) stamp: Timestamp,
    pub(super) at: usize,
    pub(super) life: u64,
    pub(super) ended: bool,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) latest: BTreeMap<u64, Latest>,
    pub(super) lives: u64,
}

impl Model {
    pub(super) fn report(&mut self, at: usize, life: u64, event: &Event) -> Verdict {
        match event {
            Event::Online(presence) => self.online(at, life, presence),
            Event::Offline { id, stamp, .. } => match self.latest.get_mut(id) {
                Some(it) if (it.at, it.stamp, it.life, it.ended) == (at, *stamp, life, false) => {
                    it.ended = true;
                    Verdict::Applied
                }
                _ => Verdict::Unchanged,
            },
        }
    }

    pub(super) fn online(&mut self, at: usize, life: u64, presence: &Presence) -> Verdict {
        let this = (presence.stamp, at);
        match self.latest.get(&presence.id) {
            Some(it) if (it.stamp, it.at) == this && (it.ended || it.life == life) => {
                return Verdict::Unchanged;
            }
            Some(it) if (it.stamp, it.at) > this => {
                return Verdict::Superseded { by: FRONTIERS[it.at].into() };
            }
            _ => {}
        }
        self.latest.insert(presence.id, Latest { stamp: presence.stamp, at, life, ended: false });
        Verdict::Applied
    }

    /// Where each id is.
    pub(super) fn places(&self, actors: &[Option<Actor>]) -> BTreeMap<u64, (String, Timestamp)> {
        let lives =
            |it: &Latest| !it.ended && actors[it.at].as_ref().is_some_and(|actor| actor.life == it.life);
        let living = self.latest.iter().filter(|(_, it)| lives(it));
        living.map(|(&id, it)| (id, (FRONTIERS[it.at].to_owned(), it.stamp))).collect()
    }
}
