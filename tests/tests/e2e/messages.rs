//! Messages, both ways.

use bytes::Bytes;
use frontier_sdk::{Code, Edge, HandlerError, Message, Service};
use frontier_tests::{Gateway, Network, within};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashSet;
use std::time::Duration;
use tokio::task::JoinSet;

async fn pair(gateway: &Gateway, topics: &[&str]) -> (Service, Edge) {
    let service = gateway.service("s").topics(topics.iter().copied()).connect().await.expect("a service");
    (service, gateway.edge().connect().await.expect("an edge"))
}

async fn next(service: &Service) -> Message {
    within("a message", service.recv()).await.expect("the service is open")
}

/// MSG-001, UNIT-EXCH-002
pub(crate) async fn an_edge_publishes_to_a_service(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway, &["news"]).await;
    let (published, ()) = tokio::join!(edge.publish("news", "hello").custom("c"), async {
        let message = next(&service).await;
        assert_eq!(
            (&*message.topic, &message.data[..], &message.custom[..]),
            ("news", &b"hello"[..], &b"c"[..])
        );
        assert_eq!(message.edge_id, Some(edge.id()));
        message.done();
    });
    published.unwrap();
}

/// MSG-002, UNIT-EXCH-004
pub(crate) async fn a_service_publishes_to_an_edge(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway, &[]).await;
    let (published, ()) = tokio::join!(service.publish(edge.id(), "hello-edge").topic("t"), async {
        let message = within("a message", edge.recv()).await.unwrap();
        assert_eq!((&*message.topic, &message.data[..], message.edge_id), ("t", &b"hello-edge"[..], None));
        message.done();
    });
    published.unwrap();
}

/// MSG-003
pub(crate) async fn each_service_gets_its_topics_only(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (a, edge) = pair(&gateway, &["a"]).await;
    let (b, _) = pair(&gateway, &["b"]).await;
    for _ in 0..10 {
        for (topic, service) in [("a", &a), ("b", &b)] {
            let (published, ()) = tokio::join!(edge.publish(topic, topic), async {
                let message = next(service).await;
                assert_eq!((&*message.topic, &message.data[..]), (topic, topic.as_bytes()));
                message.done();
            });
            published.unwrap();
        }
    }
}

/// MSG-004
pub(crate) async fn a_topic_that_nobody_takes_is_not_online(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (_service, edge) = pair(&gateway, &["a"]).await;
    for topic in ["b", "A", "", "a "] {
        assert_eq!(edge.publish(topic, "x").await.unwrap_err().code(), Code::TopicNotOnline, "{topic:?}");
    }
}

/// MSG-005
pub(crate) async fn ten_edges_publish_at_once_and_ten_messages_come(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, _) = pair(&gateway, &["t"]).await;
    let mut publishing = JoinSet::new();
    for number in 0..10u8 {
        let edge = gateway.edge().connect().await.unwrap();
        publishing.spawn(async move { edge.publish("t", vec![number]).await });
    }
    let mut seen = HashSet::new();
    for _ in 0..10 {
        let message = next(&service).await;
        assert!(seen.insert(message.data[0]), "a message came twice");
        message.done();
    }
    publishing.join_all().await.into_iter().for_each(|published| published.unwrap());
}

pub(crate) async fn the_sender_hears_what_became_of_a_message(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway, &["t"]).await;
    let (failed, ()) = tokio::join!(edge.publish("t", ""), async {
        next(&service).await.fail(HandlerError::new(7, "disk full"))
    });
    let failed = failed.unwrap_err();
    assert_eq!((failed.code(), failed.text()), (Code::Application, "disk full"));
    assert_eq!(failed.application(), Some(7));
    let (dropped, ()) = tokio::join!(edge.publish("t", ""), async { drop(next(&service).await) });
    assert_eq!(dropped.unwrap_err().code(), Code::NotDone);
    let kept = edge.publish("t", "").timeout(Duration::from_secs(1));
    let (late, _message) = tokio::join!(kept, next(&service));
    assert_eq!(late.unwrap_err().code(), Code::Deadline);
}

pub(crate) async fn messages_that_ask_for_no_ack_arrive_in_order(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway, &["t"]).await;
    for number in 0..500u32 {
        edge.publish("t", number.to_be_bytes().to_vec()).unacked().await.unwrap();
    }
    for number in 0..500u32 {
        assert_eq!(next(&service).await.data[..], number.to_be_bytes());
    }
    // Nobody says that nobody takes it.
    edge.publish("nobody's", "").unacked().await.unwrap();
}

/// CONF-017
pub(crate) async fn the_topic_star_takes_what_nobody_else_takes(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (rest, edge) = pair(&gateway, &["*"]).await;
    let (published, ()) = tokio::join!(edge.publish("a", ""), async { next(&rest).await.done() });
    published.unwrap();
    let (specific, _) = pair(&gateway, &["a"]).await;
    let (published, ()) = tokio::join!(edge.publish("a", ""), async { next(&specific).await.done() });
    published.unwrap();
    let (published, ()) = tokio::join!(edge.publish("b", ""), async {
        let message = next(&rest).await;
        assert_eq!(&*message.topic, "b");
        message.done();
    });
    published.unwrap();
    specific.unsubscribe("a").await.unwrap();
    let (published, ()) = tokio::join!(edge.publish("a", ""), async { next(&rest).await.done() });
    published.unwrap();
}

pub(crate) async fn topics_come_and_go_at_run_time(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway, &[]).await;
    for _ in 0..10 {
        assert_eq!(edge.publish("t", "").await.unwrap_err().code(), Code::TopicNotOnline);
        service.subscribe("t").await.unwrap();
        let (published, ()) = tokio::join!(edge.publish("t", ""), async { next(&service).await.done() });
        published.unwrap();
        service.unsubscribe("t").await.unwrap();
    }
}

/// CONF-007
pub(crate) async fn a_message_to_an_edge_that_is_offline_does_not_spoil_the_next(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway, &[]).await;
    let gone = gateway.edge().connect().await.unwrap();
    gone.close().await.unwrap();
    assert_eq!(service.publish(gone.id(), "x").await.unwrap_err().code(), Code::EdgeNotOnline);
    let (published, ()) = tokio::join!(service.publish(edge.id(), "y"), async {
        within("a message", edge.recv()).await.unwrap().done();
    });
    published.unwrap();
}

/// FUZZ-003, INPUT-004
pub(crate) async fn a_payload_may_be_any_bytes_of_any_length(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let (service, edge) = pair(&gateway, &["t"]).await;
    let mut noise = StdRng::seed_from_u64(5);
    for len in [0, 1, 255, 65_535, 65_536, 65_537, 1_000_000] {
        let mut payload = vec![0; len];
        noise.fill_bytes(&mut payload);
        let payload = Bytes::from(payload);
        let (published, got) = tokio::join!(edge.publish("t", payload.clone()), async {
            let message = next(&service).await;
            let data = message.data.clone();
            message.done();
            data
        });
        published.unwrap();
        assert!(got == payload, "{len}");
        let (published, got) = tokio::join!(service.publish(edge.id(), payload.clone()), async {
            let message = within("a message", edge.recv()).await.unwrap();
            let data = message.data.clone();
            message.done();
            data
        });
        published.unwrap();
        assert!(got == payload, "{len}");
    }
}

/// A service that takes no messages off its queue is overloaded; calls to it go on.
pub(crate) async fn a_full_receive_queue_is_an_error_for_its_senders_only(net: Network) {
    let gateway = Gateway::over(net).start().await;
    let service = gateway.service("s").topics(["t"]).receive_queue(4).connect().await.unwrap();
    frontier_tests::echo(&service, "echo").await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    let mut publishing = JoinSet::new();
    for _ in 0..5 {
        let edge = edge.clone();
        publishing.spawn(async move { edge.publish("t", "").await });
    }
    let refused = within("one is refused", publishing.join_next()).await.unwrap().unwrap();
    assert_eq!(refused.unwrap_err().code(), Code::Overloaded);
    edge.call("echo", "").await.unwrap();
    for _ in 0..4 {
        next(&service).await.done();
    }
    publishing.join_all().await.into_iter().for_each(|published| published.unwrap());
}
