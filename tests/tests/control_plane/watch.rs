//! Watches: who is here, who comes and goes, and what goes through.

use crate::world::{Rest, grpc, guarded};
use frontier_api::gateway::change::What;
use frontier_api::gateway::watch_response::Event;
use frontier_api::gateway::{WatchKind, WatchRequest};
use frontier_sdk::EdgeId;
use frontier_tests::{Gateway, echo, within};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A watch over server-sent events.
struct Events(BufReader<TcpStream>);

impl Events {
    async fn open(rest: &Rest, query: &str) -> Self {
        let mut stream = TcpStream::connect(rest.addr).await.unwrap();
        let token = rest.token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!("GET /v1/watch{query} HTTP/1.1\r\nhost: localhost\r\n{token}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        Self(BufReader::new(stream))
    }

    /// The next event with its data.
    async fn next(&mut self) -> (String, Value) {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            let read = within("an event", self.0.read_line(&mut line)).await.unwrap();
            assert!(read > 0, "the watch has ended");
            match line.trim_end().split_once(": ") {
                Some(("event", event)) => event.clone_into(&mut name),
                Some(("data", data)) => return (name, serde_json::from_str(data).unwrap()),
                _ => {}
            }
        }
    }

    /// The next event of that name.
    async fn find(&mut self, wanted: &str) -> Value {
        loop {
            let (name, data) = self.next().await;
            if name == wanted {
                return data;
            }
        }
    }
}

#[tokio::test]
async fn a_snapshot_then_every_change() {
    let gateway = Gateway::start().await;
    let service = gateway.service("files").connect().await.unwrap();
    let _first = gateway.edge().id(EdgeId(1)).connect().await.unwrap();
    let rest = Rest::of(&gateway).await;
    let mut events = Events::open(&rest, "?kinds=edges,services").await;
    let (mut edges, mut services) = (Vec::new(), Vec::new());
    let mut is_first = true;
    loop {
        let part = events.find("snapshot").await;
        assert_eq!(part["first"], is_first);
        is_first = false;
        edges.extend(part["edges"].as_array().cloned().unwrap_or_default());
        services.extend(part["services"].as_array().cloned().unwrap_or_default());
        if part["last"] == true {
            break;
        }
    }
    assert_eq!((edges.len(), services.len()), (1, 1));
    assert_eq!((&edges[0]["edge_id"], &services[0]["service"]), (&Value::from("1"), &Value::from("files")));
    let second = gateway.edge().id(EdgeId(2)).meta("m").connect().await.unwrap();
    let online = events.find("change").await;
    assert_eq!((&online["type"], &online["edge"]["meta"]), (&Value::from("edge_online"), &Value::from("m")));
    second.close().await.unwrap();
    let offline = events.find("change").await;
    assert_eq!((&offline["type"], &offline["edge_id"]), (&Value::from("edge_offline"), &Value::from("2")));
    assert_eq!(offline["stamp"], online["edge"]["stamp"]);
    service.close().await.unwrap();
    assert_eq!(events.find("change").await["type"], "service_offline");
}

#[tokio::test]
async fn who_wants_changes_only_is_told_of_nobody_who_is_there() {
    let gateway = Gateway::start().await;
    let first = gateway.edge().id(EdgeId(1)).connect().await.unwrap();
    let rest = Rest::of(&gateway).await;
    let mut events = Events::open(&rest, "?kinds=edges,services&changes_only=true").await;
    assert_eq!(
        events.next().await,
        ("snapshot".to_owned(), serde_json::json!({"first": true, "last": true}))
    );
    let _second = gateway.edge().id(EdgeId(2)).connect().await.unwrap();
    assert_eq!(events.find("change").await["edge"]["edge_id"], "2");
    first.close().await.unwrap();
    assert_eq!(events.find("change").await["edge_id"], "1");
    assert_eq!(rest.ask("GET", "/v1/watch?changes_only=perhaps").await.0, 400);
    let mut client = grpc(rest.addr).await;
    let request = WatchRequest { kinds: Vec::new(), changes_only: true };
    let mut watch = client.watch(request).await.unwrap().into_inner();
    let event = within("a snapshot", watch.message()).await.unwrap().unwrap().event;
    let Some(Event::Snapshot(part)) = event else { panic!("{event:?}") };
    assert!(part.first && part.last && part.edges.is_empty());
}

#[tokio::test]
async fn rates_are_told_each_second() {
    let gateway = Gateway::start().await;
    let service = gateway.service("s").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    let edge = gateway.edge().connect().await.unwrap();
    let rest = Rest::of(&gateway).await;
    let mut events = Events::open(&rest, "?kinds=rates").await;
    let calling = tokio::spawn(async move { while edge.call("echo", "x").await.is_ok() {} });
    loop {
        let (name, rates) = events.next().await;
        assert_eq!((&*name, &rates["edges"]), ("rates", &Value::from("1")));
        if rates["calls"]["to_service"].as_f64().unwrap() > 0.0 && rates["latency"]["all"] != Value::Null {
            let latency = &rates["latency"];
            assert_eq!((&latency["to_service"], latency.get("to_edge")), (&latency["all"], None), "{rates}");
            let [p50, p90, p99, p999] =
                ["p50", "p90", "p99", "p999"].map(|it| latency["all"][it].as_f64().unwrap());
            assert!(0.0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= p999 && p999 <= 30.0, "{rates}");
            assert!(latency["all"]["count"].as_str().unwrap().parse::<u64>().unwrap() > 0, "{rates}");
            break;
        }
    }
    calling.abort();
    let (status, body) = rest.ask("GET", "/v1/watch?kinds=rates,prices").await;
    assert_eq!((status, &body["code"]), (400, &Value::from("INVALID_ARGUMENT")));
}

#[tokio::test]
async fn the_same_over_grpc_and_it_ends_where_its_rights_do() {
    let gateway = guarded().set("reload.enforce", true).start().await;
    let rest = Rest::of(&gateway).await.with("reader");
    let mut client = grpc(rest.addr).await;
    let request = WatchRequest { kinds: vec![WatchKind::Edges.into()], changes_only: false };
    let mut watch = client.watch(crate::world::shown("reader", request)).await.unwrap().into_inner();
    let event = within("a snapshot", watch.message()).await.unwrap().unwrap().event;
    let Some(Event::Snapshot(part)) = event else { panic!("{event:?}") };
    assert!(part.first && part.last && part.edges.is_empty());
    let _edge = gateway.edge().id(EdgeId(7)).connect().await.unwrap();
    let event = within("a change", watch.message()).await.unwrap().unwrap().event;
    let Some(Event::Change(change)) = event else { panic!("{event:?}") };
    assert!(matches!(change.what, Some(What::EdgeOnline(edge)) if edge.edge_id == 7));
    gateway.hang_up();
    let ended = within("the end", async {
        loop {
            if let Err(status) = watch.message().await {
                break status;
            }
        }
    })
    .await;
    assert_eq!(ended.code(), tonic::Code::Unavailable, "{ended}");
}
