//! What methods edges answer, as they tell it themselves.

use crate::world::{Rest, grpc, says};
use frontier_api::gateway::{ListEdgeRpCsRequest, ListEdgesRequest};
use frontier_protocol::{Code, FEATURE_EDGE_METHODS, Hello, Names, Registration, Role};
use frontier_sdk::{EdgeId, HandlerError, Request, Response};
use frontier_tests::{DEADLINE, Gateway, RawPeer, eventually};
use serde_json::json;

async fn ok(_: Request) -> Result<Response, HandlerError> {
    Ok(Response::new("ok"))
}

/// Waits until the edges have told of just these.
async fn listed(rest: &Rest, methods: &[&str]) {
    let all =
        async || (rest.get("/v1/edges/rpcs?page_size=100").await["rpcs"] == json!(methods)).then_some(());
    eventually(DEADLINE, &format!("{methods:?} are listed"), all).await;
}

#[tokio::test]
async fn what_edges_answer_is_listed_over_rest_and_grpc_alike() {
    let gateway = Gateway::start().await;
    let service = gateway.service("files").connect().await.unwrap();
    let edge = |id: u64, meta: &'static str| gateway.edge().id(EdgeId(id)).meta(meta);
    let first = edge(7, "eu-7").register("reboot", ok).register("get", ok).connect().await.unwrap();
    let _second = edge(8, "us-8").register("reboot", ok).connect().await.unwrap();
    let _silent = edge(9, "eu-9").register("reboot", ok).tell_methods(false).connect().await.unwrap();
    let rest = Rest::of(&gateway).await;

    // It was told with the Hello, so it is there at once.
    let rpcs = async |query: &str| rest.get(&format!("/v1/edges/rpcs{query}")).await;
    assert_eq!(rpcs("").await, json!({"rpcs": ["reboot", "get", "reboot"], "count": 3}));
    assert_eq!(rpcs("?order=edge_id").await["rpcs"], json!(["get", "reboot", "reboot"]));
    assert_eq!(rpcs("?edge_id=7").await, json!({"rpcs": ["get", "reboot"], "count": 2}));
    assert_eq!(rpcs("?meta=us").await, json!({"rpcs": ["reboot"], "count": 1}));
    assert_eq!(rpcs("?edgeId=9").await, json!({"rpcs": [], "count": 0}));
    let page = rpcs("?pageSize=2").await;
    let token = page["next_page_token"].as_str().unwrap();
    assert_eq!((&page["rpcs"], &page["count"]), (&json!(["reboot", "get"]), &json!(3)));
    assert_eq!(rpcs(&format!("?page_size=2&page_token={token}")).await["rpcs"], json!(["reboot"]));
    assert_eq!(rpcs("?page=2&page_size=2").await["rpcs"], json!(["reboot"]));

    let edges = async |query: &str| {
        let found = rest.get(&format!("/v1/edges?order=%2Bedge_id&{query}")).await;
        let ids = found["edges"].as_array().unwrap().iter().map(|edge| edge["edge_id"].clone());
        (found["count"].clone(), ids.collect::<Vec<_>>())
    };
    assert_eq!(edges("rpc=reboot").await, (json!(2), vec![json!("7"), json!("8")]));
    assert_eq!(edges("rpc=reboot&meta=us").await, (json!(1), vec![json!("8")]));
    assert_eq!(edges("rpc=rebo").await, (json!(0), vec![]));
    let alone = rest.get("/v1/edges/7").await;
    assert_eq!((&alone["rpcs"], &alone["limits"]["names"]), (&json!(2), &json!(1000)));

    let mut client = grpc(rest.addr).await;
    let request = ListEdgeRpCsRequest { edge_id: Some(7), ..Default::default() };
    let list = client.list_edge_rp_cs(request).await.unwrap().into_inner();
    assert_eq!((list.rpcs, list.count), (vec!["get".into(), "reboot".into()], 2));
    let request = ListEdgesRequest { rpc: Some("get".into()), ..Default::default() };
    let list = client.list_edges(request).await.unwrap().into_inner();
    assert_eq!((list.count, list.edges[0].edge_id, list.edges[0].rpcs), (1, 7, 2));

    // A call goes to the edge, whatever it has told.
    assert_eq!(service.call(EdgeId(9), "reboot", "").await.unwrap().data, "ok");
    let missing = service.call(EdgeId(7), "put", "").await.unwrap_err();
    assert_eq!(missing.code(), Code::MethodNotFound);

    first.register("put", ok).await.unwrap();
    first.unregister("get").await.unwrap();
    listed(&rest, &["reboot", "put", "reboot"]).await;
    first.close().await.unwrap();
    listed(&rest, &["reboot"]).await;
}

#[tokio::test]
async fn methods_are_told_again_after_a_kick_and_to_the_next_gateway() {
    let next = Gateway::start().await;
    let mut gateway = Gateway::builder().set("edgebound.alternatives", vec![next.edge_url()]).start().await;
    let edge = gateway.edge().id(EdgeId(7)).register("first", ok).connect().await.unwrap();
    edge.register("second", ok).await.unwrap();
    let rest = Rest::of(&gateway).await;
    listed(&rest, &["first", "second"]).await;
    let stamp = rest.get("/v1/edges/7").await["stamp"].clone();
    assert_eq!(rest.ask("DELETE", "/v1/edges/7").await.0, 200);
    let again = async || {
        let (status, edge) = rest.ask("GET", "/v1/edges/7").await;
        (status == 200 && edge["stamp"] != stamp).then_some(edge)
    };
    assert_eq!(eventually(DEADLINE, "it is back", again).await["rpcs"], json!(2));
    listed(&rest, &["first", "second"]).await;

    gateway.terminate();
    let elsewhere = Rest::of(&next).await;
    listed(&elsewhere, &["first", "second"]).await;
    edge.unregister("first").await.unwrap();
    listed(&elsewhere, &["second"]).await;
    assert_eq!(gateway.process().exit().await, Some(0));
}

fn hello<'a>(features: u32, methods: &[&'a str]) -> Hello<'a> {
    let topics = vec!["an edge takes none"];
    Hello { features, methods: methods.to_vec(), topics, ..RawPeer::hello(Role::Edge) }
}

async fn connect(gateway: &Gateway, hello: &Hello<'_>) -> (RawPeer, bool) {
    let edge = RawPeer::connect(gateway.edges(), hello).await.unwrap();
    let features = edge.welcome.as_ref().unwrap().features;
    assert_eq!(features & !FEATURE_EDGE_METHODS, 0);
    (edge, features != 0)
}

#[tokio::test]
async fn an_edge_tells_only_if_both_sides_want_it() {
    let gateway = Gateway::start().await;
    let rest = Rest::of(&gateway).await;
    // As an older one, whose methods were never looked at.
    let (mut older, is_agreed) = connect(&gateway, &hello(0, &["m"])).await;
    assert!(!is_agreed);
    older.is_alive().await;
    listed(&rest, &[]).await;
    let (mut edge, is_agreed) = connect(&gateway, &hello(FEATURE_EDGE_METHODS, &["b", "a", "b"])).await;
    assert!(is_agreed);
    assert_eq!(rest.get("/v1/edges/rpcs").await["rpcs"], json!(["a", "b"]), "before the Welcome");
    let (add, remove) = (Registration::Add, Registration::Remove);
    assert_eq!(edge.register(add, Names::Methods, &["c", "a"]).await.0, Code::Ok);
    assert_eq!(rest.get("/v1/edges/rpcs").await["rpcs"], json!(["a", "b", "c"]), "before the answer");
    assert_eq!(edge.register(remove, Names::Methods, &["a", "never"]).await.0, Code::Ok);
    assert_eq!(rest.get("/v1/edges/rpcs").await["rpcs"], json!(["b", "c"]));
    assert_eq!(edge.register(add, Names::Topics, &["t"]).await.0, Code::Denied);
    // One that has the feature may tell of nothing at first.
    let (mut late, is_agreed) = connect(&gateway, &hello(FEATURE_EDGE_METHODS, &[])).await;
    assert!(is_agreed);
    assert_eq!(late.register(add, Names::Methods, &["late"]).await.0, Code::Ok);
    listed(&rest, &["late", "b", "c"]).await;
    // An edge says nothing of services.
    let hello = Hello { features: FEATURE_EDGE_METHODS, ..RawPeer::hello(Role::Service) };
    let service = RawPeer::connect(gateway.services(), &hello).await.unwrap();
    assert_eq!(service.welcome.as_ref().unwrap().features, 0);
}

#[tokio::test]
async fn an_edge_that_tells_too_much_is_let_in_and_hears_of_the_limit() {
    let gateway = Gateway::builder()
        .set("limits.names_per_edge", 20)
        .set("limits.edge_names_size", "128KiB")
        .set("limits.all_edge_names_size", "1MiB")
        .set("limits.name_size", "8KiB")
        .start()
        .await;
    let rest = Rest::of(&gateway).await;
    let names: Vec<String> = (0..21).map(|number| format!("{number:08000}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let long = "n".repeat(8193);
    let over = [
        (&names[..], "limits.names_per_edge"),
        (&names[..17], "limits.edge_names_size"),
        (&[&*long][..], "limits.name_size"),
        (&[""][..], "must not be empty"),
    ];
    for (methods, key) in over {
        let (mut edge, is_agreed) = connect(&gateway, &hello(FEATURE_EDGE_METHODS, methods)).await;
        assert!(!is_agreed, "{key}");
        edge.is_alive().await;
        says(gateway.log(), &["are not listed", key]).await;
    }
    listed(&rest, &[]).await;
    let (mut edge, _) = connect(&gateway, &hello(FEATURE_EDGE_METHODS, &["a"])).await;
    for (methods, key) in over {
        let (code, text) = edge.register(Registration::Add, Names::Methods, methods).await;
        assert!([Code::Overloaded, Code::TooLarge, Code::Denied].contains(&code), "{code}");
        assert!(text.contains(key), "{text}");
    }
    listed(&rest, &["a"]).await;

    // Those that tell the same take nothing more, however many they are.
    let mut same = Vec::new();
    for _ in 0..20 {
        let (edge, is_agreed) = connect(&gateway, &hello(FEATURE_EDGE_METHODS, &names[..16])).await;
        assert!(is_agreed);
        same.push(edge);
    }
    // Different ones do: 128,000 bytes each.
    let mut different = Vec::new();
    for number in 1..=8 {
        let methods: Vec<String> = (0..16).map(|it| format!("{number}{it:07999}")).collect();
        let methods: Vec<&str> = methods.iter().map(String::as_str).collect();
        let (edge, is_agreed) = connect(&gateway, &hello(FEATURE_EDGE_METHODS, &methods)).await;
        assert_eq!(is_agreed, number < 8, "{number}");
        different.push(edge);
    }
    says(gateway.log(), &["are not listed", "limits.all_edge_names_size"]).await;
    let (code, text) = edge.register(Registration::Add, Names::Methods, &names[..16]).await;
    assert!(code == Code::Overloaded && text.ends_with("(limits.all_edge_names_size)"), "{text}");
    // There is room again once some have left.
    drop(different);
    let room = async || {
        let (code, _) = edge.register(Registration::Add, Names::Methods, &names[..15]).await;
        (code == Code::Ok).then_some(())
    };
    eventually(DEADLINE, "there is room", room).await;
}
