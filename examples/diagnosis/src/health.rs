//! The health of each vehicle, of the newest result for each fault: assessments, and alerts where one is critical.
//!
//! One process does this, in the group of which there is one consumer. What it knows is in the stream of results, where it is read
//! again at the start; and an older result never takes the place of a newer one.

use crate::cli;
use crate::entry::{self, BATCH, BLOCK_MS, Entry, place};
use crate::fault::Fault;
use crate::score::rounded;
use crate::store::{PAUSE, Store};
use crate::streams::{ALERTS, Fields, HEALTH, KEPT_ALERTS, KEPT_HEALTH, RESULTS, add, now};
use anyhow::Result;
use redis::{RedisResult, Value, cmd, pipe};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tracing::warn;

const GROUP: &str = "result_aggregation_group";
const CONSUMER: &str = "main_aggregator";

/// What comes within this makes one assessment of each vehicle.
const PACE: Duration = Duration::from_millis(250);

/// Vehicles that are known; the one that was silent for longest is forgotten.
const MAX_VEHICLES: usize = 100_000;

/// The newest of one fault of one vehicle.
#[derive(Clone, Debug)]
struct State {
    /// Which reading it is of.
    reading: (u64, u64),
    status: String,
    score: f64,
    timestamp: String,
}

#[derive(Debug, Default)]
struct Vehicle {
    faults: BTreeMap<Fault, State>,
    is_critical: bool,
    /// When it was last heard of, in results.
    heard: u64,
}

/// What is known of vehicles.
#[derive(Debug, Default)]
struct Fleet {
    vehicles: HashMap<String, Vehicle>,
    /// By when they were last heard of.
    by_silence: BTreeSet<(u64, String)>,
    results: u64,
}

/// Assesses until it is asked to stop.
pub(crate) async fn run(options: cli::Redis) -> Result<()> {
    let store = Store::open(&options.redis)?;
    let mut stop = signal(SignalKind::terminate())?;
    tokio::select! {
        assessed = assess_all(&store) => Ok(assessed?),
        _ = stop.recv() => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

async fn assess_all(store: &Store) -> RedisResult<()> {
    make_group(store).await?;
    let mut fleet = Fleet::default();
    recall(store, &mut fleet).await?;
    println!("{} vehicles are known", fleet.vehicles.len());
    // First what it was given the last time and has not acked.
    let mut from = "0";
    loop {
        match assess(store, &mut fleet, from).await {
            Ok(0) => from = ">",
            Ok(_) => {}
            Err(error) => {
                warn!("nothing is assessed: {error}");
                sleep(PAUSE).await;
                if error.code() == Some("NOGROUP") {
                    make_group(store).await?;
                }
                from = "0";
            }
        }
        if from == ">" {
            sleep(PACE).await;
        }
    }
}

async fn make_group(store: &Store) -> RedisResult<()> {
    let made =
        store.ask::<()>(cmd("XGROUP").arg("CREATE").arg(RESULTS).arg(GROUP).arg("0").arg("MKSTREAM")).await;
    made.or_else(|error| if error.code() == Some("BUSYGROUP") { Ok(()) } else { Err(error) })
}

/// Learns what there was before.
async fn recall(store: &Store, fleet: &mut Fleet) -> RedisResult<()> {
    let mut behind = "-".to_owned();
    loop {
        let answer: Value =
            store.ask(cmd("XRANGE").arg(RESULTS).arg(&behind).arg("+").arg("COUNT").arg(BATCH)).await?;
        let entries = entry::of_streams(Value::Array(vec![Value::Array(vec![
            Value::SimpleString(RESULTS.to_owned()),
            answer,
        ])]))?;
        let Some(last) = entries.last() else { return Ok(()) };
        behind = format!("({}", last.id);
        for entry in &entries {
            fleet.note(entry);
        }
    }
}

/// Reads what there is, and acks it once the assessments are written. How many entries that were.
async fn assess(store: &Store, fleet: &mut Fleet, from: &str) -> RedisResult<usize> {
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg(GROUP).arg(CONSUMER).arg("COUNT").arg(20 * BATCH).arg("BLOCK").arg(BLOCK_MS);
    let entries = entry::of_streams(store.ask(read.arg("STREAMS").arg(RESULTS).arg(from)).await?)?;
    if entries.is_empty() {
        return Ok(0);
    }
    let touched: BTreeSet<String> = entries.iter().filter_map(|entry| fleet.note(entry)).collect();
    let mut write = pipe();
    let mut acks = cmd("XACK");
    acks.arg(RESULTS).arg(GROUP);
    for vehicle in &touched {
        let Some(assessed) = fleet.assess(vehicle) else { continue };
        write.add_command(add(HEALTH, KEPT_HEALTH, &assessed.fields)).ignore();
        if let Some(alert) = assessed.alert {
            write.add_command(add(ALERTS, KEPT_ALERTS, &alert)).ignore();
        }
    }
    for entry in &entries {
        acks.arg(&entry.id);
    }
    write.add_command(acks).ignore();
    store.ask_all::<()>(&write).await?;
    Ok(entries.len())
}

/// Entries of the streams that come of a vehicle's state.
#[derive(Debug)]
struct Assessed {
    fields: Fields,
    /// When it has just become critical.
    alert: Option<Fields>,
}

impl Fleet {
    /// The vehicle whose state an entry has changed.
    fn note(&mut self, entry: &Entry) -> Option<String> {
        let (name, fault) = (entry.get("vehicle_id")?, Fault::of_name(entry.get("fault_type")?)?);
        let score = entry.text("score").parse::<f64>().ok().filter(|score| score.is_finite())?;
        let reading = place(entry.get("original_message_id").unwrap_or(&entry.id));
        let vehicle = self.vehicles.entry(name.to_owned()).or_default();
        if vehicle.faults.get(&fault).is_some_and(|state| state.reading > reading) {
            return None;
        }
        self.results += 1;
        self.by_silence.remove(&(vehicle.heard, name.to_owned()));
        self.by_silence.insert((self.results, name.to_owned()));
        vehicle.heard = self.results;
        let (status, timestamp) = (entry.text("status").to_owned(), entry.text("timestamp").to_owned());
        vehicle.faults.insert(fault, State { reading, status, score: score.clamp(0.0, 1.0), timestamp });
        while self.vehicles.len() > MAX_VEHICLES
            && let Some((_, silent)) = self.by_silence.pop_first()
        {
            self.vehicles.remove(&silent);
        }
        Some(name.to_owned())
    }

    fn assess(&mut self, name: &str) -> Option<Assessed> {
        let vehicle = self.vehicles.get_mut(name)?;
        let of_status = |status: &str| -> Vec<&str> {
            vehicle
                .faults
                .iter()
                .filter(|(_, it)| it.status == status)
                .map(|(fault, _)| fault.name())
                .collect()
        };
        let (critical, warnings, normal) = (of_status("fault"), of_status("warning"), of_status("normal"));
        let total: f64 = vehicle.faults.iter().map(|(fault, state)| fault.weight() * state.score).sum();
        let health = rounded(100.0 - 100.0 * total);
        let status = match (critical.len(), warnings.len()) {
            (1.., _) => "critical",
            (_, 2..) => "warning",
            (_, 1) => "caution",
            _ => "healthy",
        };
        let overall = json!({
            "overall_status": status, "health_score": health, "total_score": rounded(total), "last_updated": now(),
            "fault_summary": {"critical_faults": critical, "warnings": warnings, "normal": normal},
        });
        let states: Map<String, Json> = vehicle
            .faults
            .iter()
            .map(|(fault, it)| {
                (
                    fault.name().to_owned(),
                    json!({"status": it.status, "score": it.score, "timestamp": it.timestamp}),
                )
            })
            .collect();
        let alert = (!critical.is_empty() && !vehicle.is_critical).then(|| {
            vec![
                ("alert_type", "critical_fault".to_owned()),
                ("vehicle_id", name.to_owned()),
                ("severity", "high".to_owned()),
                ("health_score", health.to_string()),
                ("critical_faults", json!(critical).to_string()),
                ("alert_timestamp", now()),
                ("requires_immediate_action", "true".to_owned()),
            ]
        });
        let is_critical = !critical.is_empty();
        vehicle.is_critical = is_critical;
        let fields = vec![
            ("vehicle_id", name.to_owned()),
            ("assessment_type", "overall_health".to_owned()),
            ("overall_health", overall.to_string()),
            ("fault_states", Json::Object(states).to_string()),
            ("timestamp", now()),
        ];
        Some(Assessed { fields, alert })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(fault: &str, status: &str, score: &str, reading: &str) -> Entry {
        let fields = [
            ("vehicle_id", "v1"),
            ("fault_type", fault),
            ("status", status),
            ("score", score),
            ("original_message_id", reading),
        ];
        Entry::made(RESULTS, &fields)
    }

    fn overall(fleet: &mut Fleet) -> (Json, bool) {
        let Assessed { fields, alert } = fleet.assess("v1").unwrap();
        let (_, text) = fields.iter().find(|(name, _)| *name == "overall_health").unwrap();
        (serde_json::from_str(text).unwrap(), alert.is_some())
    }

    #[test]
    fn the_health_of_a_vehicle_is_that_of_its_faults_by_their_weight() {
        let mut fleet = Fleet::default();
        for (entry, status, health, is_alert) in [
            (result("bearing", "normal", "0.1", "1-0"), "healthy", 97.5, false),
            (result("insulation", "warning", "0.5", "1-0"), "caution", 87.5, false),
            (result("broken_bar", "warning", "0.4", "1-0"), "warning", 81.5, false),
            (result("bearing", "fault", "0.9", "2-0"), "critical", 61.5, true),
            (result("eccentricity", "normal", "0", "2-0"), "critical", 61.5, false),
        ] {
            assert_eq!(fleet.note(&entry).as_deref(), Some("v1"));
            let (told, alert) = overall(&mut fleet);
            assert_eq!(
                (&told["overall_status"], &told["health_score"], alert),
                (&json!(status), &json!(health), is_alert)
            );
        }
    }

    #[test]
    fn what_is_late_does_not_take_the_place_of_what_is_newer() {
        let mut fleet = Fleet::default();
        fleet.note(&result("bearing", "normal", "0.1", "10-0"));
        assert_eq!(fleet.note(&result("bearing", "fault", "0.9", "9-1")), None);
        assert_eq!(overall(&mut fleet).0["overall_status"], json!("healthy"));
        for entry in [result("bearing", "fault", "NaN", "11-0"), result("rust", "fault", "1", "11-0")] {
            assert_eq!(fleet.note(&entry), None);
        }
    }

    #[test]
    fn vehicles_that_are_silent_are_forgotten() {
        let mut fleet = Fleet::default();
        for number in 0..=MAX_VEHICLES {
            let vehicle = number.to_string();
            fleet.note(&Entry::made(
                RESULTS,
                &[("vehicle_id", &vehicle), ("fault_type", "bearing"), ("score", "0")],
            ));
            if number > 0 {
                fleet.note(&result("bearing", "normal", "0", "1-0"));
            }
        }
        assert_eq!((fleet.vehicles.len(), fleet.by_silence.len()), (MAX_VEHICLES, MAX_VEHICLES));
        assert!(fleet.vehicles.contains_key("v1") && !fleet.vehicles.contains_key("0"));
    }
}
