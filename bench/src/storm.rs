//! How fast edges get in that all connect at the same time.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::frontier::{IdleEdges, add_callers, ports, start_gateway_with};
use crate::network::{Key, Network};
use crate::number::{or_dash, thousands};
use crate::outcome::{Latency, median};
use crate::progress::Progress;
use crate::rig::{Processes, Rig};
use crate::table::Table;
use crate::tally::Tally;

/// A measurement of many connects at once.
#[derive(Debug)]
pub(crate) struct Storm {
    pub(crate) network: Network,
    pub(crate) key: Key,
    pub(crate) edges: usize,
    /// Edges that are there already and call a service meanwhile.
    pub(crate) callers: usize,
    pub(crate) rounds: usize,
    pub(crate) processes: Processes,
    pub(crate) progress: Progress,
    pub(crate) json: bool,
}

/// What it found.
#[derive(Debug, Serialize)]
struct Findings {
    edges: usize,
    processes: Processes,
    /// The median of each figure by itself.
    medians: StormRound,
    rounds: Vec<StormRound>,
}

/// One storm.
#[derive(Clone, Debug, Serialize)]
struct StormRound {
    /// Edges that got in. A storm in which one doesn't is an error.
    connected: u64,
    seconds_to_all: f64,
    connects_per_second: f64,
    /// From the wish to connect until the edge is welcome.
    latency_us: Latency,
    /// `None` where the system does not tell.
    gateway_cpu_us_per_connect: Option<f64>,
    /// Calls of those that were there already; `None` if nobody was.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<Calls>,
}

/// Calls while edges connect. A connection that is lost is an error.
#[derive(Clone, Copy, Debug, Serialize)]
struct Calls {
    per_second: f64,
    /// That failed.
    errors: u64,
    latency_us: Latency,
}

impl Storm {
    /// Measures, and returns what is to be printed.
    pub(crate) async fn run(&self) -> Result<String> {
        let mut rounds = Vec::with_capacity(self.rounds);
        for round in 1..=self.rounds {
            let edges = thousands(self.edges as f64);
            self.progress.begin(format!("round {round}/{}, {edges} edges at once", self.rounds));
            rounds.push(self.run_round().await?);
        }
        self.progress.end();
        let medians = StormRound::median(&rounds).context("no rounds")?;
        Findings { edges: self.edges, processes: self.processes, medians, rounds }.render(self.json)
    }

    async fn run_round(&self) -> Result<StormRound> {
        let mut rig = Rig::new(start_gateway_with(self.network, self.key, &self.processes).await?)?;
        let (for_edges, _) = ports(self.network, rig.gateway())?;
        if self.callers > 0 {
            add_callers(&mut rig, self.network, self.callers, &self.processes).await?;
        }
        let mut edges = IdleEdges::start_storm(for_edges, self.edges, &self.processes).await?;
        self.progress.show("connecting");
        let before = rig.sample()?.gateway;
        rig.count().await?;
        let tally = edges.connect().await?;
        let after = rig.sample()?.gateway;
        let calls = if self.callers > 0 { Some(Calls::of(&rig.stop().await?)) } else { None };
        edges.check().await?;
        edges.leave().await;
        rig.shut_down().await;
        let connected = tally.operations();
        Ok(StormRound {
            connected,
            seconds_to_all: tally.window.as_secs_f64(),
            connects_per_second: connected as f64 / tally.window.as_secs_f64(),
            latency_us: Latency::of(&tally),
            gateway_cpu_us_per_connect: after
                .zip(before)
                .map(|(after, before)| after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6)
                .map(|cpu| cpu / connected as f64),
            calls,
        })
    }
}

impl StormRound {
    fn median(rounds: &[Self]) -> Option<Self> {
        let figure = |of: fn(&Self) -> f64| median(rounds.iter().map(of));
        Some(Self {
            connected: rounds.iter().map(|round| round.connected).sum(),
            seconds_to_all: figure(|round| round.seconds_to_all)?,
            connects_per_second: figure(|round| round.connects_per_second)?,
            latency_us: Latency::median(rounds.iter().map(|round| round.latency_us))?,
            gateway_cpu_us_per_connect: median(rounds.iter().filter_map(|g| g.gateway_cpu_us_per_connect)),
            calls: Calls::median(rounds.iter().filter_map(|round| round.calls)),
        })
    }
}

impl Calls {
    fn of(tally: &Tally) -> Self {
        let per_second = tally.operations() as f64 / tally.window.as_secs_f64();
        Self { per_second, errors: tally.errors, latency_us: Latency::of(tally) }
    }

    fn median(of: impl Iterator<Item = Self> + Clone) -> Option<Self> {
        Some(Self {
            per_second: median(of.clone().map(|calls| calls.per_second))?,
            errors: of.clone().map(|calls| calls.errors).sum(),
            latency_us: Latency::median(of.map(|calls| calls.latency_us))?,
        })
    }
}

impl Findings {
    fn render(&self, json: bool) -> Result<String> {
        if json {
            return Ok(serde_json::to_string_pretty(self)? + "\n");
        }
        let Self { edges, medians, rounds, .. } = self;
        let mut table =
            Table::new(["", "connects/s", "s to all", "p50 ms", "p99 ms", "max ms", "gateway CPU µs"]);
        for (number, round) in rounds.iter().enumerate() {
            table.row(round.row(format!("round {}", number + 1)));
        }
        if rounds.len() > 1 {
            table.row(medians.row("median".into()));
        }
        let calls = medians.calls.map(Calls::line).unwrap_or_default();
        Ok(format!("{} edges connect at once\n\n{table}{calls}", thousands(*edges as f64)))
    }
}

impl Calls {
    fn line(self) -> String {
        let Self { per_second, errors, latency_us } = self;
        let [p50, p99, max] = [latency_us.p50, latency_us.p99, latency_us.max].map(|micros| micros / 1000.0);
        let rate = thousands(per_second);
        format!(
            "\ncalls meanwhile: {rate}/s, p50 {p50:.2} ms, p99 {p99:.2} ms, max {max:.1} ms, {errors} failed\n"
        )
    }
}

impl StormRound {
    fn row(&self, name: String) -> [String; 7] {
        let millis = |micros: f64| format!("{:.1}", micros / 1000.0);
        [
            name,
            thousands(self.connects_per_second),
            format!("{:.2}", self.seconds_to_all),
            millis(self.latency_us.p50),
            millis(self.latency_us.p99),
            millis(self.latency_us.max),
            or_dash(self.gateway_cpu_us_per_connect.map(|cpu| format!("{cpu:.1}"))),
        ]
    }
}
