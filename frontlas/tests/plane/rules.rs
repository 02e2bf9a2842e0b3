//! A frontier that breaks the rules loses its connection, and nobody else does.

use crate::directory::Mood;
use crate::frontier::{World, entry};
use frontier_protocol::{Code, Custom, Op, Part, Publish, ReportAck, Request};

#[tokio::test]
async fn each_breach_ends_the_connection_and_says_so() {
    let world = World::new();
    let mut witness = world.frontier("witness").await;
    witness.snapshot(vec![entry(Op::EdgeOnline, 1, 1)]).await;
    for breach in 0..6 {
        let mut frontier = world.frontier("f").await;
        frontier.snapshot(vec![]).await;
        match breach {
            0 => frontier.send(|out| ReportAck::done().encode(1, out)),
            1 => frontier.send(|out| {
                let request =
                    Request { timeout_ms: 1, method: "m", custom: Custom::plain(b""), payload: b"" };
                request.encode(1, out)
            }),
            2 => frontier.send(|out| {
                let custom = Custom::plain(b"");
                Publish { timeout_ms: 0, topic: "t", custom, payload: b"" }.encode_with(
                    0,
                    Default::default(),
                    out,
                )
            }),
            3 => {
                let part = Part::Snapshot { first: true, last: true };
                frontier.tell(part, vec![entry(Op::EdgeOffline, 1, 1)]);
            }
            4 => frontier.send(|out| {
                out.extend_from_slice(&[0, 0, 0, 13, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0xff]);
                Ok(())
            }),
            _ => frontier.open_stream(),
        }
        assert_eq!(frontier.end().await, Code::Protocol, "breach {breach}");
    }
    assert_eq!(witness.report(Part::Changes, vec![]).await.code, Code::Ok);
    assert_eq!(world.edges().await, [(1, "witness".into())]);
}

#[tokio::test]
async fn reports_come_one_at_a_time() {
    let world = World::new();
    let mut frontier = world.frontier("f").await;
    frontier.snapshot(vec![]).await;
    world.directory.set(Mood::Hanging);
    frontier.tell(Part::Changes, vec![entry(Op::EdgeOnline, 1, 1)]);
    frontier.tell(Part::Changes, vec![entry(Op::EdgeOnline, 2, 2)]);
    assert_eq!(frontier.end().await, Code::Protocol);
}
