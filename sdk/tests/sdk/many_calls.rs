//! Many calls of one task, whose answers come together.

use crate::gateway::{Gateway, MAX_PAYLOAD, soon};
use frontier_protocol::{GoAway, Kind, Request};
use frontier_sdk::{Calls, Code, EdgeId, Error};
use futures_util::{FutureExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;

async fn next<T>(calls: &mut Calls<T>) -> (T, Result<String, Error>) {
    let (tag, answer) = soon(calls.next()).await.expect("one is under way");
    (tag, answer.map(|answer| String::from_utf8(answer.data.to_vec()).unwrap()))
}

fn code<T>((tag, answer): (T, Result<String, Error>)) -> (T, Code) {
    (tag, answer.unwrap_err().code())
}

#[tokio::test]
async fn each_answer_comes_with_the_tag_of_its_call() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let mut calls = Calls::new();
    assert!(calls.is_empty() && soon(calls.next()).await.is_none() && calls.next_ready().is_none());
    for number in 0..300_u64 {
        let method = if number % 3 == 0 { "third" } else { "other" };
        calls.begin(service.call(EdgeId(number + 1), method, number.to_string()), number);
    }
    assert!((calls.len(), calls.next().now_or_never().is_none()) == (300, true));
    let mut asked = Vec::new();
    for number in 0..300_u64 {
        let frame = peer.expect(Kind::Request).await;
        let request = Request::parse(&frame).unwrap();
        assert_eq!(request.method, if number % 3 == 0 { "third" } else { "other" });
        asked.push((frame.id, request.payload.to_vec()));
    }
    asked.iter().rev().for_each(|(id, payload)| peer.respond(*id, payload));
    for number in (100..300).rev() {
        assert_eq!(next(&mut calls).await, (number, Ok(number.to_string())));
    }
    for number in (0..100).rev() {
        let (tag, answer) = match calls.next_ready() {
            Some(ready) => ready,
            None => soon(StreamExt::next(&mut calls)).await.unwrap(),
        };
        assert_eq!((tag, answer.unwrap().data), (number, number.to_string().into()));
    }
    assert!(calls.is_empty() && soon(calls.next()).await.is_none());
    // Others may follow.
    calls.begin(service.call(EdgeId(1), "more", ""), 7);
    let frame = peer.expect(Kind::Request).await;
    peer.respond(frame.id, b"more");
    assert_eq!(next(&mut calls).await, (7, Ok("more".to_owned())));
}

#[tokio::test]
async fn what_is_cancelled_or_dropped_is_told_and_its_late_answer_is_nobodys() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let mut calls = Calls::new();
    let first = calls.begin(edge.call("m", ""), Arc::new("first"));
    let answered = calls.begin(edge.call("m", ""), Arc::new("answered"));
    let [one, two] = [peer.expect(Kind::Request).await.id, peer.expect(Kind::Request).await.id];
    assert_eq!(calls.cancel(first).as_deref(), Some(&"first"));
    assert_eq!((calls.cancel(first), calls.len()), (None, 1));
    assert_eq!(peer.expect(Kind::Cancel).await.id, one);
    // The next call in the same place is another one.
    calls.begin(edge.call("m", ""), Arc::new("next"));
    let three = peer.expect(Kind::Request).await.id;
    peer.respond(one, b"late");
    peer.respond(two, b"2");
    peer.respond(three, b"3");
    assert_eq!(next(&mut calls).await, (Arc::new("answered"), Ok("2".to_owned())));
    assert_eq!(calls.cancel(answered), None);
    assert_eq!(next(&mut calls).await, (Arc::new("next"), Ok("3".to_owned())));
    // One whose answer is here, and was not taken: what is asked behind it is answered.
    let here = calls.begin(edge.call("m", ""), Arc::new("here"));
    let asked = peer.expect(Kind::Request).await.id;
    peer.respond(asked, b"here");
    let behind = async {
        let asked = peer.expect(Kind::Request).await.id;
        peer.respond(asked, b"");
    };
    soon(async { tokio::join!(edge.call("m", ""), behind) }).await.0.unwrap();
    assert_eq!(calls.cancel(here), Some(Arc::new("here")));
    assert!(calls.next_ready().is_none() && soon(calls.next()).await.is_none());
    let tag = Arc::new("dropped");
    for _ in 0..3 {
        calls.begin(edge.call("m", ""), tag.clone());
    }
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(peer.expect(Kind::Request).await.id);
    }
    calls.clear();
    calls.begin(edge.call("m", ""), tag.clone());
    asked.push(loop {
        let frame = peer.next().await;
        match frame.kind {
            Kind::Cancel => assert!(asked.contains(&frame.id)),
            _ => break frame.id,
        }
    });
    drop(calls);
    assert_eq!(peer.expect(Kind::Cancel).await.id, asked[3]);
    assert_eq!(Arc::strong_count(&tag), 1);
}

#[tokio::test]
async fn each_has_its_deadline_and_what_can_not_be_sent_says_why() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let mut calls = Calls::new();
    let soon_over = Duration::from_millis(20);
    calls.begin(service.call(EdgeId(1), "slow", ""), "patient");
    calls.begin(service.call(EdgeId(1), "slow", "").timeout(soon_over), "hasty");
    assert_eq!(code(next(&mut calls).await), ("hasty", Code::Deadline));
    let [patient, hasty] = [peer.expect(Kind::Request).await.id, peer.expect(Kind::Request).await.id];
    assert_eq!(peer.expect(Kind::Cancel).await.id, hasty);
    let too_long = vec![0; usize::try_from(MAX_PAYLOAD).unwrap() + 1];
    calls.begin(service.call(EdgeId(0), "m", ""), "nobody");
    calls.begin(service.call(EdgeId(1), "m", too_long), "too long");
    calls.begin(service.call(EdgeId(1), &"m".repeat(70_000), ""), "too long a name");
    calls.begin(service.call(EdgeId(1), "m", "").timeout(Duration::MAX), "for ever");
    for _ in 0..4 {
        let (tag, refused) = code(next(&mut calls).await);
        let expected = if tag == "nobody" { Code::EdgeNotOnline } else { Code::TooLarge };
        assert_eq!(refused, expected, "{tag}");
    }
    peer.respond(patient, b"done");
    assert_eq!(next(&mut calls).await, ("patient", Ok("done".to_owned())));
    assert!(calls.is_empty());
}

#[tokio::test]
async fn they_wait_for_a_connection_and_are_lost_with_it() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let mut calls = Calls::new();
    calls.begin(edge.call("m", ""), "lost");
    peer.expect(Kind::Request).await;
    peer.cut();
    assert_eq!(code(next(&mut calls).await), ("lost", Code::Disconnected));
    let cancelled = calls.begin(edge.call("m", "cancelled"), "cancelled");
    calls.begin(edge.call("m", "waits"), "waits");
    calls.begin(edge.call("m", vec![7; 100_000]), "long");
    assert_eq!(calls.cancel(cancelled), Some("cancelled"));
    let answering = async {
        let mut peer = gateway.welcome().await;
        let frame = peer.expect(Kind::Request).await;
        assert_eq!(Request::parse(&frame).unwrap().payload, b"waits");
        let long = peer.expect_stream().await;
        peer.respond(long.frame.id, b"long");
        peer.respond(frame.id, b"waited");
        peer
    };
    let answers = async { [next(&mut calls).await, next(&mut calls).await] };
    let (mut answers, _peer) = tokio::join!(answers, answering);
    answers.sort_by_key(|(tag, _)| *tag);
    assert_eq!(answers, [("long", Ok("long".to_owned())), ("waits", Ok("waited".to_owned()))]);
}

#[tokio::test]
async fn what_a_draining_gateway_puts_off_is_asked_at_the_next() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let connect = tokio::spawn(old.edge().url(&new.url).connect());
    let mut peer = old.welcome().await;
    let edge = soon(connect).await.unwrap().unwrap();
    let mut calls = Calls::new();
    let before = calls.begin(edge.call("m", "before"), "before");
    let question = peer.expect(Kind::Request).await;
    peer.send(|out| GoAway::new(Code::Draining, 10_000, "update").encode(out));
    let response = frontier_protocol::Response::error(Code::Draining, "");
    peer.send(|out| response.encode_with(question.id, frontier_protocol::Flags::default(), out));
    let answering = async {
        let mut next = new.welcome().await;
        let question = next.expect(Kind::Request).await;
        assert_eq!(Request::parse(&question).unwrap().payload, b"before");
        next.respond(question.id, b"there");
        next
    };
    let (answer, _next) = tokio::join!(next(&mut calls), answering);
    assert_eq!(answer, ("before", Ok("there".to_owned())));
    assert_eq!(calls.cancel(before), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_from_the_thread_of_connections_and_none_is_lost() {
    const CALLS: u32 = 20_000;
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let echo = tokio::spawn(async move {
        for _ in 0..CALLS {
            let frame = peer.expect(Kind::Request).await;
            peer.respond(frame.id, Request::parse(&frame).unwrap().payload);
        }
        peer
    });
    let calling = tokio::spawn(async move {
        let (mut calls, mut begun, mut ended) = (Calls::new(), 0, 0);
        while ended < CALLS {
            while begun < CALLS && calls.len() < 300 {
                calls.begin(edge.call("echo", begun.to_be_bytes().to_vec()), begun);
                begun += 1;
            }
            let (number, answer) = calls.next().await.unwrap();
            assert_eq!(answer.unwrap().data, number.to_be_bytes()[..]);
            ended += 1;
        }
        calls.is_empty()
    });
    let ended = tokio::time::timeout(Duration::from_secs(60), calling).await;
    assert!(ended.expect("no answer is lost").unwrap());
    drop(soon(echo).await.unwrap());
}

/// Bytes, and what shows whether they are there.
struct Held(Vec<u8>, #[expect(dead_code, reason = "it is counted")] Arc<()>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[tokio::test]
async fn a_call_that_could_not_be_sent_at_once_lets_go_of_its_payload_when_it_is_cancelled() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let mut calls = Calls::new();
    calls.begin(edge.call("m", ""), "goes on");
    let held = Arc::new(());
    let payload = bytes::Bytes::from_owner(Held(vec![0; 100_000], held.clone()));
    let long = calls.begin(edge.call("m", payload), "long");
    assert_eq!((Arc::strong_count(&held), calls.len()), (2, 2));
    assert_eq!(calls.cancel(long), Some("long"));
    assert_eq!(Arc::strong_count(&held), 1, "nobody polls it any more");
    let question = peer.expect(Kind::Request).await;
    peer.respond(question.id, b"answered");
    assert_eq!(next(&mut calls).await, ("goes on", Ok("answered".to_owned())));
}
