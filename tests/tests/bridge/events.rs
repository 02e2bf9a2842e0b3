//! Server-sent events, as curl gets them.

use crate::world::{TOPIC, bridge_of, bridged, publish};
use frontier_tests::{DEADLINE, Gateway, Process, eventually, tool, within};
use serde_json::Value;
use std::process::Command;

/// What curl prints, which ends by itself.
pub(crate) async fn curl(arguments: &[&str]) -> String {
    let curl = tokio::process::Command::new(tool("curl", "curl")).args(arguments).kill_on_drop(true).output();
    let output = within("curl ends", curl).await.unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// curl, as long as events come.
struct Events(Process);

impl Events {
    async fn open(gateway: &Gateway, query: &str, options: &[&str]) -> Self {
        let url = format!("http://{}/bridge/v1/topics/{TOPIC}{query}", bridge_of(gateway).await);
        let mut command = Command::new(tool("curl", "curl"));
        command.args(["-sS", "-N", "-i"]).args(options).arg(url);
        let events = Self(Process::spawn("curl", command));
        events.line("event: welcome").await;
        events
    }

    async fn line(&self, text: &str) -> String {
        eventually(DEADLINE, text, async || self.0.log().find(text)).await
    }

    /// Waits for the message of this number: the ids so far, and the messages.
    async fn to(&self, number: u64) -> (Vec<String>, Vec<Value>) {
        self.line(&format!(r#""seq":{number},"#)).await;
        let lines = self.0.log().lines();
        let ids = lines.iter().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect();
        let data = lines.iter().filter_map(|line| line.strip_prefix("data: "));
        let data = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
        (ids, data.filter(|data| data["type"] == "message").collect())
    }
}

#[tokio::test]
async fn messages_are_events_with_ids_from_which_one_goes_on() {
    let gateway = bridged().start().await;
    let edge = gateway.edge().connect().await.unwrap();
    publish(&edge, 1..=3).await;
    let events = Events::open(&gateway, "", &[]).await;
    publish(&edge, 4..=6).await;
    let (ids, messages) = events.to(6).await;
    let data: Vec<_> = messages.iter().map(|message| &message["data"]).collect();
    assert_eq!(data, [3, 4, 5, 6], "the last value, and what came");
    let lines = events.0.log().lines();
    assert!(lines.iter().any(|line| line.eq_ignore_ascii_case("content-type: text/event-stream")));
    assert!(lines.iter().any(|line| line.starts_with("retry: ")));
    drop(events);
    publish(&edge, 7..=8).await;
    let again = Events::open(&gateway, "", &["-H", &format!("last-event-id: {}", ids[1])]).await;
    let (new, messages) = again.to(8).await;
    assert_eq!((messages.len(), &new[0]), (4, &ids[2]));
}

#[tokio::test]
async fn with_gzip_it_is_one_stream_that_ends_as_it_should() {
    let gateway = bridged().start().await;
    let edge = gateway.edge().connect().await.unwrap();
    let plain = Events::open(&gateway, "", &[]).await;
    let mut zipped = Events::open(&gateway, "", &["--compressed", "-H", "accept-encoding: gzip"]).await;
    let text = "abc ".repeat(300);
    publish(&edge, [format!("{{\"text\":\"{text}\"}}"), "1".to_owned(), format!("\"{text}\"")]).await;
    let (_, messages) = zipped.to(3).await;
    assert_eq!(messages, plain.to(3).await.1);
    assert_eq!(messages[0]["data"]["text"], *text);
    assert!(zipped.0.log().lines().iter().any(|line| line.eq_ignore_ascii_case("content-encoding: gzip")));
    gateway.terminate();
    zipped.line("event: goodbye").await;
    assert_eq!(zipped.0.exit().await, Some(0), "curl has read it to its end, checksum included");
}

#[tokio::test]
async fn a_position_that_is_none_is_told() {
    let gateway = bridged().start().await;
    let url = format!("http://{}/bridge/v1/topics/{TOPIC}", bridge_of(&gateway).await);
    for (query, told) in [("?after=x", "`after` is no position"), ("?last=2", "`last` is 0 or 1")] {
        let answer = curl(&["-s", "-w", " %{http_code}", &format!("{url}{query}")]).await;
        assert!(answer.ends_with("400") && answer.contains(told), "{answer}");
    }
}
