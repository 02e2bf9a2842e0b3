//! Calls, both ways.

use bytes::Bytes;
use frontier_sdk::{Code, Edge, EdgeId, HandlerError, Request, Response, Service};
use frontier_tests::{Gateway, Network, answers_with, echo};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::time::Duration;
use tokio::task::JoinSet;

async fn pair(gateway: &Gateway) -> (Service, Edge) {
    let service = gateway.service("s").connect().await.expect("a service");
    (service, gateway.edge().connect().await.expect("an edge"))
}

/// RPC-001, UNIT-EXCH-001
pub(crate) async fn an_edge_calls_a_service(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    echo(&service, "echo").await.unwrap();
    assert_eq!(edge.call("echo", "hello").await.unwrap(), Response::new("hello"));
}

/// RPC-002, UNIT-EXCH-003
pub(crate) async fn a_service_calls_an_edge(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    edge.register("ping", |_| async { Ok(Response::new("pong")) }).await.unwrap();
    assert_eq!(service.call(edge.id(), "ping", "").await.unwrap().data, "pong");
}

/// RPC-003
pub(crate) async fn a_method_that_nobody_has_is_not_found_on_either_side(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let error = edge.call("nonexistent-method", "").await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Code::MethodNotFound, false));
    let error = service.call(edge.id(), "nonexistent-method", "").await.unwrap_err();
    assert_eq!(error.code(), Code::MethodNotFound);
}

/// RPC-004
pub(crate) async fn an_edge_that_closed_is_not_online(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    edge.close().await.unwrap();
    let error = service.call(edge.id(), "ping", "").await.unwrap_err();
    assert_eq!(error.code(), Code::EdgeNotOnline);
    for id in [0, 1, u64::MAX] {
        let error = service.call(EdgeId(id), "ping", "").await.unwrap_err();
        assert_eq!(error.code(), Code::EdgeNotOnline, "{id}");
    }
}

/// RPC-005
pub(crate) async fn ten_edges_call_at_once_and_each_gets_its_own_answer(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, _) = pair(&gateway).await;
    echo(&service, "echo").await.unwrap();
    let mut callers = JoinSet::new();
    for number in 0..10 {
        let edge = gateway.edge().connect().await.unwrap();
        callers.spawn(async move {
            for call in 0..50 {
                let request = format!("{number}/{call}");
                assert_eq!(edge.call("echo", request.clone()).await.unwrap().data, request);
            }
        });
    }
    callers.join_all().await;
}

/// RPC "edge ID carried in custom"
pub(crate) async fn the_callee_knows_the_edge_and_sees_the_users_custom_only(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let tell = |request: Request| async move {
        let caller = request.edge_id.map_or(0, |id| id.0);
        Ok(Response::new(format!("{caller} {}", request.method)).custom(request.custom))
    };
    service.register("tell", tell).await.unwrap();
    edge.register("tell", tell).await.unwrap();
    for custom in [&b""[..], b"1234567", b"12345678", b"123456789"] {
        let answer = edge.call("tell", "").custom(custom).await.unwrap();
        assert_eq!(answer, Response::new(format!("{} tell", edge.id())).custom(custom));
        let answer = service.call(edge.id(), "tell", "").custom(custom).await.unwrap();
        assert_eq!(answer, Response::new("0 tell").custom(custom));
    }
}

/// CONF-001, CONF-002
pub(crate) async fn calls_work_in_both_directions_as_soon_as_connect_returns(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    for _ in 0..50 {
        let edge = gateway.edge().connect().await.unwrap();
        assert_eq!(edge.call("echo", "up").await.unwrap().data, "up");
        let edge = gateway.edge().connect().await.unwrap();
        let error = service.call(edge.id(), "ping", "").await.unwrap_err();
        assert_eq!(error.code(), Code::MethodNotFound, "the edge itself says so");
    }
}

/// CONF-011
pub(crate) async fn the_gateways_own_methods_are_not_for_edges(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    service.on_edge_online(|_| async { panic!("an edge may not tell of edges") }).await.unwrap();
    for method in ["edge_online", "edge_offline", "get_edge_id"] {
        assert_eq!(edge.call(method, "").await.unwrap_err().code(), Code::Denied);
    }
}

/// CONF-015
pub(crate) async fn a_handler_that_panics_fails_its_call_and_nothing_else(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    echo(&service, "echo").await.unwrap();
    service.register("panic", |_| async { panic!("on purpose") }).await.unwrap();
    edge.register("panic", |_| async { panic!("on purpose") }).await.unwrap();
    for _ in 0..3 {
        assert_eq!(edge.call("panic", "").await.unwrap_err().code(), Code::Panicked);
        assert_eq!(service.call(edge.id(), "panic", "").await.unwrap_err().code(), Code::Panicked);
        assert_eq!(edge.call("echo", "x").await.unwrap().data, "x");
    }
}

pub(crate) async fn an_error_of_the_handler_keeps_its_number_and_text(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    service.register("fail", |_| async { Err(HandlerError::new(4711, "größer")) }).await.unwrap();
    let error = edge.call("fail", "").await.unwrap_err();
    assert_eq!((error.code(), error.application(), error.text()), (Code::Application, Some(4711), "größer"));
}

/// FUZZ-002, INPUT-002
pub(crate) async fn a_payload_may_be_any_bytes_of_any_length_up_to_the_limit(net: Network) {
    let gateway = Gateway::over(net).set("limits.payload_size", "2MiB").start().await;
    let (service, edge) = pair(&gateway).await;
    echo(&service, "echo").await.unwrap();
    edge.register("echo", |request: Request| async move { Ok(Response::new(request.data)) }).await.unwrap();
    let mut noise = StdRng::seed_from_u64(4);
    let kib = 1024;
    for len in [0, 1, 15, 16, 17, 64 * kib - 1, 64 * kib, 64 * kib + 1, 300 * kib, 2048 * kib] {
        let mut payload = vec![0; len];
        noise.fill_bytes(&mut payload);
        let payload = Bytes::from(payload);
        assert!(edge.call("echo", payload.clone()).await.unwrap().data == payload, "{len}");
        assert!(service.call(edge.id(), "echo", payload.clone()).await.unwrap().data == payload, "{len}");
    }
    for len in [2048 * kib + 1, 8192 * kib] {
        let error = edge.call("echo", vec![0; len]).await.unwrap_err();
        assert_eq!(error.code(), Code::TooLarge);
    }
    assert_eq!(edge.call("echo", "x").await.unwrap().data, "x");
}

/// INPUT-001
pub(crate) async fn a_payload_of_64_mib_goes_through(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    echo(&service, "echo").await.unwrap();
    let before = gateway.rss();
    let payload = Bytes::from(vec![7; 64 * 1024 * 1024]);
    let call = edge.call("echo", payload.clone()).timeout(Duration::from_secs(120));
    assert!(call.await.unwrap().data == payload);
    // The gateway passes it on, and holds windows at most.
    let grown = gateway.rss().saturating_sub(before);
    assert!(grown < 48 * 1024 * 1024, "{grown} bytes");
}

/// An answer over the limit is the callee's mistake, and the caller hears of it.
pub(crate) async fn an_answer_over_the_limit_is_an_error(net: Network) {
    let gateway = Gateway::over(net).set("limits.payload_size", "64KiB").start().await;
    let (service, edge) = pair(&gateway).await;
    answers_with(&service, "long", vec![0; 64 * 1024 + 1]).await.unwrap();
    let error = edge.call("long", "").await.unwrap_err();
    assert_eq!(error.code(), Code::TooLarge);
}

pub(crate) async fn a_deadline_holds_from_end_to_end(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let (seen, mut left) = tokio::sync::mpsc::unbounded_channel();
    service
        .register("never", move |request: Request| {
            let _ = seen.send(request.deadline.saturating_duration_since(std::time::Instant::now()));
            std::future::pending()
        })
        .await
        .unwrap();
    let timeout = Duration::from_secs(1);
    let start = std::time::Instant::now();
    let error = edge.call("never", "").timeout(timeout).await.unwrap_err();
    assert_eq!(error.code(), Code::Deadline);
    let took = start.elapsed();
    assert!(took >= timeout && took < Duration::from_secs(10), "{took:?}");
    // What is left goes over the wire, not a time of day: the way itself is not counted.
    let left = left.recv().await.unwrap();
    assert!(left <= timeout, "the handler was given {left:?}, more than its caller gave");
}
