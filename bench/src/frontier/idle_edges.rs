//! Edges that connect and then do nothing.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use frontier_sdk::{Edge, QuicClient, Status};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::connect;
use crate::child::Child;
use crate::console::Console;
use crate::dialogue::{Order, Ready};
use crate::network::Address;
use crate::procfs::Sample;
use crate::rig::Processes;
use crate::role::FrontierRole;
use crate::tally::Tally;

/// Many of them, in as many processes as their descriptors need.
#[derive(Debug)]
pub(crate) struct IdleEdges {
    children: Vec<Child>,
}

impl IdleEdges {
    /// Starts the processes of edges that connect little by little.
    pub(crate) async fn start(gateway: Address, edges: usize, processes: &Processes) -> Result<Self> {
        Self::start_with(gateway, edges, GRADUAL_CONNECTS, processes).await
    }

    /// Starts the processes of edges that connect all at once.
    pub(crate) async fn start_storm(gateway: Address, edges: usize, processes: &Processes) -> Result<Self> {
        Self::start_with(gateway, edges, edges, processes).await
    }

    async fn start_with(
        gateway: Address,
        edges: usize,
        at_once: usize,
        processes: &Processes,
    ) -> Result<Self> {
        let parts = processes.clients.max(edges.div_ceil(MAX_EDGES_PER_PROCESS)).min(edges);
        let mut children = Vec::with_capacity(parts);
        for part in 0..parts {
            let edges = edges / parts + usize::from(part < edges % parts);
            let role = FrontierRole::IdleEdges { gateway, edges, at_once };
            children.push(Child::start("idle-edges", processes.of_each(), role).await?);
        }
        Ok(Self { children })
    }

    /// Lets all edges connect. The window is the time until the last one was.
    ///
    /// # Errors
    /// When an edge does not get in.
    pub(crate) async fn connect(&mut self) -> Result<Tally> {
        let start = Instant::now();
        let mut tally = self.order(Order::Count).await?;
        tally.window = start.elapsed();
        if let Some(error) = &tally.first_error {
            let all = tally.operations() + tally.errors;
            anyhow::bail!("{} of {all} edges did not connect, the first with: {error}", tally.errors);
        }
        Ok(tally)
    }

    /// Makes sure that all edges are still there.
    pub(crate) async fn check(&mut self) -> Result<()> {
        let lost = self.order(Order::Stop).await?.errors;
        ensure!(lost == 0, "{lost} edges lost their connection");
        Ok(())
    }

    /// CPU time and memory of all its processes; `None` where the system does not tell.
    pub(crate) fn sample(&mut self) -> Result<Option<Sample>> {
        crate::rig::sum(&mut self.children)
    }

    pub(crate) fn into_children(self) -> Vec<Child> {
        self.children
    }

    pub(crate) async fn leave(self) {
        for child in self.children {
            child.shut_down().await;
        }
    }

    async fn order(&mut self, order: Order) -> Result<Tally> {
        for child in &mut self.children {
            child.order(order).await?;
        }
        let mut total = Tally::new()?;
        for child in &mut self.children {
            total = total.merge(child.tally().await?);
        }
        Ok(total)
    }
}

/// The process: it connects when told to, and tells at the end who is still there.
pub(super) async fn run(gateway: Address, edges: usize, at_once: usize, console: &mut Console) -> Result<()> {
    console.ready(Ready::default())?;
    console.expect(Order::Count).await?;
    let (edges, tally) = connect_all(gateway, edges, at_once).await?;
    console.counted(tally)?;
    console.expect(Order::Stop).await?;
    let mut tally = Tally::new()?;
    tally.errors = edges.iter().filter(|edge| edge.status().get() != Status::Connected).count() as u64;
    console.counted(tally)?;
    console.closed().await;
    Ok(())
}

async fn connect_all(gateway: Address, edges: usize, at_once: usize) -> Result<(Vec<Edge>, Tally)> {
    let turns = Arc::new(Semaphore::new(at_once));
    let sockets = Arc::<QuicClient>::default();
    let mut connecting = JoinSet::new();
    for _ in 0..edges {
        let (turns, sockets) = (turns.clone(), sockets.clone());
        connecting.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let start = Instant::now();
            (connect::sharing_edge(gateway, sockets).await, start.elapsed())
        });
    }
    let (mut connected_edges, mut tally) = (Vec::with_capacity(edges), Tally::new()?);
    while let Some(connected) = connecting.join_next().await {
        match connected.context("a connect's task")? {
            (Ok(edge), took) => {
                tally.record(took);
                connected_edges.push(edge);
            }
            (Err(error), _) => tally.fail(&error),
        }
    }
    Ok((connected_edges, tally))
}

/// Connects under way at a time where edges come little by little.
const GRADUAL_CONNECTS: usize = 64;
/// A process may often open no more than 20,000 files, and needs a few for itself.
const MAX_EDGES_PER_PROCESS: usize = 10_000;
