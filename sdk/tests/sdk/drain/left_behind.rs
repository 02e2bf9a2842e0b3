//! A service that goes to another gateway before its edges do.

use super::*;
use frontier_sdk::EdgeId;

/// Answers a question for an edge, in one way or the other.
async fn answer_for_edge(peer: &mut Peer, code: Code) {
    let question = peer.expect(Kind::Request).await;
    match code {
        Code::Ok => peer.respond(question.id, b"ok"),
        code => {
            let response = Response::error(code, "");
            peer.send(|out| response.encode_with(question.id, Flags::default(), out));
        }
    }
}

#[tokio::test]
async fn edges_that_have_not_come_yet_are_called_where_they_are() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let connect = tokio::spawn(old.service().url(&new.url).connect());
    let mut peer = old.welcome().await;
    let service: Service = soon(connect).await.unwrap().unwrap();
    drain(&peer);
    let mut next = new.welcome().await;
    assert_eq!(peer.expect(Kind::GoAway).await.code, Code::Draining);
    let away = Code::EdgeNotOnline;
    // At the new one, at the old one, and at the new one again: it may have moved meanwhile.
    for (answers, outcome) in [
        (vec![(true, Code::Ok)], Ok(())),
        (vec![(true, away), (false, Code::Ok)], Ok(())),
        (vec![(true, away), (false, away), (true, Code::Ok)], Ok(())),
        (vec![(true, away), (false, away), (true, away)], Err(away)),
        (vec![(true, away), (false, Code::Panicked)], Err(Code::Panicked)),
    ] {
        let answering = async {
            for (is_new, code) in answers {
                answer_for_edge(if is_new { &mut next } else { &mut peer }, code).await;
            }
        };
        let call = async { service.call(EdgeId(5), "m", "").await };
        let (called, ()) = soon(async { tokio::join!(call, answering) }).await;
        assert_eq!(called.map(drop).map_err(|error| error.code()), outcome);
    }
    peer.send(|out| go_away(Code::Ok, 0).encode(out));
    peer.expect_end().await;
    // There is nowhere else any more. The first call can't know whether the old one had the edge until now.
    for asked in [2, 1] {
        let answering = async {
            for _ in 0..asked {
                answer_for_edge(&mut next, away).await;
            }
        };
        let call = async { service.call(EdgeId(5), "m", "").await };
        let (called, ()) = soon(async { tokio::join!(call, answering) }).await;
        assert_eq!(called.unwrap_err().code(), away);
    }
}

#[tokio::test]
async fn streams_to_edges_that_have_not_come_yet_are_opened_where_they_are() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let connect = tokio::spawn(old.service().url(&new.url).connect());
    let mut peer = old.welcome().await;
    let service: Service = soon(connect).await.unwrap().unwrap();
    drain(&peer);
    let mut next = new.welcome().await;
    assert_eq!(peer.expect(Kind::GoAway).await.code, Code::Draining);
    let accept = async {
        let mut held = Vec::new();
        for (at, code) in [(&mut next, Code::EdgeNotOnline), (&mut peer, Code::Ok)] {
            let mut first = at.expect_stream().await;
            let mut ack = Vec::new();
            OpenAck { code, detail: 0, text: "" }.encode(&mut ack).unwrap();
            first.stream.write_all(&ack).await.unwrap();
            first.stream.flush().await.unwrap();
            held.push(first.stream);
        }
        held
    };
    let open = async { service.open_stream(EdgeId(5)).await };
    let (opened, _held) = soon(async { tokio::join!(open, accept) }).await;
    opened.unwrap();
}

#[tokio::test]
async fn edges_that_have_gone_on_before_the_service_are_called_where_it_comes_to() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let connect = tokio::spawn(old.service().url(&new.url).connect());
    let mut peer = old.welcome().await;
    let service: Service = soon(connect).await.unwrap().unwrap();
    drop(old);
    drain(&peer);
    new.accept().await.reject(Code::Overloaded, "").await;
    let answering = async {
        // The edge is asked for where it was, and in case that it has come there, once more.
        for _ in 0..2 {
            answer_for_edge(&mut peer, Code::EdgeNotOnline).await;
        }
        let mut next = new.welcome().await;
        answer_for_edge(&mut next, Code::Ok).await;
        next
    };
    let call = async { service.call(EdgeId(5), "m", "").await };
    let (called, _next) = soon(async { tokio::join!(call, answering) }).await;
    assert_eq!(called.unwrap().data, "ok");
}

#[tokio::test]
async fn edges_that_have_gone_where_the_service_can_not_go_are_not_waited_for() {
    let long = Duration::from_secs(3600);
    for is_cut in [false, true] {
        let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
        let connect = tokio::spawn(old.service().url(&new.url).backoff(long, long).connect());
        let mut peer = old.welcome().await;
        let service: Service = soon(connect).await.unwrap().unwrap();
        drop(old);
        drain(&peer);
        let answering = async {
            for _ in 0..2 {
                answer_for_edge(&mut peer, Code::EdgeNotOnline).await;
            }
            // It makes haste to find the edge, and the old connection may end meanwhile.
            let caller = new.accept().await;
            drop(new);
            if is_cut {
                peer.cut();
                caller.reject(Code::Overloaded, "").await;
                return None;
            }
            caller.reject(Code::Overloaded, "").await;
            // Once more where it was, in case that it has come back.
            answer_for_edge(&mut peer, Code::EdgeNotOnline).await;
            Some(peer)
        };
        let call = async { service.call(EdgeId(5), "m", "").await };
        let (called, _peer) = soon(async { tokio::join!(call, answering) }).await;
        assert_eq!(called.unwrap_err().code(), Code::EdgeNotOnline);
    }
}

#[tokio::test]
async fn services_that_come_to_the_next_gateway_after_the_edge_are_asked_when_they_are_there() {
    let (mut old, mut new) = (Gateway::bind(), Gateway::bind());
    let (edge, peer, caller) = moving(&mut old, &mut new).await;
    let mut next = caller.welcome();
    part(peer).await;
    let mut asked = async |code, times: usize| {
        let answering = async {
            for _ in 0..times {
                answer_for_edge(&mut next, code).await;
            }
            answer_for_edge(&mut next, Code::Ok).await;
        };
        soon(async { tokio::join!(edge.call("m", ""), answering) }).await.0
    };
    for missing in [Code::MethodNotFound, Code::ServiceNotOnline] {
        assert_eq!(asked(missing, 2).await.unwrap().data, "ok");
    }
    // They are not waited for beyond the deadline, and that they are not there is what is told.
    let answering = async {
        loop {
            answer_for_edge(&mut next, Code::MethodNotFound).await;
        }
    };
    let call = async { edge.call("m", "").timeout(Duration::from_millis(1500)).await };
    let called = soon(async {
        tokio::select! {
            called = call => called,
            () = answering => unreachable!("it answers for ever"),
        }
    });
    assert_eq!(called.await.unwrap_err().code(), Code::MethodNotFound);
}
