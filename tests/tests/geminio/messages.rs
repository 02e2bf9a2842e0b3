//! Messages, each acknowledged by its receiver.

use crate::client::{Client, tail};
use frontier_geminio::RequestKind;
use frontier_sdk::EdgeId;
use frontier_tests::{Gateway, within};

#[tokio::test]
async fn a_message_goes_by_topic_and_is_acknowledged_by_its_receiver() {
    let gateway = Gateway::start().await;
    let mut a = Client::service(&gateway, "a", &[], &["ta"]).await;
    let mut b = Client::service(&gateway, "b", &[], &["tb"]).await;
    let mut edge = Client::edge(&gateway).await;
    for (service, topic) in [(&mut a, "ta"), (&mut b, "tb")] {
        for outcome in [Ok(&b""[..]), Err("not today")] {
            let published = edge.ask(RequestKind::Message, 1, topic, b"own", b"news").await;
            let (id, message) = service.asked().await;
            assert_eq!((&*message.name, &message.payload[..]), (topic, &b"news"[..]));
            assert_eq!(&message.custom[..], [&b"own"[..], &tail(edge.id)].concat());
            service.answer(id, &message, outcome).await;
            let told = outcome.map(<[u8]>::to_vec).map_err(str::to_owned);
            assert_eq!(edge.answer_to(published).await, told);
        }
    }
}

#[tokio::test]
async fn messages_pass_between_the_wires() {
    let gateway = Gateway::start().await;
    let ours = gateway.service("ours").topics(["ours"]).connect().await.unwrap();
    let mut theirs = Client::service(&gateway, "theirs", &[], &["theirs"]).await;
    let (mut edge, our_edge) = (Client::edge(&gateway).await, gateway.edge().connect().await.unwrap());
    let (acked, ()) = tokio::join!(edge.publish("ours", b"own", b"up"), async {
        let message = within("a message", ours.recv()).await.unwrap();
        assert_eq!((&message.data[..], &message.custom[..]), (&b"up"[..], &b"own"[..]));
        message.done();
    });
    assert_eq!(acked, Ok(()));
    let (acked, ()) = tokio::join!(our_edge.publish("theirs", "up").into_future(), async {
        let (id, message) = theirs.asked().await;
        assert_eq!(&message.custom[..], tail(our_edge.id().0));
        theirs.answer(id, &message, Ok(b"")).await;
    });
    acked.unwrap();
    let (acked, ()) = tokio::join!(ours.publish(EdgeId(edge.id), "down").topic("t").into_future(), async {
        let (id, message) = edge.asked().await;
        assert_eq!((&*message.name, &message.payload[..], message.custom.len()), ("t", &b"down"[..], 0));
        edge.answer(id, &message, Ok(b"")).await;
    });
    acked.unwrap();
    let to_edge = tail(our_edge.id().0);
    let (acked, ()) = tokio::join!(theirs.publish("", &to_edge, b"down"), async {
        within("a message", our_edge.recv()).await.unwrap().done();
    });
    assert_eq!(acked, Ok(()));
    // Whoever wants no acknowledgement gets none, and the one that comes harms nobody.
    our_edge.publish("theirs", "unacked").unacked().await.unwrap();
    let (id, message) = theirs.asked().await;
    theirs.answer(id, &message, Ok(b"")).await;
    assert!(theirs.publish("", &tail(4711), b"").await.is_err(), "it is still connected");
}

#[tokio::test]
async fn a_message_to_nobody_stops_none_behind_it() {
    let gateway = Gateway::start().await;
    let mut service = Client::service(&gateway, "svc", &[], &[]).await;
    let edge = Client::edge(&gateway).await;
    let to = tail(edge.id);
    tokio::spawn(edge.echo());
    for _ in 0..3 {
        assert_eq!(service.publish("", &tail(4711), b"").await, Err("edge not online".to_owned()));
        assert_eq!(service.publish("", &to, b"").await, Ok(()));
    }
}

#[tokio::test]
async fn an_edge_that_acknowledges_nothing_delays_no_other_and_loses_no_calls() {
    let gateway = Gateway::start().await;
    let mut service = Client::service(&gateway, "svc", &[], &[]).await;
    let (mut silent, quick) = (Client::edge(&gateway).await, Client::edge(&gateway).await);
    let to_quick = tail(quick.id);
    tokio::spawn(quick.echo());
    for _ in 0..100 {
        service.ask(RequestKind::Message, 1, "", &tail(silent.id), b"x").await;
    }
    assert_eq!(service.publish("", &to_quick, b"").await, Ok(()));
    // A client of the original reads no more once some dozens wait in it: it never has so many.
    let call = service.ask(RequestKind::Call, 1, "m", &tail(silent.id), b"call").await;
    let mut messages = Vec::new();
    loop {
        let (id, request) = silent.asked().await;
        if request.kind == RequestKind::Call {
            silent.answer(id, &request, Ok(b"answer")).await;
            break;
        }
        messages.push((id, request));
    }
    assert_eq!(service.answer_to(call).await, Ok(b"answer".to_vec()));
    assert!(messages.len() <= 32, "{}", messages.len());
    // The others come as it acknowledges.
    let (mut count, mut waiting) = (messages.len(), messages);
    while count < 100 {
        for (id, message) in waiting.drain(..) {
            silent.answer(id, &message, Ok(b"")).await;
        }
        waiting.push(silent.asked().await);
        count += 1;
    }
}
