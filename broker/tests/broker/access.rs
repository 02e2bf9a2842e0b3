//! Who may do what.

use crate::http::ask;
use crate::world::{World, requests};
use hyper::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::Write;

/// A token file with one for each.
fn tokens() -> String {
    let entry = |name: &str, role: &str| {
        let hash = Sha256::digest(format!("{name}-has-a-long-secret-0"));
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("- {{hash: 'sha256:{hex}', name: {name}, role: {role}}}\n")
    };
    [("ann", "operate"), ("bob", "operate"), ("eve", "read"), ("root", "admin")]
        .map(|(name, role)| entry(name, role))
        .concat()
}

#[tokio::test]
async fn a_session_is_its_creators_unless_it_is_shared() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(tokens().as_bytes()).unwrap();
    let auth = format!("sessions: {{auth: {{methods: [{{token: {{file: {:?}}}}}]}}}}", file.path());
    let world = World::with(&auth).await;
    let as_ = async |name: &str, method: Method, path: &str, body: String| {
        let token = format!("{name}-has-a-long-secret-0");
        // As CloudSOA's clients show it, and as all others do.
        let bearer = format!("Bearer {token}");
        let headers = match name {
            "ann" => [("x-api-key", &*token), ("content-type", "application/json")],
            _ => [("authorization", &*bearer), ("content-type", "application/json")],
        };
        ask(world.addr, method, path, &headers, body).await
    };
    let create = async |name: &str, shared: bool| {
        let body = json!({"serviceName": "calc", "shareSession": shared}).to_string();
        as_(name, Method::POST, "/api/v1/sessions", body).await
    };
    assert_eq!(create("nobody", false).await.status, 401);
    assert_eq!(create("eve", false).await.status, 403);
    let path = |body: serde_json::Value| format!("/api/v1/sessions/{}", body["sessionId"].as_str().unwrap());
    let own = path(create("ann", false).await.ok());
    let shared = path(create("ann", true).await.ok());
    let send = async |name: &str, session: &str| {
        let path = format!("{session}/requests?clientId={name}");
        as_(name, Method::POST, &path, requests(&["1"])).await
    };
    assert_eq!(send("ann", &own).await.status, 202);
    assert_eq!(send("bob", &own).await.fault(), (403, "AccessDenied_Broker"));
    assert_eq!(send("bob", &shared).await.status, 202);
    assert_eq!(send("eve", &shared).await.status, 403);
    for (method, rest) in [
        (Method::GET, ""),
        (Method::GET, "/status"),
        (Method::GET, "/responses"),
        (Method::POST, "/attach"),
        (Method::POST, "/requests/flush"),
        (Method::DELETE, "/clients/ann"),
        (Method::DELETE, ""),
    ] {
        let refused = as_("bob", method, &format!("{own}{rest}"), String::new()).await;
        assert_eq!(refused.fault(), (403, "AccessDenied_Broker"), "{rest}");
    }
    // A reader looks, and takes nothing away.
    assert_eq!(as_("eve", Method::GET, &format!("{shared}/status"), String::new()).await.status, 200);
    assert_eq!(as_("eve", Method::GET, &format!("{shared}/responses"), String::new()).await.status, 403);
    // Queues of a shared session are their clients' all the same.
    let theirs = format!("{shared}/requests?clientId=bob");
    let taken = as_("ann", Method::POST, &theirs, requests(&["1"])).await;
    assert_eq!(taken.fault(), (403, "AccessDenied_BrokerQueue"));
    let count = async |name: &str| {
        let list = as_(name, Method::GET, "/api/v1/sessions", String::new()).await.ok();
        list.as_array().unwrap().len()
    };
    assert_eq!((count("ann").await, count("bob").await, count("root").await), (2, 1, 2));
    let both =
        [("x-api-key", "ann-has-a-long-secret-0"), ("authorization", "Bearer bob-has-a-long-secret-0")];
    let refused = ask(world.addr, Method::GET, "/api/v1/sessions", &both, "").await;
    assert_eq!(refused.status, 401, "nobody could tell which one counts");
}
