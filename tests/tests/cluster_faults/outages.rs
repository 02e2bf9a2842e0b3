//! Frontlas and its Redis are away: edges and services do not notice, and the directory comes right again
//! without them.

use crate::calls::{Calls, Pace};
use crate::fleet::{Losses, connect};
use crate::world::{Places, World, turn};
use frontier_sdk::{ClusterService, Edge, EdgeId, Status};
use frontier_test_redis::{Sentinels, Server};
use frontier_tests::FrontlasBuilder;
use std::time::Duration;
use tokio::time::Instant;

const GATEWAYS: [&str; 2] = ["f0", "f1"];

/// A cluster that is called all the time, and whose edges come and go.
struct Busy {
    world: World,
    service: ClusterService,
    calls: Calls,
    losses: Losses,
    /// Those that stay.
    edges: Vec<Edge>,
    /// Those that come and go.
    roaming: Vec<(Edge, &'static str)>,
    places: Places,
    next: u64,
}

impl Busy {
    async fn start(directory: impl Fn(FrontlasBuilder) -> FrontlasBuilder, edges: u64, pace: Pace) -> Self {
        frontier_daemon::process::raise_open_files().expect("the limit can be raised");
        let world = World::start(directory, GATEWAYS.len()).await;
        let service = world.service().connect().await.expect("the service connects");
        world.is_connected(&service, &GATEWAYS).await;
        let edges = connect(&world, 1..=edges).await;
        let next = edges.len() as u64 + 1;
        let known = |all: &crate::replica::Directory| match all.edges.len() {
            len if len == edges.len() => Ok(()),
            len => Err(format!("{len} edges are known")),
        };
        world.tells(&GATEWAYS, 1, known).await;
        let places = world.replicas()[0].all().await.expect("it answers").places();
        // Every edge has been called once: from here on it is known where they are.
        for edge in &edges {
            service.call(edge.id(), "echo", "").await.expect("an answer");
        }
        let (calls, losses) = (Calls::start(&edges, &service, pace), Losses::of(&edges));
        let mut busy = Self { world, service, calls, losses, edges, roaming: Vec::new(), places, next };
        for _ in 0..4 {
            busy.come().await;
        }
        busy.converges("at first").await;
        busy
    }

    /// An edge comes to a gateway that it knows.
    async fn come(&mut self) {
        let (id, frontier) = (self.next, GATEWAYS[usize::from(self.next.is_multiple_of(2))]);
        self.next += 1;
        let edge = self.world.gateway(frontier).edge().id(EdgeId(id)).connect();
        self.roaming.push((edge.await.expect("an edge connects without frontlas"), frontier));
        self.places.insert(id, frontier.to_owned());
    }

    /// While something is away edges leave, come and move, and calls go on.
    async fn lives_on(&mut self, until: Instant) {
        let (left, _) = self.roaming.remove(0);
        self.places.remove(&left.id().0);
        left.close().await.expect("an edge leaves");
        self.come().await;
        let (moves, from) = self.roaming.remove(0);
        let to = GATEWAYS[usize::from(from == GATEWAYS[0])];
        moves.close().await.expect("an edge leaves");
        let moved = self.world.gateway(to).edge().id(moves.id()).connect().await;
        self.places.insert(moves.id().0, to.to_owned());
        self.roaming.push((moved.expect("an edge connects without frontlas"), to));
        self.calls.go_on(self.edges.len() as u64).await;
        tokio::time::sleep_until(until).await;
        self.calls.go_on(self.edges.len() as u64).await;
    }

    /// The directory says again what is true; nobody had to connect again for it.
    async fn converges(&self, after: &str) {
        let since = Instant::now();
        let right = |all: &crate::replica::Directory| {
            let places = all.places();
            let wrong = self.places.iter().filter(|(id, place)| places.get(id) != Some(place)).count();
            let more = places.keys().filter(|id| !self.places.contains_key(id)).count();
            if wrong + more == 0 {
                Ok(())
            } else {
                Err(format!("{wrong} edges are wrong or missing, {more} are ghosts"))
            }
        };
        self.world.tells(&GATEWAYS, 1, right).await;
        self.world.is_connected(&self.service, &GATEWAYS).await;
        println!("{after}: the directory was right within {:?}", since.elapsed());
        assert_eq!(self.losses.count(), 0, "{after}: edges have lost their connections");
    }

    /// No call has failed, and nobody has connected again.
    async fn ends(self) {
        let answered = self.calls.answered();
        let failed = self.calls.stop().await;
        assert!(failed.is_empty(), "{failed:#?}");
        println!("all of {answered:?} calls, up and down, were answered");
        assert_eq!(self.losses.count(), 0);
        assert!(self.edges.iter().all(|edge| edge.status().get() == Status::Connected));
        assert_eq!(self.service.status().get(), Status::Connected);
    }
}

/// All that may happen to one Redis and to frontlas, each for so long.
async fn outages(alive: Option<Duration>, away: Duration, edges: u64, pace: Pace) {
    let _turn = turn().await;
    let mut redis = Server::start();
    let addr = redis.addr().to_string();
    let on_redis = |frontlas: FrontlasBuilder| {
        let frontlas = frontlas.set("redis.standalone.addr", addr.as_str());
        match alive {
            Some(alive) => frontlas.set("frontier_plane.expiration.alive", format!("{}s", alive.as_secs())),
            None => frontlas,
        }
    };
    let mut busy = Busy::start(on_redis, edges, pace).await;

    redis.signal("-STOP");
    busy.lives_on(Instant::now() + away).await;
    redis.signal("-CONT");
    busy.converges("after Redis had stood still").await;

    redis.kill();
    busy.lives_on(Instant::now() + away).await;
    redis.restart();
    busy.converges("after Redis had been away and came back empty").await;

    busy.lives_on(Instant::now()).await;
    assert_eq!(redis.cli(&["FLUSHALL"]), "OK");
    busy.converges("after FLUSHALL").await;

    for frontlas in &mut busy.world.frontlas {
        frontlas.kill().await;
    }
    busy.lives_on(Instant::now() + away).await;
    for frontlas in &mut busy.world.frontlas {
        frontlas.start_again().await;
    }
    busy.converges("after all frontlas had been killed and were started again").await;

    // One after the other: there is always one.
    for number in 0..busy.world.frontlas.len() {
        busy.world.frontlas[number].kill().await;
        busy.lives_on(Instant::now()).await;
        busy.world.frontlas[number].start_again().await;
    }
    busy.converges("after each frontlas was restarted").await;
    busy.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_notices_that_frontlas_or_redis_is_away() {
    let pace = Pace { edge: Duration::from_millis(250), service: Duration::from_millis(5), callers: 2 };
    outages(Some(Duration::from_secs(2)), Duration::from_secs(5), 60, pace).await;
}

/// With the default times to live, a minute each, and many edges.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes five minutes: CONTRIBUTING.md says how to run it"]
async fn nobody_notices_that_frontlas_or_redis_is_away_for_a_minute() {
    let pace = Pace { edge: Duration::from_secs(5), service: Duration::from_millis(10), callers: 4 };
    outages(None, Duration::from_secs(60), 1000, pace).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_notices_that_redis_fails_over() {
    let _turn = turn().await;
    let mut redis = Sentinels::start();
    let sentinels: Vec<String> = redis.addrs().iter().map(ToString::to_string).collect();
    let on_sentinels = |frontlas: FrontlasBuilder| {
        frontlas
            .set("redis.mode", "sentinel")
            .set("redis.sentinel.addrs", sentinels.clone())
            .set("redis.sentinel.master_name", Sentinels::MASTER)
            .set("frontier_plane.expiration.alive", "3s")
    };
    let pace = Pace { edge: Duration::from_millis(250), service: Duration::from_millis(5), callers: 2 };
    let mut busy = Busy::start(on_sentinels, 40, pace).await;
    redis.kill_master();
    busy.lives_on(Instant::now()).await;
    busy.converges("after Redis had failed over").await;
    busy.ends().await;
}
