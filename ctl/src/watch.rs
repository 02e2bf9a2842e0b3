//! A watch of frontlas that goes on after a loss, from where it was.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Printer, note};
use crate::plane::{Events, Plane};
use crate::timestamp;
use frontier_api::json::{Change, Snapshot};
use serde_json::Value;
use std::time::Duration;

/// Pauses between attempts after a loss: from the first one, doubled up to the last one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// What a watch tells.
pub(crate) enum Seen {
    /// A part of what there is.
    Snapshot(Snapshot),
    Change(Told),
}

/// A change, as it was told.
pub(crate) struct Told(Value);

/// A watch of some kinds of records.
pub(crate) struct Watch {
    plane: Plane,
    kinds: &'static str,
    /// Where to go on from.
    position: Option<String>,
    events: Option<Events>,
    /// Whether it ever stood: a first attempt that fails is told at once.
    has_stood: bool,
    is_silent: bool,
}

impl Watch {
    /// Of these kinds, separated by commas.
    pub(crate) fn new(plane: Plane, kinds: &'static str) -> Self {
        Self { plane, kinds, position: None, events: None, has_stood: false, is_silent: false }
    }

    /// Says nothing of losses: where a screen is drawn nothing else may be printed.
    pub(crate) fn in_silence(self) -> Self {
        Self { is_silent: true, ..self }
    }

    fn note(&self, text: &str) {
        if !self.is_silent {
            note(text);
        }
    }

    /// The next thing that it tells. After a loss it connects again, and says so on standard error.
    ///
    /// # Errors
    /// If it can't be had the first time, or is refused for good.
    pub(crate) async fn next(&mut self) -> Outcome<Seen> {
        let mut pause = PAUSES.0;
        loop {
            let failure = match self.step().await {
                Ok(Some(seen)) => return Ok(seen),
                Ok(None) => {
                    pause = PAUSES.0;
                    continue;
                }
                Err(failure) => failure,
            };
            self.events = None;
            let passes = matches!(failure.exit, Exit::Unreachable | Exit::TryAgain);
            if !self.has_stood || !passes {
                return Err(failure);
            }
            self.note(&format!("{failure}\n  trying again in {pause:?}"));
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(PAUSES.1);
        }
    }

    async fn step(&mut self) -> Outcome<Option<Seen>> {
        let Some(events) = &mut self.events else {
            let mut query = vec![("kinds", self.kinds.to_owned())];
            query.extend(self.position.clone().map(|position| ("after", position)));
            let opened = self.plane.events("/cluster/v1/watch", &query).await;
            match opened {
                Err(failure) if failure.is_gone() && self.position.is_some() => {
                    self.note("too much has changed meanwhile: here is everything again");
                    self.position = None;
                }
                opened => {
                    self.events = Some(opened?);
                    self.has_stood = true;
                }
            }
            return Ok(None);
        };
        let event = events.next().await?;
        let wrong =
            |error| Failure::new(Exit::Failure, format!("an event is not what this version knows: {error}"));
        let seen = match event.name.as_str() {
            "snapshot" => Some(Seen::Snapshot(serde_json::from_str(&event.data).map_err(wrong)?)),
            "change" => Some(Seen::Change(Told(serde_json::from_str(&event.data).map_err(wrong)?))),
            "end" => {
                let told: Value = serde_json::from_str(&event.data).map_err(wrong)?;
                let text = told["message"].as_str().unwrap_or("it gives no reason");
                return Err(Failure::new(Exit::TryAgain, format!("the watch has ended: {text}")));
            }
            // A sign of life, or what a later version has.
            _ => None,
        };
        if event.id.is_some() {
            self.position = event.id;
        }
        Ok(seen)
    }
}

impl Told {
    /// Whether somebody has come.
    pub(crate) fn is_online(&self) -> bool {
        self.0["type"].as_str().is_some_and(|told| told.ends_with("_online"))
    }

    /// Prints it: programs get it as it was told, with the time beside it.
    pub(crate) fn print(mut self, printer: &Printer) -> Outcome {
        let text = describe(&self.0);
        if let Some(document) = self.0.as_object_mut() {
            document.insert("time".into(), timestamp::now().into());
        }
        printer.item(|| text, &self.0)
    }
}

/// A line for people.
pub(crate) fn line(what: &str, kind: &str, cells: &[String]) -> String {
    let plain: String = cells.join("  ").replace(char::is_control, "\u{fffd}");
    format!("{}  {what:8}  {kind:8}  {plain}", timestamp::now())
}

fn describe(told: &Value) -> String {
    let Ok(change) = serde_json::from_value::<Change>(told.clone()) else {
        return line(told["type"].as_str().unwrap_or_default(), "", &[told.to_string()]);
    };
    let from = |former: Option<String>| former.map(|id| format!("from {id}"));
    match change {
        Change::FrontierOnline { frontier } => {
            let state = if frontier.draining { "draining" } else { "ready" };
            line("online", "frontier", &[frontier.frontier_id, state.to_owned()])
        }
        Change::FrontierOffline { frontier_id } => line("offline", "frontier", &[frontier_id]),
        Change::EdgeOnline { edge, former_frontier_id } => {
            let mut cells = vec![edge.edge_id.to_string(), edge.frontier_id, edge.addr];
            cells.extend(from(former_frontier_id));
            line("online", "edge", &cells)
        }
        Change::EdgeOffline { edge_id, frontier_id, .. } => {
            line("offline", "edge", &[edge_id.to_string(), frontier_id])
        }
        Change::ServiceOnline { service, former_frontier_id } => {
            let mut cells =
                vec![service.service_id.to_string(), service.service, service.frontier_id, service.addr];
            cells.extend(from(former_frontier_id));
            line("online", "service", &cells)
        }
        Change::ServiceOffline { service_id, frontier_id, .. } => {
            line("offline", "service", &[service_id.to_string(), frontier_id])
        }
    }
}
