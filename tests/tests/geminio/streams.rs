//! Streams: raw bytes, messages and calls, in either framing at each end.

use crate::client::Client;
use frontier_geminio::{self as wire, RequestKind};
use frontier_sdk::{EdgeId, Response, StreamRequest, StreamResponse};
use frontier_tests::{Gateway, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A stream of an edge to a service, both of the original.
async fn joined(gateway: &Gateway) -> ((Client, u64), (Client, u64)) {
    let mut service = Client::service(gateway, "svc", &[], &[]).await;
    let mut edge = Client::edge(gateway).await;
    let (session, (number, peer, meta)) = tokio::join!(edge.open("svc", b"own"), service.accept());
    assert_eq!((peer, &meta[..]), (edge.id.to_string(), &b"own"[..]));
    ((edge, session), (service, number))
}

#[tokio::test]
async fn bytes_pass_and_closing_ends_both_directions() {
    let gateway = Gateway::start().await;
    let ((mut edge, near), (mut service, far)) = joined(&gateway).await;
    edge.write(near, b"client-hello").await;
    assert_eq!(service.read(far, 12).await, b"client-hello");
    service.write(far, b"server-").await;
    service.write(far, b"reply").await;
    assert_eq!(edge.read(near, 12).await, b"server-reply");
    // What was written before the end comes before it.
    edge.write(near, b"last words").await;
    let (came, ()) = tokio::join!(service.dismissed(far), edge.dismiss(near));
    assert_eq!(came, b"last words");
    service.dismiss(1).await;
}

/// A client of the original writes its end past what its application wrote before.
#[tokio::test]
async fn what_was_written_before_an_end_comes_though_the_end_has_overtaken_it() {
    let gateway = Gateway::start().await;
    let ((mut edge, near), (mut service, far)) = joined(&gateway).await;
    let late = |session: u64| {
        move |id: u64, out: &mut Vec<u8>| {
            wire::dismiss(id, session, out);
            wire::raw(id, session, b"last ", out).unwrap();
            wire::raw(id, session, b"words", out).unwrap();
        }
    };
    edge.send(late(near)).await;
    assert_eq!(service.dismissed(far).await, b"last words");
    edge.dismissed(near).await;
    let (near, (far, ..)) = tokio::join!(edge.open("svc", b""), service.accept());
    service.send(late(far)).await;
    assert_eq!(edge.dismissed(near).await, b"last words");
    // And to a peer of our own wire.
    let ours = gateway.service("ours").connect().await.unwrap();
    let (near, stream) = tokio::join!(edge.open("ours", b""), ours.accept_stream());
    let mut stream = stream.unwrap();
    edge.send(late(near)).await;
    let mut came = Vec::new();
    within("all of it", stream.read_to_end(&mut came)).await.unwrap();
    assert_eq!(came, b"last words");
}

#[tokio::test]
async fn an_end_that_is_said_again_and_again_is_one() {
    let gateway = Gateway::start().await;
    let ((mut edge, near), (mut service, far)) = joined(&gateway).await;
    edge.send(|id, out| (0..1000).for_each(|_| wire::dismiss(id, near, out))).await;
    assert_eq!(service.dismissed(far).await, b"");
    edge.dismissed(near).await;
    edge.finish().await;
    let rest = edge.rest().await;
    let count = |kind| rest.iter().filter(|it| **it == kind).count();
    assert_eq!((count(wire::Kind::Dismissed), count(wire::Kind::Dismiss)), (1000, 0));
}

#[tokio::test]
async fn what_came_before_the_end_is_read_after_the_connection_has_gone() {
    let gateway = Gateway::start().await;
    let service = gateway.service("svc").connect().await.unwrap();
    // More than the reader's window takes: the rest waits at the gateway.
    let bytes: Vec<_> = (0..2_000_000_u32).map(|at| at.to_le_bytes()[1]).collect();
    for leaves_in_order in [true, false] {
        let mut edge = Client::edge(&gateway).await;
        let (session, stream) = tokio::join!(edge.open("svc", b""), service.accept_stream());
        let mut stream = stream.unwrap();
        for piece in bytes.chunks(50_000) {
            edge.write(session, piece).await;
        }
        if leaves_in_order {
            edge.dismiss(session).await;
            edge.close().await;
        } else {
            edge.send(|id, out| wire::dismiss(id, session, out)).await;
            edge.finish().await;
            edge.rest().await;
        }
        let mut came = Vec::new();
        within("all of it", stream.read_to_end(&mut came)).await.unwrap();
        assert!(came == bytes, "{} bytes, in order: {leaves_in_order}", came.len());
    }
    // One that is cut off is not taken for one that has ended.
    let mut edge = Client::edge(&gateway).await;
    let (session, stream) = tokio::join!(edge.open("svc", b""), service.accept_stream());
    let mut stream = stream.unwrap();
    edge.write(session, b"half a").await;
    drop(edge);
    within("an error", stream.read_to_end(&mut Vec::new())).await.unwrap_err();
}

#[tokio::test]
async fn a_service_opens_a_stream_to_an_edge_by_its_number() {
    let gateway = Gateway::start().await;
    let mut service = Client::service(&gateway, "svc", &[], &[]).await;
    let mut edge = Client::edge(&gateway).await;
    let to = edge.id.to_string();
    let (near, (far, peer, _)) = tokio::join!(service.open(&to, b""), edge.accept());
    assert_eq!(peer, "svc");
    edge.write(far, b"bytes").await;
    assert_eq!(service.read(near, 5).await, b"bytes");
    let (came, ()) = tokio::join!(service.dismissed(near), edge.dismiss(far));
    assert_eq!(came, b"");
}

#[tokio::test]
async fn messages_and_calls_pass_on_a_stream() {
    let gateway = Gateway::start().await;
    let ((mut edge, near), (mut service, far)) = joined(&gateway).await;
    for kind in [RequestKind::Call, RequestKind::Message] {
        for outcome in [Ok(&b"answer"[..]), Err("not today")] {
            let asked = edge.ask(kind, near, "name", b"own", b"payload").await;
            let (id, request) = service.asked().await;
            assert_eq!((request.kind, request.session, &*request.name), (kind, far, "name"));
            assert_eq!((&request.custom[..], &request.payload[..]), (&b"own"[..], &b"payload"[..]));
            service.answer(id, &request, outcome).await;
            let told = match kind {
                RequestKind::Message => outcome.map(|_| Vec::new()),
                RequestKind::Call => outcome.map(<[u8]>::to_vec),
            };
            assert_eq!(edge.answer_to(asked).await, told.map_err(str::to_owned));
        }
    }
    let id = edge.send(|id, out| wire::register(id, near, "m", out).unwrap()).await;
    edge.wait(|frame| frame.id == id && frame.kind == wire::Kind::Registered).await;
    // What fits no frame of the other wire is answered, and the stream goes on.
    let asked = edge.ask(RequestKind::Call, near, "name", b"", &vec![0; 300_000]).await;
    let refused = edge.answer_to(asked).await.unwrap_err();
    assert!(refused.contains("limits.frame_size"), "{refused}");
    edge.write(near, b"on").await;
    assert_eq!(service.read(far, 2).await, b"on");
}

#[tokio::test]
async fn who_is_not_there_is_told_by_an_end() {
    let gateway = Gateway::start().await;
    let mut service = Client::service(&gateway, "svc", &[], &[]).await;
    let mut edge = Client::edge(&gateway).await;
    for peer in ["nobody", "4711", "no number"] {
        let opener = if peer == "nobody" { &mut edge } else { &mut service };
        let session = opener.open(peer, b"").await;
        assert_eq!(opener.dismissed(session).await, b"", "{peer}");
    }
}

#[tokio::test]
async fn an_edge_of_ours_has_a_stream_to_a_service_of_theirs() {
    let gateway = Gateway::start().await;
    let mut service = Client::service(&gateway, "svc", &[], &[]).await;
    let edge = gateway.edge().connect().await.unwrap();
    let (stream, (far, peer, meta)) =
        tokio::join!(edge.open_stream("svc").meta("own").into_future(), service.accept());
    let mut stream = stream.unwrap();
    assert_eq!((peer, &meta[..]), (edge.id().to_string(), &b"own"[..]));
    let bytes = vec![7; 500_000];
    let (written, came) = tokio::join!(stream.write_all(&bytes), service.read(far, bytes.len()));
    written.unwrap();
    assert!(came == bytes);
    service.write(far, &bytes).await;
    let mut came = vec![0; bytes.len()];
    within("bytes", stream.read_exact(&mut came)).await.unwrap();
    assert!(came == bytes);
    // Calls and messages, there and back.
    let (answer, ()) = tokio::join!(stream.call("m", "x").into_future(), async {
        let (id, request) = service.asked().await;
        service.answer(id, &request, Ok(b"y")).await;
    });
    assert_eq!(answer.unwrap().data, "y");
    let echo = |request: StreamRequest| async move { Ok(StreamResponse::new(request.data)) };
    stream.register("echo", echo);
    let asked = service.ask(RequestKind::Call, far, "echo", b"", b"payload").await;
    assert_eq!(service.answer_to(asked).await, Ok(b"payload".to_vec()));
    let asked = service.ask(RequestKind::Message, far, "t", b"", b"payload").await;
    within("a message", stream.recv()).await.unwrap().done();
    assert_eq!(service.answer_to(asked).await, Ok(Vec::new()));
    // Its end alone is kept back: the service may still answer.
    stream.write_all(b"question").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(service.read(far, 8).await, b"question");
    service.write(far, b"answer").await;
    let mut came = vec![0; 6];
    within("an answer", stream.read_exact(&mut came)).await.unwrap();
    let (rest, ()) = tokio::join!(within("an end", stream.read(&mut came)), service.dismiss(far));
    assert_eq!((rest.unwrap(), &came[..]), (0, &b"answer"[..]));
}

#[tokio::test]
async fn an_edge_of_theirs_has_a_stream_to_a_service_of_ours() {
    let gateway = Gateway::start().await;
    let service = gateway.service("svc").connect().await.unwrap();
    let mut edge = Client::edge(&gateway).await;
    let (near, stream) = tokio::join!(edge.open("svc", b"own"), service.accept_stream());
    let mut stream = stream.unwrap();
    assert_eq!(stream.meta(), "own");
    edge.write(near, b"last words").await;
    edge.dismiss(near).await;
    let mut came = Vec::new();
    within("an end", stream.read_to_end(&mut came)).await.unwrap();
    assert_eq!(came, b"last words");
    // One that we drop is closed for them.
    let to = EdgeId(edge.id);
    let (stream, (far, ..)) = tokio::join!(service.open_stream(to).into_future(), edge.accept());
    let mut stream = stream.unwrap();
    stream.write_all(b"bye").await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    assert_eq!(edge.dismissed(far).await, b"bye");
}

#[tokio::test]
async fn a_connection_that_is_lost_ends_its_streams() {
    let gateway = Gateway::start().await;
    let ((edge, _), (mut service, far)) = joined(&gateway).await;
    drop(edge);
    service.dismissed(far).await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_is_given_up_and_the_others_go_on() {
    let gateway = Gateway::start().await;
    let service = gateway.service("svc").connect().await.unwrap();
    let echo = |request: frontier_sdk::Request| async move { Ok(Response::new(request.data)) };
    service.register("echo", echo).await.unwrap();
    let mut edge = Client::edge(&gateway).await;
    let (near, unread) = tokio::join!(edge.open("svc", b""), service.accept_stream());
    // More than the windows on the way take, and calls go past it.
    for _ in 0..48 {
        edge.write(near, &vec![0; 64 * 1024]).await;
    }
    assert_eq!(edge.call("echo", b"", b"past it").await, Ok(b"past it".to_vec()));
    // More than may wait: after two seconds without a byte taken it is this stream that ends.
    for _ in 0..80 {
        edge.write(near, &vec![0; 64 * 1024]).await;
    }
    assert_eq!(edge.call("echo", b"", b"still").await, Ok(b"still".to_vec()));
    edge.dismissed(near).await;
    gateway.log().line("closed a stream that nobody reads").await;
    drop(unread);
    let (other, stream) = tokio::join!(edge.open("svc", b""), service.accept_stream());
    edge.write(other, b"bytes").await;
    let mut came = [0; 5];
    within("bytes", stream.unwrap().read_exact(&mut came)).await.unwrap();
    assert_eq!(&came, b"bytes");
}

#[tokio::test]
async fn a_slow_reader_gets_every_byte() {
    let gateway = Gateway::start().await;
    let service = gateway.service("svc").connect().await.unwrap();
    let mut edge = Client::edge(&gateway).await;
    let (near, stream) = tokio::join!(edge.open("svc", b""), service.accept_stream());
    let mut stream = stream.unwrap();
    const PIECES: usize = 128;
    let written = async {
        for piece in 0..PIECES {
            edge.write(near, &vec![u8::try_from(piece).unwrap(); 64 * 1024]).await;
        }
        edge.dismiss(near).await;
    };
    let read = async {
        let mut piece = vec![0; 64 * 1024];
        for expected in 0..PIECES {
            within("a piece", stream.read_exact(&mut piece)).await.unwrap();
            assert!(piece.iter().all(|byte| usize::from(*byte) == expected), "piece {expected}");
            tokio::task::yield_now().await;
        }
        assert_eq!(within("an end", stream.read(&mut piece)).await.unwrap(), 0);
    };
    tokio::join!(written, read);
}
