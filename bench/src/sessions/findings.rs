//! What a measurement of work sessions found, and how it is printed.

use anyhow::{Context, Result};
use serde::Serialize;

use super::{Kind, Sessions, Store};
use crate::number::{mebibytes, micros, or_dash, thousands};
use crate::outcome::{Latency, median};
use crate::procfs::Sample;
use crate::rig::Processes;
use crate::table::Table;
use crate::tally::Tally;

#[derive(Debug, Serialize)]
pub(super) struct Findings {
    store: Store,
    kind: Kind,
    sessions: usize,
    clients: usize,
    hosts: usize,
    /// Of each host.
    capacity: u32,
    /// What a host takes for a call.
    work_seconds: f64,
    body_bytes: usize,
    /// Requests of each client that are not answered.
    window: usize,
    processes: Processes,
    /// The median of each figure by itself.
    medians: SessionsRound,
    rounds: Vec<SessionsRound>,
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SessionsRound {
    /// Responses that came in the window.
    calls: u64,
    calls_per_second: f64,
    /// From a request's place in the client's queue to its response.
    latency_us: Latency,
    /// Of clients of a warm session that come one after the other.
    first_response_us: Option<Latency>,
    /// Which part of the time of hosts was computing: calls, times what each is to take. `None` if that is nothing.
    efficiency: Option<f64>,
    /// Which part of what hosts can do at once they were at.
    busy: f64,
    /// `None` where the system does not tell.
    cpu_us_per_call: Option<CallCpu>,
    broker_memory_bytes: Option<f64>,
}

/// User and system time, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
struct CallCpu {
    gateway: f64,
    broker: f64,
    hosts: f64,
    clients: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    redis: Option<f64>,
}

/// One look at every process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Samples {
    pub(super) gateway: Option<Sample>,
    pub(super) broker: Option<Sample>,
    pub(super) hosts: Option<Sample>,
    pub(super) clients: Option<Sample>,
    pub(super) redis: Option<Sample>,
}

impl CallCpu {
    fn between(before: Samples, after: Samples, calls: u64) -> Option<Self> {
        let each = |before: Option<Sample>, after: Option<Sample>| {
            let spent = after?.cpu.saturating_sub(before?.cpu);
            Some(spent.as_secs_f64() * 1e6 / calls as f64)
        };
        Some(Self {
            gateway: each(before.gateway, after.gateway)?,
            broker: each(before.broker, after.broker)?,
            hosts: each(before.hosts, after.hosts)?,
            clients: each(before.clients, after.clients)?,
            redis: each(before.redis, after.redis),
        })
    }

    fn median(of: impl Iterator<Item = Self> + Clone) -> Option<Self> {
        let figure = |part: fn(&Self) -> f64| median(of.clone().map(|cpu| part(&cpu)));
        Some(Self {
            gateway: figure(|cpu| cpu.gateway)?,
            broker: figure(|cpu| cpu.broker)?,
            hosts: figure(|cpu| cpu.hosts)?,
            clients: figure(|cpu| cpu.clients)?,
            redis: median(of.clone().filter_map(|cpu| cpu.redis)),
        })
    }
}

impl SessionsRound {
    pub(super) fn new(
        tally: &Tally,
        first: Option<Latency>,
        (efficiency, busy): (Option<f64>, f64),
        before: Samples,
        after: Samples,
    ) -> Self {
        let calls = tally.operations();
        Self {
            calls,
            calls_per_second: calls as f64 / tally.window.as_secs_f64(),
            latency_us: Latency::of(tally),
            first_response_us: first,
            efficiency,
            busy,
            cpu_us_per_call: CallCpu::between(before, after, calls),
            broker_memory_bytes: after.broker.map(|sample| sample.resident as f64),
        }
    }

    fn median(rounds: &[Self]) -> Option<Self> {
        let figure = |of: fn(&Self) -> f64| median(rounds.iter().map(of));
        Some(Self {
            calls: rounds.iter().map(|round| round.calls).sum(),
            calls_per_second: figure(|round| round.calls_per_second)?,
            latency_us: Latency::median(rounds.iter().map(|round| round.latency_us))?,
            first_response_us: Latency::median(rounds.iter().filter_map(|round| round.first_response_us)),
            efficiency: median(rounds.iter().filter_map(|round| round.efficiency)),
            busy: figure(|round| round.busy)?,
            cpu_us_per_call: CallCpu::median(rounds.iter().filter_map(|round| round.cpu_us_per_call)),
            broker_memory_bytes: median(rounds.iter().filter_map(|round| round.broker_memory_bytes)),
        })
    }

    fn row(&self, name: String) -> [String; 13] {
        let cpu = |of: fn(&CallCpu) -> Option<f64>| {
            or_dash(self.cpu_us_per_call.as_ref().and_then(of).map(|cpu| format!("{cpu:.1}")))
        };
        let millis = |micros: f64| format!("{:.1}", micros / 1000.0);
        [
            name,
            thousands(self.calls_per_second),
            millis(self.latency_us.p50),
            millis(self.latency_us.p99),
            or_dash(self.first_response_us.map(|first| micros(first.p50))),
            cpu(|cpu| Some(cpu.broker)),
            cpu(|cpu| Some(cpu.gateway)),
            cpu(|cpu| Some(cpu.hosts)),
            cpu(|cpu| Some(cpu.clients)),
            cpu(|cpu| cpu.redis),
            or_dash(self.broker_memory_bytes.map(mebibytes)),
            format!("{:.1}", self.busy * 100.0),
            or_dash(self.efficiency.map(|it| format!("{:.1}", it * 100.0))),
        ]
    }
}

impl Findings {
    pub(super) fn new(plan: &Sessions, rounds: Vec<SessionsRound>) -> Result<Self> {
        Ok(Self {
            store: plan.store,
            kind: plan.load.kind,
            sessions: plan.load.sessions,
            clients: plan.load.clients,
            hosts: plan.hosts,
            capacity: plan.capacity,
            work_seconds: plan.each.as_secs_f64(),
            body_bytes: plan.load.body,
            window: plan.load.window,
            processes: plan.processes,
            medians: SessionsRound::median(&rounds).context("no rounds")?,
            rounds,
        })
    }

    pub(super) fn render(&self, json: bool) -> Result<String> {
        if json {
            return Ok(serde_json::to_string_pretty(self)? + "\n");
        }
        let mut table = Table::new([
            "",
            "calls/s",
            "p50 ms",
            "p99 ms",
            "first µs",
            "broker CPU µs",
            "gateway",
            "hosts",
            "clients",
            "Redis",
            "broker MiB",
            "hosts busy %",
            "efficiency %",
        ]);
        for (number, round) in self.rounds.iter().enumerate() {
            table.row(round.row(format!("round {}", number + 1)));
        }
        if self.rounds.len() > 1 {
            table.row(self.medians.row("median".into()));
        }
        let kind = match self.kind {
            Kind::Interactive => "interactive",
            Kind::Durable => "durable",
        };
        let [sessions, clients, hosts] =
            [self.sessions, self.clients, self.hosts].map(|number| thousands(number as f64));
        Ok(format!(
            "{sessions} {kind} sessions, {clients} clients, {hosts} hosts of {}, {} bytes; {}\n\n{table}",
            self.capacity, self.body_bytes, self.processes
        ))
    }
}
