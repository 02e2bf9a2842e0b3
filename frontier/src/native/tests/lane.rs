//! What is routed where, and what is refused.

use super::*;
use crate::config::Limits;
use frontier_protocol::{Ack, GET_EDGE_ID, Names, Register, Registration};
use frontier_transport::{CloseReason, LinkConfig};
use std::task::Poll;

#[tokio::test]
async fn a_call_of_an_edge_gains_the_tail_and_its_answer_comes_back_as_it_was() {
    let exchange = testing::exchange();
    let mut edge = Remote::edge(&exchange, EDGE).await;
    let mut service = Remote::service(&exchange, 1, &["echo"], &[]).await;
    edge.send(|out| {
        Request { timeout_ms: 500, method: "echo", custom: Custom::plain(b"ab"), payload: b"hi" }
            .encode(9, out)
    });
    let frame = service.recv().await;
    let got = Request::parse(&frame).unwrap();
    assert_eq!(
        (got.method, got.custom.body(), got.payload),
        ("echo", &b"ab\0\0\0\0\0\0\0\x07"[..], &b"hi"[..])
    );
    assert!((1..=500).contains(&got.timeout_ms));
    let answer =
        Response { code: Code::Application, detail: 5, custom: Custom::plain(b"xy"), payload: b"no" };
    service.send(|out| answer.encode_with(frame.id, Flags::default(), out));
    let frame = edge.recv().await;
    assert_eq!((frame.id, Response::parse(&frame).unwrap()), (9, answer));
}

#[tokio::test]
async fn names_by_the_thousand_are_registered_in_pieces_and_what_comes_behind_waits_for_them() {
    let exchange = testing::exchange();
    let mut edge = Remote::edge(&exchange, EDGE).await;
    let mut service = Remote::service(&exchange, 1, &[], &[]).await;
    let names: Vec<String> = (0..5000).map(|n| format!("method-{n}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let (of, add, remove) = (Names::Methods, Registration::Add, Registration::Remove);
    service.send(|out| Register { change: add, of, names: all.clone() }.encode(1, out));
    service.send(|out| Register { change: remove, of, names: vec![all[7]] }.encode(2, out));
    // And one by one, in one read.
    for id in 3..1003 {
        let name = format!("late-{id}");
        service.send(|out| Register { change: add, of, names: vec![&name] }.encode(id, out));
    }
    for id in 1..1003 {
        let frame = service.recv().await;
        let (kind, code) = (frame.kind, frame.code);
        let acked = if id == 2 { Kind::UnregisterAck } else { Kind::RegisterAck };
        assert_eq!((frame.id, kind, code), (id, acked, Code::Ok));
    }
    for (id, method, is_there) in [(1, all[4999], true), (2, all[7], false), (3, "late-1002", true)] {
        let custom = Custom::plain(b"");
        edge.send(|out| Request { timeout_ms: 0, method, custom, payload: b"" }.encode(id, out));
        match is_there {
            true => assert_eq!(service.recv().await.kind, Kind::Request),
            false => assert_eq!(edge.recv().await.code, Code::MethodNotFound),
        }
    }
    // What is no registration ends it as any broken frame does.
    service.send(|out| {
        let start = out.len();
        Register { change: add, of, names: all.clone() }.encode(9, out)?;
        // The length of the first name.
        out[start + frontier_protocol::HEADER_LEN] = 0xff;
        Ok(())
    });
    assert!(matches!(service.ended().await, CloseReason::Protocol(_)));
}

#[tokio::test]
async fn an_edge_that_registers_without_end_hears_of_each_and_others_run_meanwhile() {
    let exchange = testing::exchange();
    let mut edge = Remote::telling_edge(&exchange, EDGE).await;
    let most = exchange.limits().edge_names as u64;
    for id in 0..most + 200 {
        let name = format!("m{id}");
        let register = Register { change: Registration::Add, of: Names::Methods, names: vec![&name] };
        edge.send(|out| register.encode(id, out));
    }
    let (watched, told) = (exchange.clone(), edge.peer.clone());
    let mut turns = 0;
    let others = tokio::spawn(std::future::poll_fn(move |cx| {
        let takes = |id: u64| watched.takes(&told, Names::Methods, &format!("m{id}"));
        if takes(most - 1) {
            return Poll::Ready(turns);
        }
        turns += u64::from(takes(0));
        cx.waker().wake_by_ref();
        Poll::Pending
    }));
    for id in 0..most + 200 {
        let frame = edge.recv().await;
        let expected = if id < most { Code::Ok } else { Code::Overloaded };
        assert_eq!((frame.id, frame.kind, frame.code), (id, Kind::RegisterAck, expected));
    }
    assert!(testing::soon(others).await.unwrap() >= most / 16 - 1);
    assert_eq!(exchange.name_count(&edge.peer, Names::Methods) as u64, most);
    let topic = Register { change: Registration::Remove, of: Names::Topics, names: vec!["t"] };
    edge.send(|out| topic.encode(7, out));
    let frame = edge.recv().await;
    assert_eq!((frame.kind, frame.code), (Kind::UnregisterAck, Code::Denied));
}

#[tokio::test]
async fn a_call_of_a_service_loses_the_tail_and_its_answer_gains_one() {
    let exchange = testing::exchange();
    let mut edge = Remote::edge(&exchange, EDGE).await;
    let mut service = Remote::service(&exchange, 1, &[], &[]).await;
    let custom = [b"ab".as_slice(), &tail(EDGE)].concat();
    service.send(|out| {
        Request { timeout_ms: 0, method: "get_edge_id", custom: Custom::plain(&custom), payload: b"hi" }
            .encode(3, out)
    });
    let frame = edge.recv().await;
    let got = Request::parse(&frame).unwrap();
    assert_eq!((got.method, got.custom.body(), got.payload), (GET_EDGE_ID, &b"ab"[..], &b"hi"[..]));
    reply(&edge, frame.id, Code::Ok, b"x", b"yo");
    let frame = service.recv().await;
    let got = Response::parse(&frame).unwrap();
    assert_eq!((frame.id, got.custom.body(), got.payload), (3, &b"x\0\0\0\0\0\0\0\x07"[..], &b"yo"[..]));
}

#[tokio::test]
async fn messages_go_the_same_ways_and_only_acked_ones_are_answered() {
    let exchange = testing::exchange();
    let mut edge = Remote::edge(&exchange, EDGE).await;
    let mut service = Remote::service(&exchange, 1, &[], &["t"]).await;
    for (flags, asker_id) in [(Flags::default(), 0), (Flags::ACKED, 4)] {
        edge.send(|out| {
            Publish { timeout_ms: 0, topic: "t", custom: Custom::plain(b"c"), payload: b"p" }
                .encode_with(asker_id, flags, out)
        });
        let frame = service.recv().await;
        let got = Publish::parse(&frame).unwrap();
        assert_eq!(
            (got.topic, got.custom.body(), got.payload),
            ("t", &b"c\0\0\0\0\0\0\0\x07"[..], &b"p"[..])
        );
        assert_eq!(frame.flags.has(Flags::ACKED), asker_id != 0);
        service.send(|out| Ack { code: Code::NotDone, detail: 0, text: "busy" }.encode(frame.id, out));
    }
    let frame = edge.recv().await;
    assert_eq!(answers(&[frame]), [(4, Code::NotDone, "busy".into())]);
    let custom = tail(EDGE);
    service.send(|out| {
        Publish { timeout_ms: 0, topic: "down", custom: Custom::plain(&custom), payload: b"" }.encode_with(
            1,
            Flags::ACKED,
            out,
        )
    });
    let frame = edge.recv().await;
    assert_eq!(Publish::parse(&frame).unwrap().custom.body(), b"");
    assert!(edge.rest().is_empty() && service.rest().is_empty());
}

#[tokio::test]
async fn what_can_not_be_routed_is_refused_with_a_reason() {
    let exchange = testing::exchange();
    let (mut edge, mut service) = (
        Parked::edge(&exchange, EDGE).await,
        Parked::service(&exchange, 1, &["m", GET_EDGE_ID], &["t"]).await,
    );
    for (id, method) in [(1, "get_edge_id"), (2, "edge_online"), (3, "edge_offline"), (4, "nope"), (5, "")] {
        act(&exchange, &edge.peer, &request(id, method, b"", b""));
    }
    act(&exchange, &edge.peer, &publish(6, "nope", b"", Flags::ACKED));
    act(&exchange, &edge.peer, &publish(7, "nope", b"", Flags::default()));
    act(&exchange, &service.peer, &request(1, "m", &tail(8), b""));
    for len in 0..8 {
        act(&exchange, &service.peer, &request(10 + len as u64, "m", &tail(EDGE)[..len], b""));
        act(&exchange, &service.peer, &publish(20 + len as u64, "t", &tail(EDGE)[..len], Flags::ACKED));
    }
    act(&exchange, &service.peer, &request(30, "m", &tail(0), b""));
    act(&exchange, &service.peer, &publish(31, "t", &tail(0), Flags::ACKED));
    let told = answers(&edge.close());
    let expected = [
        Code::Denied,
        Code::Denied,
        Code::Denied,
        Code::MethodNotFound,
        Code::MethodNotFound,
        Code::TopicNotOnline,
    ];
    assert_eq!(told.iter().map(|(_, code, _)| *code).collect::<Vec<_>>(), expected);
    assert!(told.iter().all(|(_, _, text)| !text.is_empty()));
    let told = answers(&service.close());
    assert_eq!(told[0], (1, Code::EdgeNotOnline, "edge 8 is not online".into()));
    assert_eq!(told.len(), 19);
    let nobody = [17, 18].map(|at| told[at].clone());
    assert_eq!(nobody, [30, 31].map(|id| (id, Code::EdgeNotOnline, "edge 0 is not online".into())));
    assert!(told[1..17].iter().all(|(_, code, text)| *code == Code::Protocol && !text.is_empty()));
    assert!(!edge.peer.is_busy() && !service.peer.is_busy(), "nothing is left behind");
}

#[tokio::test]
async fn an_id_that_is_in_use_is_a_breach() {
    let exchange = testing::exchange();
    let (edge, mut service) =
        (Parked::edge(&exchange, EDGE).await, Parked::service(&exchange, 1, &["m"], &[]).await);
    act(&exchange, &edge.peer, &request(1, "m", b"", b""));
    assert!(on_frame(&exchange, &edge.peer, &request(1, "m", b"", b"")).is_err());
    assert_eq!(service.peer.in_flight(), 1);
    assert_eq!(service.close().len(), 1);
}

#[tokio::test]
async fn frames_that_a_peer_must_not_send_are_breaches() {
    let exchange = testing::exchange();
    let edge = Parked::edge(&exchange, EDGE).await;
    let allowed = [
        Kind::Ping,
        Kind::Pong,
        Kind::GoAway,
        Kind::Publish,
        Kind::Ack,
        Kind::Request,
        Kind::Response,
        Kind::Cancel,
    ];
    for kind in Kind::ALL.iter().copied().filter(|kind| !allowed.contains(kind)) {
        let frame = Frame { kind, flags: Flags::default(), code: Code::Ok, id: 0, body: Default::default() };
        assert!(on_frame(&exchange, &edge.peer, &frame).is_err(), "{kind:?}");
    }
    let mut detached = request(1, "m", b"", b"\0\0\0\x01");
    detached.flags = Flags::DETACHED;
    assert!(on_frame(&exchange, &edge.peer, &detached).is_err());
}

/// What the edge is told of a call with such a custom header and payload, under such limits.
async fn told(set: impl FnOnce(&mut Limits), custom: usize, payload: usize) -> Option<Code> {
    let exchange = testing::exchange_with(set);
    let (mut edge, mut service) =
        (Parked::edge(&exchange, EDGE).await, Parked::service(&exchange, 1, &["m"], &[]).await);
    act(&exchange, &edge.peer, &request(1, "m", &vec![0; custom], &vec![0; payload]));
    let told = codes(&edge.close());
    assert_eq!(service.close().len() + told.len(), 1);
    told.first().map(|(_, code)| *code)
}

#[tokio::test]
async fn the_limits_of_a_question_hold() {
    let custom = |limits: &mut Limits| limits.custom_len = 100;
    assert_eq!((told(custom, 100, 0).await, told(custom, 101, 0).await), (None, Some(Code::TooLarge)));
    let payload = |limits: &mut Limits| limits.payload = 1000;
    assert_eq!((told(payload, 0, 1000).await, told(payload, 0, 1001).await), (None, Some(Code::TooLarge)));
    let exchange = testing::exchange_with(|limits| limits.name_len = 1);
    let mut edge = Parked::edge(&exchange, EDGE).await;
    let _service = Parked::service(&exchange, 1, &["m"], &[]).await;
    act(&exchange, &edge.peer, &request(1, "m", b"", b""));
    act(&exchange, &edge.peer, &request(2, "mm", b"", b""));
    assert_eq!(codes(&edge.close()), [(2, Code::TooLarge)]);
}

#[tokio::test]
async fn a_frame_that_the_tail_makes_too_long_is_refused_and_not_sent() {
    // Header, fixed fields, name, tail.
    let most = testing::TERMS.max_frame as usize - 16 - 8 - 1 - 8;
    assert_eq!((told(|_| {}, 0, most).await, told(|_| {}, 0, most + 1).await), (None, Some(Code::TooLarge)));
}

/// What a service is told when an edge answers its call like that.
async fn answered(custom: usize, payload: usize) -> Code {
    let exchange = testing::exchange();
    let (mut edge, mut service) =
        (Parked::edge(&exchange, EDGE).await, Parked::service(&exchange, 1, &[], &[]).await);
    act(&exchange, &service.peer, &request(1, "m", &tail(EDGE), b""));
    let ticket = edge.close()[0].id;
    act(&exchange, &edge.peer, &response(ticket, &vec![0; custom], &vec![b'x'; payload]));
    let told = answers(&service.close());
    assert_eq!(told.len(), 1, "the asker is told exactly once");
    assert!(!told[0].2.is_empty());
    told[0].1
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_a_failure_and_not_silence() {
    assert_eq!(answered(8 * 1024, 1).await, Code::Ok);
    assert_eq!(answered(8 * 1024 + 1, 1).await, Code::TooLarge);
    assert_eq!(answered(65_535, 1).await, Code::TooLarge);
    let most = testing::TERMS.max_frame as usize - 16 - 8 - 8;
    assert_eq!(answered(0, most).await, Code::Ok);
    assert_eq!(answered(0, most + 1).await, Code::TooLarge);
}

#[tokio::test]
async fn beyond_the_limit_of_calls_either_side_is_overloaded() {
    let exchange = testing::exchange_with(|limits| limits.calls = 2);
    let (mut edge, mut other) = (Parked::edge(&exchange, EDGE).await, Parked::edge(&exchange, 8).await);
    let mut service = Parked::service(&exchange, 1, &["m"], &[]).await;
    act(&exchange, &edge.peer, &request(1, "m", b"", b""));
    act(&exchange, &other.peer, &request(1, "m", b"", b""));
    act(&exchange, &other.peer, &request(2, "m", b"", b""));
    act(&exchange, &service.peer, &request(1, "m", &tail(EDGE), b""));
    act(&exchange, &service.peer, &request(2, "m", &tail(EDGE), b""));
    act(&exchange, &service.peer, &request(3, "m", &tail(8), b""));
    assert_eq!(codes(&other.close()), [(2, Code::Overloaded)]);
    assert_eq!(codes(&service.close()), [(3, Code::Overloaded)]);
    assert_eq!(codes(&edge.close()), []);
    assert_eq!(other.peer.in_flight(), 0);
}

/// A service for which there is room for 1,000 bytes.
async fn small(exchange: &Arc<Exchange>) -> Parked {
    let config = LinkConfig { outbox_soft: 1000, outbox_hard: 2000, ..testing::link_config() };
    Parked::service_with(exchange, 1, &["m"], &["t"], config).await
}

#[tokio::test]
async fn a_full_outbox_refuses_questions_and_is_not_closed() {
    let exchange = testing::exchange();
    let (mut edge, mut service) = (Parked::edge(&exchange, EDGE).await, small(&exchange).await);
    for id in 1..=3 {
        act(&exchange, &edge.peer, &request(id, "m", b"", &[0; 600]));
    }
    act(&exchange, &edge.peer, &publish(4, "t", b"", Flags::ACKED));
    assert!(!service.peer.outlet().is_closed());
    assert_eq!(codes(&edge.close()), [(3, Code::Overloaded), (4, Code::Overloaded)]);
    assert_eq!(service.close().len(), 2);
    assert_eq!(service.peer.in_flight(), 2);
}
