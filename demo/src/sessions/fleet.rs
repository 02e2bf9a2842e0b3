//! Hosts, which come and go.

use anyhow::{Context as _, Result};
use frontier_sdk::{Bytes, HostError, HostRequest, Response, ServiceHost};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// The service that they offer.
pub(super) const SERVICE: &str = "monte-carlo";

/// How many requests a host computes at once.
const CAPACITY: u32 = 2;

/// How long a host that leaves may take for what it has.
const GRACE: Duration = Duration::from_secs(10);

/// What a request asks for: darts that are thrown at a square.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Throw {
    pub(super) seed: u64,
    pub(super) darts: u32,
}

impl Throw {
    /// How many of them are in the circle. Takes some time.
    fn hits(self) -> u32 {
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut hits = 0;
        for _ in 0..self.darts {
            let (x, y) = (random.random::<f64>(), random.random::<f64>());
            hits += u32::from(x * x + y * y <= 1.0);
        }
        hits
    }
}

/// What may become of the hosts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Joins,
    IsKilled,
    Leaves,
}

impl Change {
    pub(super) const ALL: [Self; 3] = [Self::Joins, Self::IsKilled, Self::Leaves];
}

/// The hosts that are there.
pub(super) struct Fleet {
    url: String,
    hosts: Vec<ServiceHost>,
}

impl Fleet {
    pub(super) async fn start(edgebound: SocketAddr, count: usize) -> Result<Self> {
        let mut fleet = Self { url: format!("tcp://{edgebound}"), hosts: Vec::new() };
        for _ in 0..count {
            fleet.join().await?;
        }
        Ok(fleet)
    }

    pub(super) fn count(&self) -> usize {
        self.hosts.len()
    }

    async fn join(&mut self) -> Result<()> {
        let host = ServiceHost::builder(&*self.url, SERVICE).capacity(CAPACITY).handler(compute);
        self.hosts.push(host.connect().await.context("a host can't connect")?);
        Ok(())
    }

    /// Makes a change, and tells it.
    pub(super) async fn change(&mut self, change: Change) -> Result<String> {
        let what = match change {
            Change::Joins => {
                self.join().await?;
                "a host joins".to_owned()
            }
            Change::IsKilled => {
                // It takes leave of nobody: what it has is given to others.
                let lost = self.hosts.pop();
                let had = lost.map_or(0, |host| host.depth());
                format!("a host is killed, with {had} requests")
            }
            Change::Leaves => {
                let host = self.hosts.pop().context("there are no hosts")?;
                let all =
                    if host.drain(GRACE).await { "it has done all that it had" } else { "the grace is over" };
                format!("a host leaves: {all}")
            }
        };
        if self.hosts.len() < super::HOSTS {
            self.join().await?;
            return Ok(format!("{what}, and another one joins: {} hosts", self.count()));
        }
        Ok(format!("{what}: {} hosts", self.count()))
    }

    pub(super) async fn close(self) {
        for host in self.hosts {
            host.drain(GRACE).await;
        }
    }
}

async fn compute(request: HostRequest) -> Result<Response, HostError> {
    let throw: Throw = serde_json::from_slice(&request.body)?;
    let hits = spawn_blocking(move || throw.hits()).await?;
    Ok(Response::new(Bytes::from(hits.to_string())))
}
