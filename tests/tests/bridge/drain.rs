//! A gateway that stops: subscribers are told, and come again.

use crate::subscriber::{Subscriber, each};
use crate::world::{bridge_of, bridged, publish, url};
use frontier_tests::{DEADLINE, eventually};
use std::time::{Duration, Instant};

#[tokio::test]
async fn subscribers_are_told_and_find_the_next_gateway_with_another_epoch() {
    let mut gateway = bridged().start().await;
    let addr = bridge_of(&gateway).await;
    let address = url(&gateway, "").await;
    let edge = gateway.edge().connect().await.unwrap();
    let subscriber = Subscriber::open(&address, &[]).await;
    publish(&edge, 1..=3).await;
    subscriber.messages_to(3).await;
    let epoch = subscriber.notice("welcome").await["epoch"].as_str().unwrap().to_owned();
    drop(edge);
    let start = Instant::now();
    gateway.terminate();
    let goodbye = subscriber.notice("goodbye").await;
    assert_eq!(goodbye["reason"], "draining");
    assert!((500..3000).contains(&goodbye["retry_ms"].as_u64().unwrap()));
    assert_eq!(subscriber.line("closed").await, "closed 1012 draining");
    assert_eq!(gateway.process().exit().await, Some(0));
    // The bridge is a service of the gateway's own: no drain waits for it to go elsewhere.
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let next = bridged().set("bridge.listen.addr", addr.to_string()).start().await;
    let edge = next.edge().connect().await.unwrap();
    publish(&edge, ["new"]).await;
    let back = async || {
        let again = Subscriber::start(&format!("{address}?after={epoch}-3"), &[]);
        again.line("").await.starts_with("open").then_some(again)
    };
    let again = eventually(DEADLINE, "it is back", back).await;
    assert_eq!(each(&again.messages_to(1).await, "seq"), [1]);
    let welcome = again.notice("welcome").await;
    assert!(welcome["epoch"] != *epoch && welcome["resumed"] == false);
}
