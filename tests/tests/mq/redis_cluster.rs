//! A Redis Cluster: each key at its node, in order.

use crate::resp::Resp;
use crate::world::{edge, streams};
use frontier_test_redis::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn each_stream_is_found_at_its_node_in_order() {
    let mut cluster = Cluster::start();
    // One address is enough: it says where the others are.
    let gateway = streams(&cluster.addrs()[..1], &["temp"])
        .set("mq.redis.streams.producer.stream", "{topic}:{edge_id}");
    let gateway = gateway.start().await;
    let mut nodes = std::collections::BTreeSet::new();
    for id in 1..=12 {
        let edge = edge(&gateway, id).await;
        let unacked = edge.publish("temp", "first").unacked();
        unacked.await.unwrap();
        crate::load::in_order(&edge, "temp", 20).await;
        let key = format!("temp:{id}");
        let node = cluster.owner(&key).addr();
        nodes.insert(node);
        let expected = std::iter::once("first".to_owned()).chain((0..20).map(|number| number.to_string()));
        let expected: Vec<Vec<u8>> = expected.map(String::into_bytes).collect();
        assert_eq!(Resp::connect(node).payloads(&key), expected, "{key}");
    }
    assert_eq!(nodes.len(), 3, "all nodes have some");
}
