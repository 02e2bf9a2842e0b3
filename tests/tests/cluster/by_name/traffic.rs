//! Calls, messages and streams, small and large, both ways.

use super::{Trio, echo, reaches};
use frontier_sdk::{Code, EdgeId, Peer};
use frontier_tests::{DEADLINE, eventually, within};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn services_at_one_gateway_are_reached_from_all_and_reach_all() {
    let trio = Trio::start().await;
    let service = trio.service(0).await;
    for gateway in 0..3 {
        let id = 7 + gateway as u64;
        let edge = trio.edge(gateway, id).await;
        assert_eq!(reaches(&edge).await, "f1");
        for size in [0, 1, 64 * 1024, 64 * 1024 + 1, 4 * 1024 * 1024] {
            let data = vec![7; size];
            let call = edge.call("echo", data.clone()).custom("a header of the user");
            let answer = within("an answer", call).await.unwrap();
            assert!(answer.data == data && answer.custom == "a header of the user", "{size} bytes");
        }
        let error = edge.call("nothing", "").await.unwrap_err();
        assert_eq!(error.code(), Code::MethodNotFound);
        let error = edge.publish("nothing", "").await.unwrap_err();
        assert_eq!(error.code(), Code::TopicNotOnline);
        for size in [3, 100 * 1024] {
            let (published, ()) = tokio::join!(edge.publish("t", vec![1; size]), async {
                let message = within("a message", service.recv()).await.unwrap();
                assert_eq!((message.data.len(), &*message.topic), (size, "t"));
                message.done();
            });
            published.unwrap();
        }
        for number in 0..50u8 {
            edge.publish("t", vec![number]).unacked().await.unwrap();
        }
        for number in 0..50u8 {
            assert_eq!(within("a message", service.recv()).await.unwrap().data, vec![number]);
        }
        trio.frontlas.finds(id, super::IDS[gateway]).await;
        let answer = service.call(EdgeId(id), "echo", "back").await.unwrap();
        assert_eq!(answer.data, "back");
    }
}

#[tokio::test]
async fn a_stream_has_both_ends_half_closes_and_is_reset() {
    let trio = Trio::start().await;
    let service = trio.service(0).await;
    let edge = trio.edge(1, 7).await;
    reaches(&edge).await;
    let (opened, accepted) = tokio::join!(
        async { edge.open_stream("files").meta("meta").await },
        within("a stream", service.accept_stream())
    );
    let (mut client, mut server) = (opened.unwrap(), accepted.unwrap());
    assert_eq!((server.peer(), &server.meta()[..]), (&Peer::Edge(EdgeId(7)), &b"meta"[..]));
    let writing = tokio::spawn(async move {
        client.write_all(&vec![42; 1024 * 1024]).await.unwrap();
        client.shutdown().await.unwrap();
        client
    });
    let mut bytes = Vec::new();
    within("the end", server.read_to_end(&mut bytes)).await.unwrap();
    assert_eq!(bytes.len(), 1024 * 1024);
    server.write_all(b"after the other half is closed").await.unwrap();
    server.shutdown().await.unwrap();
    let mut client = writing.await.unwrap();
    bytes.clear();
    within("the end", client.read_to_end(&mut bytes)).await.unwrap();
    assert_eq!(bytes, b"after the other half is closed");

    let (opened, accepted) =
        tokio::join!(async { edge.open_stream("files").await }, within("a stream", service.accept_stream()));
    let mut server = accepted.unwrap();
    opened.unwrap().reset();
    let error = within("the reset", server.read(&mut [0; 8])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let error = edge.open_stream("nobody").await.unwrap_err();
    assert_eq!(error.code(), Code::ServiceNotOnline);
}

#[tokio::test]
async fn a_service_here_is_nearer_and_several_elsewhere_share_the_edges() {
    let trio = Trio::start().await;
    let (_first, second) = (trio.service(0).await, trio.service(1).await);
    let near = trio.edge(0, 1).await;
    for _ in 0..20 {
        assert_eq!(reaches(&near).await, "f1");
    }
    let mut counts = BTreeMap::<String, usize>::new();
    let mut edges = Vec::new();
    for id in 100..140 {
        edges.push(trio.edge(2, id).await);
    }
    // Both are known.
    let both = async || {
        let mut found = std::collections::BTreeSet::new();
        for edge in &edges {
            found.insert(reaches(edge).await);
        }
        (found.len() == 2).then_some(())
    };
    eventually(DEADLINE, "both are asked", both).await;
    for edge in &edges {
        *counts.entry(reaches(edge).await).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count >= 8), "{counts:?}");
    // The one that is left serves all, and a name that comes later is reached soon.
    second.close().await.unwrap();
    for edge in &edges {
        let called = async || edge.call("where", "").await.ok().filter(|it| it.data == "f1").map(drop);
        eventually(DEADLINE, "the other one answers", called).await;
    }
    let third = trio.gateways[2].service("late").connect().await.unwrap();
    third.register("late", echo).await.unwrap();
    let called = async || near.call("late", "").await.ok().map(drop);
    eventually(std::time::Duration::from_secs(1), "it is reached within a second", called).await;
    third.unregister("late").await.unwrap();
    let called = async || (near.call("late", "").await.err()?.code() == Code::MethodNotFound).then_some(());
    eventually(DEADLINE, "it is gone", called).await;
}

#[tokio::test]
async fn a_gateway_that_does_not_forward_keeps_its_edges_to_itself() {
    let mut trio = Trio::start().await;
    let _service = trio.service(0).await;
    let alone = crate::world::member("alone", &[trio.frontlas.addr]).start().await;
    let edge = alone.edge().id(EdgeId(7)).connect().await.unwrap();
    assert_eq!(edge.call("echo", "").await.unwrap_err().code(), Code::MethodNotFound);
    let other = trio.edge(1, 8).await;
    reaches(&other).await;
    // Frontlas away changes nothing of what is known.
    trio.frontlas = trio.frontlas.restart_empty().await;
    assert_eq!(reaches(&other).await, "f1");
}
