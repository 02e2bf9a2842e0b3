//! An edge that hops from gateway to gateway, as fast as it can.

mod track;

use crate::calls::{Calls, Pace};
use crate::fleet::connect;
use crate::replica::Directory;
use crate::world::{World, turn};
use frontier_sdk::{Closed, ClusterService, Edge, EdgeEvent, EdgeId, Request, Response, Status};
use frontier_test_redis::Server;
use frontier_tests::{DEADLINE, eventually, within};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use track::Track;

const HOPS: u64 = 1000;

/// The edge.
const ID: EdgeId = EdgeId(1_000_000);

/// The others, which keep the cluster busy.
const OTHERS: u64 = 60;

const PACE: Pace = Pace { edge: Duration::from_millis(500), service: Duration::from_millis(10), callers: 2 };

/// How the edge goes from one gateway to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// It leaves, and then comes.
    LeavesFirst,
    /// It comes, and then leaves where it was.
    ComesFirst,
    /// It comes. The cluster closes what is left.
    LeavesNothing,
}

/// Numbers that look like chance and can be had again (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z ^ (z >> 27)) >> 11) % bound
    }
}

/// A service that notes which connection of the edge has which address, from before the edge is let in.
async fn service(world: &World, track: &Arc<Track>) -> ClusterService {
    let track = track.clone();
    let notes = move |EdgeEvent { id, meta, addr, .. }: EdgeEvent| {
        if id == ID {
            let hop = std::str::from_utf8(&meta).expect("a number").parse().expect("a number");
            track.is_from(hop, addr);
        }
        async { Ok(()) }
    };
    let service = world.service().on_edge_online(notes).connect();
    within("the service connects", service).await.expect("it connects")
}

/// A new connection of the edge, which answers with its number.
async fn hop(world: &World, hop: u64, gateway: &str) -> Edge {
    let answers = move |_: Request| async move { Ok(Response::new(hop.to_string())) };
    let edge = world.gateway(gateway).edge().id(ID).reconnect(false).meta(hop.to_string());
    let edge = edge.register("which", answers).connect();
    within("the edge hops", edge).await.unwrap_or_else(|error| panic!("hop {hop}: {error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_hops_a_thousand_times_is_never_where_it_was_before() {
    let _turn = turn().await;
    let redis = Server::start();
    let world = World::start(|it| it.set("redis.standalone.addr", redis.addr().to_string()), 3).await;
    let track = Arc::<Track>::default();
    let service = service(&world, &track).await;
    world.is_connected(&service, &["f0", "f1", "f2"]).await;
    let others = connect(&world, 1..=OTHERS).await;
    let mut places: Vec<u64> = others.iter().map(|edge| edge.id().0).collect();
    are_known(&world, &places).await;
    let load = Calls::start(&others, &service, PACE);

    let stop = CancellationToken::new();
    let lookups: Vec<_> = world
        .replicas()
        .into_iter()
        .map(|replica| tokio::spawn(track.clone().look_up(replica, ID.0, stop.clone())))
        .collect();
    let calls = tokio::spawn(track.clone().call(service.clone(), ID, stop.clone()));

    let seed = rand::random();
    println!("seed {seed}");
    let mut chance = Chance(seed);
    let mut here: Option<Edge> = None;
    let mut left: Vec<Edge> = Vec::new();
    for number in 1..=HOPS {
        let gateway = format!("f{}", chance.below(3));
        let manner = match chance.below(3) {
            0 => Manner::LeavesFirst,
            1 => Manner::ComesFirst,
            _ => Manner::LeavesNothing,
        };
        if manner == Manner::LeavesFirst {
            // Fails only where the cluster has closed it already.
            let close = left.drain(..).chain(here.take()).map(|edge| async move { drop(edge.close().await) });
            within("the edge leaves", futures_util::future::join_all(close)).await;
            track.is_closed_up_to(number - 1);
        }
        track.begins(number, &gateway);
        let edge = hop(&world, number, &gateway).await;
        left.extend(here.replace(edge.clone()));
        if manner == Manner::ComesFirst {
            let close = left.drain(..).map(|edge| async move { drop(edge.close().await) });
            within("the edge leaves", futures_util::future::join_all(close)).await;
            track.is_closed_up_to(number - 1);
        }
        if chance.below(5) == 0 || number == HOPS {
            rests(&world, &track, &service, number, &gateway, &edge, &mut left).await;
        }
    }
    stop.cancel();
    for lookup in lookups {
        within("the lookups end", lookup).await.expect("every lookup was right");
    }
    within("the calls end", calls).await.expect("every call was answered rightly");
    println!("{}", track.summary());

    places.push(ID.0);
    are_known(&world, &places).await;
    let failed = load.stop().await;
    assert!(failed.is_empty(), "the others do not notice: {failed:#?}");
}

/// Waits until every replica knows these edges and no others.
async fn are_known(world: &World, edges: &[u64]) {
    let right = |all: &Directory| {
        let known: Vec<u64> = all.places().into_keys().collect();
        if known == edges { Ok(()) } else { Err(format!("{known:?}")) }
    };
    world.tells(&["f0", "f1", "f2"], 1, right).await;
}

/// The edge stays where it is: soon everyone knows, and what is left of it elsewhere is closed.
async fn rests(
    world: &World,
    track: &Track,
    service: &ClusterService,
    number: u64,
    gateway: &str,
    edge: &Edge,
    left: &mut Vec<Edge>,
) {
    for mut replica in world.replicas() {
        let is_found = async || {
            let status = edge.status().get();
            assert_eq!(status, Status::Connected, "hop {number} to {gateway} is last: {}", track.summary());
            let record = replica.edge(ID.0).await.expect("it answers")?;
            let frontier = replica.frontier_of(ID.0).await.expect("it answers");
            let is_last = track.hop_of(&record.frontier_id, &record.addr) == Some(number);
            (is_last && record.frontier_id == gateway && frontier.as_deref() == Some(gateway)).then_some(())
        };
        eventually(DEADLINE, &format!("hop {number} is known"), is_found).await;
    }
    track.is_found(number);
    for edge in left.drain(..) {
        let closed = within("what is left is closed", edge.closed()).await;
        assert!(matches!(closed, Closed::Superseded | Closed::Lost(_)), "{closed:?}");
    }
    track.is_closed_up_to(number - 1);
    let answer = within("an answer", service.call(ID, "which", "").timeout(DEADLINE).into_future()).await;
    let answer = answer.unwrap_or_else(|error| panic!("hop {number} is at rest: {error}"));
    assert_eq!(answer.data, number.to_string());
}
