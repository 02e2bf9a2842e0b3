//! `frontctl bench`: load on a gateway that runs, of calls, messages or a stream.
//!
//! `frontier-bench` measures builds, next to baselines and in processes of their own. This one asks what an installation
//! carries from here, through its TLS, its network and its rules.

mod load;
mod rig;
mod tally;

use crate::failure::Outcome;
use crate::output::{Printer, Table};
use crate::settings::Settings;
use clap::{Args, Subcommand};
use frontier_config::parse_duration;
use indicatif::{ProgressBar, ProgressStyle};
use rig::Rig;
use serde_json::json;
use std::time::Duration;
use tally::Tally;
use tokio::task::JoinHandle;

/// How often the progress bar moves.
const TICK: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Edges call a service, each caller one call after the other.
    Calls(Options),
    /// Edges send acked messages to a service, each caller one after the other.
    Publish(Options),
    /// An edge sends bytes to a service through one stream for each caller.
    Stream(Options),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// How many operations are in flight at any time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=4096))]
    callers: u16,
    /// How many edges the callers share.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=4096))]
    edges: u16,
    /// Bytes of each call, message or write.
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    size: u32,
    /// No more than so many a second, of all callers together; as many as there can be unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rate: Option<u32>,
    /// How long to count.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = more_than_nothing)]
    duration: Duration,
    /// How long to go on before that.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    warmup: Duration,
    /// Call this method, or send to this topic, in place of one of a service that this brings along.
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
}

/// What is done again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Calls,
    Messages,
    Stream,
}

/// Rates are by it.
fn more_than_nothing(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text).map_err(|error| error.to_string())?;
    if time.is_zero() { Err("it is more than 0".to_owned()) } else { Ok(time) }
}

impl BenchCommand {
    pub(crate) async fn run(self, settings: &Settings, printer: &Printer) -> Outcome {
        let (work, options) = match self {
            Self::Calls(options) => (Work::Calls, options),
            Self::Publish(options) => (Work::Messages, options),
            Self::Stream(options) => (Work::Stream, options),
        };
        let rig = Rig::connect(work, &options, settings).await?;
        let bar = Bar::over(options.warmup + options.duration);
        let tally = load::run(&rig, work, &options).await;
        drop(bar);
        rig.close().await;
        let tally = tally?;
        print(&tally, work, &options, printer)
    }
}

/// On a terminal, how far it is, on standard error, until this is dropped.
struct Bar {
    bar: ProgressBar,
    ticks: JoinHandle<()>,
}

impl Bar {
    fn over(all: Duration) -> Self {
        let steps = u64::try_from(all.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX);
        let style = ProgressStyle::with_template("{elapsed} {wide_bar} {percent}%");
        let bar = ProgressBar::new(steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let ticking = bar.clone();
        let ticks = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            loop {
                ticks.tick().await;
                ticking.inc(1);
            }
        });
        Self { bar, ticks }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.ticks.abort();
        self.bar.finish_and_clear();
    }
}

fn print(tally: &Tally, work: Work, options: &Options, printer: &Printer) -> Outcome {
    let rate = tally.done() as f64 / options.duration.as_secs_f64();
    let bytes = rate * f64::from(options.size);
    let failed: serde_json::Map<_, _> =
        tally.failed.iter().map(|(error, count)| (error.clone(), json!(count))).collect();
    let mut table = Table::new(&["WHAT", "VALUE"]);
    let mut row = |what: &str, value: String| table.row([what.to_owned(), value]);
    let name = match work {
        Work::Calls => "calls/s",
        Work::Messages => "messages/s",
        Work::Stream => "writes/s",
    };
    row(name, format!("{rate:.0}"));
    row("MB/s", format!("{:.1}", bytes / 1e6));
    let mut latencies = serde_json::Map::new();
    for (what, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
        let micros = tally.micros(quantile);
        row(&format!("{what} µs"), micros.to_string());
        latencies.insert(what.to_owned(), json!(micros));
    }
    for (error, count) in &tally.failed {
        row(&format!("failed: {error}"), count.to_string());
    }
    let document = json!({
        "per_second": rate, "bytes_per_second": bytes, "done": tally.done(), "latency_us": latencies, "failed": failed,
        "callers": options.callers, "edges": options.edges, "size": options.size, "seconds": options.duration.as_secs_f64(),
    });
    printer.one(&table, &document)
}
