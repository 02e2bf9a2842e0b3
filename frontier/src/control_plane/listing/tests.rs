//! Pages over many, in every order, while others come and go.

use super::super::queries::Queries;
use super::super::record::Listeners;
use super::super::testing::{edge, service};
use crate::testing::{config, exchange};
use frontier_api::gateway::{Edge, ListEdgesRequest, ListServiceRpCsRequest, ListServicesRequest};
use frontier_exchange::{Exchange, Seat};
use std::collections::BTreeSet;
use std::sync::Arc;

fn queries(exchange: &Arc<Exchange>) -> Queries {
    Queries::new(exchange.clone(), Listeners::new(&config()))
}

/// So many edges, of which no two neighbours are alike.
fn edges(exchange: &Arc<Exchange>, count: u64) -> Vec<Seat> {
    let one = |id: u64| {
        let scattered = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let meta = format!("m{}", scattered % 7);
        let addr = format!("10.0.{}.1:{}", scattered % 5, 1 + scattered % 9);
        edge(exchange, scattered, meta.as_bytes(), &addr)
    };
    (1..=count).map(one).collect()
}

async fn all(queries: &Queries, request: &ListEdgesRequest) -> Vec<Edge> {
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListEdgesRequest { page_token: token, ..request.clone() };
        let page = queries.edges(request).await.unwrap();
        assert!(page.items.len() <= 7);
        found.extend(page.items);
        token = page.next;
        if token.is_empty() {
            return found;
        }
    }
}

#[tokio::test]
async fn pages_by_token_have_everyone_once_in_every_order() {
    let exchange = exchange();
    let _seats = edges(&exchange, 600);
    let queries = queries(&exchange);
    for order in ["", "+create_time", "-edge_id", "+edge_id", "meta", "+meta", "addr", "+addr"] {
        let request = ListEdgesRequest { page_size: 7, order: Some(order.into()), ..Default::default() };
        let found = all(&queries, &request).await;
        let ids: BTreeSet<u64> = found.iter().map(|edge| edge.edge_id).collect();
        assert_eq!((found.len(), ids.len()), (600, 600), "{order}");
        let is_sorted = match order {
            "" => found.is_sorted_by(|one, next| one.create_time >= next.create_time),
            "+create_time" => found.is_sorted_by_key(|edge| edge.create_time),
            "-edge_id" => found.is_sorted_by(|one, next| one.edge_id > next.edge_id),
            "+edge_id" => found.is_sorted_by_key(|edge| edge.edge_id),
            "meta" => found.is_sorted_by(|one, next| one.meta >= next.meta),
            "+meta" => found.is_sorted_by(|one, next| one.meta <= next.meta),
            "addr" => found.is_sorted_by(|one, next| one.addr >= next.addr),
            _ => found.is_sorted_by(|one, next| one.addr <= next.addr),
        };
        assert!(is_sorted, "{order}");
        let mut by_number = Vec::new();
        for page in 1..=86 {
            let listing = queries.edges(ListEdgesRequest { page, ..request.clone() }).await.unwrap();
            assert_eq!(listing.count, 600);
            by_number.extend(listing.items);
        }
        assert_eq!(by_number, found, "{order}");
    }
}

#[tokio::test]
async fn who_stays_is_on_one_page_whoever_comes_and_goes() {
    let exchange = exchange();
    let mut seats = edges(&exchange, 300);
    let queries = queries(&exchange);
    let staying: BTreeSet<u64> = seats.iter().step_by(2).map(|seat| seat.peer().number()).collect();
    let (mut seen, mut token, mut extra) = (Vec::new(), String::new(), 0);
    loop {
        let request = ListEdgesRequest { page_size: 10, page_token: token, ..Default::default() };
        let page = queries.edges(request).await.unwrap();
        seen.extend(page.items.iter().map(|edge| edge.edge_id).filter(|id| staying.contains(id)));
        token = page.next;
        if token.is_empty() {
            break;
        }
        // One of those that need not stay goes, wherever it is, and another one comes.
        if let Some(gone) = seats.iter().rposition(|seat| !staying.contains(&seat.peer().number())) {
            seats.swap_remove(gone);
        }
        extra += 1;
        seats.push(edge(&exchange, extra, b"", "10.0.0.1:1"));
    }
    assert_eq!(seen.iter().copied().collect::<BTreeSet<_>>(), staying);
    assert_eq!(seen.len(), staying.len());
}

#[tokio::test]
async fn filters_hold_together_and_count_what_matches() {
    let exchange = exchange();
    let _seats = edges(&exchange, 300);
    let queries = queries(&exchange);
    let every = ListEdgesRequest { page_size: 1000, ..Default::default() };
    let everyone = queries.edges(every.clone()).await.unwrap().items;
    let list = async |request| {
        let found = queries.edges(request).await.unwrap();
        assert_eq!(found.count, found.items.len());
        found.items
    };
    let (meta, addr) = (Some("m3".to_owned()), Some("10.0.2.".to_owned()));
    let found = list(ListEdgesRequest { meta: meta.clone(), addr: addr.clone(), ..every.clone() }).await;
    let expected = everyone.iter().filter(|it| it.meta == "m3" && it.addr.starts_with("10.0.2."));
    assert_eq!(found, expected.cloned().collect::<Vec<_>>());
    assert!(!found.is_empty());
    let one = Some(found[0].edge_id);
    assert_eq!(list(ListEdgesRequest { edge_id: one, meta, ..every.clone() }).await.len(), 1);
    let other = Some("m4".to_owned());
    assert!(list(ListEdgesRequest { edge_id: one, meta: other, ..every.clone() }).await.is_empty());
    let (first, last) = (everyone.last().unwrap().create_time, everyone[0].create_time);
    let between = |start, end| ListEdgesRequest { start_time: start, end_time: end, ..every.clone() };
    assert_eq!(list(between(Some(first), Some(last + 1))).await.len(), 300);
    assert_eq!(list(between(Some(last + 1), None)).await.len(), 0);
    assert_eq!(list(between(None, Some(first))).await.len(), 0);
    assert_eq!(list(between(Some(last), Some(first - 1))).await.len(), 0);
    let error = queries.edges(ListEdgesRequest { rpc: Some("m".into()), ..every }).await.unwrap_err();
    assert!(error.to_string().starts_with("rpc: "), "{error}");
}

#[tokio::test]
async fn services_are_found_by_what_they_take() {
    let exchange = exchange();
    let _seats = [
        service(&exchange, 1, "files", &["get", "put"]),
        service(&exchange, 2, "files-old", &["get"]),
        service(&exchange, 3, "mail", &[]),
    ];
    let queries = queries(&exchange);
    let ids = async |request| {
        let found = queries.services(request).await.unwrap();
        found.items.into_iter().map(|service| service.service_id).collect::<Vec<_>>()
    };
    let none = ListServicesRequest::default;
    assert_eq!(ids(none()).await, [3, 2, 1]);
    let order = |order: &str| ListServicesRequest { order: Some(order.into()), ..none() };
    assert_eq!(ids(order("service_id")).await, [1, 2, 3]);
    assert_eq!(ids(order("-service")).await, [3, 2, 1]);
    assert_eq!(ids(ListServicesRequest { service: Some("files".into()), ..none() }).await, [2, 1]);
    assert_eq!(ids(ListServicesRequest { rpc: Some("put".into()), ..none() }).await, [1]);
    assert_eq!(ids(ListServicesRequest { rpc: Some("pu".into()), ..none() }).await, [] as [u64; 0]);
    assert_eq!(ids(ListServicesRequest { topic: Some("get".into()), ..none() }).await, [] as [u64; 0]);
}

#[tokio::test]
async fn names_are_listed_service_by_service_and_page_by_page() {
    let exchange = exchange();
    let many: Vec<String> = (0..40).map(|number| format!("m{number:02}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let _seats = [
        service(&exchange, 1, "a", &many),
        service(&exchange, 2, "b", &["m00", "x"]),
        service(&exchange, 3, "c", &[]),
    ];
    let queries = queries(&exchange);
    let none = || ListServiceRpCsRequest { page_size: 9, ..Default::default() };
    let expected: Vec<&str> = ["m00", "x"].into_iter().chain(many.iter().copied()).collect();
    let (mut by_token, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListServiceRpCsRequest { page_token: token, ..none() };
        let page = queries.service_rpcs(request).await.unwrap();
        assert_eq!(page.count, 42);
        by_token.extend(page.items);
        token = page.next;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(by_token, expected);
    let mut by_number = Vec::new();
    for page in 1..=5 {
        by_number
            .extend(queries.service_rpcs(ListServiceRpCsRequest { page, ..none() }).await.unwrap().items);
    }
    assert_eq!(by_number, expected);
    let of_b = ListServiceRpCsRequest { service_id: Some(2), ..none() };
    assert_eq!(queries.service_rpcs(of_b).await.unwrap().items, ["m00", "x"]);
    let of_a = ListServiceRpCsRequest { service: Some("a".into()), page_size: 100, ..none() };
    assert_eq!(queries.service_rpcs(of_a).await.unwrap().items, many);
}
