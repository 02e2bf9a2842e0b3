//! What a gateway tells of itself each second: what goes through it, and how long calls take.

use super::history::History;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::plane::PlaneKind;
use crate::settings::Settings;
use crate::watch::{Seen, Watch};
use frontier_config::format_duration;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// The figures, as the gateway calls them, and their directions.
const FIGURES: [(&str, &str, &str); 7] = [
    ("calls up/s", "calls", "to_service"),
    ("calls down/s", "calls", "to_edge"),
    ("messages up", "messages", "to_service"),
    ("messages down", "messages", "to_edge"),
    ("streams up", "streams", "to_service"),
    ("streams down", "streams", "to_edge"),
    ("own calls/s", "calls", "own"),
];

/// What is told of how long calls took, as the gateway calls it.
const QUANTILES: [(&str, &str); 3] = [("p50", "p50"), ("p99", "p99"), ("p99.9", "p999")];

/// The rates of a gateway.
pub(super) struct Rates {
    name: String,
    told: Arc<Mutex<Told>>,
    watching: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Told {
    last: Value,
    figures: [History; FIGURES.len()],
    failed: History,
    /// Why nothing more is told.
    trouble: Option<String>,
}

impl Rates {
    /// Watches the gateway; the first answer has to come.
    pub(super) async fn connect(settings: &Settings) -> Outcome<Self> {
        let plane = settings.plane(PlaneKind::Gateway)?;
        let name = plane.to_string();
        let mut watch = Watch::new(plane, "rates").in_silence();
        let told = Arc::<Mutex<Told>>::default();
        note(&told, watch.next().await?);
        let noting = told.clone();
        let watching = tokio::spawn(async move {
            loop {
                match watch.next().await {
                    Ok(seen) => note(&noting, seen),
                    Err(failure) => {
                        let mut told = noting.lock().unwrap_or_else(PoisonError::into_inner);
                        return told.trouble = Some(failure.text().to_owned());
                    }
                }
            }
        });
        Ok(Self { name, told, watching })
    }

    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.lines(&self.name, width)
    }
}

impl Told {
    fn lines(&self, name: &str, width: usize) -> Vec<String> {
        let plot = width.saturating_sub(56).min(100);
        let row = |name: &str, history: &History, latency: [String; QUANTILES.len()]| {
            let [p50, p99, p999] = latency;
            let plot = history.plot(plot);
            format!("{name:14} {:>10.0} {p50:>8} {p99:>8} {p999:>8}   {plot}", history.last())
        };
        let count = |key: &str| self.last[key].as_str().unwrap_or("?");
        let [p50, p99, p999] = QUANTILES.map(|(name, _)| name);
        let mut lines = vec![
            format!("{name}: {} edges, {} services", count("edges"), count("services")),
            format!("{:25} {p50:>8} {p99:>8} {p999:>8}", ""),
        ];
        for ((name, what, direction), history) in FIGURES.iter().zip(&self.figures) {
            // Of what the gateway asks itself nobody wants to know.
            let has_latency = *what == "calls" && *direction != "own";
            let latency = if has_latency { latency(&self.last, direction) } else { Default::default() };
            lines.push(row(name, history, latency));
        }
        lines.push(row("failed/s", &self.failed, Default::default()));
        lines.push(self.trouble.clone().unwrap_or_default());
        lines
    }
}

impl Drop for Rates {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// What goes through a gateway in the second from now on.
pub(super) async fn once(settings: &Settings) -> Outcome<Value> {
    let mut watch = Watch::new(settings.plane(PlaneKind::Gateway)?, "rates");
    let first = async {
        loop {
            if let Seen::Rates(rates) = watch.next().await? {
                return Ok::<_, Failure>(rates);
            }
        }
    };
    let late = || Failure::new(Exit::Unreachable, "the gateway does not tell its rates");
    tokio::time::timeout(settings.timeout, first).await.map_err(|_| late())?
}

/// The same for people, as rows of a table.
pub(super) fn rows(rates: &Value) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    for (name, what, direction) in FIGURES {
        rows.push([name.to_owned(), format!("{:.0}", rates[what][direction].as_f64().unwrap_or(0.0))]);
        if what == "calls" && direction != "own" && !rates["latency"][direction].is_null() {
            let text =
                QUANTILES.iter().zip(latency(rates, direction)).map(|((name, _), it)| format!("{name} {it}"));
            rows.push([format!("{name}, took"), text.collect::<Vec<_>>().join(", ")]);
        }
    }
    rows.push(["failed/s".to_owned(), format!("{:.0}", failed(rates))]);
    rows
}

/// The quantiles of a direction; a dash where there were no calls.
fn latency(rates: &Value, direction: &str) -> [String; QUANTILES.len()] {
    QUANTILES.map(|(_, key)| {
        let seconds = rates["latency"][direction][key].as_f64();
        let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        time.map_or_else(|| "–".to_owned(), format_duration)
    })
}

fn failed(rates: &Value) -> f64 {
    let failed = rates["failed"].as_object().into_iter().flatten();
    failed.filter_map(|(_, rate)| rate.as_f64()).sum()
}

fn note(told: &Mutex<Told>, seen: Seen) {
    let Seen::Rates(rates) = seen else { return };
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    for ((_, what, direction), history) in FIGURES.iter().zip(&mut told.figures) {
        history.push(rates[*what][*direction].as_f64().unwrap_or(0.0));
    }
    told.failed.push(failed(&rates));
    told.last = rates;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rates() -> Value {
        json!({
            "calls": {"to_service": 812.4, "to_edge": 0.0, "own": 1.0},
            "failed": {"to_service": 1.0, "to_edge": 2.0, "own": 0.0},
            "latency": {"to_service": {"count": "812", "p50": 0.00042, "p90": 0.001, "p99": 0.00125, "p999": 0.5}},
            "edges": "10000",
            "services": "2",
        })
    }

    #[test]
    fn percentiles_stand_beside_the_rates_of_calls() {
        let told = Mutex::default();
        note(&told, Seen::Rates(rates()));
        let lines = told.into_inner().unwrap().lines("here", 80);
        assert_eq!(lines[0], "here: 10000 edges, 2 services");
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["p50", "p99", "p99.9"]);
        let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cells(&lines[2]), ["calls", "up/s", "812", "420µs", "1.25ms", "500ms", "█"]);
        assert_eq!(cells(&lines[3]), ["calls", "down/s", "0", "–", "–", "–", "▁"]);
        assert_eq!(cells(&lines[4])[..3], ["messages", "up", "0"]);
        assert_eq!(cells(&lines[9]), ["failed/s", "3", "█"]);
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    }

    #[test]
    fn once_they_are_rows() {
        let rows = rows(&rates());
        assert!(
            rows.contains(&["calls up/s, took".to_owned(), "p50 420µs, p99 1.25ms, p99.9 500ms".to_owned()])
        );
        assert!(!rows.iter().any(|[name, _]| name == "calls down/s, took"), "there were none");
    }
}
