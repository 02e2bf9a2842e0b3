//! Many edges with calls both ways, and the services that they call.

use frontier_sdk::{Builder, Code, Edge, EdgeEvent, EdgeId, Error, Request, Response, Service};
use frontier_tests::{DEADLINE, Gateway, eventually, within};
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// Edges that connect at the same time.
const AT_ONCE: usize = 50;

/// The pause of each edge between two calls: all of them together leave the processors some time.
const PAUSE: Duration = Duration::from_secs(1);

/// How many calls the services have under way.
const CALLERS: usize = 4;

/// The deadline of each call: none may get lost, but a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service at one gateway that echoes, and knows which edges are there.
#[derive(Clone)]
pub(crate) struct Post {
    service: Service,
    edges: Arc<Present>,
}

#[derive(Default)]
struct Present {
    here: Mutex<HashSet<u64>>,
    came: AtomicUsize,
    left: AtomicUsize,
}

impl Post {
    pub(crate) async fn at(gateway: &Gateway) -> Self {
        let edges = Arc::<Present>::default();
        let (online, offline) = (edges.clone(), edges.clone());
        let service = gateway
            .service("s")
            .register("echo", answer)
            .on_edge_online(move |EdgeEvent { id, .. }| {
                online.here.lock().expect("no panic").insert(id.0);
                online.came.fetch_add(1, Ordering::SeqCst);
                async { Ok(()) }
            })
            .on_edge_offline(move |EdgeEvent { id, .. }| {
                offline.here.lock().expect("no panic").remove(&id.0);
                offline.left.fetch_add(1, Ordering::SeqCst);
                async { Ok(()) }
            });
        Self { service: service.connect().await.expect("a service"), edges }
    }

    pub(crate) fn came(&self) -> usize {
        self.edges.came.load(Ordering::SeqCst)
    }

    pub(crate) fn left(&self) -> usize {
        self.edges.left.load(Ordering::SeqCst)
    }

    pub(crate) fn here(&self) -> usize {
        self.edges.here.lock().expect("no panic").len()
    }

    fn has(&self, edge: EdgeId) -> bool {
        self.edges.here.lock().expect("no panic").contains(&edge.0)
    }
}

async fn answer(request: Request) -> Result<Response, frontier_sdk::HandlerError> {
    Ok(Response::new(request.data))
}

/// Edges that answer and call.
pub(crate) struct Fleet(Arc<Vec<Edge>>);

impl Fleet {
    pub(crate) async fn connect(gateway: &Gateway, count: usize) -> Self {
        Self::of(count, || gateway.edge()).await
    }

    pub(crate) async fn of(count: usize, edge: impl Fn() -> Builder<Edge>) -> Self {
        let mut edges = Vec::with_capacity(count);
        let mut connecting = JoinSet::new();
        for number in 0..count {
            connecting.spawn(edge().register("echo", answer).connect());
            if connecting.len() == AT_ONCE || number + 1 == count {
                let connected = within("the edges connect", std::mem::take(&mut connecting).join_all()).await;
                edges.extend(connected.into_iter().map(|edge| edge.expect("an edge")));
            }
        }
        Self(Arc::new(edges))
    }

    pub(crate) fn edges(&self) -> &[Edge] {
        &self.0
    }

    /// Calls from each edge to its services, and from the services to the edges, until they are stopped.
    pub(crate) fn calls(&self, posts: &[Post]) -> Calls {
        let shared = Arc::<Shared>::default();
        let mut callers = JoinSet::new();
        for (number, edge) in self.0.iter().cloned().enumerate() {
            let shared = shared.clone();
            callers.spawn(async move {
                // Not all at once.
                tokio::time::sleep(PAUSE.mul_f64(number as f64 / 1000.0)).await;
                while shared.goes_on() {
                    let call = edge.call("echo", "up").timeout(PATIENCE);
                    shared.note(&shared.up, "an edge", call.await);
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        for caller in 0..CALLERS {
            let (shared, edges, posts) = (shared.clone(), self.0.clone(), posts.to_vec());
            callers.spawn(async move {
                for edge in edges.iter().cycle().skip(caller * edges.len() / CALLERS) {
                    if !shared.goes_on() {
                        return;
                    }
                    shared.note(&shared.down, "a service", call(&posts, edge.id()).await);
                }
            });
        }
        Calls { shared, callers }
    }

    /// Has the service there call every edge.
    pub(crate) async fn answers(&self, post: &Post) {
        for edge in self.edges() {
            let answer = post.service.call(edge.id(), "echo", "all").timeout(PATIENCE).await;
            assert_eq!(answer.map(|answer| answer.data), Ok("all".into()), "edge {}", edge.id());
        }
    }
}

/// Calls an edge where it is. One that is on its way may have been announced where it can't be called
/// yet, and may have left where it was before it was asked for there: then it is called for once more.
async fn call(posts: &[Post], edge: EdgeId) -> Result<Response, Error> {
    let known = posts.iter().rposition(|post| post.has(edge)).unwrap_or_default();
    let other = posts.len() - 1 - known;
    let mut last = None;
    for post in [known, other, known] {
        match posts[post].service.call(edge, "echo", "down").timeout(PATIENCE).await {
            Err(error) if error.code() == Code::EdgeNotOnline && posts.len() > 1 => last = Some(error),
            answer => return answer,
        }
    }
    Err(last.expect("it was asked for"))
}

/// Calls under way, and what became of them.
pub(crate) struct Calls {
    shared: Arc<Shared>,
    callers: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    up: AtomicU64,
    down: AtomicU64,
    failed: Mutex<BTreeMap<String, u64>>,
}

impl Shared {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn note(&self, answered: &AtomicU64, who: &str, answer: Result<Response, Error>) {
        let Err(error) = answer else {
            answered.fetch_add(1, Ordering::Relaxed);
            return;
        };
        *self.failed.lock().expect("no panic").entry(format!("{who}: {error}")).or_default() += 1;
    }
}

impl Calls {
    /// Waits until so many more calls each way were answered.
    pub(crate) async fn go_on(&self, more: u64) {
        let count = || [&self.shared.up, &self.shared.down].map(|count| count.load(Ordering::Relaxed));
        let goal = count().map(|count| count + more);
        eventually(4 * DEADLINE, "calls go on both ways", async || {
            let now = count();
            (now[0] >= goal[0] && now[1] >= goal[1]).then_some(())
        })
        .await;
    }

    /// Ends them. None may have failed.
    pub(crate) async fn stop(self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let ended = tokio::time::timeout(2 * PATIENCE, self.callers.join_all()).await;
        ended.expect("every caller ends");
        let failed = self.shared.failed.lock().expect("no panic");
        assert!(failed.is_empty(), "{failed:#?}");
    }
}
