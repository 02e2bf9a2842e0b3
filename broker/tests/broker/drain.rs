//! A broker that stops.

use crate::http::ask;
use crate::world::{DEADLINE, World, requests, texts};
use frontier_sdk::{HostError, HostRequest, Response};
use frontier_test_redis::Server;
use hyper::Method;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
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
    let ended = tokio::time::timeout(DEADLINE, world.running).await;
    ended.expect("all is fetched, so it ends long before its grace").unwrap();
}

/// A way to a Redis on which a command with this text waits until it may go on.
struct Way {
    addr: SocketAddr,
    /// One for each that waits or has waited.
    waits: Arc<Semaphore>,
    may_go: Arc<Semaphore>,
}

impl Way {
    async fn to(server: SocketAddr, text: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (waits, may_go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (noted, gate) = (waits.clone(), may_go.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut asking, mut answered) = client.into_split();
                let (mut answers, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
                tokio::spawn(async move { copy(&mut answers, &mut answered).await });
                let (noted, gate) = (noted.clone(), gate.clone());
                tokio::spawn(async move {
                    let mut bytes = [0; 8192];
                    while let Ok(len @ 1..) = asking.read(&mut bytes).await {
                        if bytes[..len].windows(text.len()).any(|part| part == text) {
                            noted.add_permits(1);
                            gate.acquire().await.unwrap().forget();
                        }
                        to_server.write_all(&bytes[..len]).await.unwrap();
                    }
                });
            }
        });
        Self { addr, waits, may_go }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_redis_has_the_grace_of_a_broker_that_stops() {
    let server = Server::start();
    let way = Way::to(server.addr(), b"held up").await;
    let world = World::with(&format!(
        "{{store: {{redis: {{standalone: {{addr: '{}'}}, read_timeout: 40s, write_timeout: 40s, lease: 60s}}}}, \
         daemon: {{grace: 60s}}, sessions: {{request_timeout: 50s}}}}",
        way.addr
    ))
    .await;
    world.until("/readyz", |body| body["status"] == "ready").await;
    let (addr, path) = (world.addr, format!("{}/requests", world.session().await));
    let headers = [("content-type", "application/json")];
    let asked =
        tokio::spawn(async move { ask(addr, Method::POST, &path, &headers, requests(&["held up"])).await });
    tokio::time::timeout(DEADLINE, way.waits.acquire()).await.expect("it comes to Redis").unwrap().forget();
    world.stop.cancel();
    // For longer than what is being written has of a grace that is over.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!asked.is_finished(), "it is cut: {:?}", asked.await);
    way.may_go.add_permits(100);
    assert_eq!(asked.await.unwrap().status, 202);
    tokio::time::timeout(DEADLINE, world.running).await.expect("it ends").unwrap();
}
