//! Edges and services as processes that are killed and that hang, while the other side calls them.

use frontier_sdk::{Code, EdgeId, Service};
use frontier_tests::{Change, DEADLINE, Gateway, Load, Network, Presence, Process, eventually, within};
use nix::sys::signal::Signal;
use std::time::Duration;

/// How many answers show that things go on.
const MORE_CALLS: u64 = 200;

/// The deadline of a single call.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);

fn edge_id(peer: &Process) -> EdgeId {
    let line = peer.log().find("connected").expect("it is connected");
    EdgeId(line.split_whitespace().nth(1).expect("the line has an id").parse().expect("a number"))
}

async fn answers(service: &Service, edge: EdgeId) {
    eventually(DEADLINE, "the edge answers", async || {
        service.call(edge, "echo", "x").timeout(CALL_TIMEOUT).await.ok()
    })
    .await;
}

pub(crate) async fn a_service_that_is_killed(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let mut service = Process::service(&gateway).await;
    let edges = [gateway.edge().connect().await.expect("an edge")];
    let load = Load::start(&edges, "echo");
    load.go_on(MORE_CALLS).await;
    for _ in 0..3 {
        service.signal(Signal::SIGKILL);
        service.exit().await;
        // Nobody is there, and everyone is told so at once; over UDP the kernel does not tell.
        let error = edges[0].call("echo", "x").timeout(CALL_TIMEOUT).await.expect_err("nobody answers");
        let mut codes = vec![Code::MethodNotFound, Code::ServiceNotOnline, Code::Disconnected];
        codes.extend((net == Network::Quic).then_some(Code::Deadline));
        assert!(codes.contains(&error.code()), "{error}");
        service = Process::service(&gateway).await;
        load.go_on(MORE_CALLS).await;
    }
    let tally = load.stop().await;
    assert!(tally.failures() > 0);
}

pub(crate) async fn a_service_that_hangs(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let service = Process::service(&gateway).await;
    let edges = [gateway.edge().connect().await.expect("an edge")];
    let load = Load::start(&edges, "echo");
    load.go_on(MORE_CALLS).await;
    service.freeze();
    eventually(DEADLINE, "the gateway gives it up", async || gateway.log().find("no sign of life")).await;
    service.thaw();
    // It comes back by itself.
    load.go_on(MORE_CALLS).await;
    let tally = load.stop().await;
    assert!(tally.failures() > 0, "calls in flight must have failed");
}

pub(crate) async fn an_edge_that_is_killed(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let service = gateway.service("s").connect().await.expect("a service");
    let presence = Presence::of(&service).await.expect("a registration");
    let mut edge = Process::edge(&gateway).await;
    let id = edge_id(&edge);
    answers(&service, id).await;
    edge.signal(Signal::SIGKILL);
    edge.exit().await;
    let events = presence.wait(id, 2).await;
    assert_eq!(
        events.iter().map(|(change, _)| *change).collect::<Vec<_>>(),
        [Change::Online, Change::Offline]
    );
    let error = service.call(id, "echo", "x").await.expect_err("it is gone");
    assert_eq!(error.code(), Code::EdgeNotOnline);
}

pub(crate) async fn an_edge_that_hangs(net: Network) {
    let gateway = Gateway::over(net).quick().start().await;
    let service = gateway.service("s").connect().await.expect("a service");
    let presence = Presence::of(&service).await.expect("a registration");
    let edge = Process::edge(&gateway).await;
    let id = edge_id(&edge);
    answers(&service, id).await;
    edge.freeze();
    let call = service.call(id, "echo", "x").timeout(Duration::from_millis(200));
    assert_eq!(within("the call ends", call).await.expect_err("it hangs").code(), Code::Deadline);
    presence.wait(id, 2).await;
    let error = service.call(id, "echo", "x").await.expect_err("it was given up");
    assert_eq!(error.code(), Code::EdgeNotOnline);
    edge.thaw();
    // It comes back under the id that it had.
    answers(&service, id).await;
}
