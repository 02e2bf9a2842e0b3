//! Coming and going.

use bytes::Bytes;
use frontier_sdk::{Closed, Code, Edge, Status};
use frontier_tests::{Change, DEADLINE, Gateway, Network, Presence, StallProxy, echo, eventually, within};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashSet;
use std::time::Duration;
use tokio::task::JoinSet;

/// CONN-001
pub(crate) async fn an_edge_that_connects_has_an_id(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let edge = gateway.edge().connect().await.unwrap();
    assert_ne!(edge.id().0, 0);
    assert_eq!(edge.status().get(), Status::Connected);
}

/// CONN-002
pub(crate) async fn closing_an_edge_returns_soon(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let edge = gateway.edge().connect().await.unwrap();
    tokio::time::timeout(Duration::from_secs(3), edge.close()).await.unwrap().unwrap();
    assert_eq!(edge.closed().await, Closed::Local);
    assert!(edge.call("echo", "x").await.is_err());
    // A second time is no harm.
    let _ = within("a second close", edge.close()).await;
}

/// CONN-003
pub(crate) async fn the_meta_of_an_edge_reaches_edge_online(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let edge = gateway.edge().meta("hello-frontier").connect().await.unwrap();
    // Told before the edge was welcomed: no wait.
    let events = presence.all();
    let [(Change::Online, event)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.id, &event.meta[..]), (edge.id(), &b"hello-frontier"[..]));
    assert!(event.addr.starts_with("127.0.0.1:"), "{}", event.addr);
}

/// CONN-004, EDGE-003
pub(crate) async fn a_hundred_edges_at_once_have_a_hundred_ids(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let mut connecting = JoinSet::new();
    for _ in 0..100 {
        connecting.spawn(gateway.edge().connect());
    }
    let edges: Vec<Edge> = connecting.join_all().await.into_iter().map(Result::unwrap).collect();
    let ids: HashSet<u64> = edges.iter().map(|edge| edge.id().0).collect();
    assert!(ids.len() == 100 && !ids.contains(&0));
}

/// CONN-005, CONN-006, RES-002
pub(crate) async fn a_service_that_closed_is_gone_at_once(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").topics(["t"]).connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    assert_eq!(edge.call("echo", "x").await.unwrap().data, "x");
    within("a close", service.close()).await.unwrap();
    let code = async |edge: &Edge| edge.call("echo", "x").await.unwrap_err().code();
    assert!([Code::MethodNotFound, Code::ServiceNotOnline].contains(&code(&edge).await));
    eventually(DEADLINE, "nothing is left", async || {
        let topic = edge.publish("t", "x").await.unwrap_err().code();
        let stream = edge.open_stream("s").await.unwrap_err().code();
        let gone = (Code::MethodNotFound, Code::TopicNotOnline, Code::ServiceNotOnline);
        ((code(&edge).await, topic, stream) == gone).then_some(())
    })
    .await;
}

pub(crate) async fn a_refusal_is_seen_as_such_and_not_tried_again(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let error = gateway.edge().meta(vec![0; 5000]).connect().await.unwrap_err();
    assert_eq!(error.code(), Code::TooLarge);
    let wrong_port = Edge::builder(gateway.service_url()).tls(gateway.tls()).connect().await.unwrap_err();
    assert_eq!(wrong_port.code(), Code::Denied);
    assert!(wrong_port.to_string().contains("for services"), "{wrong_port}");
}

pub(crate) async fn nobody_there_is_an_error_within_the_connect_timeout(net: Network) {
    let mut gateway = Gateway::over(net).start().await;
    let url = gateway.edge_url();
    gateway.kill().await;
    let connect = Edge::builder(url).connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", connect).await.unwrap_err();
    assert_eq!(error.code(), Code::Deadline);
    assert!(error.is_retryable());
}

/// RES-003
pub(crate) async fn connections_that_come_and_go_leave_nothing_behind(net: Network) {
    let mut gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let rounds = async |gateway: &Gateway| {
        for round in 0..100 {
            let edge = gateway.edge().connect().await.unwrap();
            if round % 10 == 0 {
                edge.call("echo", "x").await.unwrap();
            }
            if round % 2 == 0 {
                edge.close().await.unwrap();
            }
        }
    };
    let files = gateway.process().open_files();
    rounds(&gateway).await;
    eventually(DEADLINE, "all sockets are closed", async || {
        (gateway.process().open_files() <= files).then_some(())
    })
    .await;
    let before = gateway.rss();
    rounds(&gateway).await;
    let grown = gateway.rss().saturating_sub(before);
    assert!(grown < 8 * 1024 * 1024, "{grown} bytes after a hundred more");
}

/// RACE-001
pub(crate) async fn fifty_edges_come_and_go_at_once(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let mut coming_and_going = JoinSet::new();
    for _ in 0..50 {
        let connect = gateway.edge().connect();
        coming_and_going.spawn(async move {
            let edge = connect.await.unwrap();
            edge.close().await.unwrap();
            edge.id()
        });
    }
    for id in within("all have gone", coming_and_going.join_all()).await {
        let changes: Vec<Change> = presence.wait(id, 2).await.into_iter().map(|(change, _)| change).collect();
        assert_eq!(changes, [Change::Online, Change::Offline]);
    }
}

/// RACE-002
pub(crate) async fn an_edge_may_be_closed_by_ten_at_once(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let edge = gateway.edge().connect().await.unwrap();
    let mut closing = JoinSet::new();
    for _ in 0..10 {
        let edge = edge.clone();
        closing.spawn(async move { edge.close().await });
    }
    within("all closes return", closing.join_all()).await;
    gateway.edge().connect().await.unwrap();
}

/// FUZZ-001, INPUT-003
pub(crate) async fn a_meta_may_be_any_bytes(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let presence = Presence::of(&service).await.unwrap();
    let mut noise = StdRng::seed_from_u64(3);
    let seeds =
        [&b"text"[..], b"\0", b"\xff\xfe\xfd", b"\n", b"", b"{\"json\": \"'\\\\\"}", "käse".as_bytes()];
    let mut metas: Vec<Bytes> = seeds.map(Bytes::from_static).to_vec();
    for len in [1, 7, 255, 256, 4096] {
        let mut meta = vec![0; len];
        noise.fill_bytes(&mut meta);
        metas.push(meta.into());
    }
    for meta in metas {
        let edge = gateway.edge().meta(meta.clone()).connect().await.unwrap();
        assert_eq!(presence.of_edge(edge.id()), [(Change::Online, meta)]);
    }
}

pub(crate) async fn a_cut_connection_is_made_anew_and_keeps_its_id_and_its_registrations(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let (edges, services) = (StallProxy::to_edges(&gateway).await, StallProxy::to_services(&gateway).await);
    let service = services.service("s").topics(["t"]).connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    service.subscribe("late").await.unwrap();
    let edge = edges.edge().connect().await.unwrap();
    edge.register("ping", |_| async { Ok(frontier_sdk::Response::new("pong")) }).await.unwrap();
    let (edge_id, service_id) = (edge.id(), service.id());
    for _ in 0..3 {
        edges.cut();
        services.cut();
        eventually(DEADLINE, "calls work again, both ways", async || {
            let up = edge.call("echo", "x").timeout(Duration::from_secs(1)).await;
            let down = service.call(edge_id, "ping", "").timeout(Duration::from_secs(1)).await;
            (up.is_ok() && down.is_ok()).then_some(())
        })
        .await;
        assert_eq!((edge.id(), service.id()), (edge_id, service_id));
        for topic in ["t", "late"] {
            let (sent, got) = tokio::join!(edge.publish(topic, "x"), async {
                let message = within("a message", service.recv()).await.unwrap();
                message.done();
            });
            assert_eq!((sent, got), (Ok(()), ()), "{topic}");
        }
    }
}
