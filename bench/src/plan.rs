//! A whole run: which systems do which work, how often.

use anyhow::{Context, Result};

use crate::comparison::Comparison;
use crate::cores::Pinned;
use crate::measurement::{Timing, measure};
use crate::progress::Progress;
use crate::rig::Processes;
use crate::system::System;
use crate::work::Work;

/// A checked command line.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The first is compared with each of the others.
    pub(crate) systems: Vec<System>,
    pub(crate) work: Work,
    pub(crate) rounds: usize,
    pub(crate) timing: Timing,
    /// It is all done once with each.
    pub(crate) layouts: Vec<Processes>,
    pub(crate) progress: Progress,
    pub(crate) json: bool,
}

impl Plan {
    pub(crate) async fn run(&self) -> Result<Vec<Comparison>> {
        let mut comparisons = Vec::with_capacity(self.layouts.len());
        for &processes in &self.layouts {
            let _pinned = processes.cores.map(Pinned::to).transpose()?;
            comparisons.push(self.compare(processes).await?);
        }
        Ok(comparisons)
    }

    /// Runs every system once per round, in turn: what slows the machine down for a while then hits all of
    /// them.
    async fn compare(&self, processes: Processes) -> Result<Comparison> {
        let mut rounds = Vec::with_capacity(self.rounds);
        for round in 1..=self.rounds {
            let mut outcomes = Vec::with_capacity(self.systems.len());
            for &system in &self.systems {
                self.progress.begin(self.step(round, system, &processes));
                let outcome = measure(system, &self.work, &processes, self.timing, &self.progress)
                    .await
                    .with_context(|| format!("measuring {system}"))?;
                outcomes.push(outcome);
            }
            rounds.push(outcomes);
        }
        self.progress.end();
        Comparison::new(self.work, self.timing, processes, rounds)
    }

    fn step(&self, round: usize, system: System, processes: &Processes) -> String {
        let cores = processes.cores.map_or(String::new(), |cores| format!(", cores: {cores}"));
        format!("round {round}/{}, {system}{cores}", self.rounds)
    }
}
