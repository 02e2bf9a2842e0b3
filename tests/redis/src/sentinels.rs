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
        Self::with(&[])
    }

    /// The same, where the servers have more arguments.
    ///
    /// # Panics
    /// If they do not start.
    #[must_use]
    pub fn with(arguments: &[&str]) -> Self {
        let arguments = [&["--repl-diskless-sync-delay", "0"], arguments].concat();
        let master = Server::with(&arguments, &[]);
        let port = master.addr().port().to_string();
        // Without `--replicaof`, which would come back with it after it was the master.
        let replica = Server::with(&arguments, &[]);
        assert_eq!(replica.cli(&["REPLICAOF", "127.0.0.1", &port]), "OK");
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

    /// Waits until another server is the master, starts those again that were killed, and waits until a failover would work
    /// again.
    ///
    /// # Panics
    /// If that does not happen.
    pub fn recover(&mut self) {
        let sentinel = &self.sentinels[0];
        let is_up = |server: &Server| server.cli(&["ROLE"]).starts_with("master");
        let master = || sentinel.cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::MASTER]);
        let servers = &self.servers;
        let is_named = |server: &&Server| master().ends_with(&server.addr().port().to_string());
        until("another server is the master", || servers.iter().find(is_named).is_some_and(is_up));
        let port = master().lines().nth(1).unwrap_or_default().to_owned();
        for server in &mut self.servers {
            if server.cli(&["PING"]) != "PONG" {
                server.restart();
                // The sentinels would do so by themselves, some time later.
                assert_eq!(server.cli(&["REPLICAOF", "127.0.0.1", &port]), "OK");
            }
        }
        let is_in_sync =
            |server: &Server| server.cli(&["INFO", "replication"]).contains("master_link_status:up");
        until("the replica is in sync", || self.servers.iter().any(is_in_sync));
        until("the sentinels would take it", || {
            let replicas = self.sentinels[0].cli(&["SENTINEL", "REPLICAS", Self::MASTER]);
            !replicas.contains("s_down") && !replicas.contains("disconnected")
        });
    }

    /// Empties the master.
    pub fn flush(&self) {
        assert_eq!(self.master().cli(&["FLUSHALL"]), "OK");
    }
}
