//! Calls and messages, small and large.

use super::Pair;
use bytes::Bytes;
use frontier_sdk::{Code, EdgeId, Request, Response};
use frontier_tests::within;
use std::time::Duration;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_call_goes_there_and_its_answer_comes_back() {
    let pair = Pair::start().await;
    let (edge, service) = (pair.edge(7).await, pair.service().await);
    for size in [0, 1, 64 * 1024, 64 * 1024 + 1, 4 * 1024 * 1024] {
        let data = Bytes::from(vec![7; size]);
        let call = service.call(edge.id(), "echo", data.clone()).custom("trace");
        let answer = within("an answer", call).await.unwrap();
        assert!(answer.data == data && answer.custom == "trace", "{size} bytes");
    }
    let error = service.call(edge.id(), "nothing", "").await.unwrap_err();
    assert_eq!(error.code(), Code::MethodNotFound);
}

#[tokio::test]
async fn many_call_at_once_and_each_gets_its_own_answer() {
    let pair = Pair::start().await;
    let service = pair.service().await;
    let mut edges = Vec::new();
    for id in 1..=5 {
        edges.push(pair.edge(id).await);
    }
    let mut callers = JoinSet::new();
    for caller in 0..20u64 {
        let service = service.clone();
        callers.spawn(async move {
            for call in 0..20 {
                let request = format!("{caller}/{call}");
                let answer = service.call(EdgeId(1 + (caller + call) % 5), "echo", request.clone()).await;
                assert_eq!(answer.unwrap().data, request);
            }
        });
    }
    within("all answers", callers.join_all()).await;
}

#[tokio::test]
async fn messages_go_there_in_order_with_and_without_an_ack() {
    let pair = Pair::start().await;
    let (edge, service) = (pair.edge(7).await, pair.service().await);
    // Those that wait for the first lookup are overtaken by none that comes later.
    for number in 0..50u8 {
        service.publish(edge.id(), vec![number]).topic("t").unacked().await.unwrap();
    }
    for number in 0..50u8 {
        let message = within("a message", edge.recv()).await.unwrap();
        assert_eq!((&message.data[..], &*message.topic), (&[number][..], "t"));
    }
    for size in [3, 100 * 1024] {
        let (published, ()) = tokio::join!(service.publish(edge.id(), vec![1; size]), async {
            let message = within("a message", edge.recv()).await.unwrap();
            assert_eq!(message.data.len(), size);
            message.done();
        });
        published.unwrap();
        let (published, ()) = tokio::join!(service.publish(edge.id(), vec![1; size]), async {
            drop(within("a message", edge.recv()).await.unwrap());
        });
        assert_eq!(published.unwrap_err().code(), Code::NotDone);
    }
}

#[tokio::test]
async fn a_deadline_passes_and_a_cancel_goes_through() {
    let pair = Pair::start().await;
    let (edge, service) = (pair.edge(7).await, pair.service().await);
    let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let (ended, mut ends) = tokio::sync::mpsc::unbounded_channel::<()>();
    let handler = move |_: Request| {
        let (begun, ended) = (begun.clone(), ended.clone());
        async move {
            begun.send(()).unwrap();
            // Dropped when the call is cancelled.
            let _ended = scopeguard(ended);
            std::future::pending::<()>().await;
            Ok(Response::new(""))
        }
    };
    edge.register("sleep", handler).await.unwrap();
    let late = service.call(edge.id(), "sleep", "").timeout(Duration::from_millis(300)).await;
    assert_eq!(late.unwrap_err().code(), Code::Deadline);
    within("the call came", begins.recv()).await.unwrap();
    within("the handler is stopped", ends.recv()).await.unwrap();
    let calling = tokio::spawn({
        let (service, id) = (service.clone(), edge.id());
        async move { service.call(id, "sleep", "").await }
    });
    within("the call came", begins.recv()).await.unwrap();
    calling.abort();
    within("the handler is stopped", ends.recv()).await.unwrap();
}

/// Says when it is dropped.
fn scopeguard(tell: tokio::sync::mpsc::UnboundedSender<()>) -> impl Drop {
    struct Guard(tokio::sync::mpsc::UnboundedSender<()>);
    impl Drop for Guard {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    Guard(tell)
}

#[tokio::test]
async fn an_edge_that_is_nowhere_is_not_online() {
    let pair = Pair::start().await;
    let service = pair.service().await;
    let error = service.call(EdgeId(404), "echo", "").await.unwrap_err();
    assert_eq!((error.code(), error.text()), (Code::EdgeNotOnline, "edge 404 is not online"));
    let large = service.call(EdgeId(404), "echo", vec![0; 100_000]).await.unwrap_err();
    assert_eq!(large.code(), Code::EdgeNotOnline);
    let error = service.open_stream(EdgeId(404)).await.unwrap_err();
    assert_eq!(error.code(), Code::EdgeNotOnline);
}
