//! Many edges with calls both ways, and the services that they call.

use frontier_sdk::{Builder, Code, Edge, EdgeEvent, EdgeId, Error, Request, Response, Service};
use frontier_tests::{CallsBothWays, Gateway, within};
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// Edges that connect at the same time.
const CONNECTS_AT_ONCE: usize = 50;

/// The pause of each edge between two calls: all of them together leave the processors some time.
const CALL_INTERVAL: Duration = Duration::from_secs(1);

/// How many calls the services have under way.
const CALLERS: usize = 4;

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
        Self::of(gateway.service("s")).await
    }

    pub(crate) async fn of(service: Builder<Service>) -> Self {
        let edges = Arc::<Present>::default();
        let (online, offline) = (edges.clone(), edges.clone());
        let service = service
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
            if connecting.len() == CONNECTS_AT_ONCE || number + 1 == count {
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
    pub(crate) fn calls(&self, posts: &[Post]) -> CallsBothWays {
        let mut calls = CallsBothWays::from_edges(self.edges(), CALL_INTERVAL);
        for caller in 0..CALLERS {
            let (edges, posts) = (self.0.clone(), posts.to_vec());
            calls.spawn(async move |outcome| {
                for edge in edges.iter().cycle().skip(caller * edges.len() / CALLERS) {
                    if !outcome.goes_on() {
                        return;
                    }
                    outcome.down(call(&posts, edge.id()).await);
                }
            });
        }
        calls
    }

    /// Has the service there call every edge.
    pub(crate) async fn answers(&self, post: &Post) {
        for edge in self.edges() {
            let answer =
                post.service.call(edge.id(), "echo", "all").timeout(CallsBothWays::CALL_TIMEOUT).await;
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
        match posts[post].service.call(edge, "echo", "down").timeout(CallsBothWays::CALL_TIMEOUT).await {
            Err(error) if error.code() == Code::EdgeNotOnline && posts.len() > 1 => last = Some(error),
            answer => return answer,
        }
    }
    Err(last.expect("it was asked for"))
}
