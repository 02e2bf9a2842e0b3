//! Where an edge's id comes from.

use frontier_protocol::{Reject, Role};
use frontier_sdk::{Code, EdgeId, HandlerError};
use frontier_tests::{DEADLINE, Gateway, Network, RawPeer, StallProxy, eventually, within};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

pub(crate) async fn a_service_gives_out_ids_by_meta(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("ids").connect().await.unwrap();
    service.on_edge_id(|meta| async move { Ok(EdgeId(1000 + meta.len() as u64)) }).await.unwrap();
    for meta in ["", "a", "sn-42"] {
        let edge = gateway.edge().meta(meta).connect().await.unwrap();
        assert_eq!(edge.id(), EdgeId(1000 + meta.len() as u64));
        // What an edge asks for does not count then.
        let edge = gateway.edge().meta(meta).id(EdgeId(5)).connect().await.unwrap();
        assert_eq!(edge.id(), EdgeId(1000 + meta.len() as u64));
    }
}

pub(crate) async fn a_refusal_and_its_text_reach_the_edge(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("ids").connect().await.unwrap();
    service.on_edge_id(|_| async { Err(HandlerError::new(3, "no such device")) }).await.unwrap();
    let error = gateway.edge().connect().await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Code::Denied, false));
    assert!(error.to_string().contains("no such device"), "{error}");
}

pub(crate) async fn an_edge_that_is_put_off_comes_again_but_not_too_soon(net: Network) {
    const RETRY_DELAY: Duration = Duration::from_millis(300);
    let gateway = Gateway::over(net).start().await;
    let (ids, arrivals) = (AtomicU32::new(0), AtomicU32::new(0));
    let turn = |count: &AtomicU32| count.fetch_add(1, Ordering::Relaxed);
    let later = || HandlerError::retry_later("the database is away", RETRY_DELAY);
    let (left, mut leaves) = mpsc::unbounded_channel();
    let service = gateway
        .service("ids")
        .on_edge_id(move |_| {
            let id = if turn(&ids) == 0 { Err(later()) } else { Ok(EdgeId(7)) };
            async { id }
        })
        .on_edge_online(move |_| {
            let heard = if turn(&arrivals) == 0 { Err(later()) } else { Ok(()) };
            async { heard }
        })
        .on_edge_offline(move |event| {
            let _ = left.send(event.meta);
            async { Ok(()) }
        });
    let _service = service.connect().await.unwrap();
    let start = Instant::now();
    let edge = gateway.edge().meta("mine").connect().await.unwrap();
    assert_eq!(edge.id(), EdgeId(7));
    assert!(start.elapsed() >= 2 * RETRY_DELAY, "{:?}", start.elapsed());
    assert!(leaves.try_recv().is_err(), "it was never there");
    edge.close().await.unwrap();
    assert_eq!(within("its end", leaves.recv()).await.unwrap(), "mine");
}

pub(crate) async fn whoever_is_put_off_is_told_why_and_for_how_long(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let _service = gateway
        .service("ids")
        .on_edge_id(|_| async {
            Err(HandlerError::retry_later("the database is away", Duration::from_secs(60)))
        })
        .connect()
        .await
        .unwrap();
    let mut raw = RawPeer::reach(&gateway, Role::Edge).await;
    let hello = RawPeer::hello(Role::Edge);
    raw.send(|out| hello.encode(out));
    let frame = raw.frame().await;
    let expected = Reject { code: Code::Overloaded, detail: 60_000, text: "the database is away" };
    assert_eq!(Reject::parse(&frame), Ok(expected));
    let connect = gateway.edge().connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", connect).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert!(error.is_retryable() && error.to_string().contains("the database is away"), "{error}");
}

/// Mistakes of a service are not held against its edges: they may try again.
pub(crate) async fn a_service_that_fails_does_not_make_edges_give_up(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("ids").connect().await.unwrap();
    service.on_edge_id(|_| async { panic!("on purpose") }).await.unwrap();
    let connect = gateway.edge().connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", connect).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    service.on_edge_id(|_| async { Ok(EdgeId(0)) }).await.unwrap();
    let connect = gateway.edge().connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", connect).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let waiting = tokio::spawn(gateway.edge().connect());
    service.on_edge_id(|_| async { Ok(EdgeId(7)) }).await.unwrap();
    assert_eq!(within("it gets in", waiting).await.unwrap().unwrap().id(), EdgeId(7));
}

pub(crate) async fn a_service_that_dies_while_it_is_asked_is_replaced_by_another(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let proxy = StallProxy::to_services(&gateway).await;
    let dying = proxy.service("ids").reconnect(false).connect().await.unwrap();
    let (asked, mut requests) = mpsc::unbounded_channel();
    dying
        .on_edge_id(move |_| {
            let _ = asked.send(());
            std::future::pending()
        })
        .await
        .unwrap();
    let connecting = tokio::spawn(gateway.edge().connect());
    within("it is asked", requests.recv()).await.unwrap();
    let other = gateway.service("ids").connect().await.unwrap();
    other.on_edge_id(|_| async { Ok(EdgeId(7)) }).await.unwrap();
    proxy.cut();
    assert_eq!(within("it gets in", connecting).await.unwrap().unwrap().id(), EdgeId(7));
}

pub(crate) async fn without_a_service_the_gateway_gives_out_ids_only_if_it_may(net: Network) {
    let gateway = Gateway::over(net).set("edgebound.edgeid_alloc_when_no_idservice_on", false).start().await;
    let connect = gateway.edge().connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", connect).await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("EdgeIDs"), "{error}");
    // Nor does one get in that asks for an id.
    let connect = gateway.edge().id(EdgeId(5)).connect_timeout(Duration::from_secs(3)).connect();
    let error = within("an error", connect).await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("EdgeIDs"), "{error}");
    // The edge goes on trying, and gets in once there is one.
    let waiting = tokio::spawn(gateway.edge().id(EdgeId(5)).connect());
    let service = gateway.service("ids").connect().await.unwrap();
    service.on_edge_id(|_| async { Ok(EdgeId(9)) }).await.unwrap();
    assert_eq!(within("it gets in", waiting).await.unwrap().unwrap().id(), EdgeId(9));
}

/// BOUND-003
pub(crate) async fn an_edge_gets_the_id_that_it_asks_for_unless_that_is_switched_off(net: Network) {
    let gateway = Gateway::over(net).start().await;
    for id in [1, 7, u64::MAX] {
        assert_eq!(gateway.edge().id(EdgeId(id)).connect().await.unwrap().id(), EdgeId(id));
    }
    assert_ne!(gateway.edge().id(EdgeId(0)).connect().await.unwrap().id(), EdgeId(0));
    let strict = Gateway::over(net).set("edgebound.allow_requested_id", false).start().await;
    assert_ne!(strict.edge().id(EdgeId(7)).connect().await.unwrap().id(), EdgeId(7));
}

pub(crate) async fn an_id_service_that_never_answers_is_bounded(net: Network) {
    let gateway = Gateway::over(net).set("edgebound.callback_timeout", "200ms").start().await;
    let service = gateway.service("ids").connect().await.unwrap();
    service.on_edge_id(|_| std::future::pending()).await.unwrap();
    let connect = gateway.edge().connect_timeout(Duration::from_secs(1)).connect();
    assert!(within("an error", connect).await.unwrap_err().is_retryable());
    service.close().await.unwrap();
    eventually(DEADLINE, "edges get in without it", async || gateway.edge().connect().await.ok()).await;
}
