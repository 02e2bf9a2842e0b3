//! Work sessions.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use frontier_config::ByteSize;

use super::run::{OutputArgs, ProcessArgs, seconds};
use crate::sessions::{Kind, Load, Sessions, Store, Work};

#[derive(Debug, Args)]
pub(crate) struct SessionsArgs {
    /// Where the broker keeps sessions: in this process and a file of its own, or in redis-server, which has to be on the PATH
    #[arg(long, value_enum, default_value_t, value_name = "STORE")]
    store: Store,
    /// Durable sessions: computed and counted is what was flushed, and is on disk
    #[arg(long)]
    durable: bool,
    /// Sessions that are open
    #[arg(long, default_value_t = 1, value_name = "N")]
    sessions: usize,
    /// Clients that send and fetch, spread over the sessions: with fewer than there are sessions, the others are idle
    #[arg(long, default_value_t = 1, value_name = "N")]
    clients: usize,
    /// Hosts that compute, all in one process
    #[arg(long, default_value_t = 4, value_name = "N")]
    hosts: usize,
    /// Requests that each host computes at once
    #[arg(long, default_value_t = 128, value_name = "N")]
    capacity: u32,
    /// How long a host takes for each, in seconds; 0: it answers at once
    #[arg(long, default_value_t = 0.0, value_name = "S")]
    work: f64,
    /// Bytes of the body of a request, and of its response; 4 at least, which number it
    #[arg(long, default_value = "4B", value_name = "BYTES")]
    body: ByteSize,
    /// Requests of each client that are not answered, at any time
    #[arg(long, default_value_t = 4000, value_name = "N")]
    window: usize,
    /// After how many requests a client flushes, with --durable
    #[arg(long, default_value_t = 1000, value_name = "N")]
    batch: usize,
    /// Clients of a session that is warm, one after the other, whose first response is timed before the load
    #[arg(long, default_value_t = 200, value_name = "N")]
    first: usize,
    /// In place of all of this: so many requests that nobody computes; what each takes of the broker's memory, and how
    /// long a broker takes that is killed and starts again, where the store outlives it
    #[arg(long, value_name = "N", conflicts_with_all = ["sessions", "clients", "hosts", "work", "first"])]
    queue: Option<u64>,
    /// A folder for the file of durable sessions, or of Redis, on the disk that is to be measured; the system's folder
    /// for temporary files unless set
    #[arg(long, value_name = "PATH")]
    directory: Option<PathBuf>,
    /// Seconds that count
    #[arg(long, default_value_t = 4.0, value_name = "S")]
    seconds: f64,
    /// Seconds before that, which don't
    #[arg(long, default_value_t = 1.0, value_name = "S")]
    warmup: f64,
    /// Measurements, each with everything started anew; figures are medians
    #[arg(long, default_value_t = 1, value_name = "N")]
    rounds: usize,
    #[command(flatten)]
    processes: ProcessArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl SessionsArgs {
    pub(super) fn into_plan(self) -> Result<Sessions> {
        ensure!((1..=100_000).contains(&self.sessions), "--sessions must be between 1 and 100,000");
        ensure!((1..=100_000).contains(&self.clients), "--clients must be between 1 and 100,000");
        ensure!((1..=100_000).contains(&self.hosts), "--hosts must be between 1 and 100,000");
        ensure!(self.capacity > 0, "--capacity must be at least 1");
        let body = self.body.as_usize();
        ensure!((4..=1 << 20).contains(&body), "--body must be between 4 B and 1 MiB");
        ensure!((1..=1_000_000).contains(&self.window), "--window must be between 1 and 1,000,000");
        ensure!(
            (1..=self.window).contains(&self.batch) || !self.durable,
            "--batch must be between 1 and --window"
        );
        ensure!(self.rounds > 0, "--rounds must be at least 1");
        ensure!(self.queue != Some(0), "--queue must be at least 1");
        let counted = seconds("--seconds", self.seconds)?;
        ensure!(!counted.is_zero(), "--seconds must be more than 0");
        // One client after the other: a session has 1000 at most.
        ensure!(self.first <= 10_000, "--first must be at most 10,000");
        let load = Load {
            kind: if self.durable { Kind::Durable } else { Kind::Interactive },
            sessions: self.sessions,
            clients: self.clients,
            body,
            window: self.window,
            batch: self.batch,
        };
        let work = match self.queue {
            Some(requests) => Work::Queue(requests),
            None => Work::Calls { first: self.first, warmup: seconds("--warmup", self.warmup)?, counted },
        };
        Ok(Sessions {
            store: self.store,
            load,
            hosts: self.hosts,
            capacity: self.capacity,
            each: Duration::from_secs_f64(self.work.clamp(0.0, 3600.0)),
            work,
            directory: self.directory,
            rounds: self.rounds,
            processes: self.processes.as_by_default()?,
            progress: self.output.progress(),
            json: self.output.json,
        })
    }
}
