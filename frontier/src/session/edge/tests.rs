//! What services are told of an edge as it comes, is superseded, is refused and leaves.

use super::super::handshake::Handshake;
use super::super::{Arrival, Context};
use super::*;
use crate::native::NativeOutlet;
use crate::session::Newcomer;
use crate::testing::{self, ADDR, Remote, TERMS};
use frontier_protocol::{
    Custom, EDGE_OFFLINE, EDGE_ONLINE, Flags, Frame, GoAway, Kind, Reject, Request, Response, Role,
};
use frontier_transport::{Accepted, Incoming, Link};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const ID: u64 = 7;

fn context() -> Arc<Context> {
    context_with(testing::config())
}

fn context_with(config: crate::Config) -> Arc<Context> {
    Arc::new(testing::context(Role::Edge, config))
}

/// An edge that has said Hello.
struct Dialled {
    session: JoinHandle<()>,
    frames: mpsc::UnboundedReceiver<Frame>,
    far: JoinHandle<()>,
}

impl Dialled {
    async fn new(context: &Arc<Context>, meta: &'static str) -> Self {
        Self::at(context, meta, Arrival::now(&context.exchange, ADDR)).await
    }

    async fn at(context: &Arc<Context>, meta: &'static str, arrival: Arrival) -> Self {
        let (near, far) = testing::links(context.limits.link(Role::Edge)).await;
        let handshake = Handshake {
            role: Role::Edge,
            id: ID,
            name: String::new(),
            topics: Vec::new(),
            methods: Vec::new(),
            meta: meta.into(),
            features: 0,
            terms: TERMS,
            session: None,
            presented: Default::default(),
            network: frontier_transport::Network::Tcp,
        };
        let (context, admission) = (context.clone(), testing::anyone(context));
        let session =
            tokio::spawn(async move { run(&context, handshake, admission, arrival, near.into()).await });
        let (frame_in, frames) = mpsc::unbounded_channel();
        let far = tokio::spawn(testing::drive(far, frame_in, mpsc::unbounded_channel().0));
        Self { session, frames, far }
    }

    async fn recv(&mut self) -> Frame {
        testing::soon(self.frames.recv()).await.expect("the link stands")
    }

    async fn is_welcomed(&mut self) {
        assert_eq!(self.recv().await.kind, Kind::Welcome);
    }

    async fn is_rejected(&mut self) -> Code {
        Reject::parse(&self.recv().await).unwrap().code
    }

    /// The connection breaks.
    fn die(&self) {
        self.far.abort();
    }
}

/// Takes the next event of a service: its name, and the meta of the edge.
async fn event(service: &mut Remote) -> (u64, String, String) {
    let frame = service.recv().await;
    let request = Request::parse(&frame).unwrap();
    let meta = &request.payload[10 + ADDR.to_string().len()..];
    (frame.id, request.method.to_owned(), String::from_utf8(meta.to_vec()).unwrap())
}

fn answer(service: &Remote, id: u64, code: Code) {
    let answer = Response { code, detail: 0, custom: Custom::plain(b""), payload: b"text" };
    service.send(|out| answer.encode_with(id, Flags::default(), out));
}

/// Expects an event and takes it well.
async fn told(service: &mut Remote, method: &str, meta: &str) {
    let (id, its_method, its_meta) = event(service).await;
    assert_eq!((its_method.as_str(), its_meta.as_str()), (method, meta));
    answer(service, id, Code::Ok);
}

async fn watcher(context: &Context) -> Remote {
    Remote::service(&context.exchange, 1, &[EDGE_ONLINE, EDGE_OFFLINE], &[]).await
}

#[tokio::test]
async fn services_know_before_the_welcome_and_hear_of_the_end_once() {
    let context = context();
    let mut service = watcher(&context).await;
    let mut edge = Dialled::new(&context, "a").await;
    let (id, ..) = event(&mut service).await;
    let exchange = &context.exchange;
    assert!(exchange.is_edge_taken(EdgeId(ID)) && exchange.edge(EdgeId(ID)).is_none());
    answer(&service, id, Code::Ok);
    edge.is_welcomed().await;
    assert!(exchange.edge(EdgeId(ID)).is_some());
    edge.die();
    told(&mut service, EDGE_OFFLINE, "a").await;
    testing::soon(edge.session).await.unwrap();
    assert!(!exchange.is_edge_taken(EdgeId(ID)) && service.rest().is_empty());
}

#[tokio::test]
async fn the_end_of_the_old_one_is_told_before_the_beginning_of_the_new_one() {
    let context = context();
    let mut service = watcher(&context).await;
    let mut old = Dialled::new(&context, "old").await;
    told(&mut service, EDGE_ONLINE, "old").await;
    old.is_welcomed().await;
    let mut new = Dialled::new(&context, "new").await;
    told(&mut service, EDGE_OFFLINE, "old").await;
    told(&mut service, EDGE_ONLINE, "new").await;
    new.is_welcomed().await;
    assert_eq!(GoAway::parse(&old.recv().await).unwrap().code, Code::Superseded);
    testing::soon(old.session).await.unwrap();
    assert!(context.exchange.edge(EdgeId(ID)).is_some());
    assert!(service.rest().is_empty());
}

#[tokio::test]
async fn of_a_chain_those_between_are_never_online() {
    let context = context();
    let mut service = watcher(&context).await;
    let mut first = Dialled::new(&context, "first").await;
    told(&mut service, EDGE_ONLINE, "first").await;
    first.is_welcomed().await;
    let mut second = Dialled::new(&context, "second").await;
    let (offline, method, _) = event(&mut service).await;
    assert_eq!(method, EDGE_OFFLINE);
    let mut third = Dialled::new(&context, "third").await;
    let mut fourth = Dialled::new(&context, "fourth").await;
    // Until the last of them has claimed the id.
    let exchange = &context.exchange;
    testing::soon(async {
        loop {
            let mut is_there = false;
            exchange.for_each_edge(|edge| {
                is_there |= matches!(edge.identity(), Identity::Edge { meta, .. } if meta == "fourth")
            });
            if is_there {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    answer(&service, offline, Code::Ok);
    told(&mut service, EDGE_ONLINE, "fourth").await;
    fourth.is_welcomed().await;
    assert_eq!(second.is_rejected().await, Code::Superseded);
    assert_eq!(third.is_rejected().await, Code::Superseded);
    assert!(service.rest().is_empty());
}

#[tokio::test]
async fn one_that_is_superseded_while_it_is_announced_is_called_off() {
    let context = context();
    let mut service = watcher(&context).await;
    let mut old = Dialled::new(&context, "old").await;
    let (online, ..) = event(&mut service).await;
    let old_peer = {
        let mut peer = None;
        context.exchange.for_each_edge(|edge| peer = Some(edge.clone()));
        peer.unwrap()
    };
    let mut new = Dialled::new(&context, "new").await;
    testing::soon(async {
        while !old_peer.outlet().is_closed() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    answer(&service, online, Code::Ok);
    told(&mut service, EDGE_OFFLINE, "old").await;
    told(&mut service, EDGE_ONLINE, "new").await;
    new.is_welcomed().await;
    assert_eq!(old.is_rejected().await, Code::Superseded, "and no Welcome before");
}

#[tokio::test]
async fn one_that_came_earlier_takes_nothing_over_from_one_that_was_quicker_to_say_hello() {
    let context = context();
    let earlier = Arrival::now(&context.exchange, ADDR);
    let mut quick = Dialled::new(&context, "quick").await;
    quick.is_welcomed().await;
    let mut slow = Dialled::at(&context, "slow", earlier).await;
    assert_eq!(slow.is_rejected().await, Code::Superseded);
    assert!(context.exchange.edge(EdgeId(ID)).is_some());
    assert!(quick.frames.try_recv().is_err());
}

#[tokio::test]
async fn a_refused_edge_gives_its_id_up_and_has_no_end_to_tell() {
    let context = context();
    let mut service = watcher(&context).await;
    let mut edge = Dialled::new(&context, "a").await;
    let (id, ..) = event(&mut service).await;
    answer(&service, id, Code::Application);
    assert_eq!(edge.is_rejected().await, Code::Denied);
    testing::soon(edge.session).await.unwrap();
    assert!(!context.exchange.is_edge_taken(EdgeId(ID)));
    assert!(service.rest().is_empty());
}

#[tokio::test]
async fn a_connection_that_dies_while_it_is_announced_is_told_to_have_left() {
    let context = context();
    let mut service = watcher(&context).await;
    let edge = Dialled::new(&context, "a").await;
    let (id, ..) = event(&mut service).await;
    edge.die();
    answer(&service, id, Code::Ok);
    told(&mut service, EDGE_OFFLINE, "a").await;
    testing::soon(edge.session).await.unwrap();
    assert!(!context.exchange.is_edge_taken(EdgeId(ID)));
}

#[tokio::test]
async fn a_session_that_breaks_off_leaves_nothing_behind() {
    let context = context();
    let mut edge = Dialled::new(&context, "old").await;
    edge.is_welcomed().await;
    edge.session.abort();
    assert!(testing::soon(edge.session).await.unwrap_err().is_cancelled());
    assert!(!context.exchange.is_edge_taken(EdgeId(ID)));
    let mut next = Dialled::new(&context, "new").await;
    next.is_welcomed().await;
}

#[tokio::test]
async fn an_edge_that_joins_as_the_gateway_stops_may_come_again() {
    let context = context();
    let mut service = watcher(&context).await;
    let mut announced = Dialled::new(&context, "a").await;
    let (id, ..) = event(&mut service).await;
    context.closing.set();
    context.exchange.for_each_edge(|edge| edge.outlet().close(frontier_exchange::CloseReason::Local));
    answer(&service, id, Code::Ok);
    told(&mut service, EDGE_OFFLINE, "a").await;
    assert_eq!(announced.is_rejected().await, Code::Draining);
    let mut late = Dialled::new(&context, "late").await;
    assert_eq!(late.is_rejected().await, Code::Draining);
    assert!(service.rest().is_empty());
}

#[tokio::test]
async fn a_service_that_answers_too_late_is_told_that_the_edge_did_not_come() {
    let mut config = testing::config();
    config.edgebound.callback_timeout = Duration::from_millis(50);
    let context = context_with(config);
    let mut service = watcher(&context).await;
    let mut edge = Dialled::new(&context, "a").await;
    let (online, ..) = event(&mut service).await;
    let cancel = service.recv().await;
    assert_eq!((cancel.kind, cancel.id), (Kind::Cancel, online));
    told(&mut service, EDGE_OFFLINE, "a").await;
    assert_eq!(edge.is_rejected().await, Code::Deadline);
}

#[tokio::test]
async fn an_idle_edge_is_small() {
    let context = context();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let io = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let newcomer = Newcomer::new(&context, 0, Accepted { incoming: Incoming::tcp(io), peer: ADDR });
    let session = super::super::run(context, newcomer.unwrap());
    // The session's task but for its link, the peer, and its place in the registry.
    let bytes = size_of_val(&session) - size_of::<Link>()
        + size_of::<Peer>()
        + size_of::<NativeOutlet>()
        + size_of::<(u64, usize)>();
    assert!(bytes <= 768, "{bytes} bytes, the session {}", size_of_val(&session));
}

/// It was let in before the gateway began to drain, and is online after the others have been told.
#[tokio::test]
async fn one_that_comes_while_the_gateway_drains_is_sent_away_at_once() {
    let context = context();
    let mut service = watcher(&context).await;
    let mut edge = Dialled::new(&context, "a").await;
    let (online, ..) = event(&mut service).await;
    let until = tokio::time::Instant::now() + Duration::from_secs(10);
    let urls: Vec<String> = (0..20).map(|n| format!("tcp://gateway-{n}:30012")).collect();
    let alternatives = super::super::Alternatives::new(&urls, std::iter::empty());
    context.notice.set(super::super::Notice::new(until, alternatives)).unwrap();
    answer(&service, online, Code::Ok);
    edge.is_welcomed().await;
    let frame = edge.recv().await;
    let GoAway { code, grace_ms, delay_ms, alternatives, .. } = GoAway::parse(&frame).unwrap();
    assert_eq!((code, delay_ms), (Code::Draining, 0));
    assert!((5_000..=10_000).contains(&grace_ms), "{grace_ms}");
    let known = alternatives.iter().filter(|url| urls.iter().any(|known| known == *url)).count();
    assert_eq!((alternatives.len(), known), (8, 8));
}

#[tokio::test]
async fn who_was_admitted_before_the_policy_changed_is_judged_by_the_new_one_though_nothing_is_enforced() {
    let context = context();
    // Its session runs only when this task waits.
    let mut edge = Dialled::new(&context, "a").await;
    testing::asks_for_tokens(&context, "edgebound");
    assert_eq!(edge.is_rejected().await, Code::Unauthenticated);
    assert!(!context.exchange.is_edge_taken(EdgeId(ID)));
}
