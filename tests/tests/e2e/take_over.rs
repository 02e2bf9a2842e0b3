//! A second connection with the id of the first.

use frontier_sdk::{Closed, Code, Edge, EdgeId, Response, ServiceId};
use frontier_tests::{
    DEADLINE, Gateway, Network, Presence, StallProxy, answers_with, echo, eventually, within,
};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

async fn who(edge: &Edge, name: &'static str) {
    let handler = move |_| async move { Ok(Response::new(name)) };
    edge.register("who", handler).await.expect("a registration");
}

pub(crate) async fn a_second_edge_of_the_same_id_takes_over_and_the_first_is_told(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let id = EdgeId(7);
    let first = gateway.edge().id(id).connect().await.unwrap();
    who(&first, "first").await;
    assert_eq!(service.call(id, "who", "").await.unwrap().data, "first");
    let second = gateway.edge().id(id).connect().await.unwrap();
    who(&second, "second").await;
    assert_eq!(service.call(id, "who", "").await.unwrap().data, "second");
    // It does not come back: that would go on for ever.
    assert_eq!(within("the first is told", first.closed()).await, Closed::Superseded);
    assert_eq!(first.call("m", "").await.unwrap_err().code(), Code::Superseded);
    assert_eq!(service.call(id, "who", "").await.unwrap().data, "second");
}

pub(crate) async fn calls_to_the_first_fail_when_it_is_taken_over(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let id = EdgeId(7);
    let first = gateway.edge().id(id).connect().await.unwrap();
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    first
        .register("never", move |_| {
            let _ = started.send(());
            std::future::pending()
        })
        .await
        .unwrap();
    let call = tokio::spawn({
        let service = service.clone();
        async move { service.call(id, "never", "").await }
    });
    within("the handler runs", starts.recv()).await.unwrap();
    let _second = gateway.edge().id(id).connect().await.unwrap();
    let error = within("the call ends", call).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Disconnected);
}

/// CONF-004
pub(crate) async fn three_at_once_leave_one_and_the_events_pair_up(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let id = EdgeId(7);
    let mut connecting = JoinSet::new();
    for _ in 0..3 {
        connecting.spawn(gateway.edge().id(id).connect());
    }
    let edges: Vec<Edge> = connecting.join_all().await.into_iter().filter_map(Result::ok).collect();
    assert!(!edges.is_empty());
    let alive = eventually(DEADLINE, "one is left", async || {
        let mut alive = Vec::new();
        for edge in &edges {
            if !matches!(edge.status().get(), frontier_sdk::Status::Closed(_)) {
                alive.push(edge.clone());
            }
        }
        (alive.len() == 1).then(|| alive.remove(0))
    })
    .await;
    who(&alive, "the last").await;
    assert_eq!(service.call(id, "who", "").await.unwrap().data, "the last");
    alive.close().await.unwrap();
    let events = eventually(DEADLINE, "everyone has left", async || {
        let events = presence.of_edge(id);
        (events.last()?.0 == frontier_tests::Change::Offline && events.len() >= 2 * edges.len())
            .then_some(events)
    })
    .await;
    for pair in events.chunks(2) {
        let [online, offline] = pair else { panic!("{events:?}") };
        assert!(online.0 == frontier_tests::Change::Online && offline.0 == frontier_tests::Change::Offline);
    }
}

/// CONF-004: the predecessor can't answer, and nobody waits for it.
pub(crate) async fn a_predecessor_in_a_blackhole_delays_nobody(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let proxy = StallProxy::to_edges(&gateway).await;
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let id = EdgeId(7);
    let _first = proxy.edge().id(id).connect().await.unwrap();
    proxy.blackhole();
    let start = Instant::now();
    let second = gateway.edge().id(id).connect().await.unwrap();
    who(&second, "second").await;
    assert_eq!(service.call(id, "who", "").await.unwrap().data, "second");
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
    assert_eq!(presence.of_edge(id).len(), 3);
}

/// The late end of the first connection does not erase the second.
pub(crate) async fn an_edge_that_reconnects_before_its_loss_is_noticed_stays_online(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let proxy = StallProxy::to_edges(&gateway).await;
    let service = gateway.service("s").connect().await.unwrap();
    let id = EdgeId(7);
    let _first = proxy.edge().id(id).reconnect(false).connect().await.unwrap();
    proxy.blackhole();
    let second = gateway.edge().id(id).connect().await.unwrap();
    who(&second, "second").await;
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        assert_eq!(service.call(id, "who", "").await.unwrap().data, "second");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// CONF-005
pub(crate) async fn a_second_service_of_the_same_id_keeps_methods_and_topics(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let id = ServiceId(5);
    let first = gateway.service("s").id(id).topics(["t"]).connect().await.unwrap();
    answers_with(&first, "who", "first").await.unwrap();
    first.subscribe("late").await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    assert_eq!(edge.call("who", "").await.unwrap().data, "first");
    // It knows nothing of topics and methods, but the gateway does.
    let second = gateway.service("s").id(id).connect().await.unwrap();
    assert_eq!(second.id(), id);
    assert_eq!(within("the first is told", first.closed()).await, Closed::Superseded);
    assert_eq!(edge.call("who", "").await.unwrap_err().text(), "no handler for `who`");
    answers_with(&second, "who", "second").await.unwrap();
    assert_eq!(edge.call("who", "").await.unwrap().data, "second");
    for topic in ["t", "late"] {
        let (published, ()) = tokio::join!(edge.publish(topic, ""), async {
            within("a message", second.recv()).await.unwrap().done();
        });
        published.unwrap();
    }
}

pub(crate) async fn a_service_in_a_blackhole_is_taken_over_at_once(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let proxy = StallProxy::to_services(&gateway).await;
    let id = ServiceId(5);
    let first = proxy.service("s").id(id).connect().await.unwrap();
    echo(&first, "echo").await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    proxy.blackhole();
    let start = Instant::now();
    let second = gateway.service("s").id(id).connect().await.unwrap();
    echo(&second, "echo").await.unwrap();
    assert_eq!(edge.call("echo", "x").await.unwrap().data, "x");
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
}
