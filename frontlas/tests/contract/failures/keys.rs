//! The keys in Redis: as documented, whatever was under them before, and none left over.

use super::{directory, impatient, port};
use crate::world::{DEADLINE, Node, counts};
use frontier_test_redis::Server;
use frontlas::{Directory, Lifetimes, Mark, NewFrontier, Presence, RedisDirectory, RedisMode};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn mode(server: &Server) -> RedisMode {
    RedisMode::Standalone { addr: port(server.addr()), db: 0 }
}

/// What `redis-cli` prints of a hash, as pairs.
fn hash(server: &Server, key: &str) -> Vec<(String, String)> {
    let text = server.cli(&["HGETALL", key]);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_those_of_the_data_model() {
    let server = Server::start();
    let lifetimes = Lifetimes {
        service_meta: Duration::from_secs(100),
        edge_meta: Duration::from_secs(200),
        ..Lifetimes::default()
    };
    let directory: Arc<dyn Directory> = Arc::new(RedisDirectory::new(impatient(mode(&server)), lifetimes));
    let node = Node::join(&directory, "frontier01").await;
    let edge = Presence::edge(67890, "192.168.1.30:54322", node.now().await);
    let service = Presence::service(12345, "user-service", "192.168.1.20:54321", node.now().await);
    node.online(&edge).await;
    node.online(&service).await;
    directory.refresh(&node.lease).await.unwrap();

    let frontier = hash(&server, "frontlas:frontiers:frontier01");
    for (field, value) in [
        ("advertised_sb_addr", "frontier01.example:30011"),
        ("advertised_eb_addr", "frontier01.example:30012"),
        ("edge_count", "1"),
        ("service_count", "1"),
    ] {
        assert!(frontier.contains(&(field.into(), value.into())), "{frontier:?}");
    }
    let json = |key: &str| -> serde_json::Value { serde_json::from_str(&server.cli(&["GET", key])).unwrap() };
    let it = json("frontlas:edges:67890");
    assert_eq!((&it["frontier_id"], &it["addr"]), (&"frontier01".into(), &"192.168.1.30:54322".into()));
    assert_eq!(it["stamp"], edge.stamp.0);
    assert!(it["update_time"].as_u64().unwrap() - edge.stamp.seconds() <= 30);
    let it = json("frontlas:services:12345");
    assert_eq!((&it["frontier_id"], &it["service"]), (&"frontier01".into(), &"user-service".into()));
    assert_eq!(it["addr"], "192.168.1.20:54321");

    let lives = |key: &str| server.cli(&["TTL", key]).parse::<i64>().unwrap();
    for key in ["frontiers:frontier01", "edges:67890", "services:12345"] {
        let key = format!("frontlas:alive:{key}");
        assert_eq!(server.cli(&["GET", &key]), "1");
        assert!((1..=30).contains(&lives(&key)), "{key}");
    }
    assert!((61..=100).contains(&lives("frontlas:frontiers:frontier01")));
    assert!((61..=100).contains(&lives("frontlas:services:12345")));
    assert!((161..=200).contains(&lives("frontlas:edges:67890")));
}

/// What a frontier reports is a URL; what others dial from here is `host:port`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_host_and_port_and_the_url_is_beside_it() {
    let server = Server::start();
    let directory = directory(impatient(mode(&server)));
    let new = |sb: &str, eb: &str| NewFrontier {
        id: "a".into(),
        advertised_sb_addr: sb.into(),
        advertised_eb_addr: eb.into(),
    };
    let reported = async || {
        let it = directory.frontiers().await.unwrap().pop().unwrap();
        (it.advertised_sb_addr, it.advertised_eb_addr)
    };
    directory.join(&new("tcp://h:1", "tls://h:2"), None).await.unwrap();
    let field = |name: &str| server.cli(&["HGET", "frontlas:frontiers:a", name]);
    assert_eq!(field("advertised_sb_addr"), "h:1");
    assert_eq!(field("advertised_sb_url"), "tcp://h:1");
    assert_eq!(field("advertised_eb_addr"), "tls://h:2");
    assert_eq!(field("advertised_eb_url"), "tls://h:2");
    assert_eq!(reported().await, ("tcp://h:1".into(), "tls://h:2".into()));
    // A frontlas of before writes a URL there, and leaves the other fields as they are.
    server.cli(&["HSET", "frontlas:frontiers:a", "advertised_sb_addr", "tcp://h:3"]);
    assert_eq!(reported().await, ("tcp://h:3".into(), "tls://h:2".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_that_is_there_is_documented() {
    let document = include_str!("../../../../docs/directory.md");
    let server = Server::start();
    let directory = directory(impatient(mode(&server)));
    let node = Node::join(&directory, "a").await;
    let left = node.connect(1).await;
    node.offline(&left).await;
    let service = Presence::service(2, "s", "", node.now().await);
    node.online(&service).await;
    directory.mark(&node.lease, Mark::Draining).await.unwrap();
    directory.mark(&node.lease, Mark::Away).await.unwrap();
    directory.resync_begin(&node.lease).await.unwrap();
    node.connect(3).await;
    directory.check().await.unwrap();
    let (mut fields, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for key in server.cli(&["KEYS", "*"]).lines() {
        let name = key.strip_prefix("frontlas:").unwrap();
        kinds.insert(name.split(':').next().unwrap().to_owned());
        match (server.cli(&["TYPE", key]).as_str(), name) {
            // Its fields are names of frontiers.
            ("hash", "index:frontiers") => {}
            ("hash", _) => fields.extend(hash(&server, key).into_iter().map(|(field, _)| field)),
            ("string", _) if !name.starts_with("alive:") && name != "probe" => {
                let json: serde_json::Value = serde_json::from_str(&server.cli(&["GET", key])).unwrap();
                fields.extend(json.as_object().unwrap().keys().cloned());
            }
            _ => {}
        }
    }
    assert!(fields.len() > 15 && kinds.len() > 6, "{fields:?} {kinds:?}");
    for field in fields {
        assert!(document.contains(&format!("`{field}`")), "{field}");
    }
    for kind in kinds {
        let named = [format!("`{kind}`"), format!("`{kind}:")];
        assert!(named.iter().any(|name| document.contains(name)), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_left_under_them_does_not_matter() {
    let server = Server::start();
    let directory = directory(impatient(mode(&server)));
    let old = r#"{"frontier_id":"a","addr":"1.2.3.4:5","update_time":1}"#;
    for command in [
        vec!["HSET", "frontlas:edges:1", "a", "a line of text"],
        vec!["SET", "frontlas:edges:2", "no json"],
        vec!["SET", "frontlas:edges:3", old],
        vec!["SET", "frontlas:edges:4", "[1]"],
        vec!["SET", "frontlas:alive:edges:3", "1"],
        vec!["HSET", "frontlas:frontiers:a", "advertised_sb_addr", "x", "edge_count", "77"],
        vec!["SET", "frontlas:alive:frontiers:a", "1"],
        vec!["XADD", "frontlas:changes", "9999999999999999-1", "change", "x"],
    ] {
        server.cli(&command);
    }
    assert_eq!(directory.edges_by_id(&[1, 2, 3, 4]).await.unwrap(), [None, None, None, None]);
    assert_eq!(counts(&directory).await, []);
    let node = Node::join(&directory, "a").await;
    assert_eq!(counts(&directory).await, [("a".into(), 0, 0)]);
    for edge_id in 1..=4 {
        node.connect(edge_id).await;
    }
    assert_eq!(counts(&directory).await, [("a".into(), 4, 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_what_has_gone() {
    let server = Server::start();
    let second = Duration::from_secs(1);
    let lifetimes = Lifetimes { alive: second, edge_meta: second, service_meta: second, history: 10 };
    let directory: Arc<dyn Directory> = Arc::new(RedisDirectory::new(impatient(mode(&server)), lifetimes));
    for id in ["a", "b", "c"] {
        // Each takes over from the one before; the edges of the last one lapse with it.
        let node = Node::join(&directory, id).await;
        directory.resync_begin(&node.lease).await.unwrap();
        for edge_id in 0..20 {
            let presence = node.connect(edge_id).await;
            if edge_id % 3 == 0 {
                node.offline(&presence).await;
            }
        }
        Node::join(&directory, id).await.connect(100).await;
    }
    let end = Instant::now() + DEADLINE;
    loop {
        directory.sweep().await.unwrap();
        let mut keys: Vec<_> = server.cli(&["KEYS", "*"]).lines().map(str::to_owned).collect();
        keys.sort();
        if keys == ["frontlas:changes", "frontlas:history"] {
            break;
        }
        assert!(Instant::now() < end, "{keys:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
