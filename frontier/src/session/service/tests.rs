//! When a service is routed to, and which of two with the same id stays.

use super::super::handshake::Handshake;
use super::super::{Arrival, Context};
use super::*;
use crate::testing::{self, ADDR, Remote, TERMS};
use frontier_protocol::{Code, Custom, Frame, GoAway, Kind, Reject, Role};
use std::sync::Arc;
use tokio::sync::mpsc;

const ID: u64 = 5;

fn context() -> Arc<Context> {
    let mut config = testing::config();
    config.limits.names = 2;
    Arc::new(testing::context(Role::Service, config))
}

fn handshake() -> Handshake {
    Handshake {
        role: Role::Service,
        id: ID,
        name: "files".into(),
        topics: Vec::new(),
        methods: Vec::new(),
        meta: "".into(),
        features: 0,
        terms: TERMS,
        session: None,
        presented: Default::default(),
        network: frontier_transport::Network::Tcp,
    }
}

/// A service that has said Hello: what comes to it.
async fn dial(context: &Arc<Context>, topics: &[&str]) -> mpsc::UnboundedReceiver<Frame> {
    dial_at(context, topics, Arrival::now(&context.exchange, ADDR)).await
}

async fn dial_at(
    context: &Arc<Context>,
    topics: &[&str],
    arrival: Arrival,
) -> mpsc::UnboundedReceiver<Frame> {
    let (near, far) = testing::links(context.limits.link(Role::Service)).await;
    let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
    let handshake = Handshake { topics, ..handshake() };
    let (context, admission) = (context.clone(), testing::anyone(context));
    tokio::spawn(async move { run(&context, handshake, admission, arrival, near.into()).await });
    let (frame_in, frames) = mpsc::unbounded_channel();
    tokio::spawn(testing::drive(far, frame_in, mpsc::unbounded_channel().0));
    frames
}

/// Whether a message of that topic finds a service.
async fn takes_topic(context: &Context) -> bool {
    let edge = Remote::edge(&context.exchange, 99).await;
    let custom = Custom::plain(b"");
    let message = frontier_protocol::Publish { timeout_ms: 0, topic: "t", custom, payload: b"" };
    edge.send(|out| message.encode_with(1, frontier_protocol::Flags::ACKED, out));
    // It waits for its ack if it was routed, and fails at once if not.
    testing::soon(async {
        let mut edge = edge;
        loop {
            if edge.peer.sent() > 0 {
                return true;
            }
            if !edge.rest().is_empty() {
                return false;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

async fn recv(frames: &mut mpsc::UnboundedReceiver<Frame>) -> Frame {
    testing::soon(frames.recv()).await.expect("the link stands")
}

#[tokio::test]
async fn the_welcome_comes_before_anything_that_is_routed() {
    let context = context();
    let mut old = dial(&context, &["t"]).await;
    assert_eq!(recv(&mut old).await.kind, Kind::Welcome);
    // Someone asks all the time, while another connection takes over.
    let edge = Remote::edge(&context.exchange, 1).await;
    let publish = |id| {
        let custom = Custom::plain(b"");
        let message = frontier_protocol::Publish { timeout_ms: 0, topic: "t", custom, payload: b"" };
        edge.send(|out| message.encode_with(id, frontier_protocol::Flags::default(), out));
    };
    let mut new = dial(&context, &[]).await;
    let mut first = None;
    while first.is_none() {
        publish(0);
        tokio::task::yield_now().await;
        first = new.try_recv().ok();
    }
    assert_eq!(first.map(|frame| frame.kind), Some(Kind::Welcome));
    assert_eq!(recv(&mut new).await.kind, Kind::Publish, "the topics are kept");
    loop {
        let frame = recv(&mut old).await;
        if frame.kind == Kind::GoAway {
            break assert_eq!(GoAway::parse(&frame).unwrap().code, Code::Superseded);
        }
    }
}

#[tokio::test]
async fn one_that_came_earlier_takes_nothing_over_from_one_that_was_quicker_to_say_hello() {
    let context = context();
    let earlier = Arrival::now(&context.exchange, ADDR);
    let mut quick = dial(&context, &["t"]).await;
    assert_eq!(recv(&mut quick).await.kind, Kind::Welcome);
    let mut slow = dial_at(&context, &["t"], earlier).await;
    assert_eq!(Reject::parse(&recv(&mut slow).await).unwrap().code, Code::Superseded);
    assert!(quick.try_recv().is_err());
    assert!(takes_topic(&context).await);
}

#[tokio::test]
async fn one_that_asks_for_too_much_is_rejected_and_the_old_one_goes_on() {
    let context = context();
    let mut old = dial(&context, &["t"]).await;
    assert_eq!(recv(&mut old).await.kind, Kind::Welcome);
    let mut greedy = dial(&context, &["a", "b", "c"]).await;
    assert_eq!(Reject::parse(&recv(&mut greedy).await).unwrap().code, Code::Overloaded);
    assert!(old.try_recv().is_err());
    assert!(takes_topic(&context).await);
}

#[tokio::test]
async fn one_that_comes_as_the_gateway_stops_is_sent_away() {
    let context = context();
    context.closing.set();
    let mut late = dial(&context, &["t"]).await;
    assert_eq!(GoAway::parse(&recv(&mut late).await).unwrap().code, Code::Draining);
    assert!(testing::soon(late.recv()).await.is_none());
    assert!(!context.exchange.is_service_taken(ServiceId(ID)));
}

#[tokio::test]
async fn a_session_that_breaks_off_is_no_longer_routed_to() {
    let context = context();
    let (near, _far) = testing::links(context.limits.link(Role::Service)).await;
    let handshake = Handshake { topics: vec!["t".into()], ..handshake() };
    let arrival = Arrival::now(&context.exchange, ADDR);
    let mut session = Box::pin(run(&context, handshake, testing::anyone(&context), arrival, near.into()));
    // The first poll brings it online.
    tokio::select! {
        biased;
        () = &mut session => panic!("it goes on"),
        () = std::future::ready(()) => {}
    }
    assert!(context.exchange.is_service_taken(ServiceId(ID)));
    drop(session);
    assert!(!context.exchange.is_service_taken(ServiceId(ID)));
}

#[tokio::test]
async fn who_was_admitted_before_the_policy_changed_is_judged_by_the_new_one_though_nothing_is_enforced() {
    let context = context();
    // Its session runs only when this task waits.
    let mut frames = dial(&context, &["t"]).await;
    testing::asks_for_tokens(&context, "servicebound");
    let refused = testing::soon(frames.recv()).await.unwrap();
    assert_eq!(Reject::parse(&refused).unwrap().code, Code::Unauthenticated);
    assert!(!takes_topic(&context).await);
}
