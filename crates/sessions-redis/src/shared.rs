//! What the store and its logs have in common.

use crate::reply;
use crate::safety;
use crate::scripts::Scripts;
use frontier_redis::{Args, Command, Connection, Script};
use frontier_sessions::{SessionId, StoreError};
use redis::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The pause before Redis is asked again that did not answer.
const PAUSE: Duration = Duration::from_millis(50);

/// What an operation promises once it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nothing: whoever asked can do without it.
    Nothing,
    /// That so many replicas have it as are set.
    Kept,
    /// That it is on disk, too.
    OnDisk,
}

/// The way to Redis.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    /// For what must not wait behind sessions, whose connection waits for replicas: who leads.
    pub(crate) control: Connection,
    pub(crate) scripts: Scripts,
    pub(crate) prefix: String,
    /// The fence of this process as the leader; 0 where nobody leads.
    pub(crate) leader: AtomicU64,
    /// How many replicas have to have what is confirmed.
    pub(crate) replicas: u32,
    /// How long it is asked again and again when it does not answer.
    pub(crate) patience: Duration,
}

impl Shared {
    /// What all keys of a session begin with.
    pub(crate) fn of(&self, session: SessionId) -> String {
        format!("{}{{{session}}}:", self.prefix)
    }

    /// The key of all sessions.
    pub(crate) fn index(&self) -> String {
        format!("{}index", self.prefix)
    }

    pub(crate) fn leader(&self) -> u64 {
        self.leader.load(Ordering::SeqCst)
    }

    /// Runs a script at a session's `meta`; again, if there is no answer, for as long as the patience lasts.
    pub(crate) async fn run(
        &self,
        script: &Script,
        meta: &str,
        args: &Args,
        promise: Promise,
    ) -> Result<Value, StoreError> {
        let then = self.after(promise);
        let begun = Instant::now();
        loop {
            match self.connection.run_and(script, meta, args, &then).await {
                Ok((value, said)) => {
                    // Who is no owner has written nothing that would have to be safe.
                    let is_refused = reply::is_refusal(&value);
                    return self
                        .check(promise, said)
                        .or_else(|error| if is_refused { Ok(()) } else { Err(error) })
                        .map(|()| value);
                }
                Err(error) if error.is_full => return Err(StoreError::Full),
                Err(error) if begun.elapsed() >= self.patience => {
                    return Err(StoreError::Unavailable(error.line));
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Sends a command, in the same way.
    pub(crate) async fn send(&self, command: &Command) -> Result<Value, StoreError> {
        let begun = Instant::now();
        loop {
            match self.connection.send(command).await {
                Ok(value) => return Ok(value),
                Err(error) if error.is_full => return Err(StoreError::Full),
                Err(error) if begun.elapsed() >= self.patience => {
                    return Err(StoreError::Unavailable(error.line));
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Whether what was confirmed with this is there whatever becomes of a server, as far as that was asked for.
    pub(crate) fn keeps(&self, promise: Promise) -> bool {
        promise != Promise::Nothing || self.replicas == 0
    }

    /// What is asked once it is written.
    fn after(&self, promise: Promise) -> Vec<Command> {
        let replicas = (promise != Promise::Nothing && self.replicas > 0)
            .then(|| safety::replicated(self.replicas, self.patience));
        let disk = (promise == Promise::OnDisk).then(safety::syncs);
        replicas.into_iter().chain(disk).collect()
    }

    fn check(&self, promise: Promise, said: Vec<Value>) -> Result<(), StoreError> {
        let mut said = said.into_iter();
        if promise != Promise::Nothing && self.replicas > 0 {
            safety::is_replicated(self.replicas, said.next().unwrap_or(Value::Nil))?;
        }
        if promise == Promise::OnDisk {
            safety::is_synced(said.next().unwrap_or(Value::Nil)).map_err(StoreError::Unavailable)?;
        }
        Ok(())
    }
}
