//! Streams, both ways.

use frontier_sdk::{Code, Edge, EdgeId, Peer, Service, Stream, StreamResponse};
use frontier_tests::{DEADLINE, Gateway, Network, Process, echo, eventually, within};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

async fn pair(gateway: &Gateway) -> (Service, Edge) {
    let service = gateway.service("files").connect().await.expect("a service");
    (service, gateway.edge().connect().await.expect("an edge"))
}

/// A stream from the edge to the service: both ends.
async fn up(edge: &Edge, service: &Service) -> (Stream, Stream) {
    let (opened, accepted) = tokio::join!(
        async { edge.open_stream("files").meta("meta").await },
        within("a stream", service.accept_stream())
    );
    (opened.expect("an open stream"), accepted.expect("an accepted stream"))
}

async fn read(stream: &mut Stream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    within("bytes", stream.read_exact(&mut bytes)).await.expect("bytes");
    bytes
}

/// STRM-001, STRM-003, UNIT-EXCH-005
pub(crate) async fn an_edge_opens_a_stream_to_a_service(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let (mut client, mut server) = up(&edge, &service).await;
    assert_eq!(server.peer(), &Peer::Edge(edge.id()));
    assert_eq!((&server.meta()[..], &client.meta()[..]), (&b"meta"[..], &b"meta"[..]));
    client.write_all(b"client-hello").await.unwrap();
    assert_eq!(read(&mut server, 12).await, b"client-hello");
    server.write_all(b"server-reply").await.unwrap();
    assert_eq!(read(&mut client, 12).await, b"server-reply");
}

/// STRM-002, UNIT-EXCH-006
pub(crate) async fn a_service_opens_a_stream_to_an_edge(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let (opened, accepted) =
        tokio::join!(async { service.open_stream(edge.id()).meta("m").await }, edge.accept_stream());
    let (mut client, mut server) = (opened.unwrap(), accepted.unwrap());
    let name = "files".to_owned();
    assert_eq!(server.peer(), &Peer::Service { id: Some(service.id()), name });
    assert_eq!(&server.meta()[..], b"m");
    client.write_all(b"down").await.unwrap();
    assert_eq!(read(&mut server, 4).await, b"down");
}

/// STRM-004
pub(crate) async fn messages_go_both_ways_inside_a_stream(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let (client, server) = up(&edge, &service).await;
    for (from, to) in [(&client, &server), (&server, &client)] {
        let (published, ()) = tokio::join!(async { from.publish("t", "message").custom("c").await }, async {
            let message = within("a message", to.recv()).await.unwrap();
            assert_eq!(
                (&message.topic[..], &message.data[..], &message.custom[..]),
                ("t", &b"message"[..], &b"c"[..])
            );
            message.done();
        });
        published.unwrap();
    }
    let (dropped, ()) = tokio::join!(async { client.publish("t", "").await }, async {
        drop(within("a message", server.recv()).await.unwrap());
    });
    assert_eq!(dropped.unwrap_err().code, Code::NotDone);
}

/// STRM-005
pub(crate) async fn calls_go_both_ways_inside_a_stream(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let (client, server) = up(&edge, &service).await;
    for (from, to) in [(&client, &server), (&server, &client)] {
        to.register("echo", |request| async move { Ok(StreamResponse::new(request.data)) });
        let answer = within("an answer", async { from.call("echo", "hello").await }).await.unwrap();
        assert_eq!(answer.data, "hello");
        let error = within("an answer", async { from.call("nothing", "").await }).await.unwrap_err();
        assert_eq!(error.code, Code::MethodNotFound);
    }
}

/// STRM-006
pub(crate) async fn closing_a_stream_twice_is_no_harm(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let (client, server) = up(&edge, &service).await;
    for stream in [client, server] {
        stream.shutdown().await.unwrap();
        let _ = stream.shutdown().await;
        stream.reset();
        stream.reset();
    }
    up(&edge, &service).await;
}

/// STRM-007, CONF-012
pub(crate) async fn a_stream_to_nobody_is_a_prompt_and_typed_error(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    edge.close().await.unwrap();
    let start = Instant::now();
    assert_eq!(service.open_stream(edge.id()).await.unwrap_err().code(), Code::EdgeNotOnline);
    let edge = gateway.edge().connect().await.unwrap();
    assert_eq!(edge.open_stream("nobody").await.unwrap_err().code(), Code::ServiceNotOnline);
    assert!(start.elapsed() < DEADLINE);
}

pub(crate) async fn a_service_without_a_name_is_reached_by_no_stream(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    assert_eq!(edge.open_stream("").await.unwrap_err().code(), Code::ServiceNotOnline);
    assert_eq!(edge.call("echo", "x").await.unwrap().data, "x");
}

pub(crate) async fn half_of_a_stream_may_end_while_the_other_goes_on(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let (mut client, mut server) = up(&edge, &service).await;
    client.write_all(b"request").await.unwrap();
    client.shutdown().await.unwrap();
    let mut request = Vec::new();
    within("an end", server.read_to_end(&mut request)).await.unwrap();
    assert_eq!(request, b"request");
    assert!(client.write_all(b"more").await.is_err());
    server.write_all(b"a long answer").await.unwrap();
    server.shutdown().await.unwrap();
    let mut answer = Vec::new();
    within("an end", client.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"a long answer");
}

pub(crate) async fn a_reset_is_no_good_end(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    for is_dropped in [true, false] {
        let (mut client, mut server) = up(&edge, &service).await;
        client.write_all(b"half of it").await.unwrap();
        read(&mut server, 10).await;
        if !is_dropped {
            client.reset();
        }
        drop(client);
        let error = within("an end", server.read_u8()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

pub(crate) async fn the_loss_of_a_peer_resets_its_streams(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let (_client, mut server) = up(&edge, &service).await;
    let _second = gateway.edge().id(edge.id()).connect().await.unwrap();
    let error = within("an end", server.read_u8()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// RES-001
pub(crate) async fn streams_end_with_the_edge_that_closes(net: Network) {
    let mut gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let files = gateway.process().open_files();
    for _ in 0..5 {
        let (client, server) = up(&edge, &service).await;
        client.shutdown().await.unwrap();
        server.shutdown().await.unwrap();
    }
    within("a close", edge.close()).await.unwrap();
    // Over QUIC there is one socket for all.
    let left = if net == Network::Quic { files } else { files - 1 };
    eventually(DEADLINE, "its socket is closed", async || {
        (gateway.process().open_files() <= left).then_some(())
    })
    .await;
}

/// CONF-013
pub(crate) async fn a_thousand_streams_each_way_at_the_same_time(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    let mut accepting = JoinSet::new();
    let (edge_side, service_side) = (edge.clone(), service.clone());
    accepting.spawn(async move {
        while let Some(stream) = edge_side.accept_stream().await {
            tokio::spawn(answer(stream));
        }
    });
    accepting.spawn(async move {
        while let Some(stream) = service_side.accept_stream().await {
            tokio::spawn(answer(stream));
        }
    });
    let mut opening = JoinSet::new();
    for _ in 0..20 {
        let (from_edge, from_service, id) = (edge.clone(), service.clone(), edge.id());
        opening.spawn(async move {
            for _ in 0..50 {
                ask(from_edge.open_stream("files").await.unwrap()).await;
            }
        });
        opening.spawn(async move {
            for _ in 0..50 {
                ask(from_service.open_stream(id).await.unwrap()).await;
            }
        });
    }
    within("all streams are done", opening.join_all()).await;
}

/// All of them may come in one read, before any task gets to accept one.
pub(crate) async fn a_service_that_is_late_loses_none_of_many_streams(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("files").connect().await.unwrap();
    let mut opening = JoinSet::new();
    // One edge alone would get no more than its share.
    for _ in 0..10 {
        let edge = gateway.edge().connect().await.unwrap();
        for _ in 0..90 {
            let edge = edge.clone();
            opening.spawn(async move { edge.open_stream("files").await });
        }
    }
    let opened = within("all streams are open", opening.join_all()).await;
    let opened: Vec<Stream> = opened.into_iter().collect::<Result<_, _>>().expect("none is refused");
    for _ in &opened {
        within("a stream", service.accept_stream()).await.expect("an accepted stream");
    }
}

/// Whoever has ended its own half and gives up the other: who writes there must not wait for ever.
pub(crate) async fn a_stream_that_is_given_up_half_closed_is_told_to_its_writer(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway).await;
    for edge_gives_up in [true, false] {
        let (opened, accepted) = up(&edge, &service).await;
        let (mut gives_up, mut writes) = if edge_gives_up { (opened, accepted) } else { (accepted, opened) };
        gives_up.shutdown().await.expect("its half ends");
        let mut end = Vec::new();
        within("the end", writes.read_to_end(&mut end)).await.expect("in good order");
        let writing = tokio::spawn(async move {
            let chunk = vec![7; 64 * 1024];
            while writes.write_all(&chunk).await.is_ok() {}
        });
        read(&mut gives_up, 1024).await;
        drop(gives_up);
        within("the writer hears of it", writing).await.expect("it ends");
    }
    // Nothing of it is left in the way.
    let (_opened, _accepted) = up(&edge, &service).await;
}

/// Its process is paused, and takes none of them for two seconds.
pub(crate) async fn an_edge_that_is_late_loses_none_of_many_large_calls(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let edge = Process::edge_of_id(&gateway, 7).await;
    let service = gateway.service("files").connect().await.expect("a service");
    edge.freeze();
    let mut calls = JoinSet::new();
    for _ in 0..600 {
        let service = service.clone();
        calls.spawn(async move {
            service.call(EdgeId(7), "echo", vec![7; 70_000]).timeout(DEADLINE).await.map(|it| it.data.len())
        });
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    edge.thaw();
    let answers = within("all are answered", calls.join_all()).await;
    for answer in answers {
        assert_eq!(answer.expect("none is lost"), 70_000);
    }
}

/// BOUND-002: one after the other, so that none may leave anything behind.
pub(crate) async fn ten_thousand_streams_on_one_edge_leave_nothing_behind(net: Network) {
    let gateway = Gateway::over(net).set("limits.streams_per_connection", 16).start().await;
    let (service, edge) = pair(&gateway).await;
    let accepting = service.clone();
    tokio::spawn(async move {
        while let Some(stream) = accepting.accept_stream().await {
            answer(stream).await;
        }
    });
    let mut memory = Vec::new();
    for _ in 0..10 {
        for _ in 0..1000 {
            let stream = eventually(DEADLINE, "there is room", async || edge.open_stream("files").await.ok());
            ask(stream.await).await;
        }
        memory.push(gateway.rss());
    }
    let grown = memory[9].saturating_sub(memory[0]);
    assert!(grown < 4 * 1024 * 1024, "{memory:?}");
}

async fn answer(mut stream: Stream) {
    let mut request = Vec::new();
    stream.read_to_end(&mut request).await.expect("a request");
    stream.write_all(&request).await.expect("the other end reads");
    stream.shutdown().await.expect("the other end reads");
}

async fn ask(mut stream: Stream) {
    stream.write_all(b"request").await.expect("the other end reads");
    stream.shutdown().await.expect("the other end reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    assert_eq!(answer, b"request");
}
