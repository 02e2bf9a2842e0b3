//! Gateways that are killed, and services that go from one to another.

use super::{Trio, reaches};
use frontier_sdk::{Code, Edge, Request};
use frontier_tests::{DEADLINE, eventually, within};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

#[tokio::test]
async fn when_a_gateway_is_killed_only_what_was_in_flight_there_fails() {
    let mut trio = Trio::start().await;
    let (begun, mut begins) = mpsc::unbounded_channel();
    let mut services = Vec::new();
    for gateway in 0..2 {
        let begun = begun.clone();
        let sleeps = move |_: Request| {
            let begun = begun.clone();
            async move {
                let _ = begun.send(gateway);
                std::future::pending().await
            }
        };
        services.push(trio.builder(gateway).register("sleep", sleeps).connect().await.unwrap());
    }
    let mut edges = Vec::new();
    for id in 1..=40 {
        let edge = trio.edge(2, id).await;
        reaches(&edge).await;
        edges.push(edge);
    }
    let mut calling = JoinSet::new();
    for edge in &edges {
        let edge = edge.clone();
        calling.spawn(async move { edge.call("sleep", "").timeout(DEADLINE).await.unwrap_err() });
    }
    let mut killed = 0;
    for _ in 0..edges.len() {
        killed += usize::from(within("a call comes", begins.recv()).await == Some(1));
    }
    assert!(killed > 0 && killed < edges.len(), "both have some: {killed}");
    trio.gateways[1].kill().await;
    for _ in 0..killed {
        let error = within("it is answered", calling.join_next()).await.unwrap().unwrap();
        assert_eq!(error.code(), Code::Disconnected, "{}", error.text());
        assert!(error.text().contains("frontier f2"), "{}", error.text());
    }
    assert!(calling.try_join_next().is_none(), "the others go on");
    for edge in &edges {
        assert_eq!(text_of(edge).await, "f1", "and nothing new fails");
    }
}

async fn text_of(edge: &Edge) -> String {
    super::text(edge.call("where", "").await.expect("a service answers"))
}

#[tokio::test]
async fn a_service_that_goes_from_gateway_to_gateway_is_missed_by_nobody() {
    let trio = Trio::start().await;
    let mut service = trio.service(0).await;
    let edge = trio.edge(2, 7).await;
    reaches(&edge).await;
    let calls = tokio::spawn({
        let edge = edge.clone();
        async move {
            let (mut answered, mut failed) = (0, Vec::new());
            loop {
                match edge.call("where", "").timeout(DEADLINE).await {
                    Ok(response) if response.data == "f3" => return (answered, failed),
                    Ok(_) => answered += 1,
                    Err(error) => failed.push(error.to_string()),
                }
            }
        }
    });
    for gateway in [1, 0, 1, 0, 1] {
        let next = trio.service(gateway).await;
        let known = async || (reaches(&edge).await == super::IDS[gateway]).then_some(());
        // It is chosen by its gateway's id among the two, so it may not be asked before the other one is gone.
        let _ =
            tokio::time::timeout(std::time::Duration::from_millis(300), eventually(DEADLINE, "known", known))
                .await;
        service.close().await.unwrap();
        eventually(DEADLINE, "it answers there", known).await;
        service = next;
    }
    let _last = trio.service(2).await;
    let (answered, failed) = within("the last one answers", calls).await.unwrap();
    assert!(answered > 100 && failed.is_empty(), "{answered} {failed:#?}");
}
