//! All other gateways of the cluster, to each of which a link is kept where requests are forwarded.

use super::Location;
use frontier_protocol::{Members, OtherMember, Plan};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::watch;

/// How many of them there may be. More are not heard of.
const MAX_LISTED: usize = 1024;

/// The others, as they were listed last; `None` until frontlas has told.
pub(crate) type Listed = Option<Arc<[Location]>>;

/// All other gateways of the cluster, as frontlas has last told of them. Without frontlas they are those of before.
#[derive(Debug)]
pub(crate) struct Neighbours {
    listed: watch::Sender<Listed>,
    /// The list of which some parts have come.
    incoming: Mutex<Incoming>,
}

#[derive(Debug, Default)]
struct Incoming {
    others: Vec<Location>,
    /// Whether this frontlas lists all of them.
    is_told: bool,
}

impl Default for Neighbours {
    fn default() -> Self {
        Self { listed: watch::Sender::new(None), incoming: Mutex::default() }
    }
}

impl Neighbours {
    /// Frontlas has told of all, or of some of them.
    pub(crate) fn update(&self, members: &Members<'_>) {
        let mut incoming = self.incoming.lock();
        incoming.is_told = true;
        if members.is_first {
            incoming.others.clear();
        }
        let room = MAX_LISTED.saturating_sub(incoming.others.len());
        let location = |OtherMember { frontier, servicebound }: &OtherMember<'_>| Location {
            frontier: (*frontier).to_owned(),
            servicebound: (*servicebound).to_owned(),
        };
        let reached = members.others.iter().filter(|it| !it.servicebound.is_empty());
        incoming.others.extend(reached.take(room).map(location));
        if members.is_last {
            self.list(std::mem::take(&mut incoming.others));
        }
    }

    /// A frontlas of before tells only of those where edges may go.
    pub(crate) fn update_from(&self, plan: &Plan<'_>) {
        if self.incoming.lock().is_told {
            return;
        }
        let reached = plan.others.iter().filter(|it| !it.servicebound.is_empty());
        let location = |it: &frontier_protocol::Other<'_>| Location {
            frontier: it.frontier.to_owned(),
            servicebound: it.servicebound.to_owned(),
        };
        self.list(reached.map(location).collect());
    }

    /// Another frontlas may be of another version.
    pub(crate) fn pause(&self) {
        *self.incoming.lock() = Incoming::default();
    }

    fn list(&self, others: Vec<Location>) {
        self.listed.send_if_modified(|listed| {
            let is_new = listed.as_deref() != Some(&others[..]);
            if is_new {
                *listed = Some(others.into());
            }
            is_new
        });
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.listed.borrow().as_ref().map_or(0, |listed| listed.len())
    }

    /// Hears of every list from now on.
    pub(crate) fn follow(&self) -> watch::Receiver<Listed> {
        self.listed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_protocol::Other;

    fn members<'a>(is_first: bool, is_last: bool, ids: &'a [&'a str]) -> Members<'a> {
        let other = |frontier: &&'a str| OtherMember { frontier, servicebound: "tcp://h:1" };
        Members { is_first, is_last, others: ids.iter().map(other).collect() }
    }

    fn listed(neighbours: &Neighbours) -> Option<Vec<String>> {
        let listed = neighbours.listed.borrow().clone();
        listed.map(|listed| listed.iter().map(|it| it.frontier.clone()).collect())
    }

    #[test]
    fn a_list_counts_once_it_is_whole() {
        let neighbours = Neighbours::default();
        neighbours.update(&members(true, false, &["a", "b"]));
        assert_eq!(listed(&neighbours), None);
        neighbours.update(&members(false, true, &["c"]));
        assert_eq!(listed(&neighbours).unwrap(), ["a", "b", "c"]);
        neighbours.update(&members(true, false, &["x"]));
        neighbours.update(&members(true, true, &["c"]));
        assert_eq!(listed(&neighbours).unwrap(), ["c"], "one that was begun anew");
        let mut news = neighbours.follow();
        neighbours.update(&members(true, true, &["c"]));
        assert!(!news.has_changed().unwrap());
        news.mark_unchanged();
    }

    #[test]
    fn there_are_not_too_many_and_each_can_be_reached() {
        let neighbours = Neighbours::default();
        let ids: Vec<String> = (0..2000).map(|n| n.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        neighbours.update(&members(true, false, &ids[..1000]));
        neighbours.update(&members(false, true, &ids[1000..]));
        assert_eq!(listed(&neighbours).unwrap().len(), MAX_LISTED);
        let nowhere = OtherMember { frontier: "a", servicebound: "" };
        neighbours.update(&Members { is_first: true, is_last: true, others: vec![nowhere] });
        assert!(listed(&neighbours).unwrap().is_empty());
    }

    #[test]
    fn a_plan_stands_in_for_a_frontlas_that_does_not_list_all() {
        let neighbours = Neighbours::default();
        let other = Other { want: 0, edges: 0, frontier: "a", edgebound: "", servicebound: "tcp://h:1" };
        let plan = Plan { keep: 0, rate: 0, others: vec![other] };
        neighbours.update_from(&plan);
        assert_eq!(listed(&neighbours).unwrap(), ["a"]);
        neighbours.update(&members(true, true, &["a", "b"]));
        neighbours.update_from(&plan);
        assert_eq!(listed(&neighbours).unwrap(), ["a", "b"]);
        neighbours.pause();
        assert_eq!(listed(&neighbours).unwrap(), ["a", "b"], "what is known goes on to be");
        neighbours.update_from(&plan);
        assert_eq!(listed(&neighbours).unwrap(), ["a"]);
    }
}
