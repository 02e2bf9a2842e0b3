//! What is stored in a stream of JetStream.

use crate::{Client, Received};
use serde_json::{Value, json};

impl Client {
    /// Asks the API of JetStream for something, such as `STREAM.INFO.orders`.
    ///
    /// # Panics
    /// If what it answers is no JSON.
    pub fn jetstream(&mut self, what: &str, request: &Value) -> Value {
        let request = if request.is_null() { String::new() } else { request.to_string() };
        let answer = self.request(&format!("$JS.API.{what}"), &request);
        serde_json::from_slice(&answer).expect("it answers JSON")
    }

    /// Makes a stream of these subjects, with more settings.
    ///
    /// # Panics
    /// If it can't be made.
    pub fn create_stream(&mut self, name: &str, subjects: &[&str], settings: &Value) {
        let mut config = json!({ "name": name, "subjects": subjects, "storage": "file", "num_replicas": 1 });
        for (key, value) in settings.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        let made = self.jetstream(&format!("STREAM.CREATE.{name}"), &config);
        assert!(made["error"].is_null(), "{made}");
    }

    /// Everything that is in a stream.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn stored(&mut self, stream: &str) -> Vec<Received> {
        let info = self.jetstream(&format!("STREAM.INFO.{stream}"), &Value::Null);
        let count = info["state"]["messages"].as_u64().unwrap_or_else(|| panic!("{info}"));
        let inbox = format!("_INBOX.stored.{stream}");
        self.subscribe(&inbox);
        let consumer = json!({
            "stream_name": stream,
            "config": { "deliver_subject": inbox, "ack_policy": "none", "deliver_policy": "all" },
        });
        let create = format!("$JS.API.CONSUMER.CREATE.{stream}");
        // Its messages may come before its answer.
        self.publish(&create, &format!("{inbox}.created"), &consumer.to_string());
        (0..count).map(|_| self.receive()).collect()
    }
}
