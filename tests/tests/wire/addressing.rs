//! Where a request goes, and what its custom header says about it.

use frontier_protocol::{Code, Custom, EdgeId, Flags, Kind, Names, Publish, Registration, Request};
use frontier_tests::{Gateway, RawPeer, Witness, none};

/// CONF-009
#[tokio::test]
async fn a_custom_too_short_for_an_edge_id_is_an_error_of_that_request_only() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    for len in 0..8 {
        let custom = &[0xff; 8][..len];
        let id = len as u64;
        service.request(id, "m", Custom::plain(custom), b"");
        assert_eq!(service.response(id).await.0, Code::Protocol, "{len}");
        service.publish(id, "t", Custom::plain(custom), b"");
        assert_eq!(service.acked(id).await.0, Code::Protocol, "{len}");
    }
    service.is_alive().await;
    witness.check().await;
}

/// CONF-009
#[tokio::test]
async fn a_custom_from_an_edge_may_have_any_length() {
    let gateway = Gateway::start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &["t"]).await;
    service.take_methods(&["m"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    for len in 0..=9 {
        let custom = &[7; 9][..len];
        edge.request(1, "m", Custom::plain(custom), b"");
        let frame = service.frame().await;
        let request = Request::parse(&frame).unwrap();
        assert_eq!(Custom::split_tail(request.custom.body()), Some((custom, EdgeId(edge.id()))));
        service.respond(frame.id, b"ok");
        assert_eq!(edge.response(1).await, (Code::Ok, b"ok".to_vec()));
    }
}

#[tokio::test]
async fn the_edge_id_travels_as_the_tail_of_custom_in_all_four_directions() {
    let gateway = Gateway::start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &["t"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    let id = EdgeId(edge.id());
    service.request(1, "m", Custom::tailed(b"c", id), b"request");
    let frame = edge.frame().await;
    let request = Request::parse(&frame).unwrap();
    assert_eq!((request.method, request.custom.body(), request.payload), ("m", &b"c"[..], &b"request"[..]));
    edge.respond(frame.id, b"answer");
    let frame = service.frame().await;
    let response = frontier_protocol::Response::parse(&frame).unwrap();
    assert_eq!(Custom::split_tail(response.custom.body()), Some((&b""[..], id)));
    assert_eq!((response.code, response.payload), (Code::Ok, &b"answer"[..]));
    service.publish(2, "", Custom::tailed(b"d", id), b"down");
    let frame = edge.frame().await;
    let publish = Publish::parse(&frame).unwrap();
    assert_eq!((publish.topic, publish.custom.body(), publish.payload), ("", &b"d"[..], &b"down"[..]));
    edge.ack(frame.id);
    assert_eq!(service.acked(2).await.0, Code::Ok);
    edge.publish(3, "t", Custom::plain(b"e"), b"up");
    let frame = service.frame().await;
    let publish = Publish::parse(&frame).unwrap();
    assert_eq!(Custom::split_tail(publish.custom.body()), Some((&b"e"[..], id)));
    service.ack(frame.id);
    assert_eq!(edge.acked(3).await.0, Code::Ok);
}

/// BOUND-003
#[tokio::test]
async fn edge_ids_0_and_the_highest_are_just_not_online() {
    let gateway = Gateway::start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    for (id, edge) in [(1, 0), (2, u64::MAX)] {
        service.request(id, "m", Custom::tailed(b"", EdgeId(edge)), b"");
        assert_eq!(service.response(id).await.0, Code::EdgeNotOnline);
        service.publish(id, "t", Custom::tailed(b"", EdgeId(edge)), b"");
        assert_eq!(service.acked(id).await.0, Code::EdgeNotOnline);
    }
    let hello = frontier_protocol::Hello { id: u64::MAX, ..RawPeer::hello(frontier_protocol::Role::Edge) };
    let mut edge = RawPeer::connect(gateway.edges(), &hello).await.unwrap();
    assert_eq!(edge.id(), u64::MAX);
    service.request(3, "m", Custom::tailed(b"", EdgeId(u64::MAX)), b"");
    assert_eq!(edge.frame().await.kind, Kind::Request);
}

#[tokio::test]
async fn an_id_used_again_before_its_answer_ends_only_that_connection() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut service = RawPeer::service(gateway.services(), "s", &["t"]).await;
    service.take_methods(&["m"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    edge.request(5, "m", none(), b"");
    edge.request(5, "m", none(), b"");
    assert_eq!(edge.ended().await, Some(Code::Protocol));
    // The first has reached the service, which hears that nobody waits any more; the second has not.
    let first = service.frame().await;
    assert_eq!(first.kind, Kind::Request);
    let cancel = service.frame().await;
    assert_eq!((cancel.kind, cancel.id), (Kind::Cancel, first.id));
    service.is_alive().await;
    witness.check().await;
}

#[tokio::test]
async fn an_id_may_be_used_again_once_it_was_answered() {
    let gateway = Gateway::start().await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    for _ in 0..3 {
        edge.request(5, "m", none(), b"");
        assert_eq!(edge.response(5).await.0, Code::MethodNotFound);
        edge.publish(5, "t", none(), b"");
        assert_eq!(edge.acked(5).await.0, Code::TopicNotOnline);
    }
}

/// CONF-011
#[tokio::test]
async fn reserved_methods_can_not_be_called_by_an_edge() {
    let gateway = Gateway::start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    service.take_methods(&["edge_offline"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    for name in ["get_edge_id", "edge_online", "edge_offline"] {
        edge.request(1, name, none(), b"");
        assert_eq!(edge.response(1).await.0, Code::Denied, "{name}");
    }
    service.is_alive().await;
}

#[tokio::test]
async fn a_message_without_an_ack_is_answered_by_nobody() {
    let gateway = Gateway::start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &["t"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    for topic in ["t", "nobody's"] {
        edge.send(|out| {
            let publish = Publish { timeout_ms: 0, topic, custom: none(), payload: b"p" };
            publish.encode_with(0, Flags::default(), out)
        });
    }
    let frame = service.frame().await;
    assert_eq!((frame.kind, frame.flags, frame.id), (Kind::Publish, Flags::default(), 0));
    edge.is_alive().await;
    service.is_alive().await;
}

/// CONF-016
#[tokio::test]
async fn names_match_exactly() {
    let gateway = Gateway::start().await;
    let names = ["plain", "Plain", "with \"quotes\"", "back\\slash", "käse\u{1f9c0}", "a/b/*", "nul\0", " "];
    let mut edge = RawPeer::edge(gateway.edges()).await;
    let mut services = Vec::new();
    for name in names {
        let mut service = RawPeer::service(gateway.services(), name, &[name]).await;
        service.take_methods(&[name]).await;
        services.push(service);
    }
    for (name, service) in names.iter().zip(&mut services) {
        edge.request(1, name, none(), b"");
        let frame = service.frame().await;
        assert_eq!(Request::parse(&frame).unwrap().method, *name);
        service.respond(frame.id, b"");
        edge.response(1).await;
        edge.publish(2, name, none(), b"");
        let frame = service.frame().await;
        service.ack(frame.id);
        assert_eq!(edge.acked(2).await.0, Code::Ok, "{name:?}");
    }
    for name in ["PLAIN", "plain ", "with 'quotes'", "backslash", ""] {
        edge.request(1, name, none(), b"");
        assert_eq!(edge.response(1).await.0, Code::MethodNotFound, "{name:?}");
    }
}

#[tokio::test]
async fn registrations_hold_when_they_are_answered_and_all_or_none_do() {
    let gateway = Gateway::builder().set("limits.names_per_service", 4).set("limits.name_size", 8);
    let gateway = gateway.start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &["t"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    let (add, remove, methods) = (Registration::Add, Registration::Remove, Names::Methods);
    assert_eq!(service.register(add, methods, &["a", "b"]).await.0, Code::Ok);
    assert_eq!(service.register(add, methods, &["a", "b"]).await.0, Code::Ok, "again is no more");
    assert_eq!(service.register(add, methods, &["c", "d"]).await.0, Code::Overloaded, "5 names");
    assert_eq!(service.register(add, methods, &["c", "ninechars"]).await.0, Code::TooLarge);
    assert_eq!(service.register(add, methods, &["c", ""]).await.0, Code::Denied);
    for (name, is_taken) in [("a", true), ("b", true), ("c", false), ("d", false)] {
        edge.request(1, name, none(), b"");
        if is_taken {
            let id = service.frame().await.id;
            service.respond(id, b"");
        }
        let expected = if is_taken { Code::Ok } else { Code::MethodNotFound };
        assert_eq!(edge.response(1).await.0, expected, "{name}");
    }
    assert_eq!(service.register(remove, methods, &["a", "never"]).await.0, Code::Ok);
    edge.request(1, "a", none(), b"");
    assert_eq!(edge.response(1).await.0, Code::MethodNotFound);
    assert_eq!(service.register(remove, Names::Topics, &["t"]).await.0, Code::Ok);
    edge.publish(1, "t", none(), b"");
    assert_eq!(edge.acked(1).await.0, Code::TopicNotOnline);
    assert_eq!(service.register(add, methods, &["c", "d"]).await.0, Code::Ok, "there is room again");
}
