//! A broker, its gateway and its hosts.

use crate::http::{Answer, ask};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use frontier_broker::{Broker, Config, Gateway};
use frontier_sdk::{HostBuilder, HostError, HostRequest, Response, ServiceHost};
use hyper::Method;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long anything may take that is waited for.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A broker, and a gateway in memory.
pub(crate) struct World {
    pub(crate) gateway: Arc<frontier_testing::Gateway>,
    pub(crate) addr: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) running: JoinHandle<()>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With a configuration, as YAML.
    pub(crate) async fn with(yaml: &str) -> Self {
        Self::at(Arc::new(frontier_testing::Gateway::start()), yaml).await
    }

    /// The same, at this gateway.
    pub(crate) async fn at(gateway: Arc<frontier_testing::Gateway>, yaml: &str) -> Self {
        let mut config = Config::parse(yaml, &|_| None).unwrap();
        config.sessions.server.addr.set_port(0);
        let way = Gateway::One(Box::new(gateway.service("broker")));
        let broker = Broker::bind_with(&config, way).unwrap();
        let (addr, stop) = (broker.addr(), CancellationToken::new());
        let running = tokio::spawn(broker.run(stop.clone()));
        Self { gateway, addr, stop, running }
    }

    /// Stops it, and waits until it has ended.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(DEADLINE, self.running).await.expect("it ends").unwrap();
    }

    /// A host of the service `calc` that answers what it is sent.
    pub(crate) fn host(&self) -> HostBuilder {
        ServiceHost::of_edge(self.gateway.edge(), "calc")
            .capacity(4)
            .handler(|request: HostRequest| async move { Ok::<_, HostError>(Response::new(request.body)) })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        ask(self.addr, Method::GET, path, &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        ask(self.addr, Method::DELETE, path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        ask(self.addr, Method::POST, path, &[("content-type", "application/json")], body).await
    }

    /// Makes a session of `calc`, and gives its path.
    pub(crate) async fn session(&self) -> String {
        self.session_with(json!({})).await
    }

    /// The same, with more settings.
    pub(crate) async fn session_with(&self, mut more: Value) -> String {
        more["serviceName"] = "calc".into();
        let made = self.post("/api/v1/sessions", more.to_string()).await;
        let location = made.headers["location"].to_str().unwrap().to_owned();
        let body = made.ok();
        assert!(location.ends_with(body["sessionId"].as_str().unwrap()));
        location
    }

    /// Sends requests with these bodies, each of which is its user data as well.
    pub(crate) async fn send(&self, session: &str, bodies: &[&str]) -> Answer {
        self.post(&format!("{session}/requests"), requests(bodies)).await
    }

    /// Responses until there are so many, or no more follow: bodies, or faults.
    pub(crate) async fn responses(&self, session: &str, count: usize) -> Vec<Value> {
        let path = format!("{session}/responses?maxCount=1000&waitMs=5000");
        let fetch = async {
            let mut responses = Vec::new();
            while responses.len() < count {
                let page = self.get(&path).await.ok();
                responses.extend(page["responses"].as_array().unwrap().iter().cloned());
                if !page["endOfResponses"].is_null() {
                    break;
                }
            }
            responses
        };
        tokio::time::timeout(DEADLINE, fetch).await.expect("it is answered")
    }

    /// Waits until what `path` answers is as it should be.
    pub(crate) async fn until(&self, path: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.get(path).await;
            if is_it(&answer.body) {
                return answer.body;
            }
            assert!(begun.elapsed() < DEADLINE, "{path} is {} still", answer.body);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The body of a POST of requests.
pub(crate) fn requests(bodies: &[&str]) -> String {
    let item = |body: &&str| json!({"action": "echo", "payload": STANDARD.encode(body), "userData": body});
    json!({"requests": bodies.iter().map(item).collect::<Vec<_>>()}).to_string()
}

/// What was answered, as text.
pub(crate) fn texts(responses: &[Value]) -> Vec<String> {
    let text = |one: &Value| {
        let payload = one["payload"].as_str().unwrap();
        String::from_utf8(STANDARD.decode(payload).unwrap()).unwrap()
    };
    let mut texts: Vec<_> = responses.iter().map(text).collect();
    texts.sort();
    texts
}
