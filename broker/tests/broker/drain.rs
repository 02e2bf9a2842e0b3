//! A broker that stops.

use crate::world::{World, texts};
use frontier_sdk::{HostError, HostRequest, Response};
use std::sync::Arc;
use tokio::sync::Semaphore;

#[tokio::test]
async fn a_broker_that_stops_takes_nothing_new_and_gives_out_what_it_has() {
    let world = World::with("daemon: {grace: 1h}").await;
    let go_on = Arc::new(Semaphore::new(0));
    let gate = go_on.clone();
    let handler = move |request: HostRequest| {
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Ok::<_, HostError>(Response::new(request.body))
        }
    };
    let _host = world.host().handler(handler).connect().await.unwrap();
    let session = world.session().await;
    world.send(&session, &["1", "2", "3"]).await.ok();
    world.until("/readyz", |body| body["status"] == "ready").await;
    world.stop.cancel();
    world.until("/readyz", |body| body["status"] != "ready").await;
    let refused = world.send(&session, &["4"]).await;
    assert_eq!(refused.fault(), (503, "Broker_BrokerSuspending"));
    assert_eq!(refused.headers["retry-after"], "1");
    let created = world.post("/api/v1/sessions", r#"{"serviceName": "calc"}"#).await;
    assert_eq!(created.fault(), (503, "Broker_BrokerSuspending"));
    go_on.add_permits(3);
    assert_eq!(texts(&world.responses(&session, 3).await), ["1", "2", "3"]);
    let ended = tokio::time::timeout(crate::world::DEADLINE, world.running).await;
    ended.expect("all is fetched, so it ends long before its grace").unwrap();
}
