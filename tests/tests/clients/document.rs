//! The OpenAPI documents, as they are served.

use crate::program::run;
use crate::world::{TOKEN, World};
use frontier_tests::{Frontlas, Gateway, tool};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// The id of no session.
const NOBODY: &str = "00000000000000000000000000000000";

const METHODS: [&str; 4] = ["get", "put", "post", "delete"];

/// The status and the body of an answer. Of one that has no end, the status alone.
async fn ask(method: &str, url: &str, token: Option<&str>) -> (u16, Value) {
    let token = format!("authorization: {}", token.map(|it| format!("Bearer {it}")).unwrap_or_default());
    // curl gives up on a stream once its head is there.
    let script = r#"curl -sSN --max-time 20 -X "$1" -H "$2" -H 'content-type: application/json' -w '\n%{http_code}' \
        $(case "$3" in */watch*) echo '--head -X GET';; esac) "$3""#;
    let said = run(&tool("bash", "bash"), ["-c", script, "curl", method, &token, url]).await;
    let (body, status) = said.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
}

/// Each operation: method, path, and what is said of it.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(METHODS.contains(&method.as_str()), "{path}: {method}");
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_for_those_who_may_read_and_says_what_is_asked_of_them() {
    let world = World::new().await;
    let broker = world.broker().await;
    let planes = [world.gateway_url(""), world.frontlas_url(""), broker.url("")];
    for url in planes.map(|plane| plane + "/openapi.json") {
        let (status, error) = ask("GET", &url, None).await;
        assert_eq!((status, &error["code"]), (401, &json!("UNAUTHENTICATED")), "{url}");
        assert_eq!(ask("GET", &format!("{url}?all"), Some(TOKEN)).await.0, 400);
        let (status, document) = ask("GET", &url, Some(TOKEN)).await;
        assert_eq!((status, &document["openapi"]), (200, &json!("3.1.1")), "{url}");
        assert_eq!(document["security"], json!([{"token": []}, {"certificate": []}]), "{url}");
        assert_eq!(document["paths"]["/healthz"]["get"]["security"], json!([]), "{url}");
    }
    let (gateway, frontlas) = (Gateway::start().await, Frontlas::builder().start().await);
    for addr in [gateway.control().await, frontlas.control()] {
        let (status, document) = ask("GET", &format!("http://{addr}/openapi.json"), None).await;
        assert_eq!((status, &document["security"]), (200, &json!([])), "nobody is asked there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_document_has_is_served_and_takes_credentials() {
    let world = World::new().await;
    let broker = world.broker().await;
    for url in [world.gateway_url(""), world.frontlas_url(""), broker.url("")] {
        let (_, document) = ask("GET", &format!("{url}/openapi.json"), Some(TOKEN)).await;
        let mut ids = BTreeSet::new();
        for (method, path, operation) in operations(&document) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            let url = [
                ("{edge_id}", "1"),
                ("{service_id}", "1"),
                ("{service}", "s"),
                ("{client}", "c"),
                ("{id}", NOBODY),
            ]
            .iter()
            .fold(format!("{url}{path}"), |url, (name, value)| url.replace(name, value));
            let (status, error) = ask(&method, &url, None).await;
            assert_eq!(status == 401, path != "/healthz", "{method} {path}: {status} {error}");
            if id == "Drain" {
                continue;
            }
            let (status, answer) = ask(&method, &url, Some(TOKEN)).await;
            let documented = operation["responses"].as_object().unwrap();
            assert!(documented.contains_key(&status.to_string()), "{method} {path}: {status} {answer}");
            assert_ne!(answer["code"], "UNIMPLEMENTED", "{method} {path}: {answer}");
            assert!(status != 404 || path.contains('{'), "{method} {path}: {status}");
        }
        assert!(ids.len() > 12, "{ids:?}");
    }
}

/// The paths that a router has beside those of the tables, which it can't be without.
#[test]
fn no_route_is_left_out_of_the_documents() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let documents =
        [frontier_api::BROKER_OPENAPI, frontier_api::CLUSTER_OPENAPI, frontier_api::GATEWAY_OPENAPI];
    let mut found = 0;
    for dir in ["broker/src", "crates/admin/src", "frontier/src", "frontlas/src"] {
        let mut dirs = vec![root.join(dir)];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if path.is_dir() {
                    dirs.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for route in text.split(".route(\"").skip(1).filter_map(|after| after.split('"').next()) {
                    found += 1;
                    assert!(
                        documents.iter().any(|document| document.contains(&format!("\"{route}\": {{"))),
                        "{route} of {} is in no OpenAPI document: crates/api/tests/generated/openapi",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(found > 3, "the routes are written in another way now");
}
