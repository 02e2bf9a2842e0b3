//! Messages that a client publishes and receives, and their acks.

use crate::gateway::{Gateway, soon};
use frontier_protocol::{Ack, Custom, Flags, Frame, Kind, Publish};
use frontier_sdk::{Code, EdgeId};

fn ack(frame: &Frame) -> (u64, Code, String) {
    let ack = Ack::parse(frame).unwrap();
    (frame.id, ack.code, ack.text.to_owned())
}

#[tokio::test]
async fn a_message_is_acked_by_what_became_of_it() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    for id in 1..=3 {
        peer.publish(id, "telemetry", b"data");
    }
    let message = soon(edge.recv()).await.unwrap();
    assert_eq!((&*message.topic, &message.data[..], message.edge_id), ("telemetry", &b"data"[..], None));
    message.done();
    soon(edge.recv()).await.unwrap().fail("disk full");
    drop(soon(edge.recv()).await);
    assert_eq!(ack(&peer.expect(Kind::Ack).await), (1, Code::Ok, String::new()));
    assert_eq!(ack(&peer.expect(Kind::Ack).await), (2, Code::Application, "disk full".into()));
    assert_eq!(ack(&peer.expect(Kind::Ack).await), (3, Code::NotDone, String::new()));
}

#[tokio::test]
async fn a_service_gets_the_edge_with_the_message_and_without_the_tail() {
    let mut gateway = Gateway::bind();
    let (service, peer) = gateway.connected_service().await;
    let publish =
        Publish { timeout_ms: 0, topic: "t", custom: Custom::tailed(b"h", EdgeId(3)), payload: b"" };
    peer.send(|out| publish.encode_with(1, Flags::ACKED, out));
    let message = soon(service.recv()).await.unwrap();
    assert_eq!((message.edge_id, &message.custom[..]), (Some(EdgeId(3)), &b"h"[..]));
    message.done();
}

#[tokio::test]
async fn a_full_queue_is_told_to_the_sender_at_once() {
    let mut gateway = Gateway::bind();
    let connect = tokio::spawn(gateway.edge().receive_queue(2).connect());
    let mut peer = gateway.welcome().await;
    let edge = soon(connect).await.unwrap().unwrap();
    for id in 1..=3 {
        peer.publish(id, "t", &[]);
    }
    let (id, code, _) = ack(&peer.expect(Kind::Ack).await);
    assert_eq!((id, code), (3, Code::Overloaded));
    soon(edge.recv()).await.unwrap().done();
    assert_eq!(ack(&peer.expect(Kind::Ack).await).1, Code::Ok);
}

#[tokio::test]
async fn a_publish_waits_for_the_ack() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    let answer = async {
        let frame = peer.expect(Kind::Publish).await;
        assert!(frame.flags.has(Flags::ACKED));
        assert_eq!(Publish::parse(&frame).unwrap().topic, "t");
        let ack = Ack { code: Code::TopicNotOnline, detail: 0, text: "nobody takes `t`" };
        peer.send(|out| ack.encode(frame.id, out));
    };
    let (published, ()) = soon(async { tokio::join!(edge.publish("t", "data"), answer) }).await;
    let error = published.unwrap_err();
    assert_eq!((error.code(), error.text()), (Code::TopicNotOnline, "nobody takes `t`"));
}

#[tokio::test]
async fn an_unacked_publish_asks_for_nothing() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    soon(edge.publish("t", "data").unacked()).await.unwrap();
    let frame = peer.expect(Kind::Publish).await;
    assert_eq!((frame.id, frame.flags), (0, Flags::default()));
}

#[tokio::test]
async fn a_service_publishes_to_an_edge() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let answer = async {
        let frame = peer.expect(Kind::Publish).await;
        let publish = Publish::parse(&frame).unwrap();
        assert_eq!((publish.topic, publish.payload), ("config", &b"data"[..]));
        assert_eq!(Custom::split_tail(publish.custom.body()), Some((&b""[..], EdgeId(8))));
        peer.send(|out| Ack { code: Code::Ok, detail: 0, text: "" }.encode(frame.id, out));
    };
    let publish = service.publish(EdgeId(8), "data").topic("config");
    let (published, ()) = soon(async { tokio::join!(publish, answer) }).await;
    published.unwrap();
}
