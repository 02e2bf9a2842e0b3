//! The commands of a consumer.

use super::entries::EntryId;
use crate::RedisSourceConfig;
use redis::{Cmd, cmd};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long the server waits for new entries before it says that there are none.
pub(super) const BLOCK: Duration = Duration::from_secs(2);

/// Entries that one command names, at most.
pub(super) const CHUNK: usize = 256;

/// Whose commands they are.
#[derive(Debug)]
pub(super) struct Commands {
    pub(super) config: Arc<RedisSourceConfig>,
    pub(super) consumer: String,
}

impl Commands {
    pub(super) fn key(&self, stream: usize) -> &str {
        self.config.streams.get(stream).map_or("", String::as_str)
    }

    pub(super) fn stream(&self, key: &[u8]) -> Option<usize> {
        self.config.streams.iter().position(|stream| stream.as_bytes() == key)
    }

    pub(super) fn create_group(&self, stream: usize, start: &str) -> Cmd {
        let mut create = cmd("XGROUP");
        create.arg("CREATE").arg(self.key(stream)).arg(&self.config.group).arg(start).arg("MKSTREAM");
        create
    }

    /// New entries of all streams.
    pub(super) fn read_new(&self, count: usize) -> Cmd {
        let mut read = self.read(count);
        read.arg("BLOCK").arg(u64::try_from(BLOCK.as_millis()).unwrap_or(1)).arg("STREAMS");
        read.arg(&self.config.streams);
        for _ in &self.config.streams {
            read.arg(">");
        }
        read
    }

    /// This consumer's own entries of one stream that are pending, behind this one.
    pub(super) fn read_own(&self, stream: usize, behind: &str, count: usize) -> Cmd {
        let mut read = self.read(count);
        read.arg("STREAMS").arg(self.key(stream)).arg(behind);
        read
    }

    fn read(&self, count: usize) -> Cmd {
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(&self.config.group).arg(&self.consumer).arg("COUNT").arg(count);
        read
    }

    /// Takes what others have held for too long.
    pub(super) fn take_over(&self, stream: usize, from: &str, count: usize) -> Cmd {
        let mut claim = cmd("XAUTOCLAIM");
        claim.arg(self.key(stream)).arg(&self.config.group).arg(&self.consumer);
        claim.arg(self.claim_after_ms()).arg(from).arg("COUNT").arg(count);
        claim
    }

    /// Says of what is held here that it still is; but not of what another consumer has taken over meanwhile, and gives such
    /// signs of as well.
    pub(super) fn keep<'a>(&self, held: impl IntoIterator<Item = &'a EntryId>) -> Vec<Cmd> {
        self.claim(held, self.claim_after_ms() / 2, None)
    }

    /// Lets others take these at once.
    pub(super) fn let_go<'a>(&self, held: impl IntoIterator<Item = &'a EntryId>) -> Vec<Cmd> {
        self.claim(held, 0, Some(self.claim_after_ms()))
    }

    fn claim<'a>(
        &self,
        held: impl IntoIterator<Item = &'a EntryId>,
        min_idle_ms: u64,
        idle_ms: Option<u64>,
    ) -> Vec<Cmd> {
        self.by_stream(held, |stream, ids| {
            let mut claim = cmd("XCLAIM");
            claim.arg(self.key(stream)).arg(&self.config.group).arg(&self.consumer);
            claim.arg(min_idle_ms).arg(ids);
            if let Some(idle) = idle_ms {
                claim.arg("IDLE").arg(idle);
            }
            claim.arg("JUSTID");
            claim
        })
    }

    pub(super) fn ack<'a>(&self, ended: impl IntoIterator<Item = &'a EntryId>) -> Vec<Cmd> {
        self.by_stream(ended, |stream, ids| {
            let mut ack = cmd("XACK");
            ack.arg(self.key(stream)).arg(&self.config.group).arg(ids);
            ack
        })
    }

    fn by_stream<'a>(
        &self,
        entries: impl IntoIterator<Item = &'a EntryId>,
        command: impl Fn(usize, &[&str]) -> Cmd,
    ) -> Vec<Cmd> {
        let mut by_stream = BTreeMap::<usize, Vec<&str>>::new();
        for entry in entries {
            by_stream.entry(entry.stream).or_default().push(&entry.id);
        }
        let chunks =
            by_stream.iter().flat_map(|(stream, ids)| ids.chunks(CHUNK).map(|ids| command(*stream, ids)));
        chunks.collect()
    }

    pub(super) fn pending(&self, stream: usize, count: usize) -> Cmd {
        let mut pending = cmd("XPENDING");
        pending.arg(self.key(stream)).arg(&self.config.group).arg("-").arg("+").arg(count);
        pending.arg(&self.consumer);
        pending
    }

    pub(super) fn info(&self, of: &str, stream: usize) -> Cmd {
        let mut info = cmd("XINFO");
        info.arg(of).arg(self.key(stream));
        if of == "CONSUMERS" {
            info.arg(&self.config.group);
        }
        info
    }

    pub(super) fn delete_consumer(&self, stream: usize, name: &str) -> Cmd {
        let mut delete = cmd("XGROUP");
        delete.arg("DELCONSUMER").arg(self.key(stream)).arg(&self.config.group).arg(name);
        delete
    }

    pub(super) fn claim_after_ms(&self) -> u64 {
        u64::try_from(self.config.claim_after.as_millis()).unwrap_or(u64::MAX)
    }
}
