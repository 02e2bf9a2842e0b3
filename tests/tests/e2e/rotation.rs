//! New certificates and a new CA, under edges that are connected and at work.

use crate::fleet::{Fleet, Post};
use frontier_sdk::Status;
use frontier_tests::{
    Authority, DEADLINE, Gateway, Network, SERVER_NAME, Validity, connect_error, eventually,
};
use std::time::Duration;

/// Calls each way between two changes, and after the last one.
const CALLS: u64 = 300;

/// Within this a gateway has noticed a change and let an edge in, also on a busy machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_edges_over_tls_notice_nothing_of_new_certificates_and_a_new_ca() {
    nobody_notices(Network::Tls, 1000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_edges_over_quic_notice_nothing_of_new_certificates_and_a_new_ca() {
    nobody_notices(Network::Quic, 1000).await;
}

/// A gateway whose edges show certificates of `ca`, and see one of it.
async fn gateway(net: Network, ca: &Authority) -> Gateway {
    let gateway = Gateway::over(net).set("log.level", "info").set("limits.heartbeat", "60s");
    let server = ca.server(&[SERVER_NAME], Validity::Now).write(gateway.dir(), "edges");
    gateway.certificates("edgebound", &[server]).mtls(ca, &[]).start().await
}

async fn nobody_notices(net: Network, edges: usize) {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let gateway = gateway(net, &old).await;
    let posts = [Post::at(&gateway).await];
    let edge = |trusted: &Authority, issuer: &Authority| {
        let tls = issuer.client("edge", &[], Validity::Now).shown_by(trusted.trusted());
        gateway.edge().tls(tls).connect_timeout(CONNECT_TIMEOUT)
    };
    let fleet = Fleet::of(edges, || edge(&old, &old)).await;
    let load = fleet.calls(&posts);
    load.go_on(CALLS).await;
    let stranger = "our certificate is not signed by a CA that is trusted there";
    assert!(connect_error(|| edge(&old, &new)).await.ends_with(stranger));

    // Clients of both are to be let in. Whoever is refused tries again until the gateway has noticed.
    gateway.trust(&[&old, &new]);
    let first = edge(&old, &new).connect().await.expect("clients of the new CA get in");
    load.go_on(CALLS).await;

    // The gateway is to show a certificate of the new CA.
    new.server(&[SERVER_NAME], Validity::Now).write(gateway.dir(), "edges");
    let second = edge(&new, &old).connect().await.expect("the new certificate is seen");
    let unknown = "the server's certificate is not signed by a CA that is trusted here";
    assert!(connect_error(|| edge(&old, &old)).await.ends_with(unknown));
    load.go_on(CALLS).await;

    // The old CA is gone. Those whom it vouches for would be refused now, but stay.
    gateway.trust(&[&new]);
    gateway.hang_up();
    let reloaded = format!("reloaded: {} would be refused now, left as they are cause=SIGHUP", edges + 1);
    eventually(DEADLINE, &reloaded, async || gateway.log().find(&reloaded)).await;
    assert!(connect_error(|| edge(&new, &old)).await.ends_with(stranger));
    let third = edge(&new, &new).connect().await.expect("clients of the new CA get in");
    load.go_on(CALLS).await;

    // No call has failed.
    load.stop().await;
    let others = [first, second, third];
    let [post] = &posts;
    let all = edges + others.len();
    assert_eq!((post.came(), post.left(), post.here()), (all, 0, all), "came, left, here");
    let mut edges = fleet.edges().iter().chain(&others);
    assert!(edges.all(|edge| edge.status().get() == Status::Connected));
    fleet.answers(post).await;
}
