//! The order of reports, and what follows each answer to one.

use super::*;
use crate::testing::{self, ADDR, Parked};
use frontier_exchange::Exchange;
use frontier_protocol::{Claim, Code, Frame};

struct World {
    exchange: Arc<Exchange>,
    reporter: Reporter,
    now: Instant,
}

/// A report as it was read.
#[derive(Debug)]
struct Sent {
    id: u64,
    part: Part,
    draining: bool,
    ops: Vec<(Op, u64)>,
    len: usize,
}

impl World {
    fn new() -> Self {
        let exchange = testing::exchange();
        Self { reporter: Reporter::new(exchange.follow(), true, false), exchange, now: Instant::now() }
    }

    /// One that has told that nobody is there.
    fn synced() -> Self {
        let mut world = Self::new();
        world.take_snapshot();
        let sent = world.sent();
        world.answer(sent.id, &ReportAck::done());
        assert_eq!(world.next(), Next::News);
        world
    }

    fn next(&mut self) -> Next {
        self.reporter.next(self.now)
    }

    fn take_snapshot(&mut self) {
        assert_eq!(self.next(), Next::TakeSnapshot);
        let all = self.exchange.snapshot(&self.reporter.follower());
        self.reporter.snapshot(all, self.now);
    }

    fn sent(&mut self) -> Sent {
        assert_eq!(self.next(), Next::Send);
        let frame: Frame = testing::frame(|out| self.reporter.encode(&Clock::default(), self.now, out));
        assert_eq!(self.next(), Next::Answer(self.now));
        let report = Report::parse(&frame).unwrap();
        let ops = report.entries.iter().map(|entry| (entry.op, entry.id)).collect();
        Sent { id: frame.id, part: report.part, draining: report.draining, ops, len: frame.body.len() }
    }

    fn answer(&mut self, id: u64, ack: &ReportAck<'_>) {
        self.reporter.answered(id, ack, self.now);
    }
}

fn failed(code: Code, resync: bool) -> ReportAck<'static> {
    ReportAck { code, resync, ..ReportAck::done() }
}

#[tokio::test]
async fn a_snapshot_and_then_one_report_at_a_time() {
    let mut world = World::new();
    let _edge = Parked::edge(&world.exchange, 1).await;
    world.take_snapshot();
    let sent = world.sent();
    assert_eq!(sent.part, Part::Snapshot { first: true, last: true });
    assert_eq!(sent.ops, [(Op::EdgeOnline, 1)]);
    let mut second = Parked::edge(&world.exchange, 2).await;
    world.answer(sent.id + 7, &ReportAck::done());
    assert_eq!(world.next(), Next::Answer(world.now), "an answer to something else");
    world.answer(sent.id, &ReportAck::done());
    let sent = world.sent();
    assert_eq!((sent.part, &sent.ops[..]), (Part::Changes, &[(Op::EdgeOnline, 2)][..]));
    second.retire(&world.exchange);
    world.answer(sent.id, &ReportAck::done());
    assert_eq!(world.sent().ops, [(Op::EdgeOffline, 2)]);
}

#[tokio::test]
async fn that_the_gateway_drains_is_told_once_at_least_and_with_every_report() {
    let mut world = World::synced();
    world.reporter.drain();
    let first = world.sent();
    assert_eq!((first.part, first.draining, first.ops.len()), (Part::Changes, true, 0));
    world.answer(first.id, &failed(Code::Internal, false));
    world.now += Duration::from_secs(10);
    let again = world.sent();
    assert!(again.draining && again.ops.is_empty());
    world.answer(again.id, &ReportAck::done());
    assert_eq!(world.next(), Next::News);
    let _edge = Parked::edge(&world.exchange, 1).await;
    assert!(world.sent().draining);
    // On another connection.
    world.reporter = Reporter::new(world.exchange.follow(), true, true);
    world.take_snapshot();
    let snapshot = world.sent();
    assert!(snapshot.draining);
    world.answer(snapshot.id, &ReportAck::done());
    assert_eq!(world.next(), Next::News);
}

#[tokio::test]
async fn a_report_that_was_not_taken_is_sent_again_after_a_pause() {
    let mut world = World::synced();
    let _edge = Parked::edge(&world.exchange, 1).await;
    let first = world.sent();
    world.answer(first.id, &failed(Code::Internal, false));
    let Next::At(at) = world.next() else { panic!("no pause") };
    assert!(at > world.now);
    world.now = at;
    let again = world.sent();
    assert!(again.id > first.id && again.ops == first.ops, "{again:?}");
    // What it will never take is left out.
    world.answer(again.id, &failed(Code::Denied, false));
    assert_eq!(world.next(), Next::News);
}

#[tokio::test]
async fn a_resync_drops_what_was_not_reported_and_does_not_come_too_often() {
    let mut world = World::synced();
    let _edge = Parked::edge(&world.exchange, 1).await;
    let sent = world.sent();
    world.answer(sent.id, &failed(Code::Internal, true));
    let Next::At(at) = world.next() else { panic!("no pause") };
    assert_eq!(at, world.now + SNAPSHOT_INTERVAL);
    world.now = at;
    world.take_snapshot();
    let snapshot = world.sent();
    assert_eq!(snapshot.ops, [(Op::EdgeOnline, 1)]);
    // It says so at each part if there is something wrong with this one.
    world.answer(0, &failed(Code::Ok, true));
    world.answer(snapshot.id, &ReportAck::done());
    assert_eq!(world.next(), Next::News);
    world.now += SNAPSHOT_INTERVAL;
    world.answer(0, &failed(Code::Ok, true));
    assert_eq!(world.next(), Next::TakeSnapshot);
}

#[tokio::test]
async fn reports_keep_to_their_bounds() {
    let mut world = World::new();
    assert_eq!(world.next(), Next::TakeSnapshot);
    let connection = |id: usize, name: usize| Connection {
        key: Key::Service(id.try_into().unwrap()),
        epoch: 1,
        addr: Some(ADDR),
        name: "x".repeat(name).into(),
        claim: Claim::default(),
    };
    let small = (1..MAX_ENTRIES + 2).map(|id| connection(id, 1));
    let large = (MAX_ENTRIES + 2..MAX_ENTRIES + 102).map(|id| connection(id, 8 * 1024));
    let all: Vec<Connection> = small.chain(large).collect();
    let count = all.len();
    world.reporter.snapshot(all, world.now);
    let (mut reported, mut parts) = (0, 0);
    while world.next() == Next::Send {
        let sent = world.sent();
        let is_last = reported + sent.ops.len() == count;
        assert_eq!(sent.part, Part::Snapshot { first: reported == 0, last: is_last });
        assert!(sent.ops.len() <= MAX_ENTRIES && sent.len <= MAX_BYTES, "{} bytes", sent.len);
        (reported, parts) = (reported + sent.ops.len(), parts + 1);
        world.answer(sent.id, &ReportAck::done());
    }
    assert_eq!(reported, count);
    assert_eq!(world.next(), Next::At(world.now + SNAPSHOT_INTERVAL), "the registry is not followed");
    assert!(parts > 5, "{parts}");
}
