//! Clients of the original in a cluster: between gateways that forward, and at the addresses that frontlas tells.

use crate::client::{Client, tail};
use crate::observed::get;
use frontier_geminio::RequestKind;
use frontier_sdk::{EdgeId, Request, Response};
use frontier_tests::{DEADLINE, Frontlas, Gateway, GatewayBuilder, eventually, within};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn member(frontlas: &Frontlas, id: &str) -> GatewayBuilder {
    Gateway::builder()
        .set("frontlas.enable", true)
        .set("frontlas.dial.addrs", serde_json::json!([frontlas.plane().to_string()]))
        .set("frontlas.forward.enable", true)
        .set("daemon.frontier_id", id)
}

async fn pair() -> (Frontlas, Gateway, Gateway) {
    let frontlas = Frontlas::builder().start().await;
    let (near, far) = tokio::join!(member(&frontlas, "near").start(), member(&frontlas, "far").start());
    (frontlas, near, far)
}

/// Calls until it is known where to, which takes frontlas a moment.
async fn reaches(client: &mut Client, method: &str, custom: &[u8]) -> Vec<u8> {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        match client.call(method, custom, b"payload").await {
            Ok(answer) => return answer,
            Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
        }
    }
}

#[tokio::test]
async fn an_edge_of_theirs_and_a_service_of_ours_at_another_gateway() {
    let (_frontlas, near, far) = pair().await;
    let echo = |request: Request| async move { Ok(Response::new(request.data)) };
    let service = far.service("files").topics(["t"]).register("echo", echo).connect().await.unwrap();
    let mut edge = Client::edge(&near).await;
    let id = EdgeId(edge.id);
    assert_eq!(reaches(&mut edge, "echo", b"").await, b"payload");
    let (published, ()) = tokio::join!(edge.publish("t", b"own", b"news"), async {
        let message = within("a message", service.recv()).await.unwrap();
        assert_eq!((&message.data[..], message.edge_id), (&b"news"[..], Some(id)));
        message.done();
    });
    assert_eq!(published, Ok(()));
    // The other way round: a call, a message, an error text.
    // Where the edge is the other gateway learns from frontlas, after a moment.
    let called = async || service.call(id, "reboot", "now").await.ok();
    let called = eventually(DEADLINE, "the service reaches the edge", called);
    let (answer, ()) = tokio::join!(called, async {
        let (asked, request) = edge.asked().await;
        assert_eq!((&*request.name, &request.payload[..]), ("reboot", &b"now"[..]));
        edge.answer(asked, &request, Ok(b"done")).await;
    });
    assert_eq!(answer.data, "done");
    let (refused, ()) = tokio::join!(service.publish(id, "hello").into_future(), async {
        let (asked, request) = edge.asked().await;
        assert_eq!(request.kind, RequestKind::Message);
        edge.answer(asked, &request, Err("not today")).await;
    });
    assert!(refused.unwrap_err().to_string().contains("not today"));
    // Streams, from either side.
    let (session, stream) = tokio::join!(edge.open("files", b"own"), service.accept_stream());
    let mut stream = stream.unwrap();
    edge.write(session, b"client-hello").await;
    let mut came = [0; 12];
    within("bytes", stream.read_exact(&mut came)).await.unwrap();
    stream.write_all(b"server-reply").await.unwrap();
    assert_eq!((&came, &edge.read(session, 12).await[..]), (b"client-hello", &b"server-reply"[..]));
    edge.dismiss(session).await;
    let (stream, (session, peer, _)) = tokio::join!(service.open_stream(id).into_future(), edge.accept());
    let mut stream = stream.unwrap();
    assert_eq!(peer, "files");
    stream.write_all(b"bytes").await.unwrap();
    assert_eq!(edge.read(session, 5).await, b"bytes");
    edge.write(session, b"back").await;
    within("bytes", stream.read_exact(&mut came[..4])).await.unwrap();
    assert_eq!(&came[..4], b"back");
}

#[tokio::test]
async fn a_service_of_theirs_and_an_edge_of_ours_at_another_gateway() {
    let (_frontlas, near, far) = pair().await;
    let mut service = Client::service(&near, "files", &["echo"], &["t"]).await;
    let echo = |request: Request| async move { Ok(Response::new(request.data)) };
    let edge = far.edge().register("echo", echo).connect().await.unwrap();
    let id = edge.id().0;
    assert_eq!(reaches(&mut service, "echo", &tail(id)).await, b"payload");
    let unknown = service.call("nobody", &tail(id), b"").await.unwrap_err();
    assert!(unknown.starts_with("no such rpc: "), "{unknown}");
    let to = tail(id);
    let (published, message) = tokio::join!(service.publish("", &to, b"hello"), async {
        let message = within("a message", edge.recv()).await.unwrap();
        let data = message.data.clone();
        message.done();
        data
    });
    assert_eq!((published, &message[..]), (Ok(()), &b"hello"[..]));
    // By the method and the name that only the other gateway has a service for.
    let answered = async {
        loop {
            let (asked, request) = service.asked().await;
            assert_eq!((&*request.name, &request.custom[..]), ("echo", &tail(id)[..]));
            service.answer(asked, &request, Ok(b"answer")).await;
        }
    };
    let called = async || edge.call("echo", "question").await.ok();
    let answer = tokio::select! {
        answer = eventually(DEADLINE, "the edge reaches the service", called) => answer,
        () = answered => unreachable!("it goes on"),
    };
    assert_eq!(answer.data, "answer");
    let (stream, (session, peer, meta)) =
        tokio::join!(edge.open_stream("files").meta("own").into_future(), service.accept());
    let mut stream = stream.unwrap();
    assert_eq!((peer, &meta[..]), (id.to_string(), &b"own"[..]));
    stream.write_all(b"up").await.unwrap();
    assert_eq!(service.read(session, 2).await, b"up");
    service.write(session, b"down").await;
    let mut came = [0; 4];
    within("bytes", stream.read_exact(&mut came)).await.unwrap();
    assert_eq!(&came, b"down");
}

/// What frontlas tells of a gateway, once it does.
async fn told(frontlas: &Frontlas, id: &str) -> Value {
    let told = async || {
        let list: Value =
            serde_json::from_str(&get(frontlas.control(), "/cluster/v1/frontiers").await).ok()?;
        list["frontiers"].as_array()?.iter().find(|it| it["frontier_id"] == id).cloned()
    };
    eventually(DEADLINE, "frontlas tells of the gateway", told).await
}

#[tokio::test]
async fn frontlas_tells_each_wire_addresses_that_it_can_dial() {
    let frontlas = Frontlas::builder().start().await;
    let both = member(&frontlas, "both").start().await;
    let frontier = told(&frontlas, "both").await;
    let addr = frontier["advertised_sb_addr"].as_str().unwrap().parse().unwrap();
    assert_eq!(addr, both.services());
    assert_eq!(frontier["advertised_sb_url"], format!("tcp://{addr}"));
    Client::connect(addr, 0, br#"{"service":"svc","topics":null}"#).await.unwrap();
    // A listener for one wire alone is none for clients of the other.
    let ours = member(&frontlas, "ours");
    let ours = ours.set("servicebound.listen.geminio", false).set("edgebound.listen.network", "geminio");
    let ours = ours.start().await;
    let frontier = told(&frontlas, "ours").await;
    for (side, form, addr, url) in [
        ("sb", "ours", format!("tcp://{}/", ours.services()), format!("tcp://{}/", ours.services())),
        ("eb", "theirs", ours.edges().to_string(), format!("geminio://{}", ours.edges())),
    ] {
        assert_eq!(frontier[format!("advertised_{side}_addr")], addr, "{form}");
        assert_eq!(frontier[format!("advertised_{side}_url")], url, "{form}");
    }
}
