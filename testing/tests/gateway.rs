//! The gateway in memory, as tests of users' programs use it.

use frontier_sdk::{Code, ConnectError, EdgeEvent, EdgeId, Request, Response, Status};
use frontier_testing::{Error, Gateway};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(15);

#[tokio::test]
async fn calls_messages_and_streams_go_both_ways() {
    let gateway = Gateway::start();
    let echo = |request: Request| async move { Ok(Response::new(request.data)) };
    let service = gateway.service("files").topics(["news"]).register("echo", echo).connect().await.unwrap();
    let edge = gateway.edge().id(EdgeId(7)).register("echo", echo).connect().await.unwrap();
    assert_eq!(edge.id(), EdgeId(7));
    assert_eq!(edge.call("echo", "up").await.unwrap().data, "up");
    assert_eq!(service.call(EdgeId(7), "echo", "down").await.unwrap().data, "down");
    // More than a frame holds, so on a stream of its own.
    let large = vec![5; 1024 * 1024];
    assert_eq!(edge.call("echo", large.clone()).await.unwrap().data, large);

    let (published, ()) = tokio::join!(async { edge.publish("news", "hello").await }, async {
        let message = service.recv().await.unwrap();
        assert_eq!((&*message.topic, message.edge_id), ("news", Some(EdgeId(7))));
        message.done();
    });
    published.unwrap();

    let (opened, accepted) = tokio::join!(async { edge.open_stream("files").await }, service.accept_stream());
    let (mut near, mut far) = (opened.unwrap(), accepted.unwrap());
    near.write_all(b"bytes").await.unwrap();
    near.shutdown().await.unwrap();
    let mut bytes = Vec::new();
    far.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"bytes");
}

#[tokio::test]
async fn a_service_hears_who_comes_and_goes_and_gives_out_ids() {
    let gateway = Gateway::start();
    let (heard, mut hears) = mpsc::unbounded_channel();
    let gone = heard.clone();
    let service = gateway
        .service("s")
        .on_edge_online(move |event: EdgeEvent| {
            let _ = heard.send((event.id, "came"));
            async { Ok(()) }
        })
        .on_edge_offline(move |event: EdgeEvent| {
            let _ = gone.send((event.id, "left"));
            async { Ok(()) }
        });
    let service = service.connect().await.unwrap();
    service.on_edge_id(|_meta| async { Ok(EdgeId(42)) }).await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    edge.close().await.unwrap();
    for expected in [(EdgeId(42), "came"), (EdgeId(42), "left")] {
        assert_eq!(timeout(DEADLINE, hears.recv()).await.unwrap(), Some(expected));
    }
}

#[tokio::test]
async fn the_configuration_holds_as_in_the_real_one() {
    let gateway = Gateway::with("limits: {connections: 1}").unwrap();
    let _edge = gateway.edge().connect().await.unwrap();
    let second = gateway.edge().connect_timeout(Duration::from_millis(200)).connect().await;
    assert!(matches!(second, Err(ConnectError::Timeout { .. })), "{second:?}");
    let error = Gateway::with("limits: {conections: 1}").unwrap_err();
    assert!(matches!(&error, Error::Config(_)) && error.to_string().contains("did you mean `connections`"));
}

#[tokio::test]
async fn gateways_of_one_process_know_nothing_of_each_other() {
    let (one, other) = (Gateway::start(), Gateway::start());
    let ok = |_: Request| async { Ok(Response::new("ok")) };
    let _service = one.service("s").register("m", ok).connect().await.unwrap();
    let (edge, stranger) = (one.edge().connect().await.unwrap(), other.edge().connect().await.unwrap());
    assert_eq!(edge.call("m", "").await.unwrap().data, "ok");
    assert_eq!(stranger.call("m", "").await.unwrap_err().code(), Code::MethodNotFound);
}

#[tokio::test]
async fn a_gateway_that_stops_lets_what_is_in_flight_end_and_clients_see_it() {
    let gateway = Gateway::start();
    let (started, mut starts) = mpsc::channel(1);
    let (go_on, waits) = tokio::sync::watch::channel(false);
    let service = gateway.service("s").register("slow", move |_: Request| {
        let (started, mut waits) = (started.clone(), waits.clone());
        async move {
            let _ = started.send(()).await;
            let _ = waits.wait_for(|go_on| *go_on).await;
            Ok(Response::new("done"))
        }
    });
    let service = service.connect().await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    let call = tokio::spawn({
        let edge = edge.clone();
        async move { edge.call("slow", "").await }
    });
    timeout(DEADLINE, starts.recv()).await.unwrap();
    let stopped = tokio::spawn(gateway.stop());
    go_on.send(true).unwrap();
    assert_eq!(timeout(DEADLINE, call).await.unwrap().unwrap().unwrap().data, "done");
    timeout(DEADLINE, stopped).await.unwrap().unwrap();
    let mut status = edge.status();
    while status.get() != Status::Reconnecting {
        timeout(DEADLINE, status.changed()).await.unwrap();
    }
    drop(service);
}
