//! What one measurement of one system found.

use anyhow::{Result, bail};
use serde::Serialize;

use crate::procfs::Sample;
use crate::rig::RigSample;
use crate::system::System;
use crate::tally::Tally;
use crate::work::Work;

/// All figures of one system: of one round, or the medians of several.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) system: System,
    /// Operations that succeeded in the window.
    pub(crate) operations: u64,
    /// Operations that failed; they are in no other figure.
    pub(crate) errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_error: Option<String>,
    pub(crate) operations_per_second: f64,
    /// Payload, counted once.
    pub(crate) bytes_per_second: f64,
    pub(crate) latency_us: Latency,
    /// Sent beside the operations, on the same connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) large_messages_per_second: Option<f64>,
    /// `None` where the system does not tell.
    pub(crate) cpu_us_per_operation: Option<Cpu>,
    pub(crate) gateway_memory: Option<Memory>,
}

/// In microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// User and system time, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cpu {
    pub(crate) gateway: f64,
    pub(crate) services: f64,
    pub(crate) clients: f64,
}

/// Resident memory, in bytes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Memory {
    /// Before anyone connected.
    pub(crate) at_start: f64,
    /// At the end of the window.
    pub(crate) resident: f64,
    pub(crate) peak: f64,
}

impl Outcome {
    /// # Errors
    /// When nothing succeeded, so that there are no figures.
    pub(crate) fn new(
        system: System,
        work: &Work,
        tally: &Tally,
        idle: Option<Sample>,
        before: &RigSample,
        after: &RigSample,
    ) -> Result<Self> {
        let operations = tally.operations();
        if operations == 0 {
            match &tally.first_error {
                Some(error) => bail!("all {} operations failed, the first with: {error}", tally.errors),
                None => bail!("no operation ended within the window"),
            }
        }
        let disturbed = system == System::Frontier && work.scene().disturbed;
        let rate = operations as f64 / tally.window.as_secs_f64();
        Ok(Self {
            system,
            operations,
            errors: tally.errors,
            first_error: tally.first_error.clone(),
            operations_per_second: rate,
            bytes_per_second: rate * work.bytes_per_operation() as f64,
            latency_us: Latency::of(tally),
            large_messages_per_second: disturbed
                .then(|| tally.large_messages as f64 / tally.window.as_secs_f64()),
            cpu_us_per_operation: Cpu::between(before, after, operations),
            gateway_memory: idle.zip(after.gateway).map(|(idle, now)| Memory {
                at_start: idle.resident as f64,
                resident: now.resident as f64,
                peak: now.peak as f64,
            }),
        })
    }

    /// The median of each figure by itself; `None` of nothing.
    pub(crate) fn median(outcomes: &[&Self]) -> Option<Self> {
        let figure = |of: &dyn Fn(&Self) -> f64| median(outcomes.iter().map(|o| of(o)));
        let part = |of: &dyn Fn(&Self) -> Option<f64>| median(outcomes.iter().filter_map(|o| of(o)));
        let cpu = |of: fn(&Cpu) -> f64| part(&|o| o.cpu_us_per_operation.as_ref().map(of));
        let memory = |of: fn(&Memory) -> f64| part(&|o| o.gateway_memory.as_ref().map(of));
        let cpu = || {
            Some(Cpu {
                gateway: cpu(|c| c.gateway)?,
                services: cpu(|c| c.services)?,
                clients: cpu(|c| c.clients)?,
            })
        };
        let memory = || {
            Some(Memory {
                at_start: memory(|m| m.at_start)?,
                resident: memory(|m| m.resident)?,
                peak: memory(|m| m.peak)?,
            })
        };
        Some(Self {
            system: outcomes.first()?.system,
            operations: outcomes.iter().map(|o| o.operations).sum(),
            errors: outcomes.iter().map(|o| o.errors).sum(),
            first_error: outcomes.iter().find_map(|o| o.first_error.clone()),
            operations_per_second: figure(&|o| o.operations_per_second)?,
            bytes_per_second: figure(&|o| o.bytes_per_second)?,
            latency_us: Latency::median(outcomes.iter().map(|o| o.latency_us))?,
            large_messages_per_second: part(&|o| o.large_messages_per_second),
            cpu_us_per_operation: cpu(),
            gateway_memory: memory(),
        })
    }
}

impl Latency {
    /// The median of each figure by itself; `None` of nothing.
    pub(crate) fn median(latencies: impl Iterator<Item = Self> + Clone) -> Option<Self> {
        let figure = |of: fn(&Self) -> f64| median(latencies.clone().map(|latency| of(&latency)));
        Some(Self {
            p50: figure(|l| l.p50)?,
            p99: figure(|l| l.p99)?,
            p999: figure(|l| l.p999)?,
            max: figure(|l| l.max)?,
        })
    }

    pub(crate) fn of(tally: &Tally) -> Self {
        let at = |quantile| tally.latencies.value_at_quantile(quantile) as f64 / 1000.0;
        Self { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: tally.latencies.max() as f64 / 1000.0 }
    }
}

impl Cpu {
    fn between(before: &RigSample, after: &RigSample, operations: u64) -> Option<Self> {
        let per_operation = |before: Option<Sample>, after: Option<Sample>| {
            let spent = after?.cpu.saturating_sub(before?.cpu);
            Some(spent.as_secs_f64() * 1e6 / operations as f64)
        };
        Some(Self {
            gateway: per_operation(before.gateway, after.gateway)?,
            services: per_operation(before.services, after.services)?,
            clients: per_operation(before.clients, after.clients)?,
        })
    }
}

/// The middle one, or the mean of the two in the middle; `None` of nothing.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([].into_iter()), None);
        assert_eq!(median([3.0].into_iter()), Some(3.0));
        assert_eq!(median([9.0, 1.0, 3.0].into_iter()), Some(3.0));
        assert_eq!(median([9.0, 1.0, 3.0, 5.0].into_iter()), Some(4.0));
    }
}
