//! Several services side by side.

use frontier_sdk::{Code, Service};
use frontier_tests::{DEADLINE, Gateway, Network, StallProxy, echo, eventually, within};
use tokio::task::JoinSet;

/// CONF-006
pub(crate) async fn one_of_ten_that_leaves_takes_nothing_with_it(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let mut connecting = JoinSet::new();
    for _ in 0..10 {
        let connect = gateway.service("s").topics(["t"]).connect();
        connecting.spawn(async move {
            let service = connect.await.unwrap();
            echo(&service, "echo").await.unwrap();
            service
        });
    }
    let mut services: Vec<Service> = connecting.join_all().await;
    let edge = gateway.edge().connect().await.unwrap();
    while services.len() > 1 {
        services.pop().unwrap().close().await.unwrap();
        for _ in 0..5 {
            assert_eq!(edge.call("echo", "x").await.unwrap().data, "x");
        }
        let mut receiving = JoinSet::new();
        for service in &services {
            let service = service.clone();
            receiving.spawn(async move { service.recv().await.unwrap().done() });
        }
        edge.publish("t", "x").await.unwrap();
        receiving.abort_all();
    }
    let last = services.pop().unwrap();
    last.close().await.unwrap();
    let error = edge.call("echo", "x").await.unwrap_err();
    assert!([Code::MethodNotFound, Code::ServiceNotOnline].contains(&error.code()), "{error}");
}

/// SVC-002
pub(crate) async fn services_are_found_by_method_topic_and_name_each_for_itself(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let methods = gateway.service("a").connect().await.unwrap();
    echo(&methods, "b").await.unwrap();
    let topics = gateway.service("b").topics(["a"]).connect().await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    assert_eq!(edge.call("b", "x").await.unwrap().data, "x");
    assert_eq!(edge.call("a", "x").await.unwrap_err().code(), Code::MethodNotFound);
    let (published, ()) = tokio::join!(edge.publish("a", "x"), async {
        within("a message", topics.recv()).await.unwrap().done();
    });
    published.unwrap();
    assert_eq!(edge.publish("b", "x").await.unwrap_err().code(), Code::TopicNotOnline);
    let (opened, accepted) = tokio::join!(edge.open_stream("b"), topics.accept_stream());
    opened.unwrap();
    accepted.unwrap();
}

pub(crate) async fn too_many_names_are_refused_and_the_rest_stays(net: Network) {
    let gateway = Gateway::over(net).set("limits.names_per_service", 3).start().await;
    let service = gateway.service("s").topics(["t"]).connect().await.unwrap();
    echo(&service, "a").await.unwrap();
    echo(&service, "b").await.unwrap();
    assert_eq!(echo(&service, "c").await.unwrap_err().code(), Code::Overloaded);
    assert_eq!(service.subscribe("u").await.unwrap_err().code(), Code::Overloaded);
    let edge = gateway.edge().connect().await.unwrap();
    assert_eq!(edge.call("a", "x").await.unwrap().data, "x");
    assert_eq!(edge.call("c", "x").await.unwrap_err().code(), Code::MethodNotFound);
    service.unregister("a").await.unwrap();
    echo(&service, "c").await.unwrap();
    assert_eq!(edge.call("c", "x").await.unwrap().data, "x");
}

pub(crate) async fn a_service_that_is_cut_off_is_not_routed_to_and_comes_back(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let proxy = StallProxy::to_services(&gateway).await;
    let flaky = proxy.service("s").connect().await.unwrap();
    echo(&flaky, "echo").await.unwrap();
    let steady = gateway.service("s").connect().await.unwrap();
    echo(&steady, "echo").await.unwrap();
    let mut edges = Vec::new();
    for _ in 0..10 {
        edges.push(gateway.edge().connect().await.unwrap());
    }
    for _ in 0..5 {
        proxy.cut();
        for edge in &edges {
            match edge.call("echo", "x").await {
                Ok(answer) => assert_eq!(answer.data, "x"),
                // What was on its way is lost.
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        }
        eventually(DEADLINE, "everyone is served", async || {
            for edge in &edges {
                edge.call("echo", "x").await.ok()?;
            }
            Some(())
        })
        .await;
    }
}
