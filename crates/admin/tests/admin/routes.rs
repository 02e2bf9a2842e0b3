//! What is answered, and how errors look to HTTP and to gRPC.

use crate::world::World;
use serde_json::json;

#[tokio::test]
async fn a_handler_knows_its_caller() {
    let world = World::new().await;
    let (status, caller) = world.json("/caller").await;
    assert_eq!((status, &caller["ip"], &caller["certificate"]), (200, &json!("127.0.0.1"), &json!(false)));
    assert_ne!(caller["port"], json!(0));
}

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_json_to_http() {
    let world = World::new().await;
    let (status, body) = world.json("/nowhere").await;
    assert_eq!((status, &body["code"]), (404, &json!("UNIMPLEMENTED")));
    assert_eq!(body["message"], "there is nothing at /nowhere");
    let (status, head, body) = world.send("DELETE /numbers HTTP/1.1").await;
    assert_eq!(status, 405);
    assert!(head.contains("content-type: application/json") && head.contains("cache-control: no-store"));
    assert!(body.contains("DELETE is not for this path"), "{body}");
}

#[tokio::test]
async fn an_unknown_path_is_a_status_to_grpc() {
    let world = World::new().await;
    let head = "POST /a.Service/Call HTTP/1.1\r\ncontent-type: application/grpc\r\ncontent-length: 0";
    let (status, head, _) = world.send(head).await;
    assert_eq!(status, 200);
    assert!(head.contains("grpc-status: 12"), "{head}");
}

/// What any page may have a browser send to this machine: it must not get as far as a handler.
#[tokio::test]
async fn a_grpc_method_is_for_grpc_alone() {
    let world = World::new().await;
    for content_type in
        ["", "content-type: text/plain\r\n", "content-type: application/x-www-form-urlencoded\r\n"]
    {
        for path in ["/grpc.health.v1.Health/Check", "/a.Service/Call"] {
            let head = format!("POST {path} HTTP/1.1\r\n{content_type}content-length: 0");
            let (status, _, body) = world.send(&head).await;
            assert_eq!(status, 415, "{head}");
            assert!(body.contains("application/grpc"), "{body}");
        }
    }
    let head =
        "POST /grpc.health.v1.Health/Check HTTP/1.1\r\ncontent-type: application/grpc\r\ncontent-length: 5";
    let (status, ..) = world.send(&format!("{head}\r\nx: \r\n\r\n\0\0\0\0\0")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn what_any_page_can_have_a_browser_send_gets_no_further() {
    let world = World::new().await;
    let status = async |headers: &str| world.send(&format!("POST /numbers HTTP/1.1{headers}")).await.0;
    for headers in ["", "\r\ncontent-type: text/plain", "\r\ncontent-type: text/plain; a=application/json"] {
        assert_eq!(status(headers).await, 405, "a program: {headers}");
        assert_eq!(status(&format!("\r\norigin: http://a.example{headers}")).await, 415, "{headers}");
    }
    let json = "\r\norigin: http://a.example\r\ncontent-type: application/JSON; charset=utf-8";
    assert_eq!(status(json).await, 405, "the browser has asked for leave before");
}

#[tokio::test]
async fn a_list_is_read_by_tokens_and_by_offsets() {
    let world = World::new().await;
    let (mut seen, mut query) = (Vec::new(), "count=99".to_owned());
    loop {
        let (status, page) = world.json(&format!("/numbers?{query}")).await;
        assert_eq!(status, 200, "{page}");
        seen.extend(page["numbers"].as_array().unwrap().iter().map(|it| it.as_u64().unwrap()));
        match page["next"].as_str().unwrap() {
            "" => break,
            next => query = format!("count=99&pageToken={next}"),
        }
    }
    assert_eq!(seen, (0..250).collect::<Vec<_>>());
    let (_, page) = world.json("/numbers?cursor=240&count=5").await;
    assert_eq!((&page["numbers"], &page["cursor"]), (&json!([240, 241, 242, 243, 244]), &json!(245)));
    for wrong in ["count=x", "cursor=1&page_token=n2", "page_token=e1", "colour=red"] {
        let (status, body) = world.json(&format!("/numbers?{wrong}")).await;
        assert_eq!((status, &body["code"]), (400, &json!("INVALID_ARGUMENT")), "{wrong}");
    }
}
