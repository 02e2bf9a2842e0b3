//! How a gateway stops: everyone goes elsewhere, edges first.
//!
//! ```text
//!   services are told ──▶ edges are told, each when to go ──▶ edges are closed ──▶ other gateways ──▶ services are
//!        └─ they have moved,         └─ all have left,             └─ each edge_offline  └─ have their    let go, and
//!           or a second has passed      or those that stay            has been told         answers       closed
//!                                       are quiet, or too late
//! ```
//!
//! Nobody is closed without the last word before it: whoever has nowhere to go may be asking something in that very
//! moment. Behind the last word nothing new is asked, and what was is answered.
//!
//! All of it fits into the grace ([`Schedule`]). Meanwhile everything goes on between those who are here. A service that has another gateway already
//! stays reachable until the edges are gone, so that whoever is called is there at both gateways.
//!
//! Other gateways that ask here are told at once that they should ask elsewhere, and are served until the edges are gone:
//! then they get the last word, behind which they ask nothing, and leave when they have all their answers.
//!
//! Where there is nothing in the configuration about where to go, they are told of the other gateways of the
//! cluster.

mod departures;
mod schedule;

use crate::cluster::KnownGateways;
use crate::config::{ClusterAlternatives, Config};
use crate::session::{Alternatives, Context, Notice};
use departures::Departures;
use frontier_exchange::{CloseReason, Peer, Stage};
use frontier_protocol::Role;
pub(super) use schedule::Schedule;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// How often it is looked who is still here, at most.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Those who have not gone when they should, and have had nothing in flight for so long, have nowhere
/// to go: more waiting changes nothing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// As [`IDLE_TIMEOUT`], where they were told of other gateways: they may be on their way, and time is needed for
/// more than one that does not answer.
const IDLE_TIMEOUT_ON_THE_WAY: Duration = Duration::from_secs(10);

/// How long those who are still here may take to leave behind the last word.
const LAST_WORD_TIMEOUT: Duration = Duration::from_secs(1);

/// How long it may take to tell peers that their connection ends, beside what services may take to
/// hear of edges.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Who is here, at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Census {
    /// Those who have not left.
    here: usize,
    /// Those of them with something in flight.
    busy: usize,
}

/// What a drain goes by.
#[derive(Clone, Debug)]
pub(super) struct DrainConfig {
    /// How long all of it may take.
    grace: Duration,
    /// The part of the grace over which edges are sent away, one after the other.
    spread: Duration,
    /// Where edges and services may go, as URLs, where that is configured.
    edge_alternatives: Vec<String>,
    service_alternatives: Vec<String>,
    /// Who is told of the other gateways of the cluster.
    cluster_alternatives: ClusterAlternatives,
}

impl DrainConfig {
    pub(super) fn new(config: &Config) -> Self {
        let cluster = config.membership.as_ref();
        Self {
            grace: config.daemon.grace,
            spread: config.daemon.drain_spread,
            edge_alternatives: config.edgebound.alternatives.clone(),
            service_alternatives: config.servicebound.alternatives.clone(),
            cluster_alternatives: cluster.map_or(ClusterAlternatives::None, |it| it.alternatives),
        }
    }

    /// That of a drain which begins now.
    pub(super) fn schedule(&self) -> Schedule {
        Schedule::new(Instant::now(), self.grace, self.spread)
    }
}

/// Sends everyone away, waits for as long as that has a purpose, within the schedule, and closes who is
/// left. Listeners are closed by now.
pub(super) async fn run(
    edges: &Context,
    services: &Context,
    config: &DrainConfig,
    schedule: Schedule,
    gateways: &KnownGateways,
) {
    let last_words = edges.edge_ids.callback_timeout + CLOSE_TIMEOUT;
    let deadline = schedule.deadline();
    edges.exchange.keep_services();
    // Services hear of the edges that are closed at the very end.
    let others = gateways.current();
    let told = config.cluster_alternatives;
    let for_edges = others.others.iter().filter(|_| told != ClusterAlternatives::None);
    let for_edges = for_edges.map(|it| (it.edges, it.edgebound.clone()));
    let for_services = others.others.iter().filter(|_| told == ClusterAlternatives::All);
    // How many services the others have does not matter.
    let for_services = for_services.map(|it| (0, it.servicebound.clone()));
    let for_services = Alternatives::new(&config.service_alternatives, for_services);
    announce(services, schedule.end(), for_services);
    announce(edges, deadline, Alternatives::new(&config.edge_alternatives, for_edges));
    tell(services, |_| Duration::ZERO).await;
    tell_gateways(services);
    let asked_from_elsewhere = origin_gateways(services) > 0;
    if census(edges).await.here > 0 || asked_from_elsewhere {
        services_go_first(services, schedule.services_lead(Instant::now())).await;
    }
    let here = census(edges).await.here;
    if here > 0 {
        let departures = Departures::new(here, schedule.spread(Instant::now()));
        info!(edges = departures.count(), over = ?departures.over(), "sending edges away");
        if let Some(per_second) = departures.rush() {
            warn!(
                per_second,
                "the other gateways get many edges at once: a longer daemon.grace, or daemon.drain_spread, spreads them"
            );
        }
        let last = Instant::now() + departures.over();
        tell(edges, |index| departures.delay(index)).await;
        edges_leave(edges, deadline, last).await;
    }
    part(edges, schedule).await;
    close_all(edges).await;
    finish(&edges.sessions, "edges", schedule.share(Instant::now(), last_words)).await;
    gateways_leave(services, deadline).await;
    edges.exchange.let_services_go();
    services_end(services, deadline).await;
    part(services, schedule).await;
    close_all(services).await;
    finish(&services.sessions, "services", schedule.share(Instant::now(), last_words)).await;
}

/// From here on nobody new is let in on that side.
fn announce(side: &Context, until: Instant, alternatives: Alternatives) {
    // It is done once.
    let _ = side.notice.set(Notice::new(until, alternatives));
}

/// Tells every peer of one side after how long to go.
async fn tell(side: &Context, delay: impl Fn(usize) -> Duration) {
    let Some(notice) = side.notice.get() else { return };
    let mut index = 0;
    for_each(side, |peer| {
        // One that is joining hears of it behind its Welcome.
        if peer.is_online() {
            notice.tell(peer, delay(index), side.exchange.clock());
            index += 1;
        }
    })
    .await;
}

/// Waits until no service is here alone.
async fn services_go_first(services: &Context, until: Instant) {
    loop {
        let mut unmoved = 0;
        for_each(services, |service| unmoved += usize::from(service.stage() < Stage::Moved)).await;
        if unmoved == 0 || Instant::now() >= until {
            return;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Waits until the edges, the last of which should go at `last`, have left.
async fn edges_leave(edges: &Context, deadline: Instant, last: Instant) {
    let has_others = edges.notice.get().is_some_and(Notice::names_others);
    let quiet = if has_others { IDLE_TIMEOUT_ON_THE_WAY } else { IDLE_TIMEOUT };
    let (mut before, mut moved) = (usize::MAX, last);
    loop {
        let start = Instant::now();
        let now = census(edges).await;
        if now.here == 0 {
            return;
        }
        if start >= deadline {
            return warn!(edges = now.here, busy = now.busy, "the grace is over with edges still here");
        }
        if now.busy > 0 || now.here < before {
            moved = moved.max(start);
        }
        if start.saturating_duration_since(moved) >= quiet {
            return info!(edges = now.here, "closing edges that stay and are idle");
        }
        before = now.here;
        tokio::time::sleep_until(deadline.min(start + pause_since(start))).await;
    }
}

/// Tells other gateways that they should ask elsewhere, if they can.
fn tell_gateways(services: &Context) {
    let Some(notice) = services.notice.get() else { return };
    let clock = services.exchange.clock();
    services.exchange.for_each_origin_gateway(|gateway| notice.tell(gateway, Duration::ZERO, clock));
}

/// Gives other gateways the last word, and waits until they have left: what they asked before they heard it is answered.
async fn gateways_leave(services: &Context, deadline: Instant) {
    let exchange = &services.exchange;
    let mut all = Vec::new();
    exchange.for_each_origin_gateway(|gateway| all.push(gateway.clone()));
    let mut batch = exchange.batch();
    all.iter().for_each(|gateway| exchange.let_go(gateway, &mut batch));
    drop(batch);
    while origin_gateways(services) > 0 {
        if Instant::now() >= deadline {
            let mut requests = 0;
            exchange.for_each_origin_gateway(|gateway| requests += gateway.in_flight());
            return warn!(
                requests,
                "the grace is over with requests of other gateways in flight: they fail with Disconnected there, and may \
                 be tried again"
            );
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// How many other gateways ask here.
fn origin_gateways(services: &Context) -> usize {
    let mut count = 0;
    services.exchange.for_each_origin_gateway(|gateway| count += usize::from(gateway.stage() != Stage::Gone));
    count
}

/// Waits until nothing is in flight at the services.
async fn services_end(services: &Context, deadline: Instant) {
    let mut idle = 0;
    // Twice in a row, so that an answer that is between two tables is not missed.
    while idle < 2 {
        if Instant::now() >= deadline {
            return;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
        idle = if census(services).await.busy > 0 { 0 } else { idle + 1 };
    }
}

async fn census(side: &Context) -> Census {
    let mut census = Census::default();
    for_each(side, |peer| {
        let stage = peer.stage();
        // The cluster still has to hear where an edge that has moved is.
        let has_moved = stage == Stage::Moved && peer.edge_id().is_some();
        let is_busy = has_moved || peer.is_busy();
        let is_here = stage < Stage::Leaving || (stage == Stage::Leaving && is_busy);
        census.here += usize::from(is_here);
        census.busy += usize::from(is_here && is_busy);
    })
    .await;
    census
}

/// Gives those who are still here, and those who come in meanwhile, the last word, and waits until they have left.
async fn part(side: &Context, schedule: Schedule) {
    let exchange = &side.exchange;
    let deadline = Instant::now() + schedule.share(Instant::now(), LAST_WORD_TIMEOUT);
    loop {
        let (start, mut here) = (Instant::now(), 0);
        for_each(side, |peer| {
            if peer.is_online() {
                exchange.let_go(peer, &mut exchange.batch());
            }
            here += usize::from(peer.stage() == Stage::Leaving);
        })
        .await;
        if here == 0 || Instant::now() >= deadline {
            return;
        }
        tokio::time::sleep_until(deadline.min(start + pause_since(start))).await;
    }
}

/// How long to wait before those who are here are looked at again, since `start`. With many of them looking takes a while,
/// in slices, and others need the processor too.
fn pause_since(start: Instant) -> Duration {
    POLL_INTERVAL.max(10 * start.elapsed())
}

/// Closes every connection of one side, and those that are still in their handshake.
async fn close_all(side: &Context) {
    side.closing.set();
    let close = |peer: &Arc<Peer>| {
        peer.advance(Stage::Gone);
        peer.outlet().close(CloseReason::Local);
    };
    for_each(side, close).await;
    if side.role != Role::Edge {
        // Other gateways ask for edges and services, which are gone.
        side.exchange.for_each_origin_gateway(close);
    }
}

/// Edges in slices: others need the worker too.
async fn for_each(side: &Context, visit: impl FnMut(&Arc<Peer>)) {
    match side.role {
        Role::Edge => side.exchange.for_each_edge_in_slices(visit).await,
        Role::Service | Role::Frontier => side.exchange.for_each_service(visit),
    }
}

async fn finish(sessions: &TaskTracker, side: &str, deadline: Duration) {
    if tokio::time::timeout(deadline, sessions.wait()).await.is_err() {
        warn!(left = sessions.len(), "gave up waiting for {side} to leave");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Remote};
    use frontier_protocol::{Code, Kind};

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn those_who_stay_hear_the_last_word_and_have_a_moment_to_leave() {
        let context = testing::context(Role::Edge, testing::config());
        let mut leaves = Remote::edge(&context.exchange, 1).await;
        let mut stays = Remote::edge(&context.exchange, 2).await;
        let start = Instant::now();
        let goodbyes = async {
            for edge in [&mut leaves, &mut stays] {
                let heard = edge.recv().await;
                assert_eq!((heard.kind, heard.code), (Kind::GoAway, Code::Ok));
            }
            leaves.die().await;
            start.elapsed()
        };
        let schedule = Schedule::new(start, LONG, Duration::ZERO);
        let (heard_after, ()) = tokio::join!(goodbyes, part(&context, schedule));
        assert!(heard_after < POLL_INTERVAL, "{heard_after:?}");
        let took = start.elapsed();
        assert!((LAST_WORD_TIMEOUT..LAST_WORD_TIMEOUT + 2 * POLL_INTERVAL).contains(&took), "{took:?}");
        assert_eq!(stays.peer.stage(), Stage::Leaving);
        stays.die().await;
        let start = Instant::now();
        part(&context, schedule).await;
        assert_eq!(start.elapsed(), Duration::ZERO, "nobody is left");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_edges_that_may_be_on_their_way_are_waited_for_longer() {
        let elsewhere = ["tcp://elsewhere:30012".to_owned()];
        for (alternatives, quiet) in
            [(&elsewhere[..0], IDLE_TIMEOUT), (&elsewhere[..], IDLE_TIMEOUT_ON_THE_WAY)]
        {
            let context = testing::context(Role::Edge, testing::config());
            let _edge = Remote::edge(&context.exchange, 1).await;
            let start = Instant::now();
            announce(&context, start + LONG, Alternatives::new(alternatives, std::iter::empty()));
            edges_leave(&context, start + LONG, start).await;
            let took = start.elapsed();
            assert!((quiet..quiet + 4 * POLL_INTERVAL).contains(&took), "{took:?}");
        }
    }
}
