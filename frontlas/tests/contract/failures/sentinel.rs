//! Redis under sentinels: a failover, and a wrong name of the master.

use super::{check_line, directory, impatient, port, refreshed, rejoin};
use crate::world::{Node, counts};
use frontier_test_redis::Sentinels;
use frontlas::{Changes, DirectoryError, RedisMode};

fn mode(sentinels: &Sentinels, master_name: &str) -> RedisMode {
    RedisMode::Sentinel {
        addrs: sentinels.addrs().into_iter().map(port).collect(),
        master_name: master_name.into(),
        db: 0,
        username: None,
        password: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failover_the_directory_goes_on() {
    let mut sentinels = Sentinels::start();
    let directory = directory(impatient(mode(&sentinels, Sentinels::MASTER)));
    let node = Node::join(&directory, "a").await;
    let first = node.connect(1).await;
    let position = directory.position().await.unwrap();
    let master = sentinels.master().addr();
    sentinels.kill_master();
    let node = match refreshed(&node).await {
        // The replica had all of it, or it had not.
        Ok(()) => node,
        Err(error) => {
            assert_eq!(error, DirectoryError::Lost);
            rejoin(node, std::slice::from_ref(&first)).await
        }
    };
    assert_ne!(sentinels.master().addr(), master);
    assert_eq!(counts(&directory).await, [("a".into(), 1, 0)]);
    assert_eq!(directory.changes(position, 10).await.unwrap(), Changes::Gone);
    node.connect(2).await;
    node.offline(&first).await;
    assert_eq!(counts(&directory).await, [("a".into(), 1, 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_master_name_is_said() {
    let sentinels = Sentinels::start();
    let error = directory(impatient(mode(&sentinels, "other"))).frontiers().await.unwrap_err();
    check_line(&error, "the sentinel does not know this master_name");
}
