//! What there may be only so many of, or only so long: each limit has its error, and there is room again
//! once something has gone.

use frontier_protocol::{Code, Custom, EdgeId, Flags, Kind, Names, Publish, Registration, Request, Role};
use frontier_tests::{DEADLINE, Gateway, RawPeer, RawTcp, Witness, accept, eventually, none};
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn names_and_customs_over_the_limit_are_too_large_and_the_connection_goes_on() {
    let gateway = Gateway::builder().set("limits.name_size", 10).set("limits.custom_size", 20).start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &["*"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    for (name, custom) in [("12345678901", 20), ("1234567890", 21), ("12345678901", 60_000)] {
        let custom = vec![0; custom];
        edge.request(1, name, Custom::plain(&custom), b"");
        assert_eq!(edge.response(1).await.0, Code::TooLarge);
        edge.publish(2, name, Custom::plain(&custom), b"");
        assert_eq!(edge.acked(2).await.0, Code::TooLarge);
        service.request(1, name, Custom::plain(&custom), b"");
        assert_eq!(service.response(1).await.0, Code::TooLarge);
    }
    edge.request(1, "1234567890", Custom::plain(&[0; 20]), b"");
    assert_eq!(edge.response(1).await.0, Code::MethodNotFound);
    edge.publish(2, "1234567890", Custom::plain(&[0; 20]), b"");
    assert_eq!(service.frame().await.kind, Kind::Publish);
}

#[tokio::test]
async fn a_stream_with_too_long_a_name_or_meta_is_refused() {
    let gateway = Gateway::builder().set("limits.name_size", 10).set("limits.meta_size", 20).start().await;
    let mut service = RawPeer::service(gateway.services(), "1234567890", &[]).await;
    let edge = RawPeer::edge(gateway.edges()).await;
    let code = edge.open_to(0, "12345678901", b"").await.unwrap_err().0;
    assert_eq!(code, Code::TooLarge);
    let code = edge.open_to(0, "1234567890", &[0; 21]).await.unwrap_err().0;
    assert_eq!(code, Code::TooLarge);
    let (opened, _) =
        tokio::join!(edge.open_to(0, "1234567890", &[0; 20]), async { accept(service.stream().await).await });
    opened.unwrap();
}

#[tokio::test]
async fn connections_over_the_limit_are_told_so_and_there_is_room_again() {
    let gateway = Gateway::builder().set("limits.connections", 3).start().await;
    let mut edges = Vec::new();
    for _ in 0..3 {
        edges.push(RawPeer::edge(gateway.edges()).await);
    }
    let hello = RawPeer::hello(Role::Edge);
    for _ in 0..5 {
        let (code, _) = RawPeer::connect(gateway.edges(), &hello).await.unwrap_err();
        assert_eq!(code, Code::Overloaded);
    }
    // Each side has its own count.
    RawPeer::service(gateway.services(), "s", &[]).await;
    edges.pop();
    eventually(DEADLINE, "there is room for one", async || {
        RawPeer::connect(gateway.edges(), &hello).await.ok()
    })
    .await;
}

#[tokio::test]
async fn connections_from_one_address_have_a_limit_of_their_own() {
    let gateway = Gateway::builder().set("limits.connections_per_address", 2).start().await;
    let hello = RawPeer::hello(Role::Edge);
    let _first = RawPeer::edge(gateway.edges()).await;
    let second = RawPeer::edge(gateway.edges()).await;
    let (code, _) = RawPeer::connect(gateway.edges(), &hello).await.unwrap_err();
    assert_eq!(code, Code::Overloaded);
    let elsewhere = "127.0.0.2".parse().unwrap();
    RawPeer::dial_from(elsewhere, gateway.edges()).await.handshake(&hello).await.unwrap();
    drop(second);
    eventually(DEADLINE, "there is room for one", async || {
        RawPeer::connect(gateway.edges(), &hello).await.ok()
    })
    .await;
}

#[tokio::test]
async fn far_more_connections_than_may_be_do_no_harm() {
    let gateway = Gateway::builder().set("limits.connections", 8).start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut connections = Vec::new();
    for _ in 0..300 {
        connections.push(RawPeer::dial(gateway.edges()).await);
    }
    witness.check().await;
    drop(connections);
    let hello = RawPeer::hello(Role::Edge);
    eventually(DEADLINE, "there is room again", async || {
        RawPeer::connect(gateway.edges(), &hello).await.ok()
    })
    .await;
    witness.check().await;
}

#[tokio::test]
async fn strangers_take_no_place_from_who_is_known() {
    let gateway = Gateway::builder().set("limits.connections", 3).start().await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(RawTcp::connect(gateway.edges()).await);
    }
    let mut edges = Vec::new();
    for _ in 0..3 {
        edges.push(RawPeer::edge(gateway.edges()).await);
    }
    drop(silent);
}

#[tokio::test]
async fn an_address_that_fills_all_handshakes_with_silence_keeps_nobody_else_out() {
    let gateway = Gateway::builder().set("limits.handshakes", 8).set("limits.handshakes_per_address", 8);
    let gateway = gateway.start().await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(RawTcp::connect(gateway.edges()).await);
    }
    let elsewhere = "127.0.0.2".parse().unwrap();
    let hello = RawPeer::hello(Role::Edge);
    RawPeer::dial_from(elsewhere, gateway.edges()).await.handshake(&hello).await.unwrap();
    // The one that has waited longest has made room.
    silent.remove(0).rest().await;
    // Whoever got in has given the place back. From there itself no more than that is left, which is told by an end
    // and in the log.
    silent.push(RawTcp::connect(gateway.edges()).await);
    RawTcp::connect(gateway.edges()).await.rest().await;
    let line =
        eventually(DEADLINE, "it is logged", async || gateway.log().find("limits.handshakes_per_address"))
            .await;
    assert!(line.contains("8 handshakes from this address are under way"), "{line}");
    silent.clear();
    eventually(DEADLINE, "there is room again", async || {
        RawPeer::connect(gateway.edges(), &hello).await.ok()
    })
    .await;
}

#[tokio::test]
async fn calls_in_flight_over_the_limit_are_overloaded_on_either_side() {
    let gateway = Gateway::builder().set("limits.calls_per_connection", 5).start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &["t"]).await;
    service.take_methods(&["m"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    let mut asked = Vec::new();
    for id in 1..=4 {
        edge.request(id, "m", none(), b"");
        asked.push(service.frame().await.id);
    }
    // One place is left, and kept for another.
    edge.request(5, "m", none(), b"");
    assert_eq!(edge.response(5).await.0, Code::Overloaded);
    edge.publish(6, "t", none(), b"");
    assert_eq!(edge.acked(6).await.0, Code::Overloaded);
    let mut other = RawPeer::edge(gateway.edges()).await;
    other.request(1, "m", none(), b"");
    asked.push(service.frame().await.id);
    // For the service it is as bad if its requests come from several.
    other.request(2, "m", none(), b"");
    assert_eq!(other.response(2).await.0, Code::Overloaded);
    service.respond(asked[0], b"");
    assert_eq!(edge.response(1).await.0, Code::Ok);
    other.request(2, "m", none(), b"");
    let id = service.frame().await.id;
    for (id, asked) in [(2, id), (1, asked[4])] {
        service.respond(asked, b"");
        assert_eq!(other.response(id).await.0, Code::Ok);
    }
    // From the service down to the edge the service's own limit counts as well.
    for id in 1..=4 {
        service.request(id, "m", Custom::tailed(b"", EdgeId(other.id())), b"");
        other.frame().await;
    }
    service.request(5, "m", Custom::tailed(b"", EdgeId(edge.id())), b"");
    edge.frame().await;
    service.request(6, "m", Custom::tailed(b"", EdgeId(edge.id())), b"");
    assert_eq!(service.response(6).await.0, Code::Overloaded);
}

#[tokio::test]
async fn messages_without_an_ack_hold_no_place() {
    let gateway = Gateway::builder().set("limits.calls_per_connection", 2).start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &["t"]).await;
    let edge = RawPeer::edge(gateway.edges()).await;
    for _ in 0..50 {
        edge.send(|out| {
            Publish { timeout_ms: 0, topic: "t", custom: none(), payload: b"" }.encode_with(
                0,
                Flags::default(),
                out,
            )
        });
    }
    for _ in 0..50 {
        assert_eq!(service.frame().await.kind, Kind::Publish);
    }
}

#[tokio::test]
async fn streams_over_the_limit_are_refused_and_there_is_room_again() {
    let gateway = Gateway::builder().set("limits.streams_per_connection", 3).start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    let edge = RawPeer::edge(gateway.edges()).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        let (opened, accepted) =
            tokio::join!(edge.open_to(0, "s", b""), async { accept(service.stream().await).await });
        streams.push((opened.unwrap(), accepted.1));
    }
    let (code, _) = edge.open_to(0, "s", b"").await.unwrap_err();
    assert_eq!(code, Code::Overloaded);
    // The service has no room either.
    let other = RawPeer::edge(gateway.edges()).await;
    let (code, _) = other.open_to(0, "s", b"").await.unwrap_err();
    assert_eq!(code, Code::Overloaded);
    let (ours, mut theirs) = streams.pop().unwrap();
    drop(ours);
    let mut rest = Vec::new();
    // Ends, since its other end was reset.
    let _ = frontier_tests::within("an end", theirs.read_to_end(&mut rest)).await;
    drop(theirs);
    let (opened, _) = tokio::join!(
        eventually(DEADLINE, "there is room for one", async || other.open_to(0, "s", b"").await.ok()),
        async { accept(service.stream().await).await }
    );
    drop(opened);
}

/// Whoever meets a limit wants to know what to change, or what to ask for.
#[tokio::test]
async fn the_text_of_a_limit_names_its_key() {
    let gateway = Gateway::builder()
        .set("limits.name_size", 10)
        .set("limits.custom_size", 20)
        .set("limits.meta_size", 20)
        .set("limits.payload_size", "64KiB")
        .set("limits.names_per_service", 2)
        .set("limits.calls_per_connection", 1)
        .set("limits.streams_per_connection", 1)
        .set("limits.connections", 2)
        .start()
        .await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    service.take_methods(&["m"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    let says = |(code, text): (Code, String), wanted: Code, key: &str| {
        assert!(code == wanted && text.ends_with(&format!("({key})")), "{key}: {code} {text}");
    };
    let text = |(code, payload): (Code, Vec<u8>)| (code, String::from_utf8(payload).unwrap());

    edge.request(1, "12345678901", none(), b"");
    says(text(edge.response(1).await), Code::TooLarge, "limits.name_size");
    edge.request(2, "m", Custom::plain(&[0; 21]), b"");
    says(text(edge.response(2).await), Code::TooLarge, "limits.custom_size");
    says(edge.open_to(0, "s", &[0; 21]).await.unwrap_err(), Code::TooLarge, "limits.meta_size");
    let announced = (64_u32 * 1024 + 1).to_be_bytes();
    let mut detached = Vec::new();
    let request = Request { timeout_ms: 0, method: "m", custom: none(), payload: &announced };
    request.encode_with(3, Flags::DETACHED, &mut detached).unwrap();
    let _stream = edge.open_with(&detached).await;
    says(text(edge.response(3).await), Code::TooLarge, "limits.payload_size");
    let many = service.register(Registration::Add, Names::Methods, &["a", "b"]).await;
    says(many, Code::Overloaded, "limits.names_per_service");

    edge.request(4, "m", none(), b"");
    service.frame().await;
    edge.request(5, "m", none(), b"");
    says(text(edge.response(5).await), Code::Overloaded, "limits.calls_per_connection");
    // The service has no room either, for anybody.
    let mut other = RawPeer::edge(gateway.edges()).await;
    other.request(1, "m", none(), b"");
    says(text(other.response(1).await), Code::Overloaded, "limits.calls_per_connection");

    let (opened, accepted) =
        tokio::join!(edge.open_to(0, "s", b""), async { accept(service.stream().await).await });
    let _streams = (opened.unwrap(), accepted);
    let at_opener = edge.open_to(0, "s", b"").await.unwrap_err();
    says(at_opener, Code::Overloaded, "limits.streams_per_connection");
    let at_acceptor = other.open_to(0, "s", b"").await.unwrap_err();
    says(at_acceptor, Code::Overloaded, "limits.streams_per_connection");

    let excess = RawPeer::connect(gateway.edges(), &RawPeer::hello(Role::Edge)).await.unwrap_err();
    says(excess, Code::Overloaded, "limits.connections");
}
