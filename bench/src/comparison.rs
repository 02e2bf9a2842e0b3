//! Several systems side by side.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::measurement::Timing;
use crate::outcome::{Outcome, median};
use crate::rig::Processes;
use crate::system::System;
use crate::work::Work;

/// All that a run found. This is what `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) work: Work,
    pub(crate) timing: Timing,
    pub(crate) processes: Processes,
    /// One per system, the medians over the rounds.
    pub(crate) medians: Vec<Outcome>,
    /// One per system but the first.
    pub(crate) ratios: Vec<Ratio>,
    /// Every outcome: a list per round, in the order in which they ran.
    pub(crate) rounds: Vec<Vec<Outcome>>,
}

/// The first system's figures, each divided by another's of the same round; the medians over the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Ratio {
    pub(crate) of: System,
    pub(crate) to: System,
    pub(crate) operations_per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// `None` where one of the two is unknown, or too small for the clock.
    pub(crate) gateway_cpu: Option<f64>,
    pub(crate) gateway_memory: Option<f64>,
}

impl Comparison {
    pub(crate) fn new(
        work: Work,
        timing: Timing,
        processes: Processes,
        rounds: Vec<Vec<Outcome>>,
    ) -> Result<Self> {
        let systems = rounds.first().context("no rounds")?.len();
        let columns: Vec<Vec<&Outcome>> = (0..systems)
            .map(|system| rounds.iter().filter_map(|round| round.get(system)).collect())
            .collect();
        let medians = columns
            .iter()
            .map(|column| Outcome::median(column))
            .collect::<Option<_>>()
            .context("no figures")?;
        let (first, others) = columns.split_first().context("no systems")?;
        let ratios = others
            .iter()
            .map(|other| Ratio::between(first, other))
            .collect::<Option<_>>()
            .context("no ratios")?;
        Ok(Self { work, timing, processes, medians, ratios, rounds })
    }

    /// How often each system ran.
    pub(crate) fn round_count(&self) -> usize {
        self.rounds.len()
    }
}

impl Ratio {
    fn between(these: &[&Outcome], those: &[&Outcome]) -> Option<Self> {
        let ratio = |of: fn(&Outcome) -> Option<f64>| {
            let pairs = these.iter().zip(those).filter_map(|(a, b)| of(a).zip(of(b)));
            median(pairs.map(|(a, b)| a / b)).filter(|ratio| ratio.is_finite())
        };
        Some(Self {
            of: these.first()?.system,
            to: those.first()?.system,
            operations_per_second: ratio(|o| Some(o.operations_per_second))?,
            p50: ratio(|o| Some(o.latency_us.p50))?,
            p99: ratio(|o| Some(o.latency_us.p99))?,
            gateway_cpu: ratio(|o| o.cpu_us_per_operation.map(|cpu| cpu.gateway)),
            gateway_memory: ratio(|o| o.gateway_memory.map(|memory| memory.resident)),
        })
    }
}
