//! Pages over many, in every order, while others come and go.

use super::super::queries::Queries;
use super::super::record::Listeners;
use super::super::testing::{edge, service, telling_edge};
use crate::testing::{config, exchange};
use frontier_api::gateway::{
    Edge, ListEdgeRpCsRequest, ListEdgesRequest, ListServiceRpCsRequest, ListServicesRequest,
};
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

/// A token that had the whole meta would not fit into the head of the request that it is for.
#[tokio::test]
async fn tokens_are_short_however_long_metas_are() {
    let exchange = exchange();
    let long = |id: u64| format!("{}{id}", "m".repeat(60_000));
    let one = |id: u64| edge(&exchange, id, long(id % 5).as_bytes(), "10.0.0.1:1");
    let _seats: Vec<_> = (1..=50).map(one).collect();
    let queries = queries(&exchange);
    for order in ["-meta", "+meta"] {
        let request = ListEdgesRequest { page_size: 7, order: Some(order.into()), ..Default::default() };
        let token = queries.edges(request.clone()).await.unwrap().next;
        assert!(!token.is_empty() && token.len() < 600, "{}", token.len());
        let found = all(&queries, &request).await;
        let ids: BTreeSet<u64> = found.iter().map(|edge| edge.edge_id).collect();
        assert_eq!((found.len(), ids.len()), (50, 50), "{order}");
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
}

#[tokio::test]
async fn edges_are_found_by_what_they_have_told_of() {
    let exchange = exchange();
    let _others = edges(&exchange, 300);
    let _seats = [
        telling_edge(&exchange, 1, "eu", &["get", "put"]),
        telling_edge(&exchange, 2, "us", &["get"]),
        telling_edge(&exchange, 3, "eu", &[]),
    ];
    let queries = queries(&exchange);
    let found = async |rpc: &str, meta: Option<&str>, edge_id| {
        let (rpc, meta) = (Some(rpc.to_owned()), meta.map(str::to_owned));
        let order = Some("+edge_id".to_owned());
        let request = ListEdgesRequest { rpc, meta, edge_id, order, page_size: 1000, ..Default::default() };
        let found = queries.edges(request).await.unwrap();
        assert_eq!(found.count, found.items.len());
        found.items.iter().map(|edge| (edge.edge_id, edge.rpcs)).collect::<Vec<_>>()
    };
    assert_eq!(found("get", None, None).await, [(1, 2), (2, 1)]);
    assert_eq!(found("get", Some("eu"), None).await, [(1, 2)]);
    assert_eq!(found("get", None, Some(2)).await, [(2, 1)]);
    assert_eq!(found("put", None, Some(2)).await, []);
    assert_eq!(found("ge", None, None).await, []);
    assert_eq!(queries.edge(1).unwrap().limits.unwrap().names, 1000);
}

#[tokio::test]
async fn methods_of_edges_are_listed_edge_by_edge_and_page_by_page() {
    let exchange = exchange();
    let _others = edges(&exchange, 300);
    let many: Vec<String> = (0..40).map(|number| format!("m{number:02}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let _seats = [
        telling_edge(&exchange, 1, "eu", &many),
        telling_edge(&exchange, 2, "us", &["x", "m00"]),
        telling_edge(&exchange, 3, "eu", &[]),
    ];
    let queries = queries(&exchange);
    let none = || ListEdgeRpCsRequest { page_size: 9, ..Default::default() };
    let newest_first: Vec<&str> = ["m00", "x"].into_iter().chain(many.iter().copied()).collect();
    let by_id: Vec<&str> = many.iter().copied().chain(["m00", "x"]).collect();
    let orders =
        [("", &newest_first), ("+create_time", &by_id), ("edge_id", &by_id), ("-edge_id", &newest_first)];
    for (order, expected) in orders {
        let order = Some(order.to_owned()).filter(|order| !order.is_empty());
        let (mut by_token, mut by_number, mut token) = (Vec::new(), Vec::new(), String::new());
        for page in 1..=5 {
            let request = ListEdgeRpCsRequest { page_token: token, order: order.clone(), ..none() };
            let next = queries.edge_rpcs(request).await.unwrap();
            assert_eq!((next.count, next.next.is_empty()), (42, page == 5));
            by_token.extend(next.items);
            token = next.next;
            let request = ListEdgeRpCsRequest { page, order: order.clone(), ..none() };
            by_number.extend(queries.edge_rpcs(request).await.unwrap().items);
        }
        assert_eq!(
            (&by_token, &by_number),
            (&by_number, &expected.iter().map(ToString::to_string).collect())
        );
    }
    let list = async |request| {
        let list = queries.edge_rpcs(request).await.unwrap();
        (list.items, list.count)
    };
    let of_two = ListEdgeRpCsRequest { edge_id: Some(2), ..none() };
    assert_eq!(list(of_two.clone()).await, (vec!["m00".into(), "x".into()], 2));
    assert_eq!(list(ListEdgeRpCsRequest { meta: Some("eu".into()), ..of_two.clone() }).await, (vec![], 0));
    assert_eq!(list(ListEdgeRpCsRequest { start_time: Some(i64::MAX), ..of_two }).await, (vec![], 0));
    for silent in [3, 77] {
        assert_eq!(list(ListEdgeRpCsRequest { edge_id: Some(silent), ..none() }).await, (vec![], 0));
    }
    // Pages of one edge.
    let of_one = ListEdgeRpCsRequest { edge_id: Some(1), page_size: 15, ..Default::default() };
    let first = queries.edge_rpcs(of_one.clone()).await.unwrap();
    let rest = ListEdgeRpCsRequest { page_token: first.next, page_size: 100, ..of_one };
    assert_eq!([first.items, queries.edge_rpcs(rest).await.unwrap().items].concat(), many);
    assert_eq!(list(ListEdgeRpCsRequest { meta: Some("us".into()), ..none() }).await.1, 2);
    for wrong in ["service_id", "meta", "addr"] {
        queries.edge_rpcs(ListEdgeRpCsRequest { order: Some(wrong.into()), ..none() }).await.unwrap_err();
    }
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

#[tokio::test(start_paused = true)]
async fn what_walks_far_waits_for_its_turn_and_the_first_page_does_not() {
    let exchange = exchange();
    let _seats = edges(&exchange, 30);
    let queries = queries(&exchange);
    let _turns = [queries.walks().turn().await.unwrap(), queries.walks().turn().await.unwrap()];
    let first = ListEdgesRequest { page_size: 10, ..Default::default() };
    assert_eq!(queries.edges(first.clone()).await.unwrap().count, 30);
    for far in [
        ListEdgesRequest { page: 2, ..first.clone() },
        ListEdgesRequest { start_time: Some(1), ..first.clone() },
        ListEdgesRequest { meta: Some("m".into()), ..first.clone() },
        ListEdgesRequest { rpc: Some("m".into()), ..first },
    ] {
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(1), queries.edges(far)).await;
        assert!(waiting.is_err());
    }
}

/// How long pages of 100 out of 100,000 edges take while others come and go:
/// `cargo test --release -p frontier --lib measuring -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, and takes a release build"]
async fn measuring_pages_of_many() {
    let exchange = exchange();
    let seats = edges(&exchange, 100_000);
    let methods: Vec<String> = (0..20).map(|number| format!("method-{number}")).collect();
    let methods: Vec<&str> = methods.iter().map(String::as_str).collect();
    for seat in &seats {
        exchange.add_methods(seat.peer(), &methods).unwrap();
    }
    let queries = queries(&exchange);
    let (churning, stop) = (exchange.clone(), tokio_util::sync::CancellationToken::new());
    let stopped = stop.clone();
    let churn = tokio::spawn(async move {
        let mut came = 0_u64;
        while !stopped.is_cancelled() {
            came += 1;
            drop(edge(&churning, came, b"", "10.9.9.9:9"));
            tokio::task::yield_now().await;
        }
        came
    });
    let page = || ListEdgesRequest { page_size: 100, ..Default::default() };
    let deep = ListEdgesRequest { page: 900, ..page() };
    let filtered = ListEdgesRequest { meta: Some("m3".into()), ..page() };
    let by_meta = ListEdgesRequest { order: Some("+meta".into()), ..page() };
    let by_rpc = ListEdgesRequest { rpc: Some("method-7".into()), ..page() };
    for (name, request) in [
        ("the first", page()),
        ("number 900", deep),
        ("of a meta", filtered),
        ("by meta", by_meta),
        ("by method", by_rpc),
    ] {
        let mut took: Vec<_> = Vec::new();
        for _ in 0..100 {
            let began = std::time::Instant::now();
            let found = queries.edges(request.clone()).await.unwrap();
            took.push(began.elapsed());
            assert_eq!(found.items.len(), 100);
        }
        took.sort();
        println!("{name}: median {:?}, of 100 the 99th {:?}", took[50], took[98]);
    }
    stop.cancel();
    println!("{} edges came and went", churn.await.unwrap());
}
