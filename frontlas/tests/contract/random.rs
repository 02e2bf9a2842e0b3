//! Random histories, step by step against a model.

mod model;

use crate::view::View;
use crate::world::{Node, World, counts, frontier};
use frontlas::{Event, Presence, Timestamp};
use model::Model;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::{BTreeMap, VecDeque};

pub(crate) const FRONTIERS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Op {
    /// An edge connects; its frontier will report it.
    Connect {
        at: usize,
        edge: u64,
    },
    /// An edge's oldest connection to a frontier ends; the frontier will report it.
    Disconnect {
        at: usize,
        edge: u64,
    },
    /// The frontier reports so many of its events.
    Report {
        at: usize,
        events: usize,
    },
    /// It reports again what it reported last.
    Repeat {
        at: usize,
    },
    /// It joins again and resyncs.
    Rejoin {
        at: usize,
    },
    /// Its process is killed and starts again.
    Restart {
        at: usize,
    },
    Refresh {
        at: usize,
    },
    Leave {
        at: usize,
    },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let (at, edge) = (0..FRONTIERS.len(), 0_u64..5);
    let op = prop_oneof![
        6 => (at.clone(), edge.clone()).prop_map(|(at, edge)| Op::Connect { at, edge }),
        4 => (at.clone(), edge).prop_map(|(at, edge)| Op::Disconnect { at, edge }),
        8 => (at.clone(), 1..4_usize).prop_map(|(at, events)| Op::Report { at, events }),
        2 => at.clone().prop_map(|at| Op::Repeat { at }),
        1 => at.clone().prop_map(|at| Op::Rejoin { at }),
        1 => at.clone().prop_map(|at| Op::Restart { at }),
        1 => at.clone().prop_map(|at| Op::Refresh { at }),
        1 => at.prop_map(|at| Op::Leave { at }),
    ];
    prop::collection::vec(op, 1..60)
}

/// A frontier of the model: what is connected, and what is not yet reported.
struct Actor {
    node: Node,
    life: u64,
    connected: Vec<Presence>,
    unreported: VecDeque<Event>,
    reported: Vec<Event>,
}

pub(crate) async fn a_random_history_is_as_its_model(world: World) {
    let cases = if world.is_memory() { 300 } else { 12 };
    let mut runner = TestRunner::default();
    let mut world = world;
    for _ in 0..cases {
        let ops = ops().new_tree(&mut runner).unwrap().current();
        eprintln!("{ops:?}");
        world = world.anew();
        run(&world, &ops).await;
    }
}

async fn run(world: &World, ops: &[Op]) {
    let directory = world.replica();
    let mut view = View::new(&directory).await;
    let mut model = Model::default();
    let mut actors: Vec<Option<Actor>> = FRONTIERS.iter().map(|_| None).collect();
    // All stamps lie in the past, so that only their order counts.
    let mut stamp = Timestamp(directory.time().await.unwrap().0 - 1_000_000);
    for op in ops {
        let at = match *op {
            Op::Connect { at, .. } | Op::Disconnect { at, .. } | Op::Report { at, .. } => at,
            Op::Repeat { at }
            | Op::Rejoin { at }
            | Op::Restart { at }
            | Op::Refresh { at }
            | Op::Leave { at } => at,
        };
        if actors[at].is_none() || matches!(op, Op::Restart { .. }) {
            model.lives += 1;
            let (node, life) = (Node::join(&directory, FRONTIERS[at]).await, model.lives);
            let (connected, unreported, reported) = Default::default();
            actors[at] = Some(Actor { node, life, connected, unreported, reported });
        }
        let actor = actors[at].as_mut().unwrap();
        match *op {
            Op::Connect { edge, .. } => {
                // Two connections may be made at one moment.
                stamp.0 += u64::from(edge != 0);
                let presence = Presence::edge(edge, "", stamp);
                if !actor.connected.iter().any(|it| it.stamp == stamp && it.id == edge) {
                    actor.connected.push(presence.clone());
                    actor.unreported.push_back(Event::Online(presence));
                }
            }
            Op::Disconnect { edge, .. } => {
                if let Some(nth) = actor.connected.iter().position(|it| it.id == edge) {
                    actor.unreported.push_back(actor.connected.remove(nth).offline());
                    stamp.0 += 1;
                }
            }
            Op::Report { events, .. } => {
                actor.reported = (0..events).filter_map(|_| actor.unreported.pop_front()).collect();
                check_reports(&mut model, at, actor).await;
            }
            Op::Repeat { .. } => check_reports(&mut model, at, actor).await,
            Op::Rejoin { .. } => {
                let incarnation = Some(actor.node.lease.incarnation());
                actor.node.lease = directory.join(&frontier(FRONTIERS[at]), incarnation).await.unwrap();
                actor.unreported.clear();
                let verdicts = actor.node.resync(&actor.connected).await;
                let online = |it: &Presence| model.online(at, actor.life, it);
                assert_eq!(verdicts, actor.connected.iter().map(online).collect::<Vec<_>>());
                for (id, it) in &mut model.latest {
                    let seen = actor.connected.iter().any(|other| other.id == *id);
                    it.ended |= it.at == at && it.life == actor.life && !seen;
                }
            }
            Op::Refresh { .. } => directory.refresh(&actor.node.lease).await.unwrap(),
            Op::Leave { .. } => {
                directory.leave(&actor.node.lease).await.unwrap();
                actors[at] = None;
            }
            Op::Restart { .. } => {}
        }
        let places = model.places(&actors);
        let counted = counts(&directory).await;
        let listed = directory.edges(0, 1000).await.unwrap().items;
        let listed: BTreeMap<_, _> =
            listed.into_iter().map(|it| (it.id, (it.frontier_id, it.stamp))).collect();
        assert_eq!(listed, places, "after {op:?}");
        let living: Vec<_> = (0..FRONTIERS.len()).filter(|at| actors[*at].is_some()).collect();
        assert_eq!(counted.len(), living.len(), "after {op:?}");
        view.follow().await;
        assert_eq!(view.edges, places, "after {op:?}, as a watcher sees it");
    }
}

async fn check_reports(model: &mut Model, at: usize, actor: &Actor) {
    let verdicts = actor.node.apply(&actor.reported).await;
    let expected: Vec<_> = actor.reported.iter().map(|event| model.report(at, actor.life, event)).collect();
    assert_eq!(verdicts, expected, "{:?}", actor.reported);
}
