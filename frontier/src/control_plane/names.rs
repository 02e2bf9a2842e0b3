//! Pages of the names that services take, and edges have told of.

use super::listing::Best;
use super::order::{Order, Place};
use super::page::{Listing, Page};
use super::walk::{Epochs, Walks, Who, walk};
use frontier_admin::ApiError;
use frontier_exchange::{Exchange, Peer};
use frontier_protocol::Names;
use std::sync::Arc;
use tokio::task::yield_now;

/// What a list of names is about.
pub(super) struct Wanted<'a> {
    pub(super) of: Names,
    pub(super) epochs: Epochs,
    pub(super) order: Order,
    pub(super) page: &'a Page,
}

/// The names of one kind that the matching peers take, peer by peer in their order, those of one peer by name. What several
/// take is there for each.
pub(super) async fn list(
    exchange: &Exchange,
    walks: &Walks,
    who: Who,
    wanted: Wanted<'_>,
    matches: impl Fn(&Arc<Peer>) -> bool,
) -> Result<Listing<String>, ApiError> {
    let _turn = walks.turn().await?;
    // Each peer that is kept has a name at least, so as many peers as names are enough.
    let (mut peers, mut count) = (Best::new(wanted.order, wanted.page).with_place(), 0);
    walk(exchange, who, wanted.epochs, |peer| {
        let names = if matches(peer) { exchange.name_count(peer, wanted.of) } else { 0 };
        if names > 0 {
            count += names;
            peers.add(peer);
        }
        true
    })
    .await;
    Ok(page(exchange, wanted, peers, count).await)
}

/// The same of one peer, or of none.
pub(super) async fn of_one(
    exchange: &Exchange,
    wanted: Wanted<'_>,
    peer: Option<Arc<Peer>>,
) -> Listing<String> {
    let (mut peers, mut count) = (Best::new(wanted.order, wanted.page).with_place(), 0);
    if let Some(peer) = peer {
        count = exchange.name_count(&peer, wanted.of);
        peers.add(&peer);
    }
    page(exchange, wanted, peers, count).await
}

async fn page(exchange: &Exchange, wanted: Wanted<'_>, peers: Best, count: usize) -> Listing<String> {
    let Wanted { of, order, page, .. } = wanted;
    let mut passed_over = page.offset();
    let mut found: Vec<(Arc<Peer>, Arc<str>)> = Vec::new();
    for (index, peer) in peers.sorted(0).await.into_iter().enumerate() {
        if found.len() > page.size {
            break;
        }
        // Passing over one is little work, but there may be many.
        if index % 256 == 255 {
            yield_now().await;
        }
        let many = exchange.name_count(&peer, of);
        if many <= passed_over {
            passed_over -= many;
            continue;
        }
        let mut names = exchange.names_of(&peer, of);
        names.sort_unstable();
        let begun = page.place().filter(|place| place.epoch == peer.epoch().0);
        let from = begun.map_or(0, |place| names.partition_point(|name| **name <= *place.name));
        let from = from.saturating_add(passed_over);
        passed_over = 0;
        let wanted = names.into_iter().skip(from).take(page.size + 1 - found.len());
        found.extend(wanted.map(|name| (peer.clone(), name)));
        yield_now().await;
    }
    let is_last = found.len() <= page.size;
    found.truncate(page.size);
    let next = found.last().filter(|_| !is_last);
    let next = next.map(|(peer, name)| Place::of(order, peer).at(name).token());
    let items = found.into_iter().map(|(_, name)| name.to_string()).collect();
    Listing { items, count, next: next.unwrap_or_default() }
}
