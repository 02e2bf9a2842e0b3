//! What is measured beside what has ended how: bytes, times, refusals, and what there is.

use super::*;
use crate::counters::QUOTAS;
use crate::{Census, Direction, Outboxes, Part, StreamRequest, StreamTarget, Traffic, limit_key};

fn bytes(exchange: &Exchange, traffic: Traffic, direction: Direction) -> [u64; 2] {
    Part::ALL.map(|part| exchange.counters().bytes(traffic, direction, part))
}

fn refusals(exchange: &Exchange) -> Vec<(&'static str, u64)> {
    exchange.counters().refusals().filter(|(_, count)| *count > 0).collect()
}

#[test]
fn bytes_and_times_of_requests_go_by_traffic_and_direction() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    edge.send(Envelope { payload: b"four", ..call(1, Destination::Name) });
    service.reply(&service.request(), outcome(Code::Ok, "seven!!"));
    service.send(Envelope { payload: b"12", ..acked(1, to_edge(EDGE)) });
    edge.reply(&edge.request(), outcome(Code::Application, ""));
    edge.send(Envelope { payload: b"nobody answers", ..unacked(Destination::Name) });
    let counters = exchange.counters();
    assert_eq!(bytes(&exchange, Traffic::Call, Direction::ToService), [4, 7]);
    assert_eq!(bytes(&exchange, Traffic::Message, Direction::ToEdge), [2, 0]);
    assert_eq!(bytes(&exchange, Traffic::Message, Direction::ToService), [14, 0]);
    for traffic in [Traffic::Call, Traffic::Message] {
        for direction in Direction::ALL {
            let answered = [(Traffic::Call, Direction::ToService), (Traffic::Message, Direction::ToEdge)];
            let expected = u64::from(answered.contains(&(traffic, direction)));
            assert_eq!(counters.took(traffic, direction).count(), expected, "{traffic:?} {direction:?}");
        }
    }
    edge.send(call(2, Destination::Name));
    assert_eq!(counters.counts().in_flight(Traffic::Call, Direction::ToService), 1);
}

#[test]
fn a_time_counts_from_the_request_to_its_answer() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    let before = Instant::now();
    edge.send(call(1, Destination::Name));
    let request = service.request();
    // Longer than a clock may stand still.
    while before.elapsed() < Duration::from_millis(2) {
        std::hint::spin_loop();
    }
    service.reply(&request, ok());
    let took = exchange.counters().took(Traffic::Call, Direction::ToService).sum;
    assert!((Duration::from_millis(1)..=before.elapsed()).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_stream_counts_until_it_is_taken_and_for_as_long_as_it_goes_on() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    let (near, mut far) = testing::legs::pair(testing::legs::WINDOW);
    let deadline = Instant::now() + Duration::from_secs(10);
    let request =
        StreamRequest { to: StreamTarget::Name, name: "service-1", meta: b"", trace: b"", deadline };
    let stream = edge.exchange.on_stream(&edge.peer, request, Box::new(near), false);
    let uses = async {
        far.send(b"there").await;
        let mut other = loop {
            match service.outlet.take_opened().pop() {
                Some(other) => break other,
                None => tokio::task::yield_now().await,
            }
        };
        other.send(b"and back").await;
        while bytes(&exchange, Traffic::Stream, Direction::ToService) != [5, 8] {
            tokio::task::yield_now().await;
        }
        let joined = exchange.counters().joined(Direction::ToService);
        far.end().await;
        other.end().await;
        other.rest().await;
        far.rest().await;
        joined
    };
    let ((), joined) = testing::soon(async { tokio::join!(stream, uses) }).await;
    assert_eq!((joined, exchange.counters().joined(Direction::ToService)), (1, 0));
    assert_eq!(exchange.counters().took(Traffic::Stream, Direction::ToService).count(), 1);
}

#[test]
fn refusals_count_for_the_limit_that_their_text_names() {
    let exchange = testing::exchange_with(|settings| {
        settings.limits.calls = 4;
        settings.limits.payload = 400;
    });
    let edge = TestPeer::edge(&exchange, EDGE);
    let _service = TestPeer::service(&exchange, 1, &["m"], &[]);
    edge.send(Envelope { payload: &[0; 401], ..call(1, Destination::Name) });
    edge.send(Envelope { name: &"n".repeat(256), ..call(2, Destination::Name) });
    edge.send(Envelope { custom: &[0; 8 * 1024 + 1], ..call(3, Destination::Name) });
    assert_eq!(refusals(&exchange), [(limit_key::PAYLOAD, 1), (limit_key::NAME, 1), (limit_key::CUSTOM, 1)]);
    (4..=10).for_each(|id| edge.send(call(id, Destination::Name)));
    let calls = refusals(&exchange).iter().find(|(key, _)| *key == limit_key::CALLS).expect("over it").1;
    let told = edge.told().into_iter().filter(|(_, _, text)| text.contains(limit_key::CALLS)).count();
    assert_eq!(calls, told as u64);
    let other = TestPeer::service(&exchange, 2, &["o"], &[]);
    other.outlet.set_room(0);
    edge.send(Envelope { kind: RequestKind::Call, name: "o", ..unacked(Destination::Name) });
    assert!(refusals(&exchange).contains(&(limit_key::OUTBOX, 1)), "{:?}", refusals(&exchange));
}

#[test]
fn a_quota_counts_as_one_too() {
    let exchange = testing::exchange();
    let _service = TestPeer::service(&exchange, 1, &["m"], &[]);
    let edge = TestPeer::edge(&exchange, EDGE);
    let quotas = "quotas: [{for: edge, calls: {rate: 1, burst: 1}}]";
    edge.peer.authorization().set(testing::authorization("", quotas, edge.peer.identity(), &[]));
    (1..=3).for_each(|id| edge.send(call(id, Destination::Name)));
    assert_eq!(refusals(&exchange), [(QUOTAS, 2)]);
}

#[test]
fn what_there_is_is_counted_and_what_waits_is_swept_up() {
    let exchange = testing::exchange();
    assert_eq!(exchange.census(), Census::default());
    let edge = TestPeer::edge(&exchange, EDGE);
    let _service = TestPeer::service(&exchange, 1, &["m", "n"], &["t"]);
    let _origin = TestPeer::origin_gateway(&exchange);
    let reply = outcome(Code::Ok, "waits");
    let _ = edge.peer.outlet().reply(1, RequestKind::Call, None, reply).unwrap();
    let waiting = edge.peer.outlet().backlog();
    testing::run(exchange.sweep());
    let outboxes = Outboxes { bytes: waiting, largest: waiting, waiting: 1 };
    let expected =
        Census { edges: 1, services: 1, names: [2, 1, 1], origin_gateways: 1, outboxes, ..Census::default() };
    assert_eq!(exchange.census(), expected);
    exchange.add_methods(&edge.peer, &["m"]).unwrap();
    assert!(exchange.census().edge_methods > 1);
    assert!(waiting > 0);
}

#[test]
fn who_loses_an_id_is_counted_and_who_comes_back_is_known() {
    let exchange = testing::exchange();
    let first = TestPeer::edge(&exchange, EDGE);
    let second = TestPeer::edge(&exchange, EDGE);
    assert_eq!(exchange.counters().take_overs(), [1, 0]);
    assert!(!second.peer.comes_back());
    drop((first, second));
    let _service = (TestPeer::service(&exchange, 1, &[], &[]), TestPeer::service(&exchange, 1, &[], &[]));
    assert_eq!(exchange.counters().take_overs(), [1, 1]);
}
