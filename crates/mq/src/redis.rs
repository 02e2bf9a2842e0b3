//! Redis: its pub/sub, where nothing is stored, and its streams.
//!
//! One pipeline is in flight at a time, with whatever waited while the one before it was: so messages stay in order, and
//! batches form by themselves.

mod connect;
mod entry;
mod node;
mod probe;
mod reply;
mod slot;
mod stream_reader;

use crate::backend::{Backend, Session};
use crate::pending::{Answer, Pending};
use crate::{Cause, Message, RedisConfig, RedisTarget, SendError};
use entry::command;
use node::Nodes;
use reply::{Reply, read};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use probe::look;
pub(crate) use stream_reader::StreamReader;

/// Messages in one pipeline.
const BATCH: usize = 256;

/// The same in bytes.
const BATCH_SIZE: usize = 4 << 20;

/// The longest value that Redis takes, by `proto-max-bulk-len` as it is by default.
const MAX_VALUE: usize = 512 << 20;

/// How often one message may be sent to another node of a cluster.
const MAX_REDIRECTS: usize = 5;

/// Redis, as a sink connects to it.
#[derive(Clone, Debug)]
pub(crate) struct Redis {
    settings: Arc<Settings>,
    /// Which of the addresses is tried first.
    first: usize,
}

/// What all connections of one sink have in common.
#[derive(Debug)]
pub(crate) struct Settings {
    name: &'static str,
    config: RedisConfig,
    /// Tells the messages of this start of the gateway from all others.
    boot: u64,
}

impl Settings {
    /// The channel, or the key of the stream.
    fn target(&self, message: &Message) -> String {
        let (RedisTarget::Channel { channel: name, .. } | RedisTarget::Stream { key: name, .. }) =
            &self.config.target;
        name.name(&message.topic, &message.edge_id.to_string())
    }
}

impl Redis {
    pub(crate) fn new(config: &RedisConfig, name: &'static str) -> Self {
        Self { settings: Arc::new(Settings { name, config: config.clone(), boot: rand::random() }), first: 0 }
    }
}

impl Backend for Redis {
    type Session = RedisSession;

    /// An entry that is added once more is there twice.
    const RECOGNIZES: bool = false;

    fn check(&self, message: &Message) -> Result<(), SendError> {
        let size = message.size();
        if size > MAX_VALUE {
            Err(crate::sink::too_large(self.settings.name, size, MAX_VALUE))
        } else {
            Ok(())
        }
    }

    async fn connect(&mut self) -> Result<RedisSession, String> {
        let count = self.settings.config.addrs.len().max(1);
        let mut causes = Vec::new();
        for step in 0..count {
            let index = (self.first + step) % count;
            match Nodes::connect(&self.settings, index).await {
                Ok(nodes) => {
                    self.first = index;
                    return Ok(RedisSession { nodes, settings: self.settings.clone() });
                }
                Err(cause) => causes.push(cause),
            }
        }
        Err(causes.join("; "))
    }
}

/// A connection to Redis.
#[derive(Debug)]
pub(crate) struct RedisSession {
    nodes: Nodes,
    settings: Arc<Settings>,
}

/// A message on its way, with the name of its target.
#[derive(Clone, Debug)]
struct Sending {
    number: u64,
    message: Arc<Message>,
    target: String,
    /// The node that it was sent on to, which was told to take it for once.
    asked: Option<String>,
}

impl Session for RedisSession {
    async fn run(&mut self, pending: &Pending) -> String {
        loop {
            let batch = tokio::select! {
                biased;
                () = self.nodes.lost() => return "the connection was closed".to_owned(),
                batch = pending.take(BATCH, BATCH_SIZE) => batch,
            };
            let batch = batch.into_iter().map(|(number, message)| {
                let target = self.settings.target(&message);
                Sending { number, message, target, asked: None }
            });
            if let Err(cause) = self.send(batch.collect(), pending).await {
                return cause;
            }
        }
    }
}

impl RedisSession {
    /// Sends a batch and takes all answers. An error ends the connection; what has no answer is lost by that.
    async fn send(&mut self, mut batch: Vec<Sending>, pending: &Pending) -> Result<(), String> {
        for _ in 0..=MAX_REDIRECTS {
            let (mut again, mut not_looked_at, mut cause) = (Vec::new(), Vec::new(), None);
            for (node, sent) in self.by_node(batch) {
                let commands = sent.iter().map(|it| (command(&self.settings, it), it.asked.is_some()));
                let replies = match self.nodes.pipeline(&self.settings, node.as_deref(), commands).await {
                    Ok(replies) => replies,
                    // Nothing has left.
                    Err(node::Failed::NotConnected(error)) => {
                        not_looked_at.extend(sent.into_iter().map(|it| it.number));
                        cause = Some(error);
                        continue;
                    }
                    Err(node::Failed::Lost(error)) => {
                        cause = Some(error);
                        continue;
                    }
                };
                let mut answers = Vec::<Answer>::new();
                for (mut it, reply) in sent.into_iter().zip(replies) {
                    match read(&self.settings, &it.target, reply) {
                        Reply::Answer(result) => answers.push((it.number, result)),
                        Reply::NotLookedAt(error) => {
                            not_looked_at.push(it.number);
                            cause = Some(error);
                        }
                        Reply::Moved { slot, node } => {
                            self.nodes.note(slot, node);
                            it.asked = None;
                            again.push(it);
                        }
                        Reply::Ask { node } => {
                            it.asked = Some(node);
                            again.push(it);
                        }
                    }
                }
                pending.answer(answers);
            }
            if let Some(cause) = cause {
                pending.put_back(not_looked_at.into_iter().chain(again.into_iter().map(|it| it.number)));
                return Err(cause);
            }
            if again.is_empty() {
                return Ok(());
            }
            batch = again;
        }
        let text = format!("{}: the nodes of the cluster send it from one to the other", self.settings.name);
        let error = SendError::new(Cause::Busy, text);
        pending.answer(batch.into_iter().map(|it| (it.number, Err(error.clone()))));
        Ok(())
    }

    /// In their order, by the node that has the key; `None` for the one that was dialled.
    fn by_node(&self, batch: Vec<Sending>) -> BTreeMap<Option<String>, Vec<Sending>> {
        let mut by_node = BTreeMap::<Option<String>, Vec<Sending>>::new();
        for it in batch {
            let node = it.asked.clone().or_else(|| self.nodes.of(&it.target));
            by_node.entry(node).or_default().push(it);
        }
        by_node
    }
}
