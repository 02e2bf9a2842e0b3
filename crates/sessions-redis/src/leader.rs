//! Which of several brokers has the sessions of a store.

use crate::reply::{array, bytes, read, unexpected};
use crate::store::RedisStore;
use bytes::Bytes;
use frontier_redis::{Args, Command};
use frontier_sessions::StoreError;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The broker that has the sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// What no other broker calls itself.
    pub id: String,
    /// Where it says that it is asked.
    pub address: String,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Whoever made it leads.
    Ours,
    /// Another one does, for so long at least.
    Theirs(Leader, Duration),
}

impl RedisStore {
    fn leader_key(&self) -> String {
        format!("{}leader", self.0.prefix)
    }

    fn hosts_key(&self) -> String {
        format!("{}hosts", self.0.prefix)
    }

    /// Has `me` lead for so long, by the server's clock, unless another one does. What this store takes over from then on is
    /// out of the reach of earlier leaders. Redis is asked once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: whether it leads is not known.
    ///
    /// # Cancel safety
    /// Whether it leads is not known then.
    pub async fn claim(&self, me: &Leader, lasting: Duration) -> Result<Claim, StoreError> {
        let lasting = u64::try_from(lasting.as_millis()).unwrap_or(u64::MAX);
        let args = Args::default().arg(&me.id).arg(&me.address).arg(lasting);
        let answer = self.0.control.run(&self.0.scripts.claim, &self.leader_key(), &args).await;
        let answer = array(answer.map_err(|error| StoreError::Unavailable(error.line))?)?;
        let mut answer = answer.into_iter();
        let mut next = || answer.next().ok_or_else(unexpected);
        match read::<String>(next()?)?.as_str() {
            "ours" => {
                self.0.leader.store(read(next()?)?, Ordering::SeqCst);
                Ok(Claim::Ours)
            }
            "theirs" => {
                let leader = Leader { id: read(next()?)?, address: read(next()?)? };
                Ok(Claim::Theirs(leader, Duration::from_millis(read(next()?)?)))
            }
            _ => Err(unexpected()),
        }
    }

    /// Has `me` lead no more: whoever claims it next does.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn resign(&self, me: &Leader) -> Result<(), StoreError> {
        let args = Args::default().arg(&me.id);
        let answer = self.0.control.run(&self.0.scripts.resign, &self.leader_key(), &args).await;
        answer.map(drop).map_err(|error| StoreError::Unavailable(error.line))
    }

    /// Notes what hosts have said last, each by a name of its own.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Full`].
    ///
    /// # Cancel safety
    /// Some may be noted.
    pub async fn note_hosts(&self, said: Vec<(u64, Bytes)>) -> Result<(), StoreError> {
        let args = Args::new(&self.hosts_key());
        let args = said.into_iter().fold(args, |args, (edge, said)| args.arg(edge).bytes(said));
        self.0.send(&Command::writing("HSET", args)).await.map(drop)
    }

    /// Forgets hosts.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    ///
    /// # Cancel safety
    /// Some may be forgotten.
    pub async fn forget_hosts(&self, hosts: &[u64]) -> Result<(), StoreError> {
        let args = Args::new(&self.hosts_key()).all(hosts);
        self.0.send(&Command::writing("HDEL", args)).await.map(drop)
    }

    /// What hosts have said last.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn hosts(&self) -> Result<Vec<(u64, Bytes)>, StoreError> {
        let said = array(self.0.send(&Command::reading("HGETALL", Args::new(&self.hosts_key()))).await?)?;
        let mut said = said.into_iter();
        let mut hosts = Vec::with_capacity(said.len() / 2);
        while let Some(edge) = said.next() {
            hosts.push((read(edge)?, bytes(said.next().ok_or_else(unexpected)?)?));
        }
        Ok(hosts)
    }
}
