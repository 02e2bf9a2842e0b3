//! Programs that are paused, as a laptop or a job is, and wake when another one has taken their place.

use frontier_sdk::EdgeId;
use frontier_tests::{DEADLINE, Gateway, Network, Process, eventually, within};
use std::time::Duration;

const ID: u64 = 7;

/// The paused one hears that it was superseded, and its replacement stays.
async fn ends(gateway: &Gateway, paused: &Process, replacement: &Process) {
    paused.thaw();
    eventually(DEADLINE, "it hears of its end", async || {
        paused.log().find("closed: a newer connection took over")
    })
    .await;
    assert_eq!(replacement.log().find("closed:"), None);
    let service = gateway.service("s").connect().await.unwrap();
    let echo = service.call(EdgeId(ID), "echo", "x").timeout(Duration::from_secs(5));
    assert_eq!(within("the replacement answers", echo).await.unwrap().data, "x");
}

async fn wakes(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let paused = Process::edge_of_id(&gateway, ID).await;
    paused.freeze();
    let replacement = Process::edge_of_id(&gateway, ID).await;
    ends(&gateway, &paused, &replacement).await;
}

#[tokio::test]
async fn a_paused_program_does_not_throw_out_its_replacement_over_tcp() {
    wakes(Network::Tcp).await;
}

#[tokio::test]
async fn a_paused_program_does_not_throw_out_its_replacement_over_tls() {
    wakes(Network::Tls).await;
}

#[tokio::test]
async fn a_paused_program_does_not_throw_out_its_replacement_over_a_websocket() {
    wakes(Network::Ws).await;
}

#[tokio::test]
async fn a_paused_program_does_not_throw_out_its_replacement_over_quic() {
    wakes(Network::Quic).await;
}

/// There is no farewell to be read: the gateway that had it is gone.
#[tokio::test]
async fn a_program_that_comes_back_does_not_throw_out_who_has_come_since() {
    let mut gateway = Gateway::start().await;
    let paused = Process::edge_of_id(&gateway, ID).await;
    paused.freeze();
    gateway.restart().await;
    let replacement = Process::edge_of_id(&gateway, ID).await;
    ends(&gateway, &paused, &replacement).await;
}
