//! The processes of one measurement.

use std::fmt;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::child::Child;
use crate::dialogue::Order;
use crate::procfs::Sample;
use crate::role::{Role, Threads};
use crate::tally::Tally;

/// How many processes and threads there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Processes {
    /// Of each service and client.
    #[serde(rename = "threads_each")]
    pub(crate) threads: usize,
    /// Of the gateway.
    pub(crate) gateway_threads: usize,
    /// For how long threads of connections stay awake, in microseconds.
    pub(crate) spin_us: u64,
    /// Over how many the callers are spread.
    #[serde(rename = "client_processes")]
    pub(crate) clients: usize,
    /// To how many cores all of them are kept, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cores: Option<usize>,
}

impl Processes {
    /// Of each service and client.
    pub(crate) fn of_each(&self) -> Threads {
        Threads { count: self.threads, spin_us: self.spin_us }
    }

    pub(crate) fn of_gateway(&self) -> Threads {
        Threads { count: self.gateway_threads, spin_us: self.spin_us }
    }
}

impl fmt::Display for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.threads, self.gateway_threads) {
            (1, 1) => f.write_str("one thread in each process")?,
            (threads, gateway) if threads == gateway => write!(f, "{threads} threads in each process")?,
            (threads, gateway) => {
                write!(f, "threads in each process: {threads}, in the gateway's: {gateway}")?;
            }
        }
        match self.spin_us {
            0 => Ok(()),
            spin => write!(f, ", which stay awake for {spin} µs"),
        }
    }
}

/// A gateway, its services and its clients, all running.
#[derive(Debug)]
pub(crate) struct Rig {
    gateway: Child,
    gateway_at_start: Option<Sample>,
    services: Vec<Child>,
    clients: Vec<Child>,
    /// Connected, and without any work.
    bystanders: Vec<Child>,
}

/// One look at every process; `None` where the system does not tell.
#[derive(Debug)]
pub(crate) struct RigSample {
    pub(crate) gateway: Option<Sample>,
    pub(crate) services: Option<Sample>,
    pub(crate) clients: Option<Sample>,
}

impl Rig {
    /// A gateway that has just started: what it weighs now, it weighs without connections.
    pub(crate) fn new(mut gateway: Child) -> Result<Self> {
        let gateway_at_start = gateway.sample()?;
        Ok(Self {
            gateway,
            gateway_at_start,
            services: Vec::new(),
            clients: Vec::new(),
            bystanders: Vec::new(),
        })
    }

    pub(crate) fn gateway(&self) -> &Child {
        &self.gateway
    }

    pub(crate) fn gateway_at_start(&self) -> Option<Sample> {
        self.gateway_at_start
    }

    /// Takes in a service that already runs.
    pub(crate) fn adopt_service(&mut self, service: Child) {
        self.services.push(service);
    }

    /// Takes in processes that are neither ordered about nor measured.
    pub(crate) fn adopt_bystanders(&mut self, bystanders: Vec<Child>) {
        self.bystanders.extend(bystanders);
    }

    pub(crate) async fn start_service(&mut self, processes: &Processes, role: impl Into<Role>) -> Result<()> {
        self.services.push(Child::start("service", processes.of_each(), role).await?);
        Ok(())
    }

    pub(crate) async fn start_client(&mut self, processes: &Processes, role: impl Into<Role>) -> Result<()> {
        self.clients.push(Child::start("client", processes.of_each(), role).await?);
        Ok(())
    }

    /// Lets the clients count from now on.
    pub(crate) async fn count(&mut self) -> Result<()> {
        self.order(Order::Count).await
    }

    /// Ends the counting, and adds up what was counted.
    pub(crate) async fn stop(&mut self) -> Result<Tally> {
        self.order(Order::Stop).await?;
        let mut total: Option<Tally> = None;
        for client in &mut self.clients {
            let tally = client.tally().await?;
            total = Some(match total {
                None => tally,
                Some(total) => total.merge(tally),
            });
        }
        total.context("there are no clients")
    }

    pub(crate) fn sample(&mut self) -> Result<RigSample> {
        // Only to see that they are still there.
        sum(&mut self.bystanders)?;
        Ok(RigSample {
            gateway: self.gateway.sample()?,
            services: sum(&mut self.services)?,
            clients: sum(&mut self.clients)?,
        })
    }

    /// Clients first: a gateway that goes first is a failure to them.
    pub(crate) async fn shut_down(self) {
        let Self { gateway, services, clients, bystanders, .. } = self;
        for child in clients.into_iter().chain(services).chain(bystanders) {
            child.shut_down().await;
        }
        gateway.shut_down().await;
    }

    async fn order(&mut self, order: Order) -> Result<()> {
        for client in &mut self.clients {
            client.order(order).await?;
        }
        Ok(())
    }
}

/// One look at several processes together.
pub(crate) fn sum(children: &mut [Child]) -> Result<Option<Sample>> {
    let samples: Option<Vec<Sample>> = children.iter_mut().map(Child::sample).collect::<Result<_>>()?;
    Ok(samples.map(|samples| samples.into_iter().sum()))
}
