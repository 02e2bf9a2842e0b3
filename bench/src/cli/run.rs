//! For how long, how often, on how many processes and threads, and compared with what.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use crate::measurement::Timing;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::rig::Processes;
use crate::system::System;
use crate::work::Work;

#[derive(Debug, Default, Args)]
pub(crate) struct VsArgs {
    /// Systems to run in the same sitting, and to compare with
    #[arg(long, value_delimiter = ',', value_name = "SYSTEM,…")]
    vs: Vec<System>,
}

impl VsArgs {
    /// Compared with the same without what is beside it.
    pub(super) fn alone() -> Self {
        Self { vs: vec![System::Alone] }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Seconds that count
    #[arg(long, default_value_t = 4.0, value_name = "S")]
    seconds: f64,
    /// Seconds before that, which don't
    #[arg(long, default_value_t = 1.0, value_name = "S")]
    warmup: f64,
    /// Times that each system runs, in turn; figures and ratios are medians
    #[arg(long, default_value_t = 1, value_name = "N")]
    rounds: usize,
    #[command(flatten)]
    processes: ProcessArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ProcessArgs {
    /// Threads of each service and client process. Unless this or the next is set, what is compared is measured with a
    /// thread for each processor, as programs have by default, and again with one thread
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Threads of the gateway process, of nats-server its GOMAXPROCS; unless set as many as the others have
    #[arg(long, value_name = "N")]
    gateway_threads: Option<usize>,
    /// How long the gateway's and the SDK's threads for connections look for more before they sleep: `daemon.spin`, and `spin`
    /// of the SDK, in microseconds
    #[arg(long, default_value_t = 0, value_name = "US")]
    spin: u64,
    /// Processes that the edges and callers are spread over
    #[arg(long, default_value_t = 1, value_name = "N")]
    client_processes: usize,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OutputArgs {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(super) json: bool,
    /// Show progress on stderr even where it is no terminal
    #[arg(long)]
    progress: bool,
}

impl RunArgs {
    pub(super) fn into_plan(self, first: System, vs: VsArgs, work: Work) -> Result<Plan> {
        let layouts = self.processes.layouts()?;
        self.into_plan_of(layouts, first, vs, work)
    }

    /// On one number of cores after the other, with as many threads unless set.
    pub(super) fn into_scale(self, cores: &[usize], vs: VsArgs, work: Work) -> Result<Plan> {
        let layouts = cores.iter().map(|cores| self.processes.on(*cores)).collect::<Result<_>>()?;
        self.into_plan_of(layouts, System::Frontier, vs, work)
    }

    fn into_plan_of(self, layouts: Vec<Processes>, first: System, vs: VsArgs, work: Work) -> Result<Plan> {
        ensure!(self.rounds > 0, "--rounds must be at least 1");
        let counted = seconds("--seconds", self.seconds)?;
        ensure!(!counted.is_zero(), "--seconds must be more than 0");
        let mut systems = vec![first];
        for system in vs.vs {
            if !systems.contains(&system) {
                systems.push(system);
            }
        }
        for system in &systems {
            ensure!(system.supports(&work), "{system} has nothing to compare with {work}");
        }
        Ok(Plan {
            systems,
            work,
            rounds: self.rounds,
            timing: Timing { warmup: seconds("--warmup", self.warmup)?, counted },
            layouts,
            progress: self.output.progress(),
            json: self.output.json,
        })
    }
}

impl ProcessArgs {
    /// All that are to be measured: as programs run by default first.
    pub(super) fn layouts(self) -> Result<Vec<Processes>> {
        if self.threads.is_some() || self.gateway_threads.is_some() {
            return Ok(vec![self.single()?]);
        }
        let processors = std::thread::available_parallelism()?.get();
        let mut layouts = Vec::new();
        for threads in [processors, 1] {
            let layout = Self { threads: Some(threads), ..self }.single()?;
            if !layouts.contains(&layout) {
                layouts.push(layout);
            }
        }
        Ok(layouts)
    }

    /// One layout, with a thread for each processor unless set.
    pub(super) fn as_by_default(self) -> Result<Processes> {
        let processors = std::thread::available_parallelism()?.get();
        Self { threads: Some(self.threads.unwrap_or(processors)), ..self }.single()
    }

    /// Kept to so many cores.
    fn on(self, cores: usize) -> Result<Processes> {
        let all = std::thread::available_parallelism()?.get();
        ensure!(
            cores > 0 && cores <= all,
            "--cores {cores} must be between 1 and {all}, the cores of this machine"
        );
        let threads = self.threads.unwrap_or(cores);
        Ok(Processes { cores: Some(cores), ..Self { threads: Some(threads), ..self }.single()? })
    }

    /// One layout, with one thread in each process unless set.
    pub(super) fn single(self) -> Result<Processes> {
        let threads = self.threads.or(self.gateway_threads).unwrap_or(1);
        let gateway_threads = self.gateway_threads.unwrap_or(threads);
        let clients = self.client_processes;
        ensure!(threads > 0, "--threads must be at least 1");
        ensure!(gateway_threads > 0, "--gateway-threads must be at least 1");
        ensure!(clients > 0, "--client-processes must be at least 1");
        ensure!(self.spin <= 10_000, "--spin must be at most 10000");
        Ok(Processes { threads, gateway_threads, spin_us: self.spin, clients, cores: None })
    }
}

impl OutputArgs {
    pub(super) fn progress(self) -> Progress {
        Progress::new(self.progress)
    }
}

pub(super) fn seconds(name: &str, value: f64) -> Result<Duration> {
    let limit = 86_400.0;
    ensure!((0.0..=limit).contains(&value), "{name} must be between 0 and {limit}");
    Ok(Duration::from_secs_f64(value))
}
