//! Which of several services is chosen.

use frontier_protocol::{Hello, Role};
use frontier_sdk::{Code, Edge, EdgeId, Response, Service, ServiceId};
use frontier_tests::{DEADLINE, Gateway, Network, RawPeer, answers_with, eventually, none, within};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;
use tokio::sync::mpsc;

/// A service that says which one it is when `who` is called.
async fn service(gateway: &Gateway, number: u64) -> Service {
    let service = gateway.service("s").id(ServiceId(number)).connect().await.expect("a service");
    answers_with(&service, "who", number.to_string()).await.expect("a registration");
    service
}

async fn who(edge: &Edge) -> u64 {
    let answer = edge.call("who", "").await.expect("an answer");
    std::str::from_utf8(&answer.data).expect("a number").parse().expect("a number")
}

pub(crate) async fn by_edge_id_an_edge_stays_and_a_new_service_takes_only_its_share(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let mut services = Vec::new();
    for number in 1..=4 {
        services.push(service(&gateway, number).await);
    }
    let mut edges = Vec::new();
    for id in 1..=60 {
        edges.push(gateway.edge().id(EdgeId(id)).connect().await.unwrap());
    }
    let mut before = HashMap::new();
    for edge in &edges {
        let chosen = who(edge).await;
        before.insert(edge.id(), chosen);
        assert_eq!(who(edge).await, chosen, "it stays");
    }
    let mut shares = BTreeMap::<u64, u32>::new();
    before.values().for_each(|number| *shares.entry(*number).or_default() += 1);
    assert!(shares.len() == 4 && shares.values().all(|share| *share >= 5), "{shares:?}");
    services.push(service(&gateway, 5).await);
    let mut moved = 0;
    for edge in &edges {
        let now = who(edge).await;
        if now != before[&edge.id()] {
            assert_eq!(now, 5, "whoever moves, moves to the new one");
            moved += 1;
        }
    }
    assert!((3..=25).contains(&moved), "{moved} of 60 have moved");
    // Once it is gone, everyone is back.
    services.pop().unwrap().close().await.unwrap();
    for edge in &edges {
        assert_eq!(who(edge).await, before[&edge.id()]);
    }
}

pub(crate) async fn round_robin_is_even(net: Network) {
    let gateway = Gateway::over(net).set("exchange.hashby", "round_robin").start().await;
    let mut services = Vec::new();
    for number in 0..3 {
        services.push(service(&gateway, number + 1).await);
    }
    let edge = gateway.edge().connect().await.unwrap();
    let mut counts = [0; 3];
    for _ in 0..30 {
        counts[usize::try_from(who(&edge).await).unwrap() - 1] += 1;
    }
    assert_eq!(counts, [10, 10, 10]);
}

pub(crate) async fn random_uses_everyone(net: Network) {
    let gateway = Gateway::over(net).set("exchange.hashby", "random").start().await;
    let _services = [service(&gateway, 1).await, service(&gateway, 2).await, service(&gateway, 3).await];
    let edge = gateway.edge().connect().await.unwrap();
    let mut counts = [0; 3];
    for _ in 0..90 {
        counts[usize::try_from(who(&edge).await).unwrap() - 1] += 1;
    }
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

pub(crate) async fn by_source_address_edges_of_one_address_share_a_service(net: Network) {
    let gateway = Gateway::over(net).set("exchange.hashby", "srcip").start().await;
    let _services = [service(&gateway, 1).await, service(&gateway, 2).await, service(&gateway, 3).await];
    let first = gateway.edge().connect().await.unwrap();
    let chosen = who(&first).await;
    for _ in 0..10 {
        let edge = gateway.edge().connect().await.unwrap();
        assert_eq!(who(&edge).await, chosen);
    }
}

pub(crate) async fn least_inflight_avoids_a_busy_one(net: Network) {
    let gateway = Gateway::over(net).set("exchange.hashby", "least_inflight").start().await;
    let (started, mut starts) = mpsc::unbounded_channel();
    let mut services = Vec::new();
    for number in 1..=2 {
        let service = service(&gateway, number).await;
        let started = started.clone();
        let never = move |_| {
            let _ = started.send(number);
            std::future::pending::<Result<Response, _>>()
        };
        service.register("never", never).await.unwrap();
        services.push(service);
    }
    let edge = gateway.edge().connect().await.unwrap();
    let busy_call = tokio::spawn({
        let edge = edge.clone();
        async move { edge.call("never", "").await }
    });
    let busy = within("one is busy", starts.recv()).await.unwrap();
    for _ in 0..20 {
        assert_ne!(who(&edge).await, busy);
    }
    busy_call.abort();
}

pub(crate) async fn a_service_that_drains_is_skipped_and_finishes(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let leaving = gateway.service("s").connect().await.unwrap();
    let (started, mut starts) = mpsc::unbounded_channel();
    let (go_on, waits) = tokio::sync::watch::channel(false);
    leaving
        .register("who", move |_| {
            let _ = started.send(());
            let mut waits = waits.clone();
            async move {
                let _ = waits.wait_for(|go_on| *go_on).await;
                Ok(Response::new("0"))
            }
        })
        .await
        .unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    let call = tokio::spawn({
        let edge = edge.clone();
        async move { who(&edge).await }
    });
    within("the handler runs", starts.recv()).await.unwrap();
    let other = service(&gateway, 2).await;
    let closing = tokio::spawn(async move { leaving.close().await });
    eventually(DEADLINE, "the other one is chosen", async || {
        let answer = edge.call("who", "").timeout(Duration::from_millis(200)).await;
        answer.ok()
    })
    .await;
    for _ in 0..10 {
        assert_eq!(who(&edge).await, 2);
    }
    assert!(!closing.is_finished() && !call.is_finished());
    go_on.send(true).unwrap();
    assert_eq!(within("the old call ends", call).await.unwrap(), 0);
    within("the service is closed", closing).await.unwrap().unwrap();
    drop(other);
}

/// Requests that never left the gateway are not lost with a service: another one gets them.
pub(crate) async fn requests_that_wait_for_a_service_that_dies_go_to_another(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let hello = Hello { name: "s", ..RawPeer::hello(Role::Service) };
    let mut stuck = RawPeer::reach(&gateway, Role::Service).await.handshake(&hello).await.unwrap();
    stuck.take_methods(&["who"]).await;
    stuck.io().pause();
    let edge = RawPeer::reach(&gateway, Role::Edge).await;
    let mut edge = edge.handshake(&RawPeer::hello(Role::Edge)).await.unwrap();
    let payload = vec![0; 32 * 1024];
    for id in 0..200 {
        edge.request(id, "who", none(), &payload);
    }
    edge.is_alive().await;
    let _other = service(&gateway, 2).await;
    drop(stuck);
    let mut codes = BTreeMap::<String, u32>::new();
    let mut answered = HashSet::new();
    for _ in 0..200 {
        let frame = edge.frame().await;
        assert!(answered.insert(frame.id), "{} was answered twice", frame.id);
        *codes.entry(frame.code.to_string()).or_default() += 1;
    }
    let [ok, lost] = [Code::Ok, Code::Disconnected].map(|code| codes.remove(&code.to_string()).unwrap_or(0));
    assert!(codes.is_empty(), "{codes:?}");
    assert!(ok >= 100 && ok + lost == 200, "{ok} were answered, {lost} lost");
}
