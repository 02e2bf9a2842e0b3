//! A Redis Cluster for tests.

use crate::Server;
use crate::program::{find, free_port, until};
use std::net::SocketAddr;
use std::process::Command;

/// A Redis Cluster of three masters.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    /// Starts it and waits until it serves all slots.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        let node = || {
            let bus = free_port().to_string();
            Server::with(
                &["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", &bus],
                &[],
            )
        };
        let nodes: Vec<Server> = (0..3).map(|_| node()).collect();
        let mut create = Command::new(find("redis-cli"));
        create.args(["--cluster", "create"]);
        create.args(nodes.iter().map(|node| node.addr().to_string())).arg("--cluster-yes");
        let output = create.output().expect("redis-cli runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let cluster = Self { nodes };
        cluster.settle();
        cluster
    }

    /// Where its nodes listen.
    #[must_use]
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(Server::addr).collect()
    }

    /// Empties all nodes.
    pub fn flush(&self) {
        self.nodes.iter().for_each(|node| assert_eq!(node.cli(&["FLUSHALL"]), "OK"));
    }

    /// The node that has this key.
    ///
    /// # Panics
    /// If no node says so.
    pub fn owner(&mut self, key: &str) -> &mut Server {
        let slot = self.nodes[0].cli(&["CLUSTER", "KEYSLOT", key]);
        let has = |node: &Server| !node.cli(&["CLUSTER", "GETKEYSINSLOT", &slot, "1"]).is_empty();
        self.nodes.iter_mut().find(|node| has(node)).expect("a node has the key")
    }

    /// Waits until all nodes serve all slots.
    ///
    /// # Panics
    /// If they do not.
    pub fn settle(&self) {
        until("the cluster serves all slots", || {
            self.nodes.iter().all(|node| node.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok"))
        });
    }
}
