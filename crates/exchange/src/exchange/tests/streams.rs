//! Streams: to whom one goes, with what it begins, and how opening it fails.

use super::*;
use crate::{OpenError, RemoteCaller, StreamRequest, StreamTarget};
use frontier_protocol::ServiceId;

/// Whom a stream is for, and its name.
type To<'a> = (StreamTarget<'a>, &'a str);

const TO_SERVICE: To<'static> = (StreamTarget::Name, "service-1");
const TO_EDGE: To<'static> = (StreamTarget::Edge(EdgeId(EDGE)), "");

/// Opens a stream that the peer at its near end never reads. What is said to it.
async fn said(opener: &TestPeer, (to, name): To<'_>, meta: &[u8], excess: bool) -> Vec<Said> {
    let (near, far) = testing::legs::pair(testing::legs::WINDOW);
    let deadline = Instant::now() + Duration::from_secs(1);
    let request = StreamRequest { to, name, meta, trace: b"", deadline };
    opener.exchange.on_stream(&opener.peer, request, Box::new(near), excess).await;
    far.said()
}

async fn refusal(opener: &TestPeer, (to, name): To<'_>) -> Code {
    match &said(opener, (to, name), b"", false).await[..] {
        [Said::Refused(failure)] => failure.code,
        other => panic!("{other:?}"),
    }
}

/// Opens a stream, and uses it from both ends.
async fn used(opener: &TestPeer, target: &TestPeer, (to, name): To<'_>) -> Vec<Said> {
    let (near, mut far) = testing::legs::pair(testing::legs::WINDOW);
    let deadline = Instant::now() + Duration::from_secs(10);
    let request = StreamRequest { to, name, meta: b"meta", trace: b"", deadline };
    let stream = opener.exchange.on_stream(&opener.peer, request, Box::new(near), false);
    let uses = async {
        far.send(b"there").await;
        far.end().await;
        let mut other = loop {
            match target.outlet.take_opened().pop() {
                Some(other) => break other,
                None => tokio::task::yield_now().await,
            }
        };
        assert_eq!(other.rest().await, b"there");
        // The other direction is open still.
        other.send(b"and back").await;
        other.end().await;
        assert_eq!((far.rest().await, far.said()), (b"and back".to_vec(), vec![Said::Accepted]));
        other.said()
    };
    let ((), said) = testing::soon(async { tokio::join!(stream, uses) }).await;
    said
}

fn from(said: &[Said]) -> StreamFrom {
    let [Said::Stream { from, meta, timeout_ms: 1..=10_000 }] = said else { panic!("{said:?}") };
    assert_eq!(meta, b"meta");
    from.clone()
}

#[tokio::test]
async fn an_edge_opens_one_to_a_service_by_name() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    assert_eq!(from(&used(&edge, &service, TO_SERVICE).await), StreamFrom::Edge(EDGE, "service-1".into()));
}

#[tokio::test]
async fn a_service_opens_one_to_an_edge() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    assert_eq!(from(&used(&service, &edge, TO_EDGE).await), StreamFrom::Service(1, "service-1".into()));
}

#[tokio::test]
async fn one_of_another_gateway_is_the_services_and_not_the_gateways() {
    let exchange = testing::exchange();
    let (edge, origin) = (TestPeer::edge(&exchange, EDGE), TestPeer::origin_gateway(&exchange));
    let encoded = Box::default();
    let caller = Arc::new(RemoteCaller {
        id: ServiceId(3),
        name: "files".into(),
        grants: None,
        unreadable: None,
        encoded,
    });
    let to = |id| (StreamTarget::LocalEdge(EdgeId(id), &caller), "");
    assert_eq!(from(&used(&origin, &edge, to(EDGE)).await), StreamFrom::Service(3, "files".into()));
    assert_eq!(refusal(&origin, to(8)).await, Code::EdgeNotOnline);
}

#[tokio::test]
async fn what_can_not_be_opened_is_refused() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    assert_eq!(refusal(&edge, (StreamTarget::Name, "nope")).await, Code::ServiceNotOnline);
    assert_eq!(refusal(&service, (StreamTarget::Edge(EdgeId(8)), "")).await, Code::EdgeNotOnline);
    assert_eq!(refusal(&service, TO_SERVICE).await, Code::Protocol);
    assert_eq!(refusal(&edge, TO_EDGE).await, Code::Protocol);
    assert_eq!(refusal(&service, (StreamTarget::Unreadable("who?"), "")).await, Code::Protocol);
    let long = "n".repeat(256);
    assert_eq!(refusal(&service, (TO_EDGE.0, &long)).await, Code::TooLarge);
    assert_eq!(refusal(&edge, (TO_SERVICE.0, &long)).await, Code::TooLarge);
    assert!(
        matches!(&said(&edge, TO_SERVICE, &[0; 1025], false).await[..], [Said::Refused(it)] if it.code == Code::TooLarge)
    );
    assert!(
        matches!(&said(&edge, TO_SERVICE, b"", true).await[..], [Said::Refused(it)] if it.code == Code::Overloaded)
    );
    service.outlet.accept_next(Acceptance::Refused(Failure::plain(Code::StreamRefused)));
    assert_eq!(refusal(&edge, TO_SERVICE).await, Code::StreamRefused);
    service.outlet.refuse_legs(OpenError::TooMany(8));
    assert_eq!(refusal(&edge, TO_SERVICE).await, Code::Overloaded);
}

#[tokio::test]
async fn a_service_that_is_lost_meanwhile_is_passed_over() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let named = |id| Identity::Service { id: ServiceId(id), name: "files".into() };
    let services = [1, 2].map(|id| TestPeer::new(&exchange, named(id)).joined(&[], &[]));
    for service in &services {
        service.outlet.accept_next(Acceptance::Lost);
    }
    assert_eq!(refusal(&edge, (StreamTarget::Name, "files")).await, Code::ServiceNotOnline);
    services[0].outlet.close(CloseReason::Silent);
    let from = from(&used(&edge, &services[1], (StreamTarget::Name, "files")).await);
    assert_eq!(from, StreamFrom::Edge(EDGE, "files".into()));
}

#[tokio::test]
async fn a_service_that_leaves_while_its_leg_is_opened_is_passed_over() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    let opens = Arc::new(crate::Latch::default());
    service.outlet.open_after(&opens);
    let leaves = async {
        service.on(Inbound::Leave { is_draining: false }).unwrap();
        opens.set();
    };
    let (code, ()) = testing::soon(async { tokio::join!(refusal(&edge, TO_SERVICE), leaves) }).await;
    assert_eq!(code, Code::ServiceNotOnline);
    assert!(
        service.outlet.take_opened().iter().all(|leg| leg.said().is_empty()),
        "it might not see it any more"
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_nobody_takes_in_time_is_refused_and_the_targets_leg_reset() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    service.outlet.accept_next(Acceptance::Never);
    assert_eq!(refusal(&edge, TO_SERVICE).await, Code::Deadline);
    assert!(service.outlet.take_opened().iter().all(crate::Leg::is_reset));
}

#[tokio::test]
async fn an_opener_that_gives_up_resets_the_targets_leg() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    service.outlet.accept_next(Acceptance::Never);
    let (near, far) = testing::legs::pair(testing::legs::WINDOW);
    let request = StreamRequest {
        to: TO_SERVICE.0,
        name: TO_SERVICE.1,
        trace: b"",
        meta: b"",
        deadline: Instant::now() + Duration::from_secs(10),
    };
    let stream = exchange.on_stream(&edge.peer, request, Box::new(near), false);
    let gives_up = async {
        tokio::task::yield_now().await;
        drop(far);
    };
    testing::soon(async { tokio::join!(stream, gives_up) }).await;
    let opened = service.outlet.take_opened();
    assert!(opened.len() == 1 && opened.iter().all(crate::Leg::is_reset));
}

/// Waits until somebody waits for an edge, and says where it is.
async fn resolve(elsewhere: &Elsewhere, exchange: &Arc<Exchange>, found: Result<Found, Failure>) {
    while elsewhere.waiting().is_empty() {
        tokio::task::yield_now().await;
    }
    elsewhere.resolve(exchange, &found);
}

#[tokio::test]
async fn one_to_an_edge_elsewhere_goes_to_its_owner_and_is_looked_for_once_more() {
    let elsewhere = Arc::<Elsewhere>::default();
    let exchange = testing::exchange_reaching(elsewhere.clone());
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    let [first, second] = ["a", "b"].map(|id| TestPeer::owner_gateway(&exchange, id));
    first.outlet.accept_next(Acceptance::Refused(Failure::edge_not_online(EdgeId(EDGE))));
    let at = |owner: &TestPeer| Ok(Found::At(owner.peer.clone()));
    let (said, (), ()) =
        tokio::join!(used(&service, &second, TO_EDGE), resolve(&elsewhere, &exchange, at(&first)), async {
            while elsewhere.forgotten.lock().is_empty() {
                tokio::task::yield_now().await;
            }
            resolve(&elsewhere, &exchange, at(&second)).await;
        });
    assert_eq!(from(&said), StreamFrom::Remote(1, EDGE));
    // Nor twice.
    for owner in [&first, &second] {
        owner.outlet.accept_next(Acceptance::Refused(Failure::edge_not_online(EdgeId(EDGE))));
    }
    elsewhere.forgotten.lock().clear();
    let (code, (), ()) =
        tokio::join!(refusal(&service, TO_EDGE), resolve(&elsewhere, &exchange, at(&first)), async {
            while elsewhere.forgotten.lock().is_empty() {
                tokio::task::yield_now().await;
            }
            resolve(&elsewhere, &exchange, at(&second)).await;
        });
    assert_eq!((code, elsewhere.waiting()), (Code::EdgeNotOnline, vec![]));
}

#[tokio::test]
async fn one_to_an_edge_that_has_come_here_meanwhile_goes_there() {
    let elsewhere = Arc::<Elsewhere>::default();
    let exchange = testing::exchange_reaching(elsewhere.clone());
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    let edge = TestPeer::new(&exchange, testing::edge(EDGE));
    let (seat, _) = exchange.join_edge(&edge.peer).unwrap();
    let (said, ()) = tokio::join!(used(&service, &edge, TO_EDGE), async {
        while elsewhere.waiting().is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(seat.publish());
        elsewhere.resolve(&exchange, &Ok(Found::Here));
    });
    assert_eq!(from(&said), StreamFrom::Service(1, "service-1".into()));
    drop(seat);
    let (code, (), ()) =
        tokio::join!(refusal(&service, TO_EDGE), resolve(&elsewhere, &exchange, Ok(Found::Here)), async {
            tokio::task::yield_now().await;
            resolve(&elsewhere, &exchange, Ok(Found::Here)).await;
        });
    assert_eq!(code, Code::EdgeNotOnline);
}

/// It has said all that it has to say, and still waits to be told.
#[tokio::test]
async fn an_opener_that_ends_its_half_at_once_hears_what_became_of_its_stream() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 3, &[], &[]);
    for name in ["nobody", "service-3"].repeat(20) {
        let (near, mut far) = testing::legs::pair(testing::legs::WINDOW);
        far.end().await;
        let deadline = Instant::now() + Duration::from_secs(5);
        let request = StreamRequest { to: StreamTarget::Name, name, meta: b"", trace: b"", deadline };
        let carried = exchange.on_stream(&edge.peer, request, Box::new(near), false);
        if name == "nobody" {
            carried.await;
            let [Said::Refused(failure)] = &far.said()[..] else { panic!("{:?}", far.said()) };
            assert_eq!(failure.code, Code::ServiceNotOnline);
            continue;
        }
        let answers = async {
            let mut opened = loop {
                match service.outlet.take_opened().pop() {
                    Some(opened) => break opened,
                    None => tokio::task::yield_now().await,
                }
            };
            assert_eq!(opened.rest().await, b"");
            opened.end().await;
        };
        testing::soon(async { tokio::join!(carried, answers) }).await;
        assert_eq!(far.said(), [Said::Accepted]);
    }
}
