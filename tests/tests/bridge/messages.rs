//! What subscribers get, in which order, and where they go on.

use crate::subscriber::{Subscriber, each};
use crate::world::{TOPIC, bridge_of, bridged, publish, url};
use frontier_tests::{DEADLINE, Gateway, eventually, within};
use serde_json::{Value, json};

#[tokio::test]
async fn everybody_gets_all_of_an_edge_in_order_each_with_its_number() {
    let gateway = bridged().start().await;
    let url = url(&gateway, "").await;
    let plain = Subscriber::open(&url, &[]).await;
    let compressed = Subscriber::open(&url, &["--compression", "--protocol", "frontier.bridge.v1"]).await;
    assert_eq!(plain.line("open").await, "open None");
    assert_eq!(compressed.line("open").await, "open frontier.bridge.v1 permessage-deflate");
    let edge = gateway.edge().connect().await.unwrap();
    let padding = "x".repeat(2000);
    publish(&edge, (1..=300).map(|number| json!({"number": number, "padding": padding}))).await;
    let id = edge.id().to_string();
    for subscriber in [&plain, &compressed] {
        let messages = subscriber.messages_to(300).await;
        let numbers: Vec<u64> =
            messages.iter().map(|message| message["data"]["number"].as_u64().unwrap()).collect();
        assert!(numbers.into_iter().eq(1..=300));
        assert!(messages.iter().zip(1..).all(|(message, number)| message["seq"] == number));
        assert!(messages.iter().all(|message| message["edge"] == *id && message["key"] == *id));
        assert_eq!(messages[299]["data"]["padding"], *padding);
    }
    let welcome = plain.notice("welcome").await;
    assert_eq!(
        (&welcome["topic"], &welcome["seq"], &welcome["resumed"]),
        (&json!(TOPIC), &json!(0), &json!(false))
    );
}

#[tokio::test]
async fn whoever_comes_gets_the_last_value_of_each_edge_first() {
    let gateway = bridged().start().await;
    let (one, other) = (gateway.edge().connect().await.unwrap(), gateway.edge().connect().await.unwrap());
    publish(&one, [1, 2, 3]).await;
    publish(&other, ["21.5"]).await;
    publish(&one, [4]).await;
    publish(&other, ["not json"]).await;
    let late = Subscriber::open(&url(&gateway, "").await, &[]).await;
    let messages = late.messages_to(6).await;
    assert_eq!(each(&messages, "seq"), [5, 6]);
    assert_eq!((&messages[0]["data"], &messages[1]["text"]), (&json!(4), &json!("not json")));
    let live = Subscriber::open(&url(&gateway, "?last=0").await, &[]).await;
    live.notice("welcome").await;
    publish(&one, [5]).await;
    assert_eq!(each(&live.messages_to(7).await, "seq"), [7]);
}

#[tokio::test]
async fn values_of_one_key_are_those_of_its_fields() {
    let topics = json!([{"name": TOPIC, "fields": ["vehicle", "fault"]}]);
    let gateway = bridged().set("bridge.topics", topics).start().await;
    let edge = gateway.edge().connect().await.unwrap();
    let value =
        |vehicle: &str, fault: &str, score: f64| json!({"vehicle": vehicle, "fault": fault, "score": score});
    let values = [
        value("v1", "bearing", 0.1),
        value("v1", "turn", 0.2),
        value("v2", "turn", 0.3),
        value("v1", "turn", 0.4),
    ];
    publish(&edge, &values).await;
    let late = Subscriber::open(&url(&gateway, "").await, &[]).await;
    let messages = late.messages_to(4).await;
    assert_eq!(each(&messages, "key"), ["v1/bearing", "v2/turn", "v1/turn"]);
    assert_eq!(messages[2]["data"]["score"], 0.4);
}

#[tokio::test]
async fn who_comes_back_goes_on_where_it_was_and_hears_what_is_gone() {
    let gateway = bridged().set("bridge.history", 5).start().await;
    let edge = gateway.edge().connect().await.unwrap();
    let first = Subscriber::open(&url(&gateway, "").await, &[]).await;
    publish(&edge, 1..=2).await;
    first.messages_to(2).await;
    let epoch = first.notice("welcome").await["epoch"].as_str().unwrap().to_owned();
    drop(first);
    publish(&edge, 3..=6).await;
    let back = Subscriber::open(&url(&gateway, &format!("?after={epoch}-2")).await, &[]).await;
    assert_eq!(each(&back.messages_to(6).await, "seq"), [3, 4, 5, 6]);
    assert_eq!(back.notice("welcome").await["resumed"], true);
    publish(&edge, 7..=20).await;
    let late = Subscriber::open(&url(&gateway, &format!("?after={epoch}-6")).await, &[]).await;
    assert_eq!(each(&late.messages_to(20).await, "seq"), [20], "of one key the newest alone");
    assert_eq!(late.notice("lost").await["count"], 13);
    // Numbers begin anew with the gateway, and nobody takes an old one for a new one.
    let other = Subscriber::open(&url(&gateway, "?after=0123456789abcdef-6").await, &[]).await;
    assert_eq!(each(&other.messages_to(20).await, "seq"), [20]);
    assert_eq!(other.notice("welcome").await["resumed"], false);
}

#[tokio::test]
async fn a_large_message_comes_whole_and_one_that_is_too_large_is_an_error_to_its_edge() {
    let gateway = bridged().set("bridge.message_size", "1MiB").start().await;
    let edge = gateway.edge().connect().await.unwrap();
    let subscriber = Subscriber::open(&url(&gateway, "").await, &[]).await;
    let large = "x".repeat(500_000);
    publish(&edge, [json!({"large": large})]).await;
    assert_eq!(subscriber.messages_to(1).await[0]["data"]["large"], *large);
    for size in [1024 * 1024 + 1, 3 * 1024 * 1024] {
        let error =
            within("an error", edge.publish(TOPIC, vec![b'x'; size]).into_future()).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.code(), frontier_sdk::Code::TooLarge, "{text}");
        assert!(text.contains("bridge.message_size"), "{text}");
    }
    let small = bridged().set("bridge.message_size", "1KiB").start().await;
    let edge = small.edge().connect().await.unwrap();
    let error = within("an error", edge.publish(TOPIC, vec![b'x'; 1025]).into_future()).await.unwrap_err();
    assert!(error.to_string().contains("bridge.message_size"), "{error}");
}

#[tokio::test]
async fn a_bridged_topic_is_there_without_any_subscriber_and_other_topics_are_not() {
    let gateway = bridged().start().await;
    let edge = gateway.edge().connect().await.unwrap();
    publish(&edge, 1..=3).await;
    let error = within("an error", edge.publish("other", "1").into_future()).await.unwrap_err();
    assert!(error.to_string().contains("topic"), "{error}");
    let listed = within("a list", control(&gateway, "/v1/services")).await;
    assert!(listed.contains("frontier.bridge"), "{listed}");
}

/// What the control plane answers.
async fn control(gateway: &Gateway, path: &str) -> String {
    let url = format!("http://{}{path}", gateway.control().await);
    let output =
        tokio::process::Command::new(frontier_tests::tool("curl", "curl")).args(["-s", &url]).output();
    String::from_utf8_lossy(&output.await.unwrap().stdout).into_owned()
}

#[tokio::test]
async fn heartbeats_come_while_nothing_else_does() {
    let gateway = bridged().set("bridge.heartbeat", "100ms").start().await;
    let subscriber = Subscriber::open(&url(&gateway, "").await, &[]).await;
    let heartbeats = async || {
        let told = subscriber.told();
        let beats = told.iter().filter(|told| told["type"] == "heartbeat").collect::<Vec<&Value>>();
        // More than a silent peer would be given.
        (beats.len() > 5).then_some(())
    };
    eventually(DEADLINE, "heartbeats", heartbeats).await;
    assert!(bridge_of(&gateway).await.port() > 0);
}
