//! Callers that give up, leave, or get in each other's way.

use frontier_sdk::{Code, Request, Response};
use frontier_tests::{Gateway, Network, StallProxy, echo, within};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Tells when it is dropped.
struct Dropped(mpsc::UnboundedSender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

/// A service whose method `wait` never ends, and what happens to its handlers.
async fn waiting(gateway: &Gateway) -> (frontier_sdk::Service, mpsc::UnboundedReceiver<&'static str>) {
    let service = gateway.service("s").connect().await.expect("a service");
    let (events, seen) = mpsc::unbounded_channel();
    let wait = move |_: Request| {
        let _ = events.send("started");
        let guard = Dropped(events.clone());
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ok(Response::default())
        }
    };
    service.register("wait", wait).await.expect("a registration");
    (service, seen)
}

pub(crate) async fn a_call_that_is_dropped_drops_its_handler(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (_service, mut seen) = waiting(&gateway).await;
    let edge = gateway.edge().connect().await.unwrap();
    let call = tokio::spawn({
        let edge = edge.clone();
        async move { edge.call("wait", "").await }
    });
    assert_eq!(within("the handler starts", seen.recv()).await, Some("started"));
    call.abort();
    assert_eq!(within("the handler is dropped", seen.recv()).await, Some("dropped"));
}

/// RACE-004
pub(crate) async fn a_caller_that_is_gone_drops_its_handlers(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let (_service, mut seen) = waiting(&gateway).await;
    let proxy = StallProxy::to_edges(&gateway).await;
    let edge = proxy.edge().reconnect(false).connect().await.unwrap();
    let call = tokio::spawn(async move { edge.call("wait", "").await });
    assert_eq!(within("the handler starts", seen.recv()).await, Some("started"));
    proxy.cut();
    assert_eq!(within("the handler is dropped", seen.recv()).await, Some("dropped"));
    let error = within("the caller hears of it", call).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Disconnected);
}

pub(crate) async fn a_call_past_its_deadline_drops_its_handler(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (_service, mut seen) = waiting(&gateway).await;
    let edge = gateway.edge().connect().await.unwrap();
    let error = edge.call("wait", "").timeout(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.code(), Code::Deadline);
    assert_eq!(within("the handler starts", seen.recv()).await, Some("started"));
    assert_eq!(within("the handler is dropped", seen.recv()).await, Some("dropped"));
}

/// RACE-004
pub(crate) async fn an_edge_that_closes_in_the_middle_of_a_call_ends_it(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (_service, mut seen) = waiting(&gateway).await;
    let edge = gateway.edge().connect().await.unwrap();
    let call = tokio::spawn({
        let edge = edge.clone();
        async move { edge.call("wait", "").timeout(Duration::from_secs(1)).await }
    });
    assert_eq!(within("the handler starts", seen.recv()).await, Some("started"));
    let _ = within("a close", edge.close()).await;
    assert!(within("the call ends", call).await.unwrap().is_err());
    assert_eq!(within("the handler is dropped", seen.recv()).await, Some("dropped"));
}

/// RACE-003
pub(crate) async fn ten_register_the_same_method_while_ten_call_it(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let (service, edge) = (service.clone(), edge.clone());
        tasks.spawn(async move { echo(&service, "same").await.unwrap() });
        tasks.spawn(async move {
            match edge.call("same", "x").await {
                Ok(answer) => assert_eq!(answer.data, "x"),
                Err(error) => assert_eq!(error.code(), Code::MethodNotFound),
            }
        });
    }
    within("all are done", tasks.join_all()).await;
    assert_eq!(edge.call("same", "x").await.unwrap().data, "x");
}

/// CONF-003
pub(crate) async fn a_hundred_methods_are_registered_while_edges_call_them(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let edge = gateway.edge().connect().await.unwrap();
        callers.spawn(async move {
            let mut method = 0;
            while method < 100 {
                match edge.call(&format!("method-{method}"), "x").await {
                    Ok(answer) => {
                        assert_eq!(answer.data, "x");
                        method += 1;
                    }
                    Err(error) => assert_eq!(error.code(), Code::MethodNotFound),
                }
            }
        });
    }
    for method in 0..100 {
        echo(&service, &format!("method-{method}")).await.unwrap();
    }
    within("every method is found", callers.join_all()).await;
}

pub(crate) async fn methods_come_and_go_at_run_time(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    for _ in 0..20 {
        assert_eq!(edge.call("m", "").await.unwrap_err().code(), Code::MethodNotFound);
        echo(&service, "m").await.unwrap();
        assert_eq!(edge.call("m", "x").await.unwrap().data, "x");
        service.unregister("m").await.unwrap();
    }
    edge.register("m", |_| async { Ok(Response::new("edge")) }).await.unwrap();
    assert_eq!(service.call(edge.id(), "m", "").await.unwrap().data, "edge");
    edge.unregister("m").await.unwrap();
    assert_eq!(service.call(edge.id(), "m", "").await.unwrap_err().code(), Code::MethodNotFound);
}

/// CONF-016
pub(crate) async fn names_match_exactly(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").connect().await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    let names = ["m", "M", "\"m\"", "m\\", "käse\u{1f9c0}", "m m", "*"];
    for name in names {
        frontier_tests::answers_with(&service, name, name.as_bytes()).await.unwrap();
    }
    for name in names {
        assert_eq!(edge.call(name, "").await.unwrap().data, name);
    }
    assert_eq!(edge.call("KÄSE", "").await.unwrap_err().code(), Code::MethodNotFound);
}
