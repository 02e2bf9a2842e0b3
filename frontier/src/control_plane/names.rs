//! Pages of the names that services take.

use super::listing::Best;
use super::order::{Order, Place};
use super::page::{Listing, Page};
use super::walk::{Epochs, Walks, Who, walk};
use frontier_admin::ApiError;
use frontier_exchange::{Exchange, Peer};
use frontier_protocol::Names;
use std::sync::Arc;
use tokio::task::yield_now;

/// The names of one kind that the matching services take, service by service in their order, those of one service by
/// name. What several take is there for each.
pub(super) async fn list(
    exchange: &Exchange,
    walks: &Walks,
    of: Names,
    epochs: Epochs,
    order: Order,
    page: &Page,
    matches: impl Fn(&Arc<Peer>) -> bool,
) -> Result<Listing<String>, ApiError> {
    let _turn = walks.turn().await?;
    // Each service that is kept has a name at least, so as many services as names are enough.
    let (mut services, mut count) = (Best::new(order, page).with_place(), 0);
    walk(exchange, Who::Services, epochs, |service| {
        let names = if matches(service) { exchange.name_count(service, of) } else { 0 };
        if names > 0 {
            count += names;
            services.add(service);
        }
        true
    })
    .await;
    let mut passed_over = page.offset();
    let mut found: Vec<(Arc<Peer>, Arc<str>)> = Vec::new();
    for service in services.sorted().await {
        if found.len() > page.size {
            break;
        }
        let many = exchange.name_count(&service, of);
        if many <= passed_over {
            passed_over -= many;
            continue;
        }
        let mut names = exchange.names_of(&service, of);
        names.sort_unstable();
        let begun = page.place().filter(|place| place.epoch == service.epoch().0);
        let from = begun.map_or(0, |place| names.partition_point(|name| **name <= *place.name));
        let from = from.saturating_add(passed_over);
        passed_over = 0;
        let wanted = names.into_iter().skip(from).take(page.size + 1 - found.len());
        found.extend(wanted.map(|name| (service.clone(), name)));
        yield_now().await;
    }
    let is_last = found.len() <= page.size;
    found.truncate(page.size);
    let next = found.last().filter(|_| !is_last);
    let next = next.map(|(service, name)| Place::of(order, service).at(name).token());
    let items = found.into_iter().map(|(_, name)| name.to_string()).collect();
    Ok(Listing { items, count, next: next.unwrap_or_default() })
}
