//! What a gateway tells of itself each second: what goes through it.

use super::history::History;
use crate::failure::Outcome;
use crate::plane::PlaneKind;
use crate::settings::Settings;
use crate::watch::{Seen, Watch};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
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
        let plot = width.saturating_sub(32).min(100);
        let row = |name: &str, history: &History| {
            format!("{name:14} {:>10.0}   {}", history.last(), history.plot(plot))
        };
        let count = |key: &str| told.last[key].as_str().unwrap_or("?").to_owned();
        let mut lines =
            vec![format!("{}: {} edges, {} services", self.name, count("edges"), count("services"))];
        lines.extend(FIGURES.iter().zip(&told.figures).map(|((name, ..), history)| row(name, history)));
        lines.push(row("failed/s", &told.failed));
        lines.push(told.trouble.clone().unwrap_or_default());
        lines
    }
}

impl Drop for Rates {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

fn note(told: &Mutex<Told>, seen: Seen) {
    let Seen::Rates(rates) = seen else { return };
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    for ((_, what, direction), history) in FIGURES.iter().zip(&mut told.figures) {
        history.push(rates[*what][*direction].as_f64().unwrap_or(0.0));
    }
    let failed = rates["failed"].as_object().into_iter().flatten();
    told.failed.push(failed.filter_map(|(_, rate)| rate.as_f64()).sum());
    told.last = rates;
}
