//! Streams of Redis as a source: a consumer of a group.
//!
//! ```text
//!   connect ─▶ the group is made ─▶ own entries that nobody holds ─▶ new entries, as they come
//!                                              XACK ◀─ ended ─┘         │
//!                        XCLAIM: what is held stays here ◀──(a tick)────┤
//!                        XAUTOCLAIM: what a dead consumer held ◀────────┘
//! ```
//!
//! What was read and is not acked stands at the server, in the list of what is pending at a consumer. So a connection that is
//! lost loses nothing, and neither does a consumer: another one takes what it held once it has given no sign of life for
//! `claim_after`.

mod commands;
mod entries;
mod held;
mod session;

use super::connect::{self, Access, Lost};
use super::reply::describe;
use crate::RedisSourceConfig;
use crate::source::{Intake, Reader};
use commands::Commands;
use frontier_config::HostPort;
use held::Held;
use redis::RedisError;
use redis::aio::MultiplexedConnection;
use session::Session;
use std::sync::Arc;

/// What consumers are called that have no name in the configuration.
const NAME: &str = "frontier-";

/// One consumer of a group.
#[derive(Debug)]
pub(crate) struct StreamReader {
    config: Arc<RedisSourceConfig>,
    commands: Commands,
    /// Which of the addresses is tried first.
    first: usize,
    /// The node of a cluster that has the streams.
    moved: Option<HostPort>,
    held: Held,
}

impl StreamReader {
    pub(crate) fn new(config: &RedisSourceConfig) -> Self {
        let config = Arc::new(config.clone());
        let consumer =
            config.consumer.clone().unwrap_or_else(|| format!("{NAME}{:016x}", rand::random::<u64>()));
        let commands = Commands { config: config.clone(), consumer };
        Self { config, commands, first: 0, moved: None, held: Held::default() }
    }

    fn access(&self) -> Access<'_> {
        let RedisSourceConfig { credentials, db, tls, .. } = &*self.config;
        Access { credentials, db: *db, tls: tls.as_ref() }
    }

    async fn connect_to(&self, addr: &HostPort) -> Result<Connections, String> {
        let (mut writer, writer_lost) = connect::server(self.access(), addr).await?;
        connect::check_master(&mut writer, addr).await?;
        // A connection that waits for entries answers nothing else.
        let (reader, reader_lost) = connect::server(self.access(), addr).await?;
        Ok(Connections { reader, writer, lost: [reader_lost, writer_lost] })
    }

    /// Connects to the first server that is a master, in turn.
    async fn connect_any(&mut self) -> Result<Connections, String> {
        if let Some(node) = self.moved.take() {
            let connections = self.connect_to(&node).await?;
            self.moved = Some(node);
            return Ok(connections);
        }
        let (count, mut causes) = (self.config.addrs.len().max(1), Vec::new());
        for step in 0..count {
            let index = (self.first + step) % count;
            let Some(addr) = self.config.addrs.get(index) else { continue };
            match self.connect_to(addr).await {
                Ok(connections) => {
                    self.first = index;
                    return Ok(connections);
                }
                Err(cause) => causes.push(cause),
            }
        }
        Err(causes.join("; "))
    }

    /// Where a cluster says that the streams are; and the line for the log.
    fn note(&mut self, error: &RedisError) -> String {
        if let Some((node, _)) = error.redirect_node()
            && let Ok(node) = node.parse::<HostPort>()
        {
            self.moved = Some(node);
        }
        describe(error)
    }
}

/// The connections of one session.
struct Connections {
    reader: MultiplexedConnection,
    writer: MultiplexedConnection,
    lost: [Lost; 2],
}

impl Reader for StreamReader {
    type Session = Session;

    async fn connect(&mut self, _: &Intake) -> Result<Session, String> {
        // In a cluster the streams may be at another node than the one that was asked.
        for _ in 0..2 {
            let before = self.moved.clone();
            let mut connections = self.connect_any().await?;
            match session::make_groups(&self.commands, &self.held, &mut connections.writer).await {
                Ok(()) => return Ok(Session::new(connections, self.config.streams.len())),
                Err(error) => {
                    let cause = self.note(&error);
                    if self.moved == before {
                        return Err(cause);
                    }
                }
            }
        }
        Err("the nodes of the cluster send it from one to the other".to_owned())
    }

    async fn run(&mut self, session: &mut Session, intake: &Intake) -> String {
        match session.run(&self.commands, &mut self.held, intake).await {
            Ok(never) => match never {},
            Err(session::Ended::Lost(cause)) => cause,
            Err(session::Ended::Refused(error)) => self.note(&error),
        }
    }

    /// Entries stand at the server, whatever becomes of connections.
    fn lost(&mut self, _: &Intake) {}

    async fn leave(&mut self, session: Session, _: &Intake) {
        session.leave(&self.commands, &mut self.held).await;
    }
}
