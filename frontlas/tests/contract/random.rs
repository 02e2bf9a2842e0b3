//! Random histories: one after the other against a model, and many at once against what must be at the end.

use crate::view::View;
use crate::world::{Node, World, counts, frontier};
use frontlas::{Directory, Event, Presence, Stamp, Verdict};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rand::{Rng, RngExt, SeedableRng};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

const FRONTIERS: [&str; 3] = ["a", "b", "c"];

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

/// What the directory must know of an id: the latest connection that it was ever told of.
#[derive(Clone, Debug)]
struct Latest {
    stamp: Stamp,
    at: usize,
    life: u64,
    ended: bool,
}

#[derive(Default)]
struct Model {
    latest: BTreeMap<u64, Latest>,
    lives: u64,
}

impl Model {
    fn report(&mut self, at: usize, life: u64, event: &Event) -> Verdict {
        match event {
            Event::Online(presence) => self.online(at, life, presence),
            Event::Offline { id, stamp, .. } => match self.latest.get_mut(id) {
                Some(it) if (it.at, it.stamp, it.life, it.ended) == (at, *stamp, life, false) => {
                    it.ended = true;
                    Verdict::Applied
                }
                _ => Verdict::Unchanged,
            },
        }
    }

    fn online(&mut self, at: usize, life: u64, presence: &Presence) -> Verdict {
        let this = (presence.stamp, at);
        match self.latest.get(&presence.id) {
            Some(it) if (it.stamp, it.at) == this && (it.ended || it.life == life) => {
                return Verdict::Unchanged;
            }
            Some(it) if (it.stamp, it.at) > this => {
                return Verdict::Superseded { by: FRONTIERS[it.at].into() };
            }
            _ => {}
        }
        self.latest.insert(presence.id, Latest { stamp: presence.stamp, at, life, ended: false });
        Verdict::Applied
    }

    /// Where each id is.
    fn places(&self, actors: &[Option<Actor>]) -> BTreeMap<u64, (String, Stamp)> {
        let lives =
            |it: &Latest| !it.ended && actors[it.at].as_ref().is_some_and(|actor| actor.life == it.life);
        let living = self.latest.iter().filter(|(_, it)| lives(it));
        living.map(|(&id, it)| (id, (FRONTIERS[it.at].to_owned(), it.stamp))).collect()
    }
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
    let mut stamp = Stamp(directory.time().await.unwrap().0 - 1_000_000);
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

pub(crate) async fn replicas_at_once_end_with_the_latest_connections(world: World) {
    const EDGES: u64 = 40;
    let seed = rand::random::<u64>();
    eprintln!("seed {seed}");
    let directory = world.replica();
    let mut view = View::new(&directory).await;
    let mut tasks = Vec::new();
    for (nth, id) in FRONTIERS.into_iter().enumerate() {
        let replica = world.replica();
        let rng = rand::rngs::SmallRng::seed_from_u64(seed + nth as u64);
        tasks.push(tokio::spawn(report_at_random(replica, id, rng, EDGES)));
    }
    let mut latest: BTreeMap<u64, (Stamp, &str, bool)> = BTreeMap::new();
    let mut nodes = Vec::new();
    for (task, id) in tasks.into_iter().zip(FRONTIERS) {
        let (node, connections) = task.await.unwrap();
        for (edge, (stamp, connected)) in connections {
            let this = (stamp, id, connected);
            let it = latest.entry(edge).or_insert(this);
            *it = (*it).max(this);
        }
        nodes.push(node);
    }
    let expected: BTreeMap<u64, (String, Stamp)> = latest
        .into_iter()
        .filter(|(_, (.., connected))| *connected)
        .map(|(edge, (stamp, id, _))| (edge, (id.to_owned(), stamp)))
        .collect();
    let listed = directory.edges(0, 1000).await.unwrap().items;
    let listed: BTreeMap<_, _> = listed.into_iter().map(|it| (it.id, (it.frontier_id, it.stamp))).collect();
    assert_eq!(listed, expected);
    counts(&directory).await;
    view.follow().await;
    assert_eq!(view.edges, expected);
    for node in nodes {
        directory.refresh(&node.lease).await.unwrap();
    }
}

/// A frontier that reports connections which come and go: its last one of each edge, and whether that lasts.
async fn report_at_random(
    directory: Arc<dyn Directory>,
    id: &'static str,
    mut rng: impl Rng,
    edges: u64,
) -> (Node, BTreeMap<u64, (Stamp, bool)>) {
    let node = Node::join(&directory, id).await;
    let mut last: BTreeMap<u64, (Presence, bool)> = BTreeMap::new();
    for _ in 0..60 {
        let mut now = node.now().await;
        let mut batch = Vec::new();
        for _ in 0..rng.random_range(1..8) {
            let edge = rng.random_range(0..edges);
            now.0 += 1;
            match last.get_mut(&edge) {
                Some((presence, connected)) if *connected => {
                    batch.push(presence.offline());
                    *connected = false;
                }
                _ => {
                    // Reported somewhat late, so that frontiers overtake each other.
                    let presence = Presence::edge(edge, "", Stamp(now.0 - rng.random_range(0..3000)));
                    if last.get(&edge).is_some_and(|(old, _)| old.stamp >= presence.stamp) {
                        continue;
                    }
                    batch.push(Event::Online(presence.clone()));
                    last.insert(edge, (presence, true));
                }
            }
        }
        for verdict in node.apply(&batch).await {
            assert_ne!(verdict, Verdict::Refused);
        }
        if rng.random_range(0..10) == 0 {
            directory.refresh(&node.lease).await.unwrap();
        }
        if rng.random_range(0..20) == 0 {
            let present: Vec<_> =
                last.values().filter(|(_, connected)| *connected).map(|it| it.0.clone()).collect();
            node.resync(&present).await;
        }
    }
    (
        node,
        last.into_iter().map(|(edge, (presence, connected))| (edge, (presence.stamp, connected))).collect(),
    )
}
