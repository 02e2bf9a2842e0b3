//! A front end that subscribes to nothing: it opens a path, gets payloads, and has its heartbeat answered.

use crate::events::curl;
use crate::subscriber::Subscriber;
use crate::world::{bridge_of, bridged};
use frontier_tests::within;
use serde_json::{Value, json};

#[tokio::test]
async fn every_tab_gets_the_payloads_of_all_topics_and_nothing_else() {
    let flat = json!([{"path": "/ws/frontend", "topics": ["results", "health"], "fields": ["vehicle_id", "fault_type"]}]);
    let gateway = bridged().set("bridge.flat", flat).start().await;
    let bridge = bridge_of(&gateway).await;
    let url = format!("ws://{bridge}/ws/frontend");
    let edge = gateway.edge().connect().await.unwrap();
    let result = |vehicle: &str, fault: &str, score: f64| json!({"vehicle_id": vehicle, "fault_type": fault, "score": score});
    let publish = async |topic: &str, payload: &Value| {
        within("an ack", edge.publish(topic, payload.to_string()).into_future()).await.unwrap();
    };
    let (old, new) = (result("v1", "bearing", 0.1), result("v1", "bearing", 0.9));
    let health = json!({"vehicle_id": "v1", "health_score": 62.5});
    for (topic, payload) in [("results", &old), ("results", &new), ("health", &health)] {
        publish(topic, payload).await;
    }
    let tab =
        Subscriber::open(&url, &["--say", r#"{"type":"heartbeat","timestamp":"2026-01-01T00:00:00Z"}"#])
            .await;
    let answer = tab.hears("its heartbeat's answer", |told| told["type"] == "heartbeat_response").await;
    assert_eq!(
        (&answer["timestamp"], &answer["stats"]["messages"]),
        (&json!("2026-01-01T00:00:00Z"), &json!(3))
    );
    assert!(answer["server_time"].is_u64() && answer["queue_size"].is_u64());
    let live = result("v2", "turn_fault", 0.3);
    publish("results", &live).await;
    tab.hears("what comes", |told| *told == live).await;
    let payloads: Vec<Value> = tab.told().into_iter().filter(|told| told.get("type").is_none()).collect();
    assert_eq!(payloads, [new, health, live], "of each vehicle and fault the newest, then what comes");
    let refused = curl(&["-s", &format!("http://{bridge}/ws/frontend")]).await;
    assert!(refused.contains("this path is for WebSocket"), "{refused}");
}
