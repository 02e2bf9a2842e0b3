//! A page of those who are here and match.

use super::order::{Field, Order, Place};
use super::page::{Listing, Page};
use super::walk::{Epochs, Walks, Who, walk};
use frontier_admin::ApiError;
use frontier_exchange::{Exchange, Peer};
use std::cmp::Ordering;
use std::sync::Arc;
use tokio::task::{spawn_blocking, yield_now};

/// As many as are put in order in some hundreds of microseconds.
const MAX_SORTED_HERE: usize = 2048;

/// What a list is about.
pub(super) struct Wanted<M> {
    pub(super) who: Who,
    pub(super) epochs: Epochs,
    pub(super) order: Order,
    pub(super) page: Page,
    /// Whether it is one of those; `None` if all are.
    pub(super) matches: Option<M>,
}

/// The page. Edges by their time, all of them, are read from where the page begins; anything else takes a walk through
/// all.
pub(super) async fn list<M: Fn(&Arc<Peer>) -> bool>(
    exchange: &Exchange,
    walks: &Walks,
    wanted: Wanted<M>,
) -> Result<Listing<Arc<Peer>>, ApiError> {
    let Wanted { who, epochs, order, page, matches } = wanted;
    match (who, matches) {
        (Who::Edges { .. }, None) if order.field == Field::CreateTime => {
            Ok(edges_by_time(exchange, epochs, order, &page).await)
        }
        (_, matches) => {
            let _turn = walks.turn().await?;
            let mut found = Best::new(order, &page);
            walk(exchange, who, epochs, |peer| {
                if matches.as_ref().is_none_or(|matches| matches(peer)) {
                    found.add(peer);
                }
                true
            })
            .await;
            Ok(found.listing(&page).await)
        }
    }
}

async fn edges_by_time(exchange: &Exchange, epochs: Epochs, order: Order, page: &Page) -> Listing<Arc<Peer>> {
    let newest_first = order.greatest_first;
    let count = match epochs {
        Epochs::ALL => exchange.edge_count(),
        _ => pass_over(exchange, epochs, newest_first, usize::MAX).await.0,
    };
    let mut last = page.place().map(|place| place.epoch);
    if page.offset() > 0 {
        let (passed, end) = pass_over(exchange, epochs, newest_first, page.offset()).await;
        if passed < page.offset() {
            return Listing { items: Vec::new(), count, next: String::new() };
        }
        last = end;
    }
    let (mut items, needed) = (Vec::new(), page.size + 1);
    while items.len() < needed {
        let left = last.map_or(epochs.bounds(), |last| epochs.behind(last, newest_first));
        let slice = exchange.edge_slice(left, newest_first, needed - items.len());
        let Some(end) = slice.last() else { break };
        last = Some(end.epoch().0);
        items.extend(slice.into_iter().filter(|edge| edge.is_listed()));
        yield_now().await;
    }
    cut(items, count, order, page)
}

/// Passes over `count` edges: over how many there were, and the epoch of the last one.
async fn pass_over(
    exchange: &Exchange,
    epochs: Epochs,
    newest_first: bool,
    count: usize,
) -> (usize, Option<u64>) {
    let (mut passed, mut last) = (0, None);
    while passed < count {
        let left = last.map_or(epochs.bounds(), |last| epochs.behind(last, newest_first));
        let (some, end) = exchange.pass_over_edges(left, newest_first, count - passed);
        if some == 0 {
            break;
        }
        (passed, last) = (passed + some, end);
        yield_now().await;
    }
    (passed, last)
}

/// The first of an order, as many as a page needs, among any number that come in no order.
pub(super) struct Best {
    order: Order,
    needed: usize,
    behind: Option<Place>,
    /// Whether the one at the place itself is wanted, too: in lists of names the rest of its names follow.
    takes_place: bool,
    count: usize,
    found: Vec<Arc<Peer>>,
}

impl Best {
    pub(super) fn new(order: Order, page: &Page) -> Self {
        let behind = page.place().cloned();
        Self { order, needed: page.needed(), behind, takes_place: false, count: 0, found: Vec::new() }
    }

    pub(super) fn with_place(self) -> Self {
        Self { takes_place: true, ..self }
    }

    pub(super) fn add(&mut self, peer: &Arc<Peer>) {
        self.count += 1;
        let is_wanted = self.behind.as_ref().is_none_or(|place| match self.order.is_behind(peer, place) {
            Ordering::Less => false,
            Ordering::Equal => self.takes_place,
            Ordering::Greater => true,
        });
        if !is_wanted {
            return;
        }
        self.found.push(peer.clone());
        // Twice as many as are needed: each is compared a few times on the whole, and few are kept.
        if self.found.len() >= self.needed.saturating_mul(2) {
            let order = self.order;
            self.found.select_nth_unstable_by(self.needed - 1, |one, other| order.compare(one, other));
            self.found.truncate(self.needed);
        }
    }

    /// Those that were found, in their order. Many are put in order on a thread of their own.
    pub(super) async fn sorted(self) -> Vec<Arc<Peer>> {
        if self.found.len() <= MAX_SORTED_HERE {
            return self.sort();
        }
        // It fails only as the process ends.
        spawn_blocking(move || self.sort()).await.unwrap_or_default()
    }

    fn sort(mut self) -> Vec<Arc<Peer>> {
        let order = self.order;
        self.found.sort_unstable_by(|one, other| order.compare(one, other));
        self.found.truncate(self.needed);
        self.found
    }

    async fn listing(self, page: &Page) -> Listing<Arc<Peer>> {
        let (count, order) = (self.count, self.order);
        let mut items = self.sorted().await;
        items.drain(..page.offset().min(items.len()));
        cut(items, count, order, page)
    }
}

/// What is left of a page and one more.
fn cut(mut items: Vec<Arc<Peer>>, count: usize, order: Order, page: &Page) -> Listing<Arc<Peer>> {
    let is_last = items.len() <= page.size;
    items.truncate(page.size);
    let next = items.last().filter(|_| !is_last).map(|last| Place::of(order, last).token());
    Listing { items, count, next: next.unwrap_or_default() }
}

#[cfg(test)]
mod tests;
