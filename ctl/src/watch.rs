//! A watch of frontlas or of a gateway that goes on after a loss: at frontlas from where it was, at a gateway from the start.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Printer, note};
use crate::plane::{Events, Plane};
use crate::timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// Pauses between attempts after a loss: from the first one, doubled up to the last one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// What a watch tells, as it is told.
pub(crate) enum Seen {
    /// A part of what there is.
    Snapshot(Value),
    Change(Told),
    /// What goes through a gateway.
    Rates(Value),
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
    /// Where a gateway need not tell who is there.
    wants_changes_only: bool,
}

impl Watch {
    /// Of these kinds, separated by commas.
    pub(crate) fn new(plane: Plane, kinds: &'static str) -> Self {
        Self {
            plane,
            kinds,
            position: None,
            events: None,
            has_stood: false,
            is_silent: false,
            wants_changes_only: false,
        }
    }

    /// Does not have a gateway tell who is there, which for many takes long. Frontlas tells that in any case.
    pub(crate) fn of_changes_only(self) -> Self {
        Self { wants_changes_only: true, ..self }
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
            if self.wants_changes_only && self.plane.is_gateway() {
                query.push(("changes_only", true.to_string()));
            }
            let opened = self.plane.events(self.plane.watch_path(), &query).await;
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
            "rates" => Some(Seen::Rates(serde_json::from_str(&event.data).map_err(wrong)?)),
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

    /// That this one is there already.
    pub(crate) fn present(kind: &str, record: &Value) -> Self {
        Self(json!({"type": format!("{kind}_present"), kind: record}))
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

/// A line for people: what has happened to whom, where, and from where.
fn describe(told: &Value) -> String {
    let (kind, what) = told["type"].as_str().and_then(|told| told.split_once('_')).unwrap_or(("", ""));
    // Who has left is named by its id alone, beside the type.
    let record = told.get(kind).unwrap_or(told);
    let id = format!("{kind}_id");
    let fields = [id.as_str(), "service", "meta", "frontier_id", "addr"];
    let mut cells: Vec<String> =
        fields.iter().filter_map(|field| record[field].as_str()).map(str::to_owned).collect();
    if kind == "frontier" {
        // Its id is in the same field as that of the place of others.
        cells.dedup();
    }
    if record["draining"] == true {
        cells.push("draining".to_owned());
    }
    cells.extend(told["former_frontier_id"].as_str().map(|former| format!("from {former}")));
    cells.retain(|cell| !cell.is_empty());
    let plain = cells.join("  ").replace(char::is_control, "\u{fffd}");
    format!("{}  {what:8}  {kind:8}  {plain}", timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_whom_and_where() {
        for (told, end) in [
            (
                json!({"type": "frontier_online", "frontier": {"frontier_id": "f1", "draining": true}}),
                "online    frontier  f1  draining",
            ),
            (
                json!({"type": "edge_online", "edge": {"edge_id": "7", "frontier_id": "f1", "addr": "a:1"}, "former_frontier_id": "f2"}),
                "online    edge      7  f1  a:1  from f2",
            ),
            (
                json!({"type": "service_offline", "service_id": "5", "frontier_id": "f1", "stamp": "9"}),
                "offline   service   5  f1",
            ),
            (
                json!({"type": "edge_present", "edge": {"edge_id": "7", "meta": "a\u{1b}[2J", "addr": "a:1"}}),
                "present   edge      7  a\u{fffd}[2J  a:1",
            ),
        ] {
            let line = describe(&told);
            assert!(line.ends_with(end), "{line}");
        }
    }
}
