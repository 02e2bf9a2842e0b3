//! Who is looked at for deadlines, and that nobody is forgotten.

use super::*;
use crate::testing::{self, TestPeer, call, outcome, to_edge};
use crate::{Destination, Envelope};
use frontier_protocol::Code;
use std::time::Duration;

const IN_TIME: Duration = Duration::from_secs(60);

fn due(id: u64, within: Duration) -> Envelope<'static> {
    Envelope { deadline: Instant::now() + within, ..call(id, to_edge(id)) }
}

#[test]
fn only_those_who_have_something_in_their_tables_are_looked_at() {
    let exchange = testing::exchange();
    let edges: Vec<TestPeer> = (1..=100).map(|id| TestPeer::edge(&exchange, id)).collect();
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    testing::run(exchange.expire_overdue());
    assert_eq!(exchange.tables.len(), 0);
    for _ in 0..3 {
        edges[0].send(Envelope { deadline: Instant::now() + IN_TIME, ..call(1, Destination::Name) });
        let request = &service.requests()[0];
        assert_eq!(exchange.tables.len(), 2);
        testing::run(exchange.expire_overdue());
        assert_eq!(exchange.tables.len(), 2, "it is not answered yet");
        service.reply(request, outcome(Code::Ok, ""));
        assert_eq!(edges[0].codes(), [(1, Code::Ok)]);
        testing::run(exchange.expire_overdue());
        assert_eq!(exchange.tables.len(), 0);
    }
}

#[test]
fn who_has_gone_is_forgotten() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, 1);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    service.send(due(1, IN_TIME));
    exchange.retire(&edge.peer, &[]);
    assert_eq!(service.codes(), [(1, Code::Disconnected)]);
    testing::run(exchange.expire_overdue());
    assert_eq!(exchange.tables.len(), 0);
}

#[tokio::test]
async fn nobody_is_forgotten_where_one_pass_is_given_up() {
    const EDGES: u64 = 2_000;
    let exchange =
        testing::exchange_with(|settings| settings.limits.calls = 2 * usize::try_from(EDGES).unwrap());
    let _edges: Vec<TestPeer> = (1..=EDGES).map(|id| TestPeer::edge(&exchange, id)).collect();
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    (1..=EDGES).for_each(|id| service.send(due(id, IN_TIME)));
    let listed = exchange.tables.len();
    assert_eq!(listed, 2_001);
    let mut turns = 0;
    let given_up = std::future::poll_fn(|_| {
        turns += 1;
        if turns == 3 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    });
    tokio::select! {
        biased;
        () = given_up => {}
        () = exchange.expire_overdue() => panic!("it goes in slices"),
    }
    assert_eq!(exchange.tables.len(), listed);
    service.send(Envelope { id: EDGES + 1, ..due(1, IN_TIME) });
    assert_eq!(exchange.tables.len(), listed, "each stands there once");
    assert!(service.codes().is_empty());
}
