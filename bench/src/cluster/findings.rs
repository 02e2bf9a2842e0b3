//! What the directory's measurement found, and how it is printed.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::layout::Layout;
use crate::number::{mebibytes, micros, or_dash, thousands};
use crate::outcome::{Latency, Memory};
use crate::procfs::Sample;
use crate::table::Table;
use crate::tally::Tally;

#[derive(Debug, Serialize)]
pub(super) struct Findings {
    pub(super) frontiers: u32,
    pub(super) edges: u32,
    /// Lookups in flight.
    pub(super) callers: u32,
    pub(super) phases: Vec<Phase>,
    pub(super) frontlas_memory: Option<Memory>,
    pub(super) redis_memory: Option<Memory>,
    /// Every edge was where it should be at the end, and every count was right. Else there are no findings.
    pub(super) exact: bool,
}

/// One measurement.
#[derive(Debug, Serialize)]
pub(super) struct Phase {
    pub(super) name: &'static str,
    pub(super) seconds: f64,
    /// Edges that came online.
    pub(super) online: Option<Work>,
    pub(super) lookups: Option<Work>,
    /// 100 is one core; `None` where the system does not tell.
    pub(super) frontlas_cpu_percent: Option<f64>,
    pub(super) redis_cpu_percent: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Work {
    pub(super) count: u64,
    pub(super) errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_error: Option<String>,
    pub(super) per_second: f64,
    pub(super) latency_us: Latency,
}

/// CPU time and memory of the two processes at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Samples {
    pub(super) frontlas: Option<Sample>,
    pub(super) redis: Option<Sample>,
}

impl Work {
    /// `None` if nothing happened.
    pub(super) fn of(tally: &Tally) -> Option<Self> {
        (tally.operations() + tally.errors > 0).then(|| Self {
            count: tally.operations(),
            errors: tally.errors,
            first_error: tally.first_error.clone(),
            per_second: tally.operations() as f64 / tally.window.as_secs_f64(),
            latency_us: Latency::of(tally),
        })
    }
}

impl Phase {
    pub(super) fn new(name: &'static str, took: Duration, before: Samples, after: Samples) -> Self {
        let percent = |before: Option<Sample>, after: Option<Sample>| {
            Some(after?.cpu.saturating_sub(before?.cpu).as_secs_f64() / took.as_secs_f64() * 100.0)
        };
        Self {
            name,
            seconds: took.as_secs_f64(),
            online: None,
            lookups: None,
            frontlas_cpu_percent: percent(before.frontlas, after.frontlas),
            redis_cpu_percent: percent(before.redis, after.redis),
        }
    }

    pub(super) fn with(self, online: Option<Work>, lookups: Option<Work>) -> Self {
        Self { online, lookups, ..self }
    }
}

impl Findings {
    pub(super) fn new(
        layout: Layout,
        callers: u32,
        phases: Vec<Phase>,
        start: Samples,
        end: Samples,
    ) -> Self {
        let memory = |start: Option<Sample>, end: Option<Sample>| {
            let (start, end) = (start?, end?);
            Some(Memory {
                at_start: start.resident as f64,
                resident: end.resident as f64,
                peak: end.peak as f64,
            })
        };
        Self {
            frontiers: layout.frontiers,
            edges: layout.edges,
            callers,
            phases,
            frontlas_memory: memory(start.frontlas, end.frontlas),
            redis_memory: memory(start.redis, end.redis),
            exact: true,
        }
    }

    pub(super) fn render(&self, json: bool) -> Result<String> {
        if json {
            return Ok(serde_json::to_string_pretty(self)? + "\n");
        }
        let (edges, frontiers) = (thousands(self.edges.into()), self.frontiers);
        let mut text = format!(
            "{edges} edges at {frontiers} frontiers; {} lookups in flight\n\n{}\n{}",
            self.callers,
            self.figures(),
            self.memory()
        );
        for phase in &self.phases {
            for work in phase.online.iter().chain(&phase.lookups) {
                if let Some(first) = &work.first_error {
                    text += &format!("\n{}: {} failed, the first with: {first}\n", phase.name, work.errors);
                }
            }
        }
        text += "\nAt the end every edge was listed where it was, and all counts were exact.\n";
        Ok(text)
    }

    fn figures(&self) -> Table {
        let mut table = Table::new([
            "",
            "s",
            "frontlas CPU %",
            "Redis CPU %",
            "online/s",
            "p99 ms",
            "lookups/s",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
        ]);
        for phase in &self.phases {
            let (online, lookups) = (phase.online.as_ref(), phase.lookups.as_ref());
            let latency = |of: fn(&Latency) -> f64| or_dash(lookups.map(|work| micros(of(&work.latency_us))));
            table.row([
                phase.name.into(),
                format!("{:.1}", phase.seconds),
                or_dash(phase.frontlas_cpu_percent.map(|cpu| format!("{cpu:.1}"))),
                or_dash(phase.redis_cpu_percent.map(|cpu| format!("{cpu:.1}"))),
                or_dash(online.map(|work| thousands(work.per_second))),
                or_dash(online.map(|work| format!("{:.1}", work.latency_us.p99 / 1000.0))),
                or_dash(lookups.map(|work| thousands(work.per_second))),
                latency(|of| of.p50),
                latency(|of| of.p99),
                latency(|of| of.p999),
            ]);
        }
        table
    }

    fn memory(&self) -> Table {
        let mut table = Table::new(["MiB", "at start", "at the end", "peak"]);
        for (name, memory) in [("frontlas", &self.frontlas_memory), ("Redis", &self.redis_memory)] {
            let part = |of: fn(&Memory) -> f64| or_dash(memory.as_ref().map(|memory| mebibytes(of(memory))));
            table.row([name.into(), part(|of| of.at_start), part(|of| of.resident), part(|of| of.peak)]);
        }
        table
    }
}
