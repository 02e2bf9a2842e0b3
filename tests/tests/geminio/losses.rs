//! Clients whose connection is lost while the gateway lives: their path vanishes, or TCP is reset.

use crate::client::{Client, tail};
use crate::presence::{gives, hears, registry};
use frontier_geminio::RequestKind;
use frontier_tests::{Gateway, StallProxy};
use std::time::{Duration, Instant};

const ID: u64 = 7;

/// An edge with this id by this way, of which the service gives out the id and hears.
async fn comes(service: &mut Client, mut edge: Client, heartbeat: Duration) -> Client {
    let ((), ()) = tokio::join!(async { edge.introduce(0, b"em", heartbeat).await.unwrap() }, async {
        gives(service, Ok(&tail(ID))).await;
        assert_eq!(hears(service, Ok(b"")).await.0, "edge_online");
    });
    assert_eq!(edge.id, ID);
    edge
}

/// Calls of both sides are answered.
async fn works(service: &mut Client, edge: &mut Client) {
    let call = service.ask(RequestKind::Call, 1, "n", &tail(ID), b"down").await;
    let (id, request) = edge.asked().await;
    edge.answer(id, &request, Ok(b"from the edge")).await;
    assert_eq!(service.answer_to(call).await, Ok(b"from the edge".to_vec()));
    let call = edge.ask(RequestKind::Call, 1, "m", b"", b"up").await;
    let (id, request) = service.asked().await;
    assert_eq!((&*request.name, &request.custom[..]), ("m", &tail(ID)[..]));
    service.answer(id, &request, Ok(b"from the service")).await;
    assert_eq!(edge.answer_to(call).await, Ok(b"from the service".to_vec()));
}

#[tokio::test]
async fn a_client_whose_path_vanishes_is_gone_after_two_of_its_heartbeats() {
    let gateway = Gateway::start().await;
    let network = StallProxy::to_edges(&gateway).await;
    let mut service = registry(&gateway).await;
    service.register("m").await;
    let heartbeat = Duration::from_secs(5);
    let edge = Client::dial(network.addr()).await;
    let mut edge = comes(&mut service, edge, heartbeat).await;
    works(&mut service, &mut edge).await;
    network.blackhole();
    let begin = Instant::now();
    // What is asked of it ends with it.
    let call = service.ask(RequestKind::Call, 1, "n", &tail(ID), b"").await;
    assert_eq!(hears(&mut service, Ok(b"")).await, ("edge_offline".to_owned(), ID, "ZW0=".into()));
    let (silent, bound) = (begin.elapsed(), 2 * heartbeat);
    assert!(silent < bound + Duration::from_secs(10), "{silent:?}, not {bound:?}");
    assert!(service.answer_to(call).await.is_err());
    let edge = Client::dial(gateway.edges()).await;
    let mut edge = comes(&mut service, edge, heartbeat).await;
    works(&mut service, &mut edge).await;
}

#[tokio::test]
async fn calls_of_a_connection_that_is_cut_end_and_the_next_one_of_its_id_works() {
    let gateway = Gateway::start().await;
    let network = StallProxy::to_edges(&gateway).await;
    let mut service = registry(&gateway).await;
    service.register("m").await;
    let heartbeat = Duration::from_secs(20);
    let edge = Client::dial(network.addr()).await;
    let mut edge = comes(&mut service, edge, heartbeat).await;
    // Both ways something is in flight.
    let down = service.ask(RequestKind::Call, 1, "n", &tail(ID), b"").await;
    edge.asked().await;
    edge.ask(RequestKind::Call, 1, "m", b"", b"").await;
    let (up, request) = service.asked().await;
    network.cut();
    assert!(service.answer_to(down).await.is_err(), "it ends with the connection");
    assert_eq!(hears(&mut service, Ok(b"")).await.0, "edge_offline");
    edge.rest().await;
    let edge = Client::dial(network.addr()).await;
    let mut edge = comes(&mut service, edge, heartbeat).await;
    // The answer to what its predecessor asked is nobody's now.
    service.answer(up, &request, Ok(b"late")).await;
    works(&mut service, &mut edge).await;
}
