//! The end of a gateway, as its peers see it.

use frontier_sdk::{Edge, Response, Status};
use frontier_tests::{Change, DEADLINE, Gateway, Load, Network, Presence, echo, eventually, within};
use std::time::Duration;
use tokio::sync::mpsc;

/// CONF-025
pub(crate) async fn what_is_in_flight_finishes_and_every_edge_is_told_as_gone(net: Network) {
    let mut gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let (started, mut starts) = mpsc::unbounded_channel();
    let (go_on, waits) = tokio::sync::watch::channel(false);
    service
        .register("slow", move |_| {
            let _ = started.send(());
            let mut waits = waits.clone();
            async move {
                let _ = waits.wait_for(|go_on| *go_on).await;
                Ok(Response::new("done"))
            }
        })
        .await
        .unwrap();
    let mut edges = Vec::new();
    for _ in 0..10 {
        edges.push(gateway.edge().connect().await.unwrap());
    }
    let calls: Vec<_> = edges
        .iter()
        .map(|edge| {
            let edge = edge.clone();
            tokio::spawn(async move { edge.call("slow", "").await })
        })
        .collect();
    for _ in &calls {
        within("the handlers run", starts.recv()).await.unwrap();
    }
    gateway.terminate();
    eventually(DEADLINE, "the gateway drains", async || gateway.log().find("draining")).await;
    go_on.send(true).unwrap();
    for call in calls {
        assert_eq!(within("the call ends", call).await.unwrap().unwrap().data, "done");
    }
    assert_eq!(gateway.process().exit().await, Some(0));
    for edge in &edges {
        let changes: Vec<Change> =
            presence.of_edge(edge.id()).into_iter().map(|(change, _)| change).collect();
        assert_eq!(changes, [Change::Online, Change::Offline]);
    }
}

pub(crate) async fn under_load_it_ends_in_time_and_nobody_hangs(net: Network) {
    let mut gateway = Gateway::over(net).set("daemon.grace", "5s").start().await;
    let service = gateway.service("s").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let mut edges: Vec<Edge> = Vec::new();
    for _ in 0..8 {
        edges.push(gateway.edge().connect().await.unwrap());
    }
    let load = Load::start(&edges, "echo");
    load.go_on(200).await;
    gateway.terminate();
    assert_eq!(gateway.process().exit().await, Some(0));
    load.stop().await;
    for edge in &edges {
        assert_eq!(presence.of_edge(edge.id()).len(), 2, "{:?}", presence.of_edge(edge.id()));
    }
}

pub(crate) async fn clients_go_elsewhere_when_their_gateway_stops(net: Network) {
    let mut old = Gateway::over(net).start().await;
    let new = Gateway::over(net).start().await;
    let service = old.service("s").url(new.service_url()).connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let edge = old.edge().url(new.edge_url()).connect().await.unwrap();
    assert_eq!(edge.call("echo", "x").await.unwrap().data, "x");
    old.terminate();
    assert_eq!(old.process().exit().await, Some(0));
    eventually(DEADLINE, "calls work through the other gateway", async || {
        edge.call("echo", "x").timeout(Duration::from_secs(1)).await.ok()
    })
    .await;
    eventually(DEADLINE, "both are connected", async || {
        (edge.status().get() == Status::Connected && service.status().get() == Status::Connected)
            .then_some(())
    })
    .await;
}

/// Each edge connects to the other gateway before it leaves the one that stops.
pub(crate) async fn edges_under_load_go_to_another_gateway_without_a_failed_call(net: Network) {
    let mut old = Gateway::over(net).start().await;
    let new = Gateway::over(net).start().await;
    // Gateways know nothing of each other, so there is a service at each.
    let (here, there) =
        (old.service("s").connect().await.unwrap(), new.service("s").connect().await.unwrap());
    echo(&here, "echo").await.unwrap();
    echo(&there, "echo").await.unwrap();
    let arrivals = Presence::of(&there).await.unwrap();
    let (go_on, waits) = tokio::sync::watch::channel(false);
    here.register("hold", move |_| {
        let mut waits = waits.clone();
        async move {
            let _ = waits.wait_for(|go_on| *go_on).await;
            Ok(Response::new("done"))
        }
    })
    .await
    .unwrap();
    let mut edges = Vec::new();
    for _ in 0..8 {
        edges.push(old.edge().url(new.edge_url()).connect().await.unwrap());
    }
    // While one call is in flight the old gateway closes nobody.
    let held = tokio::spawn({
        let edge = edges[0].clone();
        async move { edge.call("hold", "").await }
    });
    let load = Load::start(&edges, "echo");
    load.go_on(200).await;
    old.terminate();
    for edge in &edges {
        arrivals.wait(edge.id(), 1).await;
    }
    load.go_on(200).await;
    go_on.send(true).unwrap();
    assert_eq!(within("the call ends", held).await.unwrap().unwrap().data, "done");
    assert_eq!(old.process().exit().await, Some(0));
    load.go_on(200).await;
    let tally = load.stop().await;
    assert_eq!(tally.failures(), 0, "{:?}", tally.failed);
    assert!(edges.iter().all(|edge| edge.status().get() == Status::Connected));
}

/// What others owe it an answer for is not waited for beyond the grace: whoever stops it looks at nothing else.
pub(crate) async fn whoever_answers_nothing_does_not_keep_it_beyond_its_grace(net: Network) {
    let gateway = Gateway::over(net).set("daemon.grace", "2s").set("edgebound.callback_timeout", "300s");
    let mut gateway = gateway.start().await;
    let service = gateway.service("s").connect().await.unwrap();
    service.on_edge_offline(|_| std::future::pending()).await.unwrap();
    service.register("never", |_| async { Ok(std::future::pending::<Response>().await) }).await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    let call = tokio::spawn(async move { edge.call("never", "").await });
    eventually(DEADLINE, "the call is under way", async || gateway.log().find("edge connected")).await;
    gateway.terminate();
    assert_eq!(gateway.process().exit().await, Some(0));
    gateway.log().find("the grace is over").expect("it says why");
    call.abort();
}
