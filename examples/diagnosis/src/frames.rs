//! Results as pages have them: flat objects, published as an edge to the topics of the gateway's bridge.
//!
//! Every gateway has a reader of its own, which remembers how far it has got. So each sees all results, whoever wrote them.

use crate::cli;
use crate::entry::{self, BATCH, BLOCK_MS, Entry};
use crate::reading::without_nan;
use crate::score::{health, rounded};
use crate::store::{PAUSE, Store};
use crate::streams::{HEALTH, RESULTS};
use anyhow::{Context, Result};
use bytes::Bytes;
use frontier_sdk::{Code, Edge};
use futures_util::future::join_all;
use redis::{RedisResult, Value, cmd};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};
use tracing::warn;

/// How often it is written down what was shown.
const NOTE_INTERVAL: Duration = Duration::from_secs(1);

/// What a page gets for a result. Numbers are numbers, and what is not there is left out.
#[derive(Serialize)]
struct ResultFrame<'a> {
    fault_type: &'a str,
    vehicle_id: &'a str,
    timestamp: &'a str,
    status: &'a str,
    score: Option<f64>,
    health_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_series: Option<&'a RawValue>,
    /// Pages of vehicles read the one name, those of faults the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    spectrum: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_spectrum: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charts: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    original_message_id: &'a str,
}

/// What a page gets for an assessment, by the kind of it in place of a fault.
#[derive(Serialize)]
struct HealthFrame<'a> {
    fault_type: &'a str,
    vehicle_id: &'a str,
    timestamp: &'a str,
    status: Option<&'a str>,
    score: Option<f64>,
    health_score: Option<f64>,
    overall_health: Option<&'a RawValue>,
    fault_states: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Charts<'a> {
    #[serde(borrow, rename = "timeSeries")]
    time_series: Option<&'a RawValue>,
    #[serde(borrow)]
    spectrum: Option<&'a RawValue>,
}

/// What a reading has brought to be shown as it is.
#[derive(Deserialize)]
struct Given<'a> {
    #[serde(borrow)]
    time_series: Option<&'a RawValue>,
    #[serde(borrow)]
    frequency_spectrum: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OverallHealth<'a> {
    overall_status: Option<&'a str>,
    health_score: Option<f64>,
    total_score: Option<f64>,
}

/// A frame for the bridge.
struct Frame {
    topic: &'static str,
    /// Of each key pages see the newest, if they can't follow.
    key: String,
    text: Bytes,
}

/// Shows what comes until it is asked to stop.
pub(crate) async fn run(options: cli::Frames) -> Result<()> {
    let store = Store::open(&options.store.redis)?;
    let edge = Edge::builder(&options.gateway).connect().await.context("no connection to the gateway")?;
    let mut stop = signal(SignalKind::terminate())?;
    tokio::select! {
        shown = show_all(store, &edge, &options.name) => shown,
        _ = stop.recv() => Ok(edge.close().await?),
        _ = tokio::signal::ctrl_c() => Ok(edge.close().await?),
    }
}

/// What comes is read while the last that came is shown.
async fn show_all(store: Store, edge: &Edge, name: &str) -> Result<()> {
    let mut place = Place::load(&store, name).await?;
    println!("frames go out from {} on", place.results);
    let (reader, mut frames, mut noted) = (store.apart(), Vec::new(), Instant::now());
    loop {
        let shown = place.clone();
        let (read, ()) = tokio::join!(read(&reader, &mut place), show(edge, std::mem::take(&mut frames)));
        if noted.elapsed() >= NOTE_INTERVAL {
            noted = Instant::now();
            if let Err(error) = shown.save(&store, name).await {
                warn!("what was shown is not noted: {error}");
            }
        }
        match read {
            Ok(entries) => frames = entries.iter().filter_map(frame).collect(),
            Err(error) => {
                warn!("nothing is read: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

/// How far it has got in both streams.
#[derive(Clone, Debug)]
struct Place {
    results: String,
    health: String,
}

impl Place {
    /// Where it was the last time, or the end of the streams.
    async fn load(store: &Store, name: &str) -> RedisResult<Self> {
        let noted: Option<String> = store.ask(cmd("GET").arg(key(name))).await?;
        if let Some((results, health)) = noted.as_deref().and_then(|noted| noted.split_once(' ')) {
            return Ok(Self { results: results.to_owned(), health: health.to_owned() });
        }
        Ok(Self {
            results: entry::newest(store, RESULTS).await?,
            health: entry::newest(store, HEALTH).await?,
        })
    }

    async fn save(&self, store: &Store, name: &str) -> RedisResult<()> {
        store.ask(cmd("SET").arg(key(name)).arg(format!("{} {}", self.results, self.health))).await
    }
}

fn key(name: &str) -> String {
    format!("diagnosis:shown:{name}")
}

async fn read(store: &Store, place: &mut Place) -> RedisResult<Vec<Entry>> {
    let mut read = cmd("XREAD");
    read.arg("COUNT").arg(BATCH).arg("BLOCK").arg(BLOCK_MS).arg("STREAMS").arg(RESULTS).arg(HEALTH);
    let entries = entry::of_streams(store.ask::<Value>(read.arg(&place.results).arg(&place.health)).await?)?;
    for entry in &entries {
        let of_stream = if entry.stream == RESULTS { &mut place.results } else { &mut place.health };
        of_stream.clone_from(&entry.id);
    }
    Ok(entries)
}

/// Returns once the bridge has all of them, in their order but for those that it did not take at once.
async fn show(edge: &Edge, mut frames: Vec<Frame>) {
    while !frames.is_empty() {
        let publish = |frame: &Frame| {
            let (key, text) = (frame.key.clone(), frame.text.clone());
            let topic = frame.topic;
            async move { edge.publish(topic, text).custom(key).await }
        };
        let published = join_all(frames.iter().map(publish)).await;
        let mut left = Vec::new();
        for (frame, published) in frames.into_iter().zip(published) {
            match published {
                Ok(()) => {}
                Err(error) if matches!(error.code(), Code::TooLarge | Code::Denied) => {
                    warn!("a frame of {} is not shown: {error}", frame.key);
                }
                Err(error) => {
                    if left.is_empty() {
                        warn!("frames wait: {error}");
                    }
                    left.push(frame);
                }
            }
        }
        frames = left;
        if !frames.is_empty() {
            sleep(PAUSE).await;
        }
    }
}

/// What pages are shown of an entry; nothing of one that says of no vehicle.
fn frame(entry: &Entry) -> Option<Frame> {
    let vehicle = entry.get("vehicle_id").filter(|vehicle| !vehicle.is_empty())?;
    let (topic, kind, text) = if entry.stream == RESULTS {
        ("results", entry.get("fault_type")?, result(entry, vehicle))
    } else {
        ("health", entry.get("assessment_type").unwrap_or("overall_health"), assessment(entry, vehicle))
    };
    Some(Frame { topic, key: format!("{vehicle}/{kind}"), text: text?.into() })
}

fn result(entry: &Entry, vehicle: &str) -> Option<String> {
    let [features, charts, given] =
        ["features", "charts", "sensor_data"].map(|field| without_nan(entry.text(field)));
    let of_charts = serde_json::from_str::<Charts<'_>>(&charts).ok();
    let given = serde_json::from_str::<Given<'_>>(&given).ok();
    let time_series = given.as_ref().and_then(|it| it.time_series);
    let spectrum = given.as_ref().and_then(|it| it.frequency_spectrum);
    let spectrum = spectrum.or(of_charts.as_ref().and_then(|it| it.spectrum));
    let score = entry.text("score").parse::<f64>().ok().filter(|score| score.is_finite());
    let frame = ResultFrame {
        fault_type: entry.text("fault_type"),
        vehicle_id: vehicle,
        timestamp: entry.text("timestamp"),
        status: entry.text("status"),
        score,
        health_score: score.map(|score| rounded(health(score))),
        features: json(&features),
        time_series: time_series.or(of_charts.as_ref().and_then(|it| it.time_series)),
        spectrum,
        frequency_spectrum: spectrum,
        charts: json(&charts).filter(|charts| charts.get() != "{}"),
        location: entry.get("location"),
        original_message_id: entry.text("original_message_id"),
    };
    serde_json::to_string(&frame).ok()
}

fn assessment(entry: &Entry, vehicle: &str) -> Option<String> {
    let [overall, states] = ["overall_health", "fault_states"].map(|field| without_nan(entry.text(field)));
    let health = serde_json::from_str::<OverallHealth<'_>>(&overall).ok();
    let frame = HealthFrame {
        fault_type: entry.get("assessment_type").unwrap_or("overall_health"),
        vehicle_id: vehicle,
        timestamp: entry.text("timestamp"),
        status: health.as_ref().and_then(|it| it.overall_status),
        score: health.as_ref().and_then(|it| it.total_score),
        health_score: health.as_ref().and_then(|it| it.health_score),
        overall_health: json(&overall),
        fault_states: json(&states),
    };
    serde_json::to_string(&frame).ok()
}

/// JSON that goes along as it is.
fn json(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn shown(stream: &str, fields: &[(&str, &str)]) -> Option<(String, Json)> {
        let frame = frame(&Entry::made(stream, fields))?;
        assert!(!std::str::from_utf8(&frame.text).unwrap().contains("NaN"), "{:?}", frame.text);
        Some((frame.key, serde_json::from_slice(&frame.text).unwrap()))
    }

    #[test]
    fn a_result_is_flat_with_true_numbers_and_both_names_of_the_spectrum() {
        let charts = r#"{"timeSeries": {"labels": [0], "datasets": []}, "spectrum": {"labels": [50], "datasets": [NaN]}}"#;
        let fields = [
            ("vehicle_id", "v1"),
            ("fault_type", "bearing"),
            ("timestamp", "2026-01-01T00:00:00"),
            ("status", "warning"),
            ("score", "0.5"),
            ("features", r#"{"a": 1, "fault_severity": NaN}"#),
            ("charts", charts),
            ("consumer_id", "c"),
            ("original_message_id", "7-0"),
            ("location", "line 1"),
        ];
        let (key, frame) = shown(RESULTS, &fields).unwrap();
        assert_eq!(
            (&*key, &frame["score"], &frame["health_score"]),
            ("v1/bearing", &json!(0.5), &json!(60.0))
        );
        assert_eq!(frame["features"], json!({"a": 1, "fault_severity": null}));
        assert_eq!(
            (&frame["spectrum"], &frame["frequency_spectrum"]),
            (&frame["charts"]["spectrum"], &frame["charts"]["spectrum"])
        );
        assert_eq!((&frame["time_series"]["labels"], &frame["location"]), (&json!([0]), &json!("line 1")));
        // Without a type, which pages would take for a message of the connection.
        assert!(frame.get("type").is_none() && frame.get("consumer_id").is_none());
    }

    #[test]
    fn what_the_reading_brought_goes_before_what_was_made_of_it() {
        let fields = [
            ("vehicle_id", "v1"),
            ("fault_type", "bearing"),
            ("score", "NaN"),
            ("charts", r#"{"spectrum": {"labels": [1]}}"#),
            (
                "sensor_data",
                r#"{"data": [], "time_series": {"labels": [2]}, "frequency_spectrum": {"labels": [3]}}"#,
            ),
        ];
        let (_, frame) = shown(RESULTS, &fields).unwrap();
        assert_eq!(
            [&frame["spectrum"], &frame["frequency_spectrum"], &frame["time_series"]].map(|it| &it["labels"]),
            [&json!([3]), &json!([3]), &json!([2])]
        );
        assert_eq!((&frame["score"], &frame["health_score"]), (&Json::Null, &Json::Null));
        let (_, bare) = shown(
            RESULTS,
            &[("vehicle_id", "v1"), ("fault_type", "x"), ("features", "no json"), ("charts", "{}")],
        )
        .unwrap();
        assert_eq!((bare.get("features"), bare.get("charts"), bare.get("spectrum")), (None, None, None));
        assert!(
            shown(RESULTS, &[("fault_type", "x")]).is_none()
                && shown(RESULTS, &[("vehicle_id", "v")]).is_none()
        );
    }

    #[test]
    fn an_assessment_keeps_its_vehicle_its_kind_and_its_own_score() {
        let overall = r#"{"overall_status": "critical", "health_score": 62.5, "total_score": 0.375}"#;
        let fields = [
            ("vehicle_id", "v1"),
            ("assessment_type", "overall_health"),
            ("overall_health", overall),
            ("fault_states", r#"{"bearing": {"score": 0.9}}"#),
        ];
        let (key, frame) = shown(HEALTH, &fields).unwrap();
        assert_eq!(
            (&*key, &frame["fault_type"], &frame["vehicle_id"]),
            ("v1/overall_health", &json!("overall_health"), &json!("v1"))
        );
        assert_eq!(
            (&frame["score"], &frame["health_score"], &frame["status"]),
            (&json!(0.375), &json!(62.5), &json!("critical"))
        );
        assert_eq!(frame["fault_states"]["bearing"]["score"], json!(0.9));
    }
}
