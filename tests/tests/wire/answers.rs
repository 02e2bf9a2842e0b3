//! How requests end: by their answer, their deadline, a cancel, or the loss of either side.

use frontier_protocol::{Ack, Cancel, Code, Custom, EdgeId, Flags, Kind, Request, Response};
use frontier_tests::{Gateway, RawPeer, Witness, none};
use std::time::{Duration, Instant};

async fn pair(gateway: &Gateway) -> (RawPeer, RawPeer) {
    let mut service = RawPeer::service(gateway.services(), "s", &["t"]).await;
    service.take_methods(&["m"]).await;
    (service, RawPeer::edge(gateway.edges()).await)
}

#[tokio::test]
async fn a_deadline_is_passed_on_and_kept() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    let start = Instant::now();
    edge.send(|out| Request { timeout_ms: 400, method: "m", custom: none(), payload: b"" }.encode(1, out));
    let frame = service.frame().await;
    let left = Request::parse(&frame).unwrap().timeout_ms;
    assert!((1..=400).contains(&left), "{left}");
    assert_eq!(edge.response(1).await.0, Code::Deadline);
    assert!(start.elapsed() >= Duration::from_millis(400));
    let cancel = service.frame().await;
    assert_eq!((cancel.kind, cancel.id), (Kind::Cancel, frame.id));
    // Too late.
    service.respond(frame.id, b"late");
    service.is_alive().await;
    edge.is_alive().await;
}

#[tokio::test]
async fn a_request_without_a_deadline_gets_the_gateways() {
    let gateway = Gateway::builder().set("exchange.call_timeout", "300ms").start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    edge.request(1, "m", none(), b"");
    edge.publish(2, "t", none(), b"");
    let frame = service.frame().await;
    assert!((1..=300).contains(&Request::parse(&frame).unwrap().timeout_ms));
    let mut codes = [(edge.frame().await), (edge.frame().await)];
    codes.sort_by_key(|frame| frame.id);
    assert_eq!(
        codes.map(|frame| (frame.kind, frame.code)),
        [(Kind::Response, Code::Deadline), (Kind::Ack, Code::Deadline)]
    );
}

#[tokio::test]
async fn a_cancel_passes_through_and_nothing_comes_back() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    edge.request(1, "m", none(), b"");
    let request = service.frame().await;
    edge.send(|out| Cancel::encode(1, out));
    let cancel = service.frame().await;
    assert_eq!((cancel.kind, cancel.id), (Kind::Cancel, request.id));
    service.respond(request.id, b"too late");
    service.is_alive().await;
    edge.is_alive().await;
    // The id is free again.
    edge.request(1, "m", none(), b"");
    assert_eq!(service.frame().await.kind, Kind::Request);
}

#[tokio::test]
async fn a_service_that_is_lost_fails_what_it_was_asked() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    edge.request(1, "m", none(), b"");
    edge.publish(2, "t", none(), b"");
    service.frame().await;
    service.frame().await;
    drop(service);
    let mut frames = [edge.frame().await, edge.frame().await];
    frames.sort_by_key(|frame| frame.id);
    assert_eq!(
        frames.map(|frame| (frame.id, frame.kind, frame.code)),
        [(1, Kind::Response, Code::Disconnected), (2, Kind::Ack, Code::Disconnected)]
    );
    // RES-002: nothing is left of it.
    edge.request(3, "m", none(), b"");
    assert_eq!(edge.response(3).await.0, Code::MethodNotFound);
    edge.publish(4, "t", none(), b"");
    assert_eq!(edge.acked(4).await.0, Code::TopicNotOnline);
}

#[tokio::test]
async fn an_edge_that_is_lost_cancels_what_it_asked_and_fails_what_it_was_asked() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    let id = EdgeId(edge.id());
    edge.request(1, "m", none(), b"");
    let request = service.frame().await;
    service.request(7, "on edge", Custom::tailed(b"", id), b"");
    edge.frame().await;
    drop(edge);
    let mut frames = [service.frame().await, service.frame().await];
    frames.sort_by_key(|frame| frame.kind as u8);
    let [response, cancel] = frames;
    assert_eq!((response.kind, response.id, response.code), (Kind::Response, 7, Code::Disconnected));
    assert_eq!((cancel.kind, cancel.id), (Kind::Cancel, request.id));
    service.request(8, "on edge", Custom::tailed(b"", id), b"");
    assert_eq!(service.response(8).await.0, Code::EdgeNotOnline);
}

/// The exchange passes errors on as they are.
#[tokio::test]
async fn an_error_of_the_application_comes_through_whole() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    edge.request(1, "m", none(), b"");
    let id = service.frame().await.id;
    service.send(|out| {
        let custom = Custom::plain(b"why");
        Response { code: Code::Application, detail: 4711, custom, payload: "größer".as_bytes() }.encode_with(
            id,
            Flags::default(),
            out,
        )
    });
    let frame = edge.frame().await;
    let response = Response::parse(&frame).unwrap();
    assert_eq!((response.code, response.detail), (Code::Application, 4711));
    assert_eq!((response.custom.body(), response.payload), (&b"why"[..], "größer".as_bytes()));
    edge.publish(2, "t", none(), b"");
    let id = service.frame().await.id;
    service.send(|out| Ack { code: Code::Application, detail: 5, text: "no" }.encode(id, out));
    let frame = edge.frame().await;
    assert_eq!(Ack::parse(&frame).unwrap(), Ack { code: Code::Application, detail: 5, text: "no" });
}

#[tokio::test]
async fn an_answer_of_the_wrong_kind_ends_the_answerer_and_fails_the_request() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let (mut service, mut edge) = pair(&gateway).await;
    edge.request(1, "m", none(), b"");
    let id = service.frame().await.id;
    service.ack(id);
    assert_eq!(service.ended().await, Some(Code::Protocol));
    assert_eq!(edge.response(1).await.0, Code::Protocol);
    edge.is_alive().await;
    witness.check().await;
}

/// Who says goodbye gets nothing new, but what is in flight ends.
#[tokio::test]
async fn a_service_that_leaves_is_passed_over_and_still_answers() {
    let gateway = Gateway::start().await;
    let (mut leaving, mut edge) = pair(&gateway).await;
    edge.request(1, "m", none(), b"old");
    let old = leaving.frame().await;
    leaving.send(|out| frontier_protocol::GoAway::new(Code::Ok, 1000, "").encode(out));
    assert_eq!(leaving.frame().await.kind, Kind::GoAway);
    edge.request(2, "m", none(), b"new");
    assert_eq!(edge.response(2).await.0, Code::ServiceNotOnline);
    let mut other = RawPeer::service(gateway.services(), "s", &[]).await;
    other.take_methods(&["m"]).await;
    edge.request(3, "m", none(), b"new");
    let id = other.frame().await.id;
    other.respond(id, b"by another");
    assert_eq!(edge.response(3).await, (Code::Ok, b"by another".to_vec()));
    leaving.respond(old.id, b"by the first");
    assert_eq!(edge.response(1).await, (Code::Ok, b"by the first".to_vec()));
}

#[tokio::test]
async fn how_long_to_wait_comes_through_unchanged() {
    let gateway = Gateway::start().await;
    let (mut service, mut edge) = pair(&gateway).await;
    for detail in [0, 1500, u32::MAX] {
        edge.request(1, "m", none(), b"");
        let id = service.frame().await.id;
        service.send(|out| {
            Response { detail, ..Response::error(Code::Overloaded, "busy") }.encode_with(
                id,
                Flags::default(),
                out,
            )
        });
        let frame = edge.frame().await;
        let response = Response::parse(&frame).unwrap();
        assert_eq!(
            (response.code, response.detail, response.payload),
            (Code::Overloaded, detail, &b"busy"[..])
        );
        edge.publish(2, "t", none(), b"");
        let id = service.frame().await.id;
        let ack = Ack { code: Code::Overloaded, detail, text: "full" };
        service.send(|out| ack.encode(id, out));
        assert_eq!(Ack::parse(&edge.frame().await), Ok(ack));
    }
}
