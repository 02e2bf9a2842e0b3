//! What a gateway's own control plane tells and does.

use crate::world::{World, prints};
use frontier_sdk::{Edge, EdgeId, HandlerError, Request, Response, Service, ServiceId, Status};
use frontier_tests::{DEADLINE, Gateway, eventually, replace, within};
use serde_json::json;

async fn world(gateway: &Gateway) -> World {
    World::at(gateway).with("FRONTCTL_GATEWAY", format!("http://{}", gateway.control().await))
}

#[tokio::test]
async fn peers_of_a_gateway_are_listed_in_full() {
    let gateway = Gateway::start().await;
    let world = world(&gateway).await;
    let mut edges = Vec::new();
    for id in [7, 8] {
        let edge = Edge::builder(gateway.edge_url()).id(EdgeId(id)).meta(format!("sn-{id}"));
        edges.push(edge.connect().await.unwrap());
    }
    let service = Service::builder(gateway.service_url()).name("files").id(ServiceId(5)).topics(["a", "b"]);
    let _service = service.connect().await.unwrap();

    // No frontlas is set, so that the gateway is asked.
    let listed = world.run(&["edges", "ls", "-o", "json"]).await.json();
    assert_eq!(
        (&listed[0]["edge_id"], &listed[0]["meta"], &listed[1]["edge_id"]),
        (&json!("7"), &json!("sn-7"), &json!("8"))
    );
    assert_eq!(world.run(&["edges", "ls", "--from", "gateway", "--count"]).await.text(), "2\n");
    let limited = world.run(&["edges", "ls", "--limit", "1", "-o", "json"]).await.json();
    assert_eq!(limited.as_array().unwrap().len(), 1);
    let table = world.run(&["services", "ls"]).await.text();
    assert!(table.starts_with("SERVICE  NAME   ADDR") && table.contains("\n5        files  "), "{table}");
    assert_eq!(world.run(&["services", "get", "5", "-o", "json"]).await.json()["topics"], json!(2));
    world.run(&["edges", "get", "9"]).await.failed(1, "not at this gateway: edge 9");
    world.run(&["edges", "get", "../services/5"]).await.failed(64, "is no id");
}

#[tokio::test]
async fn methods_are_listed_and_found() {
    let gateway = Gateway::start().await;
    let world = world(&gateway).await;
    let ok = |_: Request| async { Ok(Response::new("")) };
    let edge = |id| Edge::builder(gateway.edge_url()).id(EdgeId(id));
    let _edges = [
        edge(7).register("reboot", ok).register("get", ok).connect().await.unwrap(),
        edge(8).register("get", ok).connect().await.unwrap(),
        edge(9).connect().await.unwrap(),
    ];
    let service = Service::builder(gateway.service_url()).id(ServiceId(5)).register("echo", ok);
    let _service = service.connect().await.unwrap();
    assert_eq!(world.run(&["edges", "rpcs", "7"]).await.text(), "METHOD\nget\nreboot\n");
    let all = world.run(&["edges", "rpcs", "-o", "json"]).await.json();
    assert_eq!(all, json!(["get", "reboot", "get"]));
    assert_eq!(world.run(&["edges", "methods", "--limit", "1", "-o", "json"]).await.json(), json!(["get"]));
    assert_eq!(world.run(&["edges", "rpcs", "9", "-o", "json"]).await.json(), json!([]));
    world.run(&["edges", "rpcs", "77"]).await.failed(1, "not at this gateway: edge 77");
    world.run(&["edges", "rpcs", "x"]).await.failed(64, "is no id");
    assert_eq!(world.run(&["services", "rpcs", "5"]).await.text(), "METHOD\necho\n");

    let found = world.run(&["edges", "ls", "--rpc", "reboot", "-o", "json"]).await.json();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["edge_id"]), (1, &json!("7")));
    assert_eq!(world.run(&["edges", "ls", "--rpc", "get", "--count"]).await.text(), "2\n");
    assert_eq!(world.run(&["services", "ls", "--rpc", "get", "-o", "json"]).await.json(), json!([]));
    let elsewhere = ["edges", "ls", "--rpc", "get", "--from", "frontlas"];
    world.run(&elsewhere).await.failed(64, "--rpc is for a gateway");
}

#[tokio::test]
async fn who_is_kicked_is_told_and_may_come_again() {
    let gateway = Gateway::start().await;
    let world = world(&gateway).await;
    let edge = Edge::builder(gateway.edge_url()).id(EdgeId(7)).connect().await.unwrap();
    let mut status = edge.status();
    world.run(&["edges", "kick", "7"]).await.text();
    within("it is told", async { while status.changed().await == Status::Connected {} }).await;
    let again = async || world.run(&["edges", "get", "7", "-o", "json"]).await.code.filter(|code| *code == 0);
    eventually(DEADLINE, "it comes again", again).await;
    world.run(&["services", "kick", "5"]).await.failed(1, "not at this gateway: service 5");
}

#[tokio::test]
async fn a_watch_of_a_gateway_tells_who_comes_and_goes() {
    let gateway = Gateway::start().await;
    let world = world(&gateway).await;
    let edge = Edge::builder(gateway.edge_url()).id(EdgeId(7)).meta("sn-7").connect().await.unwrap();
    let watch = world.start(&["edges", "watch"]);
    let line = prints(&watch, "present").await;
    assert!(line.contains("  edge      7  sn-7  "), "{line}");
    edge.close().await.unwrap();
    prints(&watch, "offline   edge      7").await;
    let mut events = world.start(&["events", "-o", "json", "--count", "1"]);
    let connected = async || {
        let service = Service::builder(gateway.service_url()).name("files").connect().await.unwrap();
        // Each one that comes and goes is an event, and the watch may not stand yet.
        service.close().await.unwrap();
        events.log().find("\"service_").map(drop)
    };
    eventually(DEADLINE, "an event is told", connected).await;
    assert_eq!(events.exit().await, Some(0));
}

#[tokio::test]
async fn its_status_its_log_and_its_end() {
    let mut gateway = Gateway::start().await;
    let world = world(&gateway).await;
    let _edge = Edge::builder(gateway.edge_url()).connect().await.unwrap();
    let status = world.run(&["status", "-o", "json"]).await.json();
    assert_eq!(
        (&status["edges"], &status["services"], &status["draining"]),
        (&json!("1"), &json!("0"), &json!(false))
    );
    assert_eq!(world.run(&["top", "--once", "-o", "json"]).await.json()["edges"], json!("1"));
    assert_eq!(world.run(&["log-level", "debug"]).await.text(), "debug\n");
    assert_eq!(world.run(&["log-level", "-o", "json"]).await.json()["level"], json!("debug"));
    world.run(&["log-level", "loud"]).await.failed(64, "level");
    let asked = world.run(&["drain"]).await;
    // What variables say need not be said.
    assert!(!asked.stderr.contains("--gateway"), "{asked:?}");
    asked.failed(64, " drain --yes\n");
    let said = world.run(&["drain", "--frontlas", "http://127.0.0.1:1"]).await;
    said.failed(64, "--frontlas <URL>");
    world.run(&["drain", "--yes"]).await.text();
    assert_eq!(gateway.process().exit().await, Some(0));
    world.run(&["status"]).await.failed(69, "is it running?");
}

#[tokio::test]
async fn who_has_a_role_and_no_credentials_of_an_edge_has_the_gateway_ask() {
    let gateway = Gateway::start().await;
    // Whoever connected as an edge or a service would fail.
    let world = World::new().with("FRONTCTL_GATEWAY", format!("http://{}", gateway.control().await));
    let edge = Edge::builder(gateway.edge_url())
        .id(EdgeId(7))
        .register("echo", |request: Request| async move { Ok(request.data.into()) })
        .register("fails", |_: Request| async { Err(HandlerError::new(42, "no more paper")) });
    let edge = edge.connect().await.unwrap();
    let service = |id| Service::builder(gateway.service_url()).name("files").id(ServiceId(id));
    let put = |request: Request| async move { Ok(request.data.into()) };
    let _service = service(5).register("put", put).connect().await.unwrap();
    let via = |arguments: &[&'static str]| [arguments, &["--via", "plane"][..]].concat();
    assert_eq!(world.run(&via(&["call", "echo", "hi", "--edge", "7"])).await.text(), "hi");
    let answer =
        world.run_with(&via(&["call", "echo", "-", "--edge", "7", "-o", "json"]), &[0xff, 0]).await.json();
    assert_eq!(answer["data_base64"], "/wA=", "{answer}");
    assert!(answer["elapsed_us"].as_u64() > Some(0) && answer.get("custom").is_none(), "{answer}");
    for name in ["files", "5"] {
        assert_eq!(world.run(&via(&["call", "put", name, "--service", name])).await.text(), name);
    }
    let publish = via(&["publish", "config", "x", "--edge", "7"]);
    let (published, ()) = tokio::join!(world.run(&publish), async {
        let message = within("a message", edge.recv()).await.unwrap();
        assert_eq!((&*message.topic, &message.data[..]), ("config", b"x".as_slice()));
        message.done();
    });
    assert_eq!(published.text(), "");

    world.run(&via(&["call", "fails", "--edge", "7"])).await.failed(1, "application error: no more paper");
    world.run(&via(&["call", "echo", "--edge", "9"])).await.failed(1, "not connected");
    world.run(&via(&["call", "echo", "--service", "mail"])).await.failed(1, "no service of the gateway");
    world.run(&via(&["call", "echo", "--edge", "7", "--custom", "x"])).await.failed(64, "it is the gateway");
    world.run(&via(&["call", "echo"])).await.failed(64, "--edge or --service");
    let _other = service(6).connect().await.unwrap();
    world.run(&via(&["call", "put", "--service", "files"])).await.failed(64, "5, 6");
}

#[tokio::test]
async fn what_holds_and_how_long_calls_take_is_shown() {
    let builder = Gateway::builder();
    let rules = builder.file("rules.yaml");
    replace(
        &rules,
        "default: deny\nrules: [{name: sensors, who: {edge: 1-99}, allow: {call: ['files.*', put]}}, \
         {name: files, who: {service: files}, allow: {register_methods: put}}]",
    );
    let builder = builder.set("access.rules_file", json!(rules));
    let gateway = builder
        .set("quotas", json!([{"for": "edge", "calls": {"rate": "30/m", "burst": 500}}]))
        .start()
        .await;
    let world = world(&gateway).await;
    let text = world.run(&["policy"]).await.text();
    for line in
        ["where no rule says anything: deny", "edge: 1-99", "call: files.*, put", "0.5", "limits.connections"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    let policy = world.run(&["policy", "-o", "json"]).await.json();
    assert_eq!((&policy["default"], &policy["rules"][0]["name"]), (&json!("deny"), &json!("sensors")));

    let service = Service::builder(gateway.service_url()).name("files");
    let _service = service.register("put", |_: Request| async { Ok("".into()) }).connect().await.unwrap();
    let edge = Edge::builder(gateway.edge_url()).id(EdgeId(7)).connect().await.unwrap();
    let calling = tokio::spawn(async move {
        loop {
            // At times the quota has none left; then it has one again.
            let _ = edge.call("put", "x").await;
        }
    });
    let told = async || {
        let told = world.run(&["top", "--once", "-o", "json"]).await.json();
        let latency = told["rates"]["latency"]["to_service"].clone();
        (latency["p99"].as_f64() > Some(0.0)).then_some(latency)
    };
    let latency = eventually(DEADLINE, "calls took some time", told).await;
    let [p50, p99, p999] = ["p50", "p99", "p999"].map(|key| latency[key].as_f64().unwrap());
    assert!(p50 <= p99 && p99 <= p999 && p999 < 30.0, "{latency}");
    calling.abort();
}
