//! Made-up readings: what producers write, for trying things.

use crate::cli;
use crate::fault::Fault;
use crate::store::{PAUSE, Store};
use crate::streams::{Fields, READINGS, add, now};
use anyhow::Result;
use rand::RngExt as _;
use redis::pipe;
use serde_json::json;
use std::f64::consts::TAU;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// How often readings are written.
const TICK: Duration = Duration::from_millis(10);

/// Readings that are written at once, at most, after Redis was away.
const MOST_AT_ONCE: u64 = 1000;

/// Samples in a second.
const RATE: f64 = 1000.0;

/// Readings that are made once, and written again and again.
const VARIANTS: u32 = 8;

/// Writes readings, of one vehicle after the other.
pub(crate) async fn run(options: cli::Produce) -> Result<()> {
    let store = Store::open(&options.store.redis)?;
    let kinds: Vec<Option<Fault>> = Fault::ALL.map(Some).into_iter().chain([None; 5]).collect();
    let made: Vec<Vec<String>> = kinds
        .iter()
        .map(|wrong| (0..VARIANTS).map(|_| sensor_data(*wrong, options.rows)).collect())
        .collect();
    let (begun, mut written) = (Instant::now(), 0_u64);
    let is_over = |written| options.count.is_some_and(|count| written >= count);
    let mut next = begun;
    while !is_over(written) {
        let due = u128::from(options.rate) * (begun.elapsed() + TICK).as_millis() / 1000;
        let due = u64::try_from(due).unwrap_or(u64::MAX);
        let due = options.count.map_or(due, |count| due.min(count)).min(written + MOST_AT_ONCE);
        let mut all = pipe();
        for number in written..due {
            let vehicle = place(number, u64::from(options.vehicles));
            let variants = &made[vehicle % kinds.len()];
            let data = &variants[place(number / 7, u64::from(VARIANTS))];
            all.add_command(add(READINGS, options.keep, &reading(vehicle, data))).ignore();
        }
        if due > written {
            match store.ask_all::<()>(&all).await {
                Ok(()) => written = due,
                Err(error) => {
                    eprintln!("not written, and tried again: {error}");
                    sleep(PAUSE).await;
                }
            }
        }
        next += TICK;
        sleep_until(next).await;
    }
    println!("{written} readings in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Round and round, up to so many.
fn place(number: u64, count: u64) -> usize {
    usize::try_from(number % count).unwrap_or(0)
}

fn reading(vehicle: usize, sensor_data: &str) -> Fields {
    let metadata =
        json!({"location": format!("line {}", vehicle % 4), "data_source": "produce", "data_version": "1.0"});
    vec![
        ("vehicle_id", format!("vehicle_{vehicle:05}")),
        ("timestamp", now()),
        ("sensor_data", sensor_data.to_owned()),
        ("metadata", metadata.to_string()),
        ("data_type", "motor_sensor_data".to_owned()),
    ]
}

/// What the sensors of a motor say that is sound, or has this fault.
pub(crate) fn sensor_data(wrong: Option<Fault>, rows: u32) -> String {
    let mut rng = rand::rng();
    let phase = rng.random_range(0.0..TAU);
    let rpm = 1455.0;
    let rows: Vec<_> = (0..rows)
        .map(|row| {
            let time = f64::from(row) / RATE;
            let swell = match wrong {
                Some(Fault::Eccentricity) => 1.0 + 0.5 * (TAU * rpm / 60.0 * time).sin(),
                Some(Fault::BrokenBar) => 1.0 + 0.7 * (TAU * 2.0 * 0.03 * 50.0 * time).sin(),
                _ => 1.0,
            };
            let current = |shift: f64| 10.0 * swell * (TAU * 50.0 * time + phase + shift).sin() + rng_noise(0.1);
            let more = if wrong == Some(Fault::TurnFault) { 1.6 } else { 1.0 };
            let blow = if wrong == Some(Fault::Bearing) && row % 40 == 7 { 6.0 } else { 0.0 };
            let is_leaking = wrong == Some(Fault::Insulation);
            json!({
                "时间": short(time), "Ia": short(more * current(0.0)), "Ib": short(current(-TAU / 3.0)), "Ic": short(current(TAU / 3.0)),
                "vibration_x": short((TAU * 25.0 * time).sin() + rng_noise(0.2) + blow),
                "insulation_resistance": if is_leaking { 12.0 } else { 95.0 }, "leakage_current": if is_leaking { 8.0 } else { 0.3 },
                "temperature": short(60.0 + rng_noise(0.5)), "rpm": rpm,
            })
        })
        .collect();
    let fault = wrong.map_or("normal", Fault::name);
    json!({"batch_size": rows.len(), "data": rows, "sampling_rate": RATE, "fault_type": fault,
           "fault_severity": if wrong.is_some() { 0.8 } else { 0.0 }, "timestamp": now()})
    .to_string()
}

fn rng_noise(reach: f64) -> f64 {
    rand::rng().random_range(-reach..reach)
}

fn short(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
