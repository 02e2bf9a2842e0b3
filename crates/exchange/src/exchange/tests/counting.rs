//! What is counted of each way in which a request or a stream can end.

use super::*;
use crate::{Counts, Direction, StreamRequest, StreamTarget, Traffic};

/// What has ended with that code, and nothing else has: each line is traffic, direction, code and how many.
fn assert_counts(counts: &Counts, expected: &[(Traffic, Direction, Code, u64)]) {
    for traffic in Traffic::ALL {
        for direction in Direction::ALL {
            let ended = |code: Code| -> u64 {
                let of_code = expected.iter().filter(|it| (it.0, it.1, it.2) == (traffic, direction, code));
                of_code.map(|it| it.3).sum()
            };
            let mut all = 0;
            for code in Code::ALL.iter().copied() {
                let counted = counts.ended(traffic, direction, code);
                assert_eq!(counted, ended(code), "{traffic:?} {direction:?} {code:?}");
                all += counted;
            }
            assert_eq!(counts.begun(traffic, direction), all, "all have ended: {traffic:?} {direction:?}");
            assert_eq!(counts.failed(traffic, direction), all - ended(Code::Ok), "{traffic:?} {direction:?}");
        }
    }
}

struct World {
    exchange: Arc<Exchange>,
    edge: TestPeer,
    service: TestPeer,
}

impl World {
    fn new() -> Self {
        let exchange = testing::exchange();
        let edge = TestPeer::edge(&exchange, EDGE);
        let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
        Self { exchange, edge, service }
    }

    /// Each kind of request in each direction, with who sends it and who gets it.
    fn each(&self, mut act: impl FnMut(&TestPeer, &TestPeer, Envelope<'_>)) {
        for (from, to, destination) in
            [(&self.edge, &self.service, Destination::Name), (&self.service, &self.edge, to_edge(EDGE))]
        {
            act(from, to, call(1, destination));
            act(from, to, acked(2, destination));
        }
    }

    fn assert_each(&self, code: Code) {
        let kinds = [Traffic::Call, Traffic::Message];
        let each = kinds.map(|it| [(it, Direction::ToService, code, 1), (it, Direction::ToEdge, code, 1)]);
        assert_counts(&self.exchange.counters().counts(), &each.concat());
    }
}

#[test]
fn requests_that_are_replied_to() {
    for code in [Code::Ok, Code::Application, Code::NotDone] {
        let world = World::new();
        world.each(|from, to, envelope| {
            from.send(envelope);
            to.reply(&to.request(), outcome(code, ""));
        });
        world.assert_each(code);
    }
}

#[test]
fn requests_that_are_cancelled() {
    let world = World::new();
    world.each(|from, to, envelope| {
        from.send(envelope);
        let request = to.request();
        from.cancel(envelope.id);
        to.reply(&request, ok());
    });
    world.assert_each(Code::Cancelled);
}

#[test]
fn requests_whose_sender_is_gone() {
    let mut world = World::new();
    let sent = [call(1, Destination::Name), acked(2, Destination::Name)];
    sent.into_iter().for_each(|envelope| world.edge.send(envelope));
    world.edge.vanish();
    let gone = |kind| (kind, Direction::ToService, Code::Cancelled, 1);
    let gone = [Traffic::Call, Traffic::Message].map(gone);
    assert_counts(&world.exchange.counters().counts(), &gone);
}

#[test]
fn requests_whose_receiver_is_gone() {
    let mut world = World::new();
    world.edge.send(call(1, Destination::Name));
    world.edge.send(acked(2, Destination::Name));
    world.service.requests();
    world.service.leave();
    let gone = |kind| (kind, Direction::ToService, Code::Disconnected, 1);
    let gone = [Traffic::Call, Traffic::Message].map(gone);
    assert_counts(&world.exchange.counters().counts(), &gone);
}

#[test]
fn requests_that_go_to_the_next_service_are_counted_once() {
    let mut world = World::new();
    world.edge.send(call(1, Destination::Name));
    let other = TestPeer::service(&world.exchange, 2, &["m"], &["t"]);
    world.service.leave();
    other.reply(&other.request(), ok());
    let once = [(Traffic::Call, Direction::ToService, Code::Ok, 1)];
    assert_counts(&world.exchange.counters().counts(), &once);
}

#[test]
fn requests_that_are_overdue() {
    let world = World::new();
    world.each(|from, to, envelope| {
        from.send(envelope);
        let later = Instant::now() + Duration::from_secs(60);
        world.exchange.expire(&to.peer, later, &mut world.exchange.batch());
        world.exchange.expire(&to.peer, later, &mut world.exchange.batch());
    });
    world.assert_each(Code::Deadline);
}

#[test]
fn requests_that_fail_at_the_gateway() {
    let world = World::new();
    world.edge.outlet.set_room(0);
    world.service.outlet.set_room(0);
    world.each(|from, _, envelope| from.send(envelope));
    world.assert_each(Code::Overloaded);
    let world = World::new();
    world.each(|from, to, envelope| {
        from.outlet.set_longest(0);
        from.send(envelope);
        to.reply(&to.request(), outcome(Code::Ok, "long"));
    });
    world.assert_each(Code::TooLarge);
}

#[test]
fn messages_that_nobody_acks() {
    let world = World::new();
    world.edge.send(unacked(Destination::Name));
    world.edge.send(Envelope { name: "nope", ..unacked(Destination::Name) });
    world.service.send(unacked(to_edge(EDGE)));
    world.service.send(unacked(to_edge(8)));
    let unreadable = Destination::Unreadable("no EdgeID");
    world.service.send(unacked(unreadable));
    world.service.send(call(1, unreadable));
    let expected = [
        (Traffic::Message, Direction::ToService, Code::Ok, 1),
        (Traffic::Message, Direction::ToService, Code::TopicNotOnline, 1),
        (Traffic::Message, Direction::ToEdge, Code::Ok, 1),
        (Traffic::Message, Direction::ToEdge, Code::EdgeNotOnline, 1),
        (Traffic::Message, Direction::ToEdge, Code::Protocol, 1),
        (Traffic::Call, Direction::ToEdge, Code::Protocol, 1),
    ];
    assert_counts(&world.exchange.counters().counts(), &expected);
}

#[tokio::test(start_paused = true)]
async fn calls_of_the_gateway_itself() {
    let world = World::new();
    let ask = || async {
        let call = crate::own_call::OwnCall { method: "m", custom: b"", payload: b"", may_repeat: true };
        let id = EdgeId(EDGE);
        world.exchange.call_service(call, id, Some(testing::ADDR.ip()), Duration::from_secs(1)).await
    };
    for code in [Code::Ok, Code::Application] {
        let (reply, ()) = tokio::join!(ask(), async {
            tokio::task::yield_now().await;
            world.service.reply(&world.service.request(), outcome(code, ""));
        });
        assert_eq!(reply.unwrap().code, code);
    }
    assert_eq!(ask().await.unwrap().code, Code::Deadline);
    world.service.outlet.set_room(0);
    assert_eq!(ask().await.unwrap().code, Code::Deadline);
    world.service.outlet.close(CloseReason::Silent);
    assert!(ask().await.is_none());
    let own = |code, count| (Traffic::Call, Direction::Own, code, count);
    let expected =
        [own(Code::Ok, 1), own(Code::Application, 1), own(Code::Deadline, 2), own(Code::Disconnected, 1)];
    assert_counts(&world.exchange.counters().counts(), &expected);
}

#[tokio::test(start_paused = true)]
async fn streams_that_are_taken_refused_late_or_given_up() {
    let world = World::new();
    // By the virtual clock.
    let soon = || (tokio::time::Instant::now() + Duration::from_secs(1)).into_std();
    let open = |name, is_given_up: bool| {
        let (exchange, peer) = (&world.exchange, &world.edge.peer);
        async move {
            let (near, far) = testing::legs::pair(testing::legs::WINDOW);
            // The end of what it writes would not say that it no longer waits.
            let _far = (!is_given_up).then_some(far);
            let request =
                StreamRequest { to: StreamTarget::Name, name, meta: b"", trace: b"", deadline: soon() };
            exchange.on_stream(peer, request, Box::new(near), false).await;
        }
    };
    open("nope", false).await;
    world.service.outlet.accept_next(Acceptance::Refused(Failure::plain(Code::StreamRefused)));
    open("service-1", false).await;
    world.service.outlet.accept_next(Acceptance::Never);
    open("service-1", false).await;
    let (near, _far) = testing::legs::pair(testing::legs::WINDOW);
    let request =
        StreamRequest { to: StreamTarget::Name, name: "service-1", meta: b"", trace: b"", deadline: soon() };
    let stream = world.exchange.on_stream(&world.edge.peer, request, Box::new(near), false);
    let ended = async {
        tokio::task::yield_now().await;
        drop(world.service.outlet.take_opened());
    };
    tokio::join!(stream, ended);
    world.service.outlet.accept_next(Acceptance::Never);
    open("service-1", true).await;
    let stream = |code| (Traffic::Stream, Direction::ToService, code, 1);
    let codes = [Code::ServiceNotOnline, Code::StreamRefused, Code::Deadline, Code::Cancelled, Code::Ok];
    assert_counts(&world.exchange.counters().counts(), &codes.map(stream));
}

/// Whoever takes a request from its sender's table ends it, wherever its reply is by then.
#[test]
fn a_cancel_or_an_end_that_a_reply_races_is_counted_once() {
    for is_cancel in [true, false] {
        let mut world = World::new();
        world.edge.send(call(1, Destination::Name));
        let correlation = world.service.request().correlation();
        // The reply has been taken from the target's table, and not yet given to who asked.
        let reply = world.service.peer.pending.lock().complete(correlation).unwrap();
        match is_cancel {
            true => world.edge.cancel(1),
            false => world.edge.leave(),
        }
        let mut batch = world.exchange.batch();
        world.exchange.answer(reply, &world.service.peer, correlation, None, ok(), &mut batch);
        drop(batch);
        assert!(world.service.cancels().is_empty(), "it has replied");
        let counts = world.exchange.counters().counts();
        assert_counts(&counts, &[(Traffic::Call, Direction::ToService, Code::Cancelled, 1)]);
    }
}

#[test]
fn a_request_of_somebody_who_has_just_left() {
    let mut world = World::new();
    world.edge.leave();
    world.edge.send(call(1, Destination::Name));
    let counts = world.exchange.counters().counts();
    assert_counts(&counts, &[(Traffic::Call, Direction::ToService, Code::Cancelled, 1)]);
}

#[tokio::test]
async fn a_stream_or_a_payload_whose_task_is_dropped() {
    let world = World::new();
    world.service.outlet.open_after(&Arc::default());
    let (near, _far) = testing::legs::pair(testing::legs::WINDOW);
    let deadline = Instant::now() + Duration::from_secs(10);
    let request =
        StreamRequest { to: StreamTarget::Name, name: "service-1", meta: b"", trace: b"", deadline };
    let stream = world.exchange.on_stream(&world.edge.peer, request, Box::new(near), false);
    drop_after_a_turn(stream).await;
    let (near, _far) = testing::legs::pair(testing::legs::WINDOW);
    let envelope = unacked(Destination::Name);
    let payload = world.exchange.on_payload_request(&world.edge.peer, envelope, 9, Box::new(near), false);
    drop_after_a_turn(payload).await;
    let cancelled = |traffic| (traffic, Direction::ToService, Code::Cancelled, 1);
    let counts = world.exchange.counters().counts();
    assert_counts(&counts, &[cancelled(Traffic::Stream), cancelled(Traffic::Message)]);
}

async fn drop_after_a_turn(future: impl Future) {
    tokio::select! {
        biased;
        _ = future => panic!("it waits"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn a_payload_reply_whose_task_is_dropped_is_told_to_who_asked() {
    let world = World::new();
    world.edge.send(call(1, Destination::Name));
    let correlation = world.service.request().correlation();
    world.edge.outlet.open_after(&Arc::default());
    let (near, _far) = testing::legs::pair(testing::legs::WINDOW);
    let reply = crate::Reply { correlation, kind: RequestKind::Call, outcome: ok(), edge: None };
    drop_after_a_turn(world.exchange.on_payload_reply(&world.service.peer, reply, 9, Box::new(near))).await;
    assert_eq!(world.edge.codes(), [(1, Code::Disconnected)]);
    let counts = world.exchange.counters().counts();
    assert_counts(&counts, &[(Traffic::Call, Direction::ToService, Code::Disconnected, 1)]);
}
