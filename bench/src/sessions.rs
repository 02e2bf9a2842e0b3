//! Work sessions: what a broker, its gateway, its hosts and its clients do together.
//!
//! ```text
//!   clients ── gRPC ──▶ broker ──▶ gateway ──▶ hosts
//!                         └──▶ memory, a file, or redis-server
//! ```
//!
//! Each is a process, the hosts are one. Clients and hosts are what users write, on the SDK; a host answers with the body
//! that it was sent, by whose first four bytes the client knows which request it was.

mod backlog;
mod broker;
mod clients;
mod findings;
mod flow;
mod hosts;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::child::Child;
use crate::cluster;
use crate::console::Console;
use crate::dialogue::Order;
use crate::frontier::{ports, start_gateway};
use crate::network::Network;
use crate::number::thousands;
use crate::outcome::Latency;
use crate::procfs::Sample;
use crate::progress::Progress;
use crate::rig::{Processes, sum};
use crate::role::SessionsRole;
use broker::Kept;
use findings::{Findings, Samples, SessionsRound};

pub(crate) use broker::BrokerRole;

/// A measurement of work sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(crate) store: Store,
    pub(crate) load: Load,
    pub(crate) hosts: usize,
    /// Of each host.
    pub(crate) capacity: u32,
    /// What a host takes for a request.
    pub(crate) each: Duration,
    pub(crate) work: Work,
    /// Where the files are, if not where the system has its temporary ones.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) rounds: usize,
    pub(crate) processes: Processes,
    pub(crate) progress: Progress,
    pub(crate) json: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// First so many first responses of new clients, then calls for a time.
    Calls { first: usize, warmup: Duration, counted: Duration },
    /// So many requests are queued.
    Queue(u64),
}

/// Where a broker keeps sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Store {
    /// In its memory; durable ones in a file.
    #[default]
    Embedded,
    /// In Redis; durable ones with appendfsync always.
    Redis,
}

/// What becomes of sessions when their broker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Interactive,
    Durable,
}

/// What clients do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) kind: Kind,
    pub(crate) sessions: usize,
    /// Spread over the sessions.
    pub(crate) clients: usize,
    /// Bytes of each request.
    pub(crate) body: usize,
    /// Requests of each client that are not answered.
    pub(crate) window: usize,
    /// After how many there is a flush, if they are durable.
    pub(crate) batch: usize,
}

impl Load {
    /// Parts of it, one for each process of clients.
    fn split(self, parts: usize) -> impl Iterator<Item = Self> {
        let share = move |whole: usize, part| whole / parts + usize::from(part < whole % parts);
        (0..parts).map(move |part| Self {
            sessions: share(self.sessions, part).max(1),
            clients: share(self.clients, part),
            ..self
        })
    }
}

pub(crate) async fn play(role: SessionsRole, console: &mut Console) -> Result<()> {
    match role {
        SessionsRole::Broker(role) => broker::run(&role, console).await,
        SessionsRole::Hosts { gateway, hosts, capacity, each } => {
            hosts::run(gateway, hosts, capacity, each, console).await
        }
        SessionsRole::Clients { broker, load } => clients::run(broker, load, console).await,
    }
}

/// All processes.
struct SessionsProcesses {
    gateway: Child,
    broker: Child,
    role: BrokerRole,
    /// None where nothing is computed.
    hosts: Option<Child>,
    clients: Vec<Child>,
    redis: Option<Child>,
    /// Has the files, until all are gone.
    _directory: TempDir,
}

impl Sessions {
    /// Measures, and returns what is to be printed.
    pub(crate) async fn run(&self) -> Result<String> {
        if let Work::Queue(requests) = self.work {
            return backlog::run(self, requests).await;
        }
        let mut rounds = Vec::with_capacity(self.rounds);
        for round in 1..=self.rounds {
            self.progress.begin(format!("round {round}/{}, {}", self.rounds, self.subject()));
            rounds.push(self.round().await?);
        }
        self.progress.end();
        Findings::new(self, rounds)?.render(self.json)
    }

    fn subject(&self) -> String {
        let Load { sessions, clients, .. } = self.load;
        let [sessions, clients] = [sessions, clients].map(|number| thousands(number as f64));
        format!("{clients} clients of {sessions} sessions")
    }

    async fn round(&self) -> Result<SessionsRound> {
        let Work::Calls { first, warmup, counted } = self.work else { unreachable!("it is no queue") };
        let mut processes = self.start(true).await?;
        let mut first_responses = None;
        if first > 0 {
            self.progress.show("first responses");
            let client = processes.clients.first_mut().context("there are no clients")?;
            client.order(Order::First(first)).await?;
            first_responses = Some(Latency::of(&client.tally().await?));
        }
        processes.order(Order::Load).await?;
        self.progress.wait("warming up", warmup).await;
        processes.order_counted(Order::Count).await?;
        let before = processes.sample()?;
        self.progress.wait("counting", counted).await;
        let after = processes.sample()?;
        processes.order_counted(Order::Stop).await?;
        let mut tally = None;
        for client in &mut processes.clients {
            let more = client.tally().await?;
            tally = Some(match tally {
                None => more,
                Some(before) => more.merge(before),
            });
        }
        let hosts = processes.hosts.as_mut().context("there are no hosts")?;
        let busy = hosts.tally().await?;
        processes.shut_down().await;
        let tally = tally.context("there are no clients")?;
        ensure!(tally.errors == 0, "requests failed, the first with: {:?}", tally.first_error);
        ensure!(tally.operations() > 0, "no response has come within the window");
        let busy = busy.busy.as_secs_f64() / busy.window.as_secs_f64();
        let places = self.hosts as f64 * f64::from(self.capacity);
        let each = self.each.as_secs_f64();
        let efficiency =
            (each > 0.0).then(|| tally.operations() as f64 * each / (tally.window.as_secs_f64() * places));
        Ok(SessionsRound::new(&tally, first_responses, (efficiency, busy / places), before, after))
    }

    /// Starts everything, but for the hosts if they are not to compute.
    async fn start(&self, computes: bool) -> Result<SessionsProcesses> {
        let (processes, load) = (&self.processes, self.load);
        let mut folder = tempfile::Builder::new();
        folder.prefix("frontier-bench-");
        let directory = match &self.directory {
            Some(path) => folder.tempdir_in(path),
            None => folder.tempdir(),
        };
        let directory = directory.context("making a folder")?;
        let gateway = start_gateway(Network::Tcp, processes).await?;
        let (for_edges, for_services) = ports(Network::Tcp, &gateway)?;
        let mut redis = None;
        let store = match (self.store, load.kind) {
            (Store::Redis, kind) => {
                let server = cluster::start_redis((kind == Kind::Durable).then(|| directory.path())).await?;
                let address = server.ready().services.context("redis-server has no port")?;
                redis = Some(server);
                Kept::Redis(address)
            }
            (Store::Embedded, Kind::Durable) => Kept::Disk(directory.path().join("sessions.redb")),
            (Store::Embedded, Kind::Interactive) => Kept::Memory,
        };
        let messages = match self.work {
            Work::Queue(requests) => requests,
            Work::Calls { .. } => (load.window * load.clients) as u64,
        };
        let sessions = load.sessions + load.clients;
        let role = BrokerRole { at: None, gateway: for_services, store, sessions, messages };
        let broker = start_broker(&role, processes).await?;
        let address = broker.ready().services.context("the broker has no port")?;
        let mut hosts = None;
        if computes {
            let (hosts_count, capacity, each) = (self.hosts, self.capacity, self.each);
            let role = SessionsRole::Hosts { gateway: for_edges, hosts: hosts_count, capacity, each };
            hosts = Some(Child::start("hosts", processes.of_each(), role).await?);
        }
        let mut clients = Vec::new();
        for load in load.split(processes.clients) {
            let role = SessionsRole::Clients { broker: address, load };
            clients.push(Child::start("clients", processes.of_each(), role).await?);
        }
        Ok(SessionsProcesses { gateway, broker, role, hosts, clients, redis, _directory: directory })
    }
}

async fn start_broker(role: &BrokerRole, processes: &Processes) -> Result<Child> {
    Child::start("broker", processes.of_each(), SessionsRole::Broker(role.clone())).await
}

impl SessionsProcesses {
    async fn order(&mut self, order: Order) -> Result<()> {
        for client in &mut self.clients {
            client.order(order).await?;
        }
        Ok(())
    }

    /// To the hosts as well.
    async fn order_counted(&mut self, order: Order) -> Result<()> {
        if let Some(hosts) = &mut self.hosts {
            hosts.order(order).await?;
        }
        self.order(order).await
    }

    fn sample(&mut self) -> Result<Samples> {
        let one = |child: &mut Option<Child>| -> Result<Option<Sample>> {
            Ok(child.as_mut().map(Child::sample).transpose()?.flatten())
        };
        Ok(Samples {
            gateway: self.gateway.sample()?,
            broker: self.broker.sample()?,
            hosts: one(&mut self.hosts)?,
            clients: sum(&mut self.clients)?,
            redis: one(&mut self.redis)?,
        })
    }

    async fn shut_down(self) {
        let Self { gateway, broker, hosts, clients, redis, .. } = self;
        for child in clients.into_iter().chain(hosts).chain([broker, gateway]).chain(redis) {
            child.shut_down().await;
        }
    }
}
