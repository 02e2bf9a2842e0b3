//! A broker and all that it needs, of which each can be cut off at any moment, and is there again afterwards.

use super::model::Chance;
use crate::http::Client;
use frontier_test_redis::{Sentinels, Server};
use frontier_tests::{Broker, BrokerBuilder, DEADLINE, Gateway, Process, eventually};
use nix::sys::signal::Signal;
use std::time::Duration;
use tempfile::TempDir;

/// What sessions are kept in.
pub(super) enum Kept {
    /// A file.
    Disk(TempDir),
    /// One Redis.
    Redis(Box<Server>),
    /// The Redis that sentinels name, and a replica that has what was confirmed.
    Sentinels(Box<Sentinels>),
}

/// What is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Broker,
    /// The broker, and the next one in the middle of taking the sessions up.
    TakeOver,
    Host,
    /// The client's connection alone.
    Client,
    /// All connections of the gateway.
    Connection,
    Store,
}

impl Cut {
    /// Any of them, mostly the broker. A store is cut by itself only if it is a process.
    pub(super) fn by_chance(chance: &mut Chance, world: &World) -> Self {
        let kept = world.kept.as_ref();
        match (chance.below(16), kept) {
            (0..6, _) => Self::Broker,
            (6..9, _) => Self::TakeOver,
            (9 | 10, _) => Self::Host,
            (11 | 12, _) => Self::Client,
            (13, _) => Self::Connection,
            (_, Some(Kept::Redis(_))) | (14, Some(Kept::Sentinels(_))) => Self::Store,
            _ => Self::Broker,
        }
    }
}

impl Kept {
    pub(super) fn disk() -> Self {
        Self::Disk(TempDir::new().expect("a temporary folder"))
    }

    pub(super) fn redis() -> Self {
        Self::Redis(Box::new(Server::with(SYNCED, &[])))
    }

    pub(super) fn sentinels() -> Self {
        Self::Sentinels(Box::new(Sentinels::with(SYNCED)))
    }

    fn set(&self, broker: BrokerBuilder) -> BrokerBuilder {
        match self {
            Self::Disk(folder) => {
                let path = folder.path().join("sessions.redb");
                broker.set("store.path", path.to_str().expect("it has a plain name"))
            }
            Self::Redis(server) => broker
                .set("store.redis.standalone.addr", server.addr().to_string())
                .set("store.redis.lease", "500ms"),
            Self::Sentinels(sentinels) => {
                let addrs: Vec<_> = sentinels.addrs().iter().map(ToString::to_string).collect();
                broker
                    .set("store.redis.mode", "sentinel")
                    .set("store.redis.sentinel.addrs", addrs)
                    .set("store.redis.sentinel.master_name", Sentinels::MASTER)
                    .set("store.redis.replicas", 1)
                    .set("store.redis.lease", "500ms")
            }
        }
    }

    /// Ends it, and has it there again. What was confirmed is there still.
    fn cut(&mut self) {
        match self {
            Self::Disk(_) => {}
            Self::Redis(server) => {
                server.kill();
                server.restart();
            }
            Self::Sentinels(sentinels) => {
                sentinels.kill_master();
                sentinels.recover();
            }
        }
    }
}

const SYNCED: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

pub(super) struct World {
    kept: Option<Kept>,
    gateway: Gateway,
    hosts: Vec<Process>,
    broker: Option<Broker>,
}

impl World {
    pub(super) async fn start(kept: Kept) -> Self {
        let gateway = Gateway::builder().quick().start().await;
        let broker = kept.set(Broker::of(&gateway)).start().await;
        ready(&broker).await;
        let hosts = vec![Process::host(&gateway, "calc").await, Process::host(&gateway, "calc").await];
        Self { kept: Some(kept), gateway, hosts, broker: Some(broker) }
    }

    fn broker(&self) -> &Broker {
        self.broker.as_ref().expect("there is one but while it starts again")
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.broker().addr())
    }

    /// Cuts it off. What has to go on afterwards does.
    pub(super) async fn cut(&mut self, cut: Cut, chance: &mut Chance) {
        match cut {
            Cut::Client => {}
            Cut::Broker => {
                self.restart().await;
                ready(self.broker()).await;
            }
            Cut::TakeOver => {
                self.restart().await;
                // By chance in the middle of it: no condition is waited for.
                tokio::time::sleep(Duration::from_micros(chance.below(40_000))).await;
                self.restart().await;
                ready(self.broker()).await;
            }
            Cut::Host => {
                let mut lost = self.hosts.remove(0);
                lost.signal(Signal::SIGKILL);
                lost.exit().await;
                self.hosts.push(Process::host(&self.gateway, "calc").await);
            }
            Cut::Connection => {
                self.gateway.kill().await;
                self.gateway.start_again().await;
            }
            Cut::Store => {
                let mut kept = self.kept.take().expect("it is there but while it is cut");
                let cut = tokio::task::spawn_blocking(move || {
                    kept.cut();
                    kept
                });
                self.kept = Some(cut.await.expect("it is there again"));
            }
        }
    }

    async fn restart(&mut self) {
        let broker = self.broker.take().expect("there is one");
        broker.signal(Signal::SIGKILL);
        self.broker = Some(broker.restart().await);
    }
}

/// Waits until it answers for its sessions.
async fn ready(broker: &Broker) {
    let is_ready = async || {
        let mut client = Client::new(broker.addr());
        let (status, _) = client.get("/api/v1/sessions").await?;
        (status == 200).then_some(())
    };
    eventually(DEADLINE, "it has the sessions", is_ready).await;
}
