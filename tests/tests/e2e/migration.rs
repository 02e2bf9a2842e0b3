//! QUIC connections whose address changes on the way, as behind a NAT that has forgotten it.

use frontier_sdk::{Edge, HandlerError, Request, Response, Service, Status, StatusWatch, Stream};
use frontier_tests::{Change, Gateway, Network, Presence, StallProxy, within};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};

/// How often the address changes.
const MOVES: usize = 3;

/// A stream carries so many parts of so many bytes: more than is under way at any time.
const PARTS: usize = 4;
const PART_SIZE: usize = 1024 * 1024;

/// How soon one that has nothing to say shows its new address. The gateway's patience is much longer.
const HEARTBEAT: Duration = Duration::from_millis(200);

/// The deadline of a call, during which whatever got lost comes again.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// An edge and a service, each behind a network that changes addresses.
struct World {
    _gateway: Gateway,
    networks: [StallProxy; 2],
    service: Service,
    presence: Presence,
    edge: Edge,
    statuses: [StatusWatch; 2],
}

impl World {
    async fn new() -> Self {
        let gateway = Gateway::over(Network::Quic).start().await;
        let networks = [StallProxy::to_edges(&gateway).await, StallProxy::to_services(&gateway).await];
        let service = networks[1].service("files").heartbeat(HEARTBEAT).call_timeout(CALL_TIMEOUT);
        let service = service.connect().await.unwrap();
        let presence = Presence::of(&service).await.unwrap();
        let edge = networks[0].edge().heartbeat(HEARTBEAT).call_timeout(CALL_TIMEOUT);
        let edge = edge.connect().await.unwrap();
        let statuses = [edge.status(), service.status()];
        Self { _gateway: gateway, networks, service, presence, edge, statuses }
    }

    /// From here on the gateway sees both at other ports, and whatever it sends to the old ones is lost.
    fn change_addresses(&self) {
        self.networks.iter().for_each(StallProxy::change_ports);
    }

    /// To be true at the end: edge and service have kept the connection that they began with.
    async fn had_one_connection_each(mut self) {
        for status in &mut self.statuses {
            assert_eq!(status.changed().now_or_never(), None, "its status has changed");
            assert_eq!(status.get(), Status::Connected);
        }
        let id = self.edge.id();
        within("a close", self.edge.close()).await.unwrap();
        let events = self.presence.wait(id, 2).await;
        let changes: Vec<_> = events.into_iter().map(|(change, _)| change).collect();
        assert_eq!(changes, [Change::Online, Change::Offline]);
    }
}

/// A method that tells when it is called, and answers when it may.
struct Held {
    called: mpsc::UnboundedReceiver<()>,
    go: Arc<Notify>,
}

impl Held {
    fn new() -> (Self, impl Fn(Request) -> Answer + Send + Sync + 'static) {
        let (tell, called) = mpsc::unbounded_channel();
        let go = Arc::<Notify>::default();
        let may = go.clone();
        let handler = move |request: Request| -> Answer {
            let _ = tell.send(());
            let may = may.clone();
            Box::pin(async move {
                may.notified().await;
                Ok(Response::new(request.data))
            })
        };
        (Self { called, go }, handler)
    }

    async fn is_called(&mut self) {
        within("the request comes", self.called.recv()).await.unwrap();
    }
}

type Answer = BoxFuture<'static, Result<Response, HandlerError>>;

#[tokio::test]
async fn calls_in_flight_both_ways_are_answered_after_the_address_has_changed() {
    let world = World::new().await;
    let (edge, service) = (&world.edge, &world.service);
    let (mut up, handler) = Held::new();
    service.register("up", handler).await.unwrap();
    let (mut down, handler) = Held::new();
    edge.register("down", handler).await.unwrap();
    for count in 0..MOVES {
        let request = format!("request {count}");
        let calls = async {
            tokio::join!(
                edge.call("up", request.clone()).into_future(),
                service.call(edge.id(), "down", request.clone()).into_future(),
            )
        };
        let meanwhile = async {
            up.is_called().await;
            down.is_called().await;
            world.change_addresses();
            up.go.notify_one();
            down.go.notify_one();
        };
        let ((up, down), ()) = tokio::join!(calls, meanwhile);
        assert_eq!([up, down].map(|answer| answer.unwrap().data), [request.clone(), request]);
    }
    world.had_one_connection_each().await;
}

#[tokio::test]
async fn streams_in_the_middle_of_it_go_on_after_the_address_has_changed() {
    let world = World::new().await;
    for is_up in [true, false] {
        let (opened, accepted) = if is_up {
            tokio::join!(world.edge.open_stream("files").into_future(), world.service.accept_stream())
        } else {
            let opened = world.service.open_stream(world.edge.id());
            tokio::join!(opened.into_future(), world.edge.accept_stream())
        };
        let mut accepted = accepted.unwrap();
        let writer = tokio::spawn(write(opened.unwrap()));
        for part in 0..PARTS {
            // More than fits the windows on the way, so the rest is still to come.
            if part > 0 {
                world.change_addresses();
            }
            let mut read = vec![0; PART_SIZE];
            let what = format!("part {part}, up: {is_up}");
            let reading = tokio::time::timeout(CALL_TIMEOUT, accepted.read_exact(&mut read)).await;
            reading.expect(&what).expect(&what);
            assert!(read == bytes(part), "{what} is wrong");
        }
        assert_eq!(within("the end", accepted.read(&mut [0])).await.unwrap(), 0);
        within("the end", writer).await.unwrap();
    }
    world.had_one_connection_each().await;
}

fn bytes(part: usize) -> Vec<u8> {
    (0..=250).cycle().skip(part).take(PART_SIZE).collect()
}

async fn write(mut stream: Stream) {
    for part in 0..PARTS {
        stream.write_all(&bytes(part)).await.unwrap();
    }
    stream.shutdown().await.unwrap();
}
