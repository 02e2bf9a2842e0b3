//! Redis behind sentinels, for tests of a failover.

use crate::Server;
use crate::program::until;
use std::net::SocketAddr;

/// A master and a replica, watched by three sentinels.
#[derive(Debug)]
pub struct Sentinels {
    servers: Vec<Server>,
    sentinels: Vec<Server>,
}

impl Sentinels {
    /// What the sentinels call the master.
    pub const MASTER: &'static str = "atlas";

    /// Starts them and waits until a failover would work.
    ///
    /// # Panics
    /// If they do not start.
    #[must_use]
    pub fn start() -> Self {
        let master = Server::start();
        let port = master.addr().port().to_string();
        let replica =
            Server::with(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"], &[]);
        until("the replica is in sync", || {
            replica.cli(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let name = Self::MASTER;
        let monitor = format!("sentinel monitor {name} 127.0.0.1 {port} 2");
        let down_after = format!("sentinel down-after-milliseconds {name} 500");
        let timeout = format!("sentinel failover-timeout {name} 3000");
        let watch = ["--sentinel", &monitor, &down_after, &timeout];
        let sentinels: Vec<Server> = (0..3).map(|_| Server::with(&watch, &[])).collect();
        until("the sentinels know each other and the replica", || {
            sentinels.iter().all(|sentinel| {
                let known = sentinel.cli(&["SENTINEL", "CKQUORUM", name]);
                let replicas = sentinel.cli(&["SENTINEL", "REPLICAS", name]);
                known.contains("3 usable") && replicas.contains("127.0.0.1")
            })
        });
        Self { servers: vec![master, replica], sentinels }
    }

    /// Where the sentinels listen.
    #[must_use]
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.sentinels.iter().map(Server::addr).collect()
    }

    /// The server that the first sentinel calls the master.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn master(&self) -> &Server {
        let answer = self.sentinels[0].cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::MASTER]);
        let port = answer.lines().nth(1).unwrap_or_default();
        let master = self.servers.iter().find(|server| server.addr().port().to_string() == port);
        master.unwrap_or_else(|| panic!("the sentinel says {answer:?}"))
    }

    /// Kills the master; the sentinels make the replica the master some time later.
    pub fn kill_master(&mut self) {
        let addr = self.master().addr();
        self.servers.iter_mut().filter(|server| server.addr() == addr).for_each(Server::kill);
    }

    /// Empties the master.
    pub fn flush(&self) {
        assert_eq!(self.master().cli(&["FLUSHALL"]), "OK");
    }
}
