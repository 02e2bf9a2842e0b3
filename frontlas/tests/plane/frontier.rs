//! A plane on a real socket, and frontiers made by hand that connect to it.

use crate::directory::Moody;
use frontier_protocol::{
    Advertised, Code, EncodeError, Entry, Flags, Frame, GoAway, Hello, Kind, MIN_MAX_FRAME, Members, Op,
    Part, Reject, Report, ReportAck, Role, Superseded, VERSION, Welcome,
};
use frontier_transport::{Endpoint, Event, Link, LinkConfig, Priority};
use frontlas::plane::{Plane, PlaneConfig};
use frontlas::{Bounds, PlaneAccess};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

/// Within this everything happens, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// A plane over a directory.
pub(crate) struct World {
    pub(crate) directory: Arc<Moody>,
    pub(crate) addr: SocketAddr,
    pub(crate) stop: CancellationToken,
}

/// A frontier made by hand.
pub(crate) struct Frontier {
    link: Link,
    pub(crate) welcome: Welcome,
    last_id: u64,
}

/// An answer to a report, owned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) id: u64,
    pub(crate) code: Code,
    pub(crate) resync: bool,
    pub(crate) superseded: Vec<Superseded>,
}

impl World {
    /// With a time to live that no test waits for.
    pub(crate) fn new() -> Self {
        Self::with(Duration::from_secs(3600), |_| {})
    }

    /// Where each frontier may have so much.
    pub(crate) fn bounded(bounds: Bounds) -> Self {
        Self::on(Moody::bounded(bounds), |_| {}, PlaneAccess::open())
    }

    pub(crate) fn with(alive: Duration, set: impl FnOnce(&mut PlaneConfig)) -> Self {
        Self::on(Moody::new(alive), set, PlaneAccess::open())
    }

    /// Where those who connect say who they are.
    pub(crate) fn guarded(access: PlaneAccess, set: impl FnOnce(&mut PlaneConfig)) -> Self {
        Self::on(Moody::new(Duration::from_secs(3600)), set, access)
    }

    fn on(directory: Arc<Moody>, set: impl FnOnce(&mut PlaneConfig), access: PlaneAccess) -> Self {
        let mut config = PlaneConfig::local((std::net::Ipv4Addr::LOCALHOST, 0).into());
        set(&mut config);
        let plane = Plane::bind(config, directory.clone()).expect("a free port").with_access(access);
        let (addr, stop) = (plane.addr(), CancellationToken::new());
        tokio::spawn(plane.run(stop.clone()));
        Self { directory, addr, stop }
    }

    pub(crate) async fn frontier(&self, id: &str) -> Frontier {
        self.connect(&hello(id, 0)).await.expect("a welcome")
    }

    pub(crate) async fn connect(&self, hello: &Hello<'_>) -> Result<Frontier, (Code, String)> {
        let mut link = dial(self.addr).await;
        link.handle().send(Priority::Reply, |out| hello.encode(out)).expect("the link stands");
        let frame = next(&mut link).await.expect("an answer");
        if frame.kind == Kind::Reject {
            let Reject { code, text, .. } = Reject::parse(&frame).expect("a whole frame");
            return Err((code, text.to_owned()));
        }
        Ok(Frontier { link, welcome: Welcome::parse(&frame).expect("a whole frame"), last_id: 0 })
    }

    /// The edges that are known, each with its frontier.
    pub(crate) async fn edges(&self) -> Vec<(u64, String)> {
        use frontlas::Directory;
        let page = self.directory.inner.edges(0, 1000).await.expect("it answers");
        page.items.into_iter().map(|edge| (edge.id, edge.frontier_id)).collect()
    }

    /// The frontiers that live.
    pub(crate) async fn frontiers(&self) -> Vec<String> {
        use frontlas::Directory;
        let frontiers = self.directory.inner.frontiers().await.expect("it answers");
        frontiers.into_iter().map(|frontier| frontier.id).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Frontier {
    pub(crate) fn send(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
        self.link.handle().send(Priority::Reply, encode).expect("the link stands");
    }

    /// Sends a report without waiting for its answer.
    pub(crate) fn tell(&mut self, part: Part, entries: Vec<Entry<'_>>) -> u64 {
        self.last_id += 1;
        self.send(|out| Report { part, draining: false, entries }.encode(self.last_id, out));
        self.last_id
    }

    /// The answer to a report.
    pub(crate) async fn report(&mut self, part: Part, entries: Vec<Entry<'_>>) -> Ack {
        let id = self.tell(part, entries);
        self.answer(id).await
    }

    /// The answer to the report of this id; what comes unasked before it is passed over.
    pub(crate) async fn answer(&mut self, id: u64) -> Ack {
        loop {
            let ack = self.ack().await;
            if ack.id == id {
                return ack;
            }
        }
    }

    /// Tells all that there is, in one part.
    pub(crate) async fn snapshot(&mut self, entries: Vec<Entry<'_>>) -> Ack {
        self.report(Part::Snapshot { first: true, last: true }, entries).await
    }

    /// The next answer or notice about reports.
    pub(crate) async fn ack(&mut self) -> Ack {
        let frame = loop {
            let frame = self.frame().await.expect("the connection stands");
            if frame.kind != Kind::Plan {
                break frame;
            }
        };
        let ReportAck { code, resync, superseded, .. } = ReportAck::parse(&frame).expect("a whole frame");
        Ack { id: frame.id, code, resync, superseded }
    }

    /// The next frame. Lists of the others come whenever they have changed, and are passed over.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            let frame = next(&mut self.link).await?;
            if frame.kind != Kind::Members {
                return Some(frame);
            }
        }
    }

    /// The ids in the next list of the others.
    pub(crate) async fn members(&mut self) -> Vec<String> {
        loop {
            let frame = next(&mut self.link).await.expect("the connection stands");
            if frame.kind == Kind::Members {
                assert!(frame.flags.has(Flags::SKIPPABLE));
                let Members { is_first, is_last, others } = Members::parse(&frame).expect("a whole frame");
                assert!(is_first && is_last && others.iter().all(|it| it.servicebound == "tcp://s:1"));
                return others.iter().map(|it| it.frontier.to_owned()).collect();
            }
        }
    }

    /// Why frontlas ends the connection.
    pub(crate) async fn end(&mut self) -> Code {
        loop {
            let frame = self.frame().await.expect("a word before the end");
            if frame.kind == Kind::GoAway {
                return GoAway::parse(&frame).expect("a whole frame").code;
            }
        }
    }

    pub(crate) fn open_stream(&self) {
        let handle = self.link.handle();
        tokio::spawn(async move {
            let mut stream = handle.open_stream().await.expect("a stream");
            // Opens it; how it ends does not matter.
            let _ = stream.write_all(b"x").await;
            std::future::pending::<()>().await;
        });
    }
}

impl Ack {
    pub(crate) fn done(id: u64) -> Self {
        Self { id, code: Code::Ok, resync: false, superseded: Vec::new() }
    }
}

pub(crate) fn hello(id: &str, incarnation: u64) -> Hello<'_> {
    Hello {
        versions: (VERSION, VERSION),
        role: Role::Frontier,
        features: 0,
        max_frame: MIN_MAX_FRAME,
        heartbeat_ms: 0,
        id: incarnation,
        name: id,
        topics: Vec::new(),
        methods: Vec::new(),
        meta: b"",
        token: None,
        advertised: Advertised { servicebound: "tcp://s:1", edgebound: "tcp://e:1" },
        session: None,
    }
}

pub(crate) fn entry(op: Op, id: u64, stamp: u64) -> Entry<'static> {
    let addr = if matches!(op, Op::EdgeOnline | Op::ServiceOnline) { "192.0.2.7:1" } else { "" };
    Entry { op, id, stamp, addr, name: if op == Op::ServiceOnline { "s" } else { "" }, claim: None }
}

pub(crate) async fn dial(addr: SocketAddr) -> Link {
    let config = LinkConfig {
        max_frame: MIN_MAX_FRAME as usize,
        outbox_soft: 1 << 22,
        outbox_hard: 1 << 23,
        max_streams: 4,
        window_growth: 0,
        bulk_rate: 0,
    };
    let endpoint: Endpoint = format!("tcp://{addr}").parse().expect("a URL");
    frontier_transport::dial(&endpoint, &Default::default(), config).await.expect("it listens")
}

/// The next frame, or `None` at the end.
pub(crate) async fn next(link: &mut Link) -> Option<Frame> {
    let next = async {
        loop {
            if let Some(frame) = link.frame().expect("frames") {
                return Some(frame);
            }
            match link.next().await {
                Ok(Event::Frames) => {}
                Ok(event) => panic!("{event:?} from frontlas"),
                Err(_) => return None,
            }
        }
    };
    tokio::time::timeout(DEADLINE, next).await.expect("it comes in time")
}

/// Looks again and again until the condition holds.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let looks = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, looks).await.unwrap_or_else(|_| panic!("{what}: not in time"));
}
