//! That no asker fills what others need as well: a service, an edge, a link, the lobby, the gateway's own calls.

use super::*;
use crate::{RemoteCaller, RemoteEdge, StreamRequest, StreamTarget, presence};
use frontier_protocol::{EDGE_OFFLINE, ServiceId};

/// Of `LIMITS`.
const CALLS: usize = 1000;
const STREAMS: usize = 8;

/// Calls until one is refused: how many were not, and the text of the refusal.
fn fill(asker: &TestPeer, to: Destination<'_>) -> (usize, String) {
    const FIRST: u64 = 10_000;
    for id in FIRST.. {
        asker.send(call(id, to));
        if let Some((refused, code, text)) = asker.told().pop() {
            assert_eq!((refused, code), (id, Code::Overloaded), "{text}");
            return (usize::try_from(id - FIRST).unwrap(), text);
        }
    }
    unreachable!("one is refused")
}

#[test]
fn one_edge_does_not_fill_a_service_with_calls_and_gets_more_while_there_is_room() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    let [greedy, second, modest] = [7, 8, 9].map(|id| TestPeer::edge(&exchange, id));
    let (held, text) = fill(&greedy, Destination::Name);
    assert_eq!(held, CALLS / 4 * 3);
    assert_eq!(
        text,
        "the receiver has 750 of 1000 calls and messages in flight, and this sender its share of them \
         (limits.calls_per_connection)"
    );
    // Acked messages are the same.
    greedy.send(acked(5000, Destination::Name));
    assert_eq!(greedy.codes(), [(5000, Code::Overloaded)]);
    let (more, _) = fill(&second, Destination::Name);
    assert!((180..200).contains(&more), "{more}");
    modest.send(call(1, Destination::Name));
    assert!(modest.codes().is_empty(), "there is always a place for who has none");
    // What comes free goes to those who have least of it.
    let requests = service.requests();
    requests[..200].iter().for_each(|request| service.reply(request, ok()));
    greedy.codes();
    greedy.send(call(6000, Destination::Name));
    assert_eq!(greedy.codes().len(), 0, "550 is less than thrice what is free");
    let (more, _) = fill(&modest, Destination::Name);
    assert!(more >= 150, "{more}");
}

#[test]
fn one_service_does_not_fill_an_edge() {
    let exchange = testing::exchange();
    let _edge = TestPeer::edge(&exchange, EDGE);
    let [greedy, modest] = [1, 2].map(|id| TestPeer::service(&exchange, id, &[], &[]));
    assert_eq!(fill(&greedy, to_edge(EDGE)).0, CALLS / 4 * 3);
    modest.send(call(1, to_edge(EDGE)));
    assert!(modest.codes().is_empty());
}

#[test]
fn each_service_behind_the_link_of_another_gateway_has_a_share_of_its_own() {
    let exchange = testing::exchange();
    let _edge = TestPeer::edge(&exchange, EDGE);
    let links = [TestPeer::origin_gateway(&exchange), TestPeer::origin_gateway(&exchange)];
    let caller = |id| {
        Arc::new(RemoteCaller {
            id: ServiceId(id),
            name: "files".into(),
            grants: None,
            unreadable: None,
            encoded: Box::default(),
        })
    };
    let [greedy, modest] = [caller(1), caller(2)];
    let to = |caller| Destination::LocalEdge { edge: EdgeId(EDGE), caller, returns: false };
    assert_eq!(fill(&links[0], to(&greedy)).0, CALLS / 4 * 3);
    for id in 2000..2100 {
        links[0].send(call(id, to(&modest)));
    }
    assert!(links[0].codes().is_empty(), "the link is not one asker");
    links[1].send(call(1, to(&greedy)));
    assert!(links[1].codes().is_empty(), "nor is an id, which is another service at another gateway");
}

#[test]
fn each_edge_behind_the_link_of_another_gateway_has_a_share_of_its_own() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &["m"], &[]);
    let links = [TestPeer::origin_gateway(&exchange), TestPeer::origin_gateway(&exchange)];
    let edge = |id| RemoteEdge { is_verified: true, ..RemoteEdge::judged(EdgeId(id)) };
    let [greedy, modest] = [edge(7), edge(8)];
    let to = |edge| Destination::LocalName { edge, returns: false };
    let (held, text) = fill(&links[0], to(&greedy));
    assert_eq!(held, CALLS / 4 * 3);
    assert!(text.contains("and this sender its share of them"), "{text}");
    for id in 2000..2100 {
        links[0].send(call(id, to(&modest)));
    }
    assert!(links[0].codes().is_empty(), "the link is not one asker");
    links[1].send(call(1, to(&greedy)));
    assert!(links[1].codes().is_empty(), "nor is an id, which is another edge at another gateway");
    let here = TestPeer::edge(&exchange, 7);
    here.send(call(1, Destination::Name));
    assert!(here.codes().is_empty(), "those that are connected here have places too");
    // What the greedy one gives back is there for all.
    let requests = service.requests();
    requests[..300].iter().for_each(|request| service.reply(request, ok()));
    links[0].codes();
    links[0].send(call(3000, to(&greedy)));
    assert!(links[0].codes().is_empty());
}

#[test]
fn one_service_does_not_fill_the_link_to_another_gateway() {
    let elsewhere = Arc::<Elsewhere>::default();
    let exchange = testing::exchange_reaching(elsewhere.clone());
    let owner = TestPeer::owner_gateway(&exchange, "a");
    *elsewhere.known.lock() = Some(owner.peer.clone());
    let [greedy, modest] = [1, 2].map(|id| TestPeer::service(&exchange, id, &[], &[]));
    let (held, text) = fill(&greedy, to_edge(EDGE));
    assert_eq!(held, CALLS / 4 * 3);
    assert!(text.starts_with("the link to frontier a has 750 of 1000 "), "{text}");
    modest.send(call(1, to_edge(EDGE)));
    assert!(modest.codes().is_empty());
}

#[test]
fn one_service_does_not_fill_the_lobby() {
    let elsewhere = Arc::<Elsewhere>::default();
    let exchange = testing::exchange_with(|settings| {
        settings.remote = Some(elsewhere.clone());
        settings.limits.calls = 100_000;
    });
    let [greedy, modest] = [1, 2].map(|id| TestPeer::service(&exchange, id, &[], &[]));
    let (held, text) = fill(&greedy, to_edge(99));
    assert_eq!(held, 3072, "three quarters of 4096");
    assert!(text.contains("too many requests of this sender wait"), "{text}");
    modest.send(call(1, to_edge(98)));
    assert!(modest.codes().is_empty());
    // What was found makes room again.
    elsewhere.resolve(&exchange, &Err(Failure::edge_not_online(EdgeId(99))));
    assert_eq!(greedy.codes().len(), held);
    greedy.send(call(9000, to_edge(99)));
    assert!(greedy.codes().is_empty());
}

/// Opens a stream to the service, which is taken, and stays open as long as its far end is held.
async fn open(edge: &TestPeer) -> Result<MemoryLeg, Failure> {
    let (near, far) = testing::legs::pair(testing::legs::WINDOW);
    let deadline = Instant::now() + Duration::from_secs(10);
    let (exchange, peer) = (edge.exchange.clone(), edge.peer.clone());
    tokio::spawn(async move {
        let request =
            StreamRequest { to: StreamTarget::Name, name: "service-1", meta: b"", trace: b"", deadline };
        exchange.on_stream(&peer, request, Box::new(near), false).await;
    });
    testing::soon(async {
        loop {
            match far.said().pop() {
                Some(Said::Refused(failure)) => return Err(failure),
                Some(_) => return Ok(far),
                None => tokio::task::yield_now().await,
            }
        }
    })
    .await
}

#[tokio::test]
async fn one_edge_does_not_fill_a_service_with_streams() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    let [greedy, modest] = [7, 8].map(|id| TestPeer::edge(&exchange, id));
    let mut held = Vec::new();
    let failure = loop {
        match open(&greedy).await {
            Ok(leg) => held.push(leg),
            Err(failure) => break failure,
        }
    };
    assert_eq!((held.len(), failure.code), (STREAMS / 4 * 3, Code::Overloaded));
    assert_eq!(
        failure.text,
        "the receiver has 6 of 8 streams open, and this sender its share of them \
         (limits.streams_per_connection)"
    );
    let other = open(&modest).await.expect("the rest is kept for others");
    // Streams that the service has opened itself take room too.
    drop(other);
    service.outlet.set_streams(7);
    held.truncate(2);
    testing::soon(async {
        while service.peer.pending.lock().legs().total() > 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    held.push(open(&greedy).await.expect("2 is less than 3 * 1"));
    assert!(open(&greedy).await.is_err());
    // All is given back.
    drop(held);
    testing::soon(async {
        while service.peer.pending.lock().is_crowded() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_answers_no_callback_holds_up_its_own_edges_and_no_others() {
    let exchange = testing::exchange();
    let (slow, quick) = {
        let slow = TestPeer::service(&exchange, 1, &[EDGE_OFFLINE], &[]);
        let quick = TestPeer::service(&exchange, 2, &[EDGE_OFFLINE], &[]);
        (slow, quick)
    };
    // Each service gets some half of the edges.
    for id in 1..=10_000 {
        let edge = TestPeer::new(&exchange, testing::edge(id));
        let exchange = exchange.clone();
        tokio::spawn(async move {
            presence::offline(&exchange, &edge.peer, Duration::from_secs(5)).await;
        });
    }
    let mut quick_got = 0;
    for _ in 0..1000 {
        let requests = quick.requests();
        quick_got += requests.len();
        requests.iter().for_each(|request| quick.reply(request, ok()));
        tokio::task::yield_now().await;
    }
    assert!(quick_got > 4500, "{quick_got}");
    assert_eq!(slow.requests().len(), 3072, "three quarters of the gateway's own calls, and no more");
}
