//! What services are told about edges: once each, in order, and before anyone can be surprised.

use frontier_sdk::{Code, EdgeId, HandlerError};
use frontier_tests::{Change, DEADLINE, Gateway, Network, Presence, StallProxy, eventually, within};
use std::time::Duration;

/// UNIT-EXCH-007
pub(crate) async fn an_edge_that_comes_and_goes_is_told_once_each(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let edge = gateway.edge().meta("m").connect().await.unwrap();
    let id = edge.id();
    edge.close().await.unwrap();
    let events = presence.wait(id, 2).await;
    assert_eq!(events, [(Change::Online, "m".into()), (Change::Offline, "m".into())]);
    assert_eq!(presence.all().len(), 2);
}

pub(crate) async fn an_edge_that_is_cut_off_is_told_as_well(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let proxy = StallProxy::to_edges(&gateway).await;
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let edge = proxy.edge().reconnect(false).connect().await.unwrap();
    proxy.cut();
    presence.wait(edge.id(), 2).await;
}

/// CONF-028
pub(crate) async fn an_edge_that_is_silent_is_told_as_gone(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let proxy = StallProxy::to_edges(&gateway).await;
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let edge = proxy.edge().connect().await.unwrap();
    let mut status = edge.status();
    proxy.blackhole();
    // The edge notices as well.
    within("the edge notices", status.changed()).await;
    presence.wait(edge.id(), 2).await;
    proxy.heal();
    presence.wait(edge.id(), 3).await;
}

pub(crate) async fn a_service_may_refuse_an_edge_at_edge_online(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    service
        .on_edge_online(|event| async move {
            if event.meta == "bad" { Err(HandlerError::new(1, "not you")) } else { Ok(()) }
        })
        .await
        .unwrap();
    let error = gateway.edge().meta("bad").connect().await.unwrap_err();
    assert_eq!(error.code(), Code::Denied);
    assert!(error.to_string().contains("not you"), "{error}");
    gateway.edge().meta("good").connect().await.unwrap();
}

/// Nothing else is told while it waits: others come and go.
pub(crate) async fn a_service_that_is_slow_to_hear_delays_only_that_edge(net: Network) {
    let gateway = Gateway::over(net).set("edgebound.callback_timeout", "1s").start().await;
    let service = gateway.service("s").connect().await.unwrap();
    service
        .on_edge_online(|event| async move {
            if event.meta == "slow" {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
        .await
        .unwrap();
    let slow = tokio::spawn(gateway.edge().meta("slow").connect_timeout(Duration::from_secs(3)).connect());
    for _ in 0..20 {
        gateway.edge().connect().await.unwrap();
    }
    assert!(!slow.is_finished());
    // It is told to try again, and does, until its patience is over.
    let error = within("an end", slow).await.unwrap().unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

/// CONF-004
pub(crate) async fn under_take_over_the_old_one_is_offline_before_the_new_one_is_online(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let id = EdgeId(7);
    let mut edges = Vec::new();
    for round in 0..5 {
        edges.push(gateway.edge().id(id).meta(format!("{round}")).connect().await.unwrap());
    }
    edges.last().unwrap().close().await.unwrap();
    let events = presence.wait(id, 10).await;
    let expected: Vec<_> = (0..5)
        .flat_map(|round| [Change::Online, Change::Offline].map(|change| (change, format!("{round}").into())))
        .collect();
    assert_eq!(events, expected);
}

pub(crate) async fn edges_that_were_there_before_the_service_are_told_when_they_go(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let edge = gateway.edge().connect().await.unwrap();
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    edge.close().await.unwrap();
    let events = presence.wait(edge.id(), 1).await;
    assert_eq!(events[0].0, Change::Offline);
}

/// Each event goes to one of those who registered.
pub(crate) async fn two_services_that_listen_share_the_events(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let a = gateway.service("s").connect().await.unwrap();
    let b = gateway.service("s").connect().await.unwrap();
    let (a, b) = (Presence::of(&a).await.unwrap(), Presence::of(&b).await.unwrap());
    for _ in 0..10 {
        let edge = gateway.edge().connect().await.unwrap();
        edge.close().await.unwrap();
    }
    eventually(DEADLINE, "20 events", async || (a.all().len() + b.all().len() >= 20).then_some(())).await;
    assert_eq!(a.all().len() + b.all().len(), 20);
}
