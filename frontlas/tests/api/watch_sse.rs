//! The watch as server-sent events.

use crate::switch::State;
use crate::world::{World, config, within};
use frontier_admin::ErrorBody;
use frontier_api::json::{Change, Snapshot};
use frontlas::Lifetimes;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use serde::de::DeserializeOwned;

/// One event, as it was written.
#[derive(Debug, Default)]
struct Event {
    name: String,
    id: Option<String>,
    data: String,
}

impl Event {
    fn data<T: DeserializeOwned>(&self, name: &str) -> T {
        assert_eq!(self.name, name, "{self:?}");
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

struct Events {
    body: Incoming,
    text: String,
}

impl Events {
    async fn open(world: &World, path: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(path).header("host", "localhost");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        Self::of(world.send(request.body(Empty::<Bytes>::new()).unwrap()).await)
    }

    fn of(response: Response<Incoming>) -> Self {
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { body: response.into_body(), text: String::new() }
    }

    /// The next event, or `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        while !self.text.contains("\n\n") {
            let frame = within("an event", self.body.frame()).await?.expect("the connection holds");
            let data = frame.into_data().expect("there are no trailers");
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
        let (event, rest) = self.text.split_once("\n\n").unwrap();
        let mut read = Event::default();
        for line in event.lines() {
            match line.split_once(": ").unwrap() {
                ("event", name) => read.name = name.to_owned(),
                ("id", id) => read.id = Some(id.to_owned()),
                ("data", data) => read.data = data.to_owned(),
                other => panic!("{other:?}"),
            }
        }
        self.text = rest.to_owned();
        Some(read)
    }

    async fn some(&mut self) -> Event {
        self.next().await.expect("it goes on")
    }

    /// Reads the snapshot, and gives its id.
    async fn start(&mut self) -> String {
        loop {
            let event = self.some().await;
            let part: Snapshot = event.data("snapshot");
            assert_eq!(part.last, event.id.is_some());
            if let Some(id) = event.id {
                return id;
            }
        }
    }
}

#[tokio::test]
async fn a_snapshot_then_changes_each_with_its_id() {
    let world = World::new().await;
    let lease = world.frontier("f1").await;
    world.edges(&lease, 1..=1500).await;
    world.service(&lease, 9, "files").await;
    let mut events = Events::open(&world, "/cluster/v1/watch", None).await;
    let (mut snapshot, mut start) = (Snapshot::default(), None);
    while start.is_none() {
        let event = events.some().await;
        let part: Snapshot = event.data("snapshot");
        assert_eq!((part.first, part.last), (snapshot.frontiers.is_empty(), event.id.is_some()));
        snapshot.frontiers.extend(part.frontiers);
        snapshot.edges.extend(part.edges);
        snapshot.services.extend(part.services);
        start = event.id;
    }
    assert_eq!((snapshot.frontiers.len(), snapshot.edges.len(), snapshot.services.len()), (1, 1500, 1));

    world.edges(&lease, [u64::MAX]).await;
    world.edge_leaves(&lease, u64::MAX).await;
    let start = start.unwrap();
    let (history, number) = start.split_once('.').unwrap();
    let number: u64 = number.parse().unwrap();
    let online = events.some().await;
    assert_eq!(online.id, Some(format!("{history}.{}", number + 1)));
    let Change::EdgeOnline { edge, former_frontier_id: None } = online.data("change") else {
        panic!("{online:?}")
    };
    assert_eq!((edge.edge_id, edge.frontier_id.as_str()), (u64::MAX, "f1"));
    assert!(online.data.contains(r#""edge_id":"18446744073709551615""#), "{online:?}");
    let offline = events.some().await;
    assert_eq!(offline.id, Some(format!("{history}.{}", number + 2)));
    assert!(matches!(offline.data("change"), Change::EdgeOffline { edge_id: u64::MAX, .. }));
}

#[tokio::test]
async fn it_goes_on_after_the_last_event_id() {
    let world = World::new().await;
    let lease = world.frontier("f1").await;
    let mut events = Events::open(&world, "/cluster/v1/watch", None).await;
    let start = events.start().await;
    drop(events);
    world.edges(&lease, [1, 2]).await;
    let path = "/cluster/v1/watch?kinds=edges,services";
    for (path, last) in [(path, Some(start.as_str())), (&*format!("{path}&after={start}"), None)] {
        let mut events = Events::open(&world, path, last).await;
        for id in [1, 2] {
            let Change::EdgeOnline { edge, .. } = events.some().await.data("change") else { panic!() };
            assert_eq!(edge.edge_id, id);
        }
    }
}

#[tokio::test]
async fn a_browser_that_comes_too_late_gets_a_snapshot_and_who_asked_for_a_position_an_error() {
    let lifetimes = Lifetimes { history: 5, ..Lifetimes::default() };
    let world = World::build(config(""), lifetimes, |plane| plane).await;
    let lease = world.frontier("f1").await;
    let start = Events::open(&world, "/cluster/v1/watch", None).await.start().await;
    world.edges(&lease, 1..=10).await;
    let path = format!("/cluster/v1/watch?after={start}");
    assert_eq!(world.error(&path, 410).await.0, "OUT_OF_RANGE");
    for (path, last) in [("/cluster/v1/watch", start.as_str()), (&path, &start), ("/cluster/v1/watch", "x")] {
        let snapshot: Snapshot = Events::open(&world, path, Some(last)).await.some().await.data("snapshot");
        assert!(snapshot.first);
    }
}

#[tokio::test]
async fn a_quiet_watch_gives_signs_of_life_with_its_position() {
    let world = World::with("keepalive: 100ms").await;
    let mut events = Events::open(&world, "/cluster/v1/watch", None).await;
    let start = Some(events.start().await);
    for _ in 0..3 {
        let alive = events.some().await;
        assert_eq!((alive.name.as_str(), alive.data.as_str(), &alive.id), ("", "", &start));
    }
}

#[tokio::test]
async fn the_error_that_ends_it_is_its_last_event() {
    for (state, code) in [(Some(State::Fails), "UNAVAILABLE"), (None, "OUT_OF_RANGE")] {
        let world = World::new().await;
        let mut events = Events::open(&world, "/cluster/v1/watch", None).await;
        events.start().await;
        match state {
            Some(state) => world.directory.set(state),
            None => world.directory.inner.clear(),
        }
        let error: ErrorBody = events.some().await.data("end");
        assert_eq!(error.code, code);
        assert!(events.next().await.is_none());
    }
}
