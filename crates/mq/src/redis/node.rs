//! The nodes of Redis that a sink is connected to: one, and those of a cluster that the first one sends it to.

use super::Settings;
use super::connect::{self, Lost};
use super::reply::describe;
use super::slot::slot;
use frontier_config::HostPort;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, Value, cmd};
use std::collections::{BTreeMap, HashMap};

/// Nodes of a cluster that are connected at once, at most.
const MAX_NODES: usize = 1024;

/// The nodes that are connected.
pub(super) struct Nodes {
    first: MultiplexedConnection,
    lost: Lost,
    /// By address, as the cluster names it.
    others: HashMap<String, (MultiplexedConnection, Lost)>,
    /// Which node has a slot, as far as it was told.
    slots: BTreeMap<u16, String>,
}

/// Why there are no replies.
#[derive(Clone, Debug)]
pub(super) enum Failed {
    /// Nothing was sent.
    NotConnected(String),
    /// What was sent may have arrived.
    Lost(String),
}

impl Nodes {
    /// Connects to the address of that index.
    pub(super) async fn connect(settings: &Settings, index: usize) -> Result<Self, String> {
        let Some(addr) = settings.config.addrs.get(index) else {
            return Err("there is no address".to_owned());
        };
        let (mut first, lost) = connect::server((&settings.config).into(), addr).await?;
        connect::check_master(&mut first, addr).await?;
        Ok(Self { first, lost, others: HashMap::new(), slots: BTreeMap::new() })
    }

    /// Waits until the connection that was dialled is lost.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Which node has that key; `None` for the one that was dialled.
    pub(super) fn of(&self, key: &str) -> Option<String> {
        if self.slots.is_empty() { None } else { self.slots.get(&slot(key)).cloned() }
    }

    /// That node has that slot.
    pub(super) fn note(&mut self, slot: u16, node: String) {
        self.slots.insert(slot, node);
    }

    /// Sends commands to a node, of which those that are `true` it is told to take for once, and gives a reply for each.
    pub(super) async fn pipeline(
        &mut self,
        settings: &Settings,
        node: Option<&str>,
        commands: impl Iterator<Item = (Cmd, bool)>,
    ) -> Result<Vec<Value>, Failed> {
        let (mut pipeline, mut wanted) = (Pipeline::new(), Vec::new());
        for (command, is_asked) in commands {
            if is_asked {
                pipeline.add_command(cmd("ASKING"));
                wanted.push(false);
            }
            pipeline.add_command(command);
            wanted.push(true);
        }
        let connection = match node {
            None => &mut self.first,
            Some(node) => self.other(settings, node).await.map_err(Failed::NotConnected)?,
        };
        let replies = connection.req_packed_commands(&pipeline, 0, wanted.len()).await;
        let replies = replies.map_err(|error| Failed::Lost(describe(&error)))?;
        if replies.len() != wanted.len() {
            return Err(Failed::Lost("the broker has answered another number of commands".to_owned()));
        }
        Ok(replies.into_iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|(reply, _)| reply).collect())
    }

    async fn other(&mut self, settings: &Settings, node: &str) -> Result<&mut MultiplexedConnection, String> {
        // One that was lost while nothing was asked costs no message.
        self.others.retain(|_, (_, lost)| !lost.is_cancelled());
        if !self.others.contains_key(node) {
            if self.others.len() >= MAX_NODES {
                return Err("the cluster has named more nodes than there can be".to_owned());
            }
            let addr: HostPort = node.parse().map_err(|()| format!("the cluster names a node {node:?}"))?;
            self.others.insert(node.to_owned(), connect::server((&settings.config).into(), &addr).await?);
        }
        let connected = self.others.get_mut(node).map(|(connection, _)| connection);
        connected.ok_or_else(|| format!("{node} is not connected"))
    }
}

impl std::fmt::Debug for Nodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nodes").field("others", &self.others.keys()).finish_non_exhaustive()
    }
}
