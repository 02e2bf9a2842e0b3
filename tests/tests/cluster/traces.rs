//! Trace contexts on their way through one gateway and through two.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use crate::world::Frontlas;
use frontier_protocol::{
    Custom, FEATURE_TRACE, Flags, Hello, Kind, Publish, Request, Role, push_trace, split_trace,
};
use frontier_sdk::{Edge, Service, TraceContext};
use frontier_tests::{Gateway, RawPeer, none, within};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn context() -> TraceContext {
    TraceContext::new(PARENT, "congo=t61rcWkgMzE").unwrap()
}

/// A service at `service` and an edge at `edge`, and what both must see of each other's traces.
async fn travels(edge: &Gateway, service: &Gateway) {
    let (saw, mut seen) = mpsc::unbounded_channel();
    let tell = saw.clone();
    let service = Service::builder(service.service_url()).name("files").topics(["telemetry"]);
    let service = service
        .register("echo", move |request| {
            let _ = tell.send(request.trace.clone());
            async move { Ok(request.data.into()) }
        })
        .connect()
        .await
        .unwrap();
    let edge = Edge::builder(edge.edge_url()).connect().await.unwrap();
    let ready = async || edge.call("echo", "").await.ok();
    frontier_tests::eventually(frontier_tests::DEADLINE, "the service is reached", ready).await;
    while seen.try_recv().is_ok() {}

    for payload in [vec![7; 10], vec![7; 100_000]] {
        edge.call("echo", payload.clone()).custom("own").trace(context()).await.unwrap();
        assert_eq!(within("the call", seen.recv()).await.unwrap(), Some(context()));
        edge.publish("telemetry", payload).trace(context()).unacked().await.unwrap();
        let message = within("the message", service.recv()).await.unwrap();
        assert_eq!((message.trace.as_ref(), &message.custom[..]), (Some(&context()), &b""[..]));
        message.done();
    }
    edge.call("echo", "").await.unwrap();
    assert_eq!(within("the call", seen.recv()).await.unwrap(), None);

    let (opened, accepted) = tokio::join!(
        async { edge.open_stream("files").meta("meta").trace(context()).await.unwrap() },
        async { within("the stream", service.accept_stream()).await.unwrap() },
    );
    assert_eq!((opened.trace(), accepted.trace()), (Some(&context()), Some(&context())));
    assert_eq!(&accepted.meta()[..], b"meta");
    drop(opened);
    let mut accepted = accepted;
    let _ = accepted.read(&mut [0; 8]).await;

    let tell = saw.clone();
    edge.register("reboot", move |request| {
        let _ = tell.send(request.trace.clone());
        async move { Ok(request.custom.into()) }
    })
    .await
    .unwrap();
    let id = edge.id();
    let call = service.call(id, "reboot", "").custom("own").trace(context());
    assert_eq!(within("the answer", call).await.unwrap().data, "own");
    assert_eq!(within("the call", seen.recv()).await.unwrap(), Some(context()));
}

#[tokio::test]
async fn a_trace_context_goes_through_one_gateway() {
    let gateway = Gateway::start().await;
    travels(&gateway, &gateway).await;
}

#[tokio::test]
async fn a_trace_context_goes_from_gateway_to_gateway() {
    let frontlas = Frontlas::patient();
    let gateway = |id: &str| frontlas.gateway(id).set("frontlas.forward.enable", true).start();
    let (one, two) = (gateway("g1").await, gateway("g2").await);
    frontlas.knows("g1").await;
    frontlas.knows("g2").await;
    travels(&one, &two).await;
}

fn traced(body: &[u8], trace: &[u8]) -> Vec<u8> {
    let mut custom = body.to_vec();
    push_trace(trace, &mut custom).unwrap();
    custom
}

#[tokio::test]
async fn a_peer_that_takes_no_traces_is_sent_none() {
    let gateway = Gateway::start().await;
    let hello = Hello { features: FEATURE_TRACE, ..RawPeer::hello(Role::Edge) };
    let mut edge = RawPeer::connect(gateway.edges(), &hello).await.unwrap();
    let mut old = RawPeer::service(gateway.services(), "old", &[]).await;
    old.take_methods(&["m"]).await;
    let custom = traced(b"own", PARENT.as_bytes());
    edge.send(|out| {
        let request = Request { timeout_ms: 0, method: "m", custom: Custom::plain(&custom), payload: b"" };
        request.encode_with(1, Flags::TRACED, out)
    });
    let frame = old.frame().await;
    let (custom, edge_id) = Custom::split_tail(Request::parse(&frame).unwrap().custom.body()).unwrap();
    assert_eq!((frame.flags, custom, edge_id.0), (Flags::default(), &b"own"[..], edge.id()));
    old.respond(frame.id, b"");
    edge.response(1).await;
}

#[tokio::test]
async fn what_is_no_trace_context_is_left_out_and_what_breaks_its_frame_is_refused() {
    let gateway = Gateway::start().await;
    let hello = Hello { features: FEATURE_TRACE, ..RawPeer::hello(Role::Service) };
    let mut service = RawPeer::connect(gateway.services(), &hello).await.unwrap();
    service.take_methods(&["m"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    let long = [PARENT.as_bytes(), &[b's'; 513]].concat();
    for (trace, passed) in [(&b"short"[..], &b""[..]), (&long, PARENT.as_bytes()), (&[0xff; 60], &[0xff; 60])]
    {
        let custom = traced(b"own", trace);
        edge.send(|out| {
            let request =
                Request { timeout_ms: 0, method: "m", custom: Custom::plain(&custom), payload: b"" };
            request.encode_with(1, Flags::TRACED, out)
        });
        let frame = service.frame().await;
        let (custom, _) = Custom::split_tail(Request::parse(&frame).unwrap().custom.body()).unwrap();
        let parts = match frame.flags.has(Flags::TRACED) {
            true => split_trace(custom).unwrap(),
            false => (custom, &b""[..]),
        };
        assert_eq!(parts, (&b"own"[..], passed));
        service.respond(frame.id, b"");
        edge.response(1).await;
    }
    edge.send(|out| {
        let custom = Custom::plain(b"ab\xff\xff");
        Publish { timeout_ms: 0, topic: "t", custom, payload: b"" }.encode_with(
            2,
            Flags::TRACED.with(Flags::ACKED),
            out,
        )
    });
    let answer = edge.frame().await;
    assert_eq!((answer.kind, answer.code), (Kind::Ack, frontier_protocol::Code::Protocol));
    edge.request(3, "m", none(), b"");
    let frame = service.frame().await;
    service.respond(frame.id, b"");
    edge.response(3).await;
}
