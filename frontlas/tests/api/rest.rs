//! The REST side: every path, every error.

use crate::http::read;
use crate::switch::{SECRET, State};
use crate::world::{World, within};
use frontier_api::json;
use frontlas::{Directory, NewFrontier};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, from_value, json};
use tokio::process::Command;

const LAST: u64 = u64::MAX;

/// Two frontiers, the second with two edges and a service.
async fn world() -> World {
    let world = World::new().await;
    world.frontier("f1").await;
    let lease = world.frontier("f2").await;
    world.edges(&lease, [7, LAST]).await;
    world.service(&lease, 9, "files").await;
    world
}

#[tokio::test]
async fn an_edge_and_its_frontier_are_found() {
    let world = world().await;
    let frontier = json!({
        "frontier_id": "f2", "advertised_sb_addr": "f2:30011", "advertised_eb_addr": "f2:30012",
        "edge_count": "2", "service_count": "1", "service_names": ["files"], "draining": false, "forwarding": false,
        "advertised_sb_url": "tcp://f2:30011", "advertised_eb_url": "tcp://f2:30012",
    });
    for path in ["/cluster/v1/frontier?edge_id=7", "/cluster/v1/frontier?edgeId=18446744073709551615"] {
        assert_eq!(world.ok(path).await, json!({"frontier": frontier, "fontier": frontier}));
    }
    let body = world.ok(&format!("/cluster/v1/edge?edge_id={LAST}")).await;
    assert_eq!(body["edge"]["edge_id"], LAST.to_string());
    let edge: json::OneEdge = from_value(body).unwrap();
    assert_eq!((edge.edge.frontier_id.as_str(), edge.edge.addr.is_empty()), ("f2", false));
    assert!(edge.edge.update_time > 1_700_000_000 && edge.edge.stamp / 1_000_000 > 1_700_000_000);
}

#[tokio::test]
async fn a_service_is_found_and_all_are_counted() {
    let world = world().await;
    let body = world.ok("/cluster/v1/service?service_id=9").await;
    let service: json::OneService = from_value(body).unwrap();
    assert_eq!((service.service.service_id, service.service.service.as_str()), (9, "files"));
    assert_eq!(world.ok("/cluster/v1/edges/count").await, json!({"count": "2"}));
    assert_eq!(world.ok("/cluster/v1/services/count").await, json!({"count": "1"}));
}

#[tokio::test]
async fn lists_by_id_are_in_the_order_of_the_question_with_null_for_who_is_not_there() {
    let world = world().await;
    let ids = |list: &Value, key: &str| -> Vec<Value> {
        list.as_array().unwrap().iter().map(|item| item.get(key).cloned().unwrap_or_default()).collect()
    };
    let body = world.ok("/cluster/v1/edges?edge_ids=8,7&edge_ids=7&edgeIds=18446744073709551615").await;
    assert_eq!(
        ids(&body["edges"], "edge_id"),
        [json!(null), json!("7"), json!("7"), json!(LAST.to_string())]
    );
    assert_eq!(body.get("cursor"), None);
    let body = world.ok("/cluster/v1/services?service_ids=1,9").await;
    assert_eq!(ids(&body["services"], "service_id"), [json!(null), json!("9")]);
    let body = world.ok("/cluster/v1/frontiers?edge_ids=7,8").await;
    assert_eq!(ids(&body["frontiers"], "frontier_id"), [json!("f2"), json!(null)]);
    let body = world.ok("/cluster/v1/frontiers?frontier_ids=nobody&frontierIds=f1").await;
    assert_eq!(ids(&body["frontiers"], "frontier_id"), [json!(null), json!("f1")]);
    let body = world.ok("/cluster/v1/frontiers").await;
    assert_eq!(ids(&body["frontiers"], "frontier_id"), [json!("f1"), json!("f2")]);
}

#[tokio::test]
async fn who_is_not_connected_is_not_found() {
    let world = world().await;
    for path in [
        "/cluster/v1/frontier?edge_id=8",
        "/cluster/v1/frontier?edge_id=0",
        "/cluster/v1/edge?edge_id=8",
        "/cluster/v1/service?service_id=8",
    ] {
        assert_eq!(world.error(path, 404).await.0, "NOT_FOUND", "{path}");
    }
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused() {
    let world = world().await;
    for path in [
        "/cluster/v1/frontier",
        "/cluster/v1/frontier?edge_id=",
        "/cluster/v1/frontier?edge_id=x",
        "/cluster/v1/frontier?edge_id=-1",
        "/cluster/v1/frontier?edge_id=18446744073709551616",
        "/cluster/v1/frontier?edge_id=7&edge_id=7",
        "/cluster/v1/frontier?edge_id=7&other=1",
        "/cluster/v1/frontier?edge_id=%ff%00",
        "/cluster/v1/edge?id=7",
        "/cluster/v1/service?service_id=1e3",
        "/cluster/v1/edges?edge_ids=1,",
        "/cluster/v1/edges?edge_ids=1&count=1",
        "/cluster/v1/edges?edge_ids=1&cursor=0",
        "/cluster/v1/edges?cursor=f31",
        "/cluster/v1/edges?cursor=nonsense",
        "/cluster/v1/edges?cursor=4294967296",
        "/cluster/v1/edges?count=-1",
        "/cluster/v1/edges?cursor=e1&page_token=e2",
        "/cluster/v1/edges?=&&==&%",
        "/cluster/v1/services?cursor=e1",
        "/cluster/v1/frontiers?cursor=fzz",
        "/cluster/v1/frontiers?edge_ids=1&frontier_ids=a",
        "/cluster/v1/edges/count?edge_id=1",
        "/cluster/v1/services/count?x",
        "/cluster/v1/watch?after=1",
        "/cluster/v1/watch?kinds=everything",
        "/cluster/v1/health?x=1",
    ] {
        assert_eq!(world.error(path, 400).await.0, "INVALID_ARGUMENT", "{path}");
    }
    let ids = |count: usize| vec!["1"; count].join(",");
    world.error(&format!("/cluster/v1/edges?edge_ids={}", ids(1001)), 400).await;
    world.ok(&format!("/cluster/v1/edges?edge_ids={}", ids(1000))).await;
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_the_same_form() {
    let world = world().await;
    for path in ["/", "/cluster", "/cluster/v1/edge/7", "/cluster/v1/edges/", "/v1/edges", "/%00"] {
        assert_eq!(world.error(path, 404).await.0, "UNIMPLEMENTED", "{path}");
    }
    let post =
        Request::post("/cluster/v1/edges").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
    let (status, body) = read(world.send(post).await).await;
    assert_eq!((status.as_u16(), &body["code"]), (405, &json!("UNIMPLEMENTED")));
}

#[tokio::test]
async fn without_the_directory_it_says_so_and_not_what_the_directory_said() {
    let world = world().await;
    world.directory.set(State::Fails);
    for path in [
        "/cluster/v1/frontier?edge_id=7",
        "/cluster/v1/frontiers",
        "/cluster/v1/edge?edge_id=7",
        "/cluster/v1/edges",
        "/cluster/v1/edges?edge_ids=7",
        "/cluster/v1/edges/count",
        "/cluster/v1/service?service_id=7",
        "/cluster/v1/services",
        "/cluster/v1/services/count",
        "/cluster/v1/watch",
    ] {
        let (code, message) = world.error(path, 503).await;
        assert_eq!(code, "UNAVAILABLE", "{path}");
        assert!(!message.contains(SECRET) && !message.contains("internal"), "{message}");
    }
}

/// A client that none of us wrote.
#[tokio::test]
async fn curl_gets_json_over_http_1_and_2() {
    let world = world().await;
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-i", version, &format!("http://{}/cluster/v1/frontier?edge_id=7", world.addr)]);
        let output = within("curl", curl.kill_on_drop(true).output()).await.expect("curl is installed");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200") && head.contains("content-type: application/json"), "{head}");
        let body: json::OneFrontier = serde_json::from_str(body).unwrap();
        assert_eq!(body.frontier.frontier_id, "f2");
    }
}

#[tokio::test]
async fn head_is_answered_without_a_body() {
    let world = world().await;
    let head =
        Request::head("/cluster/v1/edges").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
    let response = world.send(head).await;
    assert_eq!(response.status().as_u16(), 200);
    assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn who_dials_host_and_port_can_wherever_it_is_plain_tcp() {
    let world = World::new().await;
    for (id, sb, eb) in [
        ("plain", "tcp://h:1", "tcp://h:2"),
        ("secured", "tls://h:1", "wss://h/edges"),
        ("before", "h:1", "h:2"),
    ] {
        let frontier =
            NewFrontier { id: id.into(), advertised_sb_addr: sb.into(), advertised_eb_addr: eb.into() };
        world.directory.inner.join(&frontier, None).await.unwrap();
    }
    let list = world.ok("/cluster/v1/frontiers").await;
    let of = |place: usize| {
        ["sb_addr", "eb_addr", "sb_url", "eb_url"]
            .map(|field| list["frontiers"][place][format!("advertised_{field}")].as_str().unwrap().to_owned())
    };
    assert_eq!(of(0), ["h:1", "h:2", "tcp://h:1", "tcp://h:2"]);
    assert_eq!(of(1), ["h:1", "h:2", "tcp://h:1", "tcp://h:2"]);
    assert_eq!(of(2), ["tls://h:1", "wss://h/edges", "tls://h:1", "wss://h/edges"]);
}
