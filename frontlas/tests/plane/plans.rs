//! What frontiers are told of each other, and what is noted about them.

use crate::frontier::{Frontier, World, entry, eventually};
use frontier_protocol::{Advertised, EdgeId, Flags, GoAway, Hello, Kind, Op, Part, Plan, Report};
use frontlas::Directory;
use std::time::{Duration, Instant};

/// One that looks often, and takes everyone for settled.
fn world() -> World {
    World::with(Duration::from_secs(3600), |config| {
        config.rebalance.interval = Duration::from_millis(100);
        config.rebalance.settle = Duration::ZERO;
    })
}

async fn join(world: &World, id: &str, edges: std::ops::Range<u64>) -> Frontier {
    let edgebound = format!("tcp://{id}:2");
    let hello = Hello {
        advertised: Advertised { servicebound: "tcp://s:1", edgebound: &edgebound },
        ..crate::frontier::hello(id, 0)
    };
    let mut frontier = world.connect(&hello).await.expect("a welcome");
    let entries = edges.map(|edge| entry(Op::EdgeOnline, edge, edge + 1)).collect();
    frontier.snapshot(entries).await;
    frontier
}

/// Reads on until there is a plan that fits: how many to keep, and for each of the others how many it wants.
async fn told(frontier: &mut Frontier, fits: impl Fn(u64, &[(String, u64)]) -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        assert!(Instant::now() < end, "no such plan came");
        let frame = frontier.frame().await.expect("the connection stands");
        if frame.kind != Kind::Plan {
            continue;
        }
        assert!(frame.flags.has(Flags::SKIPPABLE));
        let plan = Plan::parse(&frame).expect("a whole frame");
        assert_eq!(plan.rate, 100);
        assert!(plan.others.iter().all(|it| it.edgebound == format!("tcp://{}:2", it.frontier)));
        let others: Vec<_> = plan.others.iter().map(|it| (it.frontier.to_owned(), it.want)).collect();
        if fits(plan.keep, &others) {
            return;
        }
    }
}

fn is(others: &[(String, u64)], expected: &[(&str, u64)]) -> bool {
    others.iter().map(|(id, want)| (id.as_str(), *want)).eq(expected.iter().copied())
}

#[tokio::test]
async fn a_frontier_hears_of_the_others_and_how_many_edges_to_give_to_them() {
    let world = world();
    let mut first = join(&world, "a", 1..91).await;
    told(&mut first, |keep, others| keep == u64::MAX && others.is_empty()).await;
    let mut second = join(&world, "b", 0..0).await;
    let mut third = join(&world, "c", 100..130).await;
    told(&mut first, |keep, others| keep == 40 && is(others, &[("b", 40), ("c", 10)])).await;
    told(&mut third, |keep, others| keep == 40 && is(others, &[("b", 0), ("a", 0)])).await;
    // They have gone.
    let moved = (1..41).map(|edge| entry(Op::EdgeOnline, edge, edge + 1_000)).collect();
    second.report(Part::Changes, moved).await;
    let moved = (41..51).map(|edge| entry(Op::EdgeOnline, edge, edge + 1_000)).collect();
    third.report(Part::Changes, moved).await;
    told(&mut first, |keep, others| keep == u64::MAX && others.iter().all(|(_, want)| *want == 0)).await;
}

#[tokio::test]
async fn one_that_drains_gets_nobody_and_still_hears_of_the_others() {
    let world = world();
    let mut first = join(&world, "a", 1..91).await;
    let mut second = join(&world, "b", 0..0).await;
    told(&mut first, |keep, _| keep == 45).await;
    second.send(|out| Report { part: Part::Changes, draining: true, entries: Vec::new() }.encode(7, out));
    second.answer(7).await;
    told(&mut first, |keep, others| keep == u64::MAX && others.is_empty()).await;
    let listed = world.directory.inner.frontiers().await.unwrap();
    assert_eq!(listed.iter().map(|it| it.draining).collect::<Vec<_>>(), [false, true]);
    told(&mut second, |_, others| is(others, &[("a", 0)])).await;
    // Whoever is there is known to be there.
    world.directory.inner.edges_by_id(&[EdgeId(1).0]).await.unwrap()[0].as_ref().unwrap();
    second.send(|out| GoAway::new(frontier_protocol::Code::Ok, 0, "").encode(out));
    second.end().await;
    eventually("it is gone", async || world.frontiers().await == ["a"]).await;
}

#[tokio::test]
async fn one_whose_connection_is_lost_gets_nobody_until_it_comes_again() {
    let world = world();
    let mut first = join(&world, "a", 1..91).await;
    let second = join(&world, "b", 0..0).await;
    told(&mut first, |keep, _| keep == 45).await;
    let incarnation = second.welcome.id;
    drop(second);
    told(&mut first, |keep, others| keep == u64::MAX && others.is_empty()).await;
    let listed = world.directory.inner.frontiers().await.unwrap();
    assert_eq!(
        listed.iter().map(|it| (it.draining, it.away)).collect::<Vec<_>>(),
        [(false, false), (false, true)]
    );
    let hello = crate::frontier::hello("b", incarnation);
    let advertised = Advertised { servicebound: "tcp://s:1", edgebound: "tcp://b:2" };
    let _again = world.connect(&Hello { advertised, ..hello }).await.unwrap();
    told(&mut first, |keep, others| keep == 45 && is(others, &[("b", 45)])).await;
}

#[tokio::test]
async fn a_frontier_hears_of_all_others_that_do_not_drain_at_once_and_when_that_changes() {
    let world = World::with(Duration::from_secs(3600), |_| {});
    let mut first = world.connect(&crate::frontier::hello("a", 0)).await.unwrap();
    assert_eq!(first.members().await, Vec::<String>::new());
    let mut second = join(&world, "b", 0..0).await;
    assert_eq!(first.members().await, ["b"]);
    second.send(|out| Report { part: Part::Changes, draining: true, entries: Vec::new() }.encode(7, out));
    second.answer(7).await;
    assert_eq!(first.members().await, Vec::<String>::new());
    let forwarding =
        Hello { features: frontier_protocol::FEATURE_FORWARDS, ..crate::frontier::hello("c", 0) };
    let _third = world.connect(&forwarding).await.unwrap();
    assert_eq!(first.members().await, ["c"]);
    let listed = world.directory.inner.frontiers().await.unwrap();
    assert_eq!(listed.iter().map(|it| it.forwarding).collect::<Vec<_>>(), [false, false, true]);
}
