//! Edges that are elsewhere than they were.

use super::{Pair, answers, edge};
use frontier_sdk::{Code, Edge, EdgeId};
use frontier_tests::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn an_edge_that_moves_is_called_wherever_it_is() {
    let pair = Pair::start().await;
    let service = pair.service().await;
    let mut last = Some(pair.edge(7).await);
    for (round, gateway) in [&pair.owner, &pair.origin, &pair.owner, &pair.origin].iter().enumerate() {
        drop(last.take());
        let here = edge(gateway, 7).await;
        pair.frontlas.finds(7, if round % 2 == 0 { "owner" } else { "origin" }).await;
        let addr = gateway.edges().to_string();
        assert_eq!(answers(&service, 7).await, addr, "round {round}");
        last = Some(here);
    }
}

/// The origin gateway knows an old location; all kinds of requests find the new one without a fault.
#[tokio::test]
async fn a_request_for_an_old_location_comes_back_and_goes_to_the_new_one() {
    let pair = Pair::start().await;
    let third = super::forwarding("third", &[pair.frontlas.addr]).start().await;
    let service = pair.service().await;
    let (mut homes, mut last) = ([&pair.owner, &third].into_iter().cycle(), None);
    let mut hop = async |at: &str| {
        let gateway = homes.next().unwrap();
        if let Some(before) = last.take() {
            Edge::close(&before).await.unwrap();
        }
        let here = edge(gateway, 7).await;
        pair.frontlas.finds(7, at).await;
        last = Some(here.clone());
        (here, gateway.edges().to_string())
    };
    let (_, addr) = hop("owner").await;
    assert_eq!(service.call(EdgeId(7), "where", "").await.unwrap().data, addr);

    let (_, addr) = hop("third").await;
    assert_eq!(service.call(EdgeId(7), "where", "").await.unwrap().data, addr, "a call");

    let (_edge, _) = hop("owner").await;
    let large = vec![7; 300_000];
    assert_eq!(service.call(EdgeId(7), "echo", large.clone()).await.unwrap().data, large, "a large call");

    let (here, _) = hop("third").await;
    let (published, ()) = tokio::join!(service.publish(EdgeId(7), "m"), async {
        within("a message", here.recv()).await.unwrap().done();
    });
    published.unwrap();

    let (here, _) = hop("owner").await;
    service.publish(EdgeId(7), "nobody waits").unacked().await.unwrap();
    assert_eq!(within("a message", here.recv()).await.unwrap().data, "nobody waits");

    let (here, _) = hop("third").await;
    let (opened, accepted) =
        tokio::join!(async { service.open_stream(EdgeId(7)).await }, here.accept_stream());
    let (mut client, mut server) = (opened.unwrap(), accepted.unwrap());
    client.write_all(b"bytes").await.unwrap();
    let mut bytes = [0; 5];
    within("bytes", server.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(&bytes, b"bytes");
}

/// Each of the gateways believes that the edge is at the other one.
#[tokio::test]
async fn two_gateways_that_believe_in_each_other_do_not_send_requests_round() {
    let pair = Pair::start().await;
    let here = pair.service().await;
    let there = pair.owner.service("files").connect().await.unwrap();
    let edge_there = pair.edge(1).await;
    let edge_here = edge(&pair.origin, 2).await;
    pair.frontlas.finds(2, "origin").await;
    // Now each of them has a link to the other, and knows a location there.
    answers(&here, 1).await;
    answers(&there, 2).await;
    edge_there.close().await.unwrap();
    edge_here.close().await.unwrap();
    pair.frontlas.has([]).await;
    for (service, id) in [(&here, 1), (&there, 2), (&here, 2), (&there, 1)] {
        let error =
            within("an answer", async { service.call(EdgeId(id), "where", "").await }).await.unwrap_err();
        assert_eq!(error.code(), Code::EdgeNotOnline);
    }
}
