//! A page as a program: how many results come, and how long after their readings.

use crate::cli;
use crate::entry::place;
use anyhow::{Context, Result, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use serde::Deserialize;
use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

/// How often it gives a sign of life, and says what has come.
const INTERVAL: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    original_message_id: Option<Cow<'a, str>>,
    stats: Option<Stats>,
}

/// What the gateway has counted for this page.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Stats {
    lost: u64,
}

/// Watches until as many results have come as it was told, or the gateway ends.
pub(crate) async fn run(options: cli::Watch) -> Result<()> {
    let address = options.page.strip_prefix("ws://").context("pages are at ws://")?;
    let address = address.split('/').next().unwrap_or(address);
    let stream = TcpStream::connect(address).await.with_context(|| format!("no connection to {address}"))?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = client_async(&options.page, stream).await?;
    println!("watches {}", options.page);
    let mut delays = Histogram::<u64>::new_with_bounds(1, 3_600_000, 3)?;
    let (begun, mut lost) = (Instant::now(), 0);
    let mut beat = interval(INTERVAL);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while options.count.is_none_or(|count| delays.len() < count) {
        let told = tokio::select! {
            told = socket.next() => told.context("the gateway has ended it")??,
            _ = beat.tick() => {
                socket.send(Message::text(r#"{"type":"heartbeat","timestamp":null}"#)).await?;
                println!("{}", said(&delays, lost, begun));
                continue;
            }
        };
        let Message::Text(text) = told else {
            ensure!(!told.is_close(), "the gateway has ended it");
            continue;
        };
        let told: Told<'_> = serde_json::from_str(&text)?;
        if let Some(reading) = told.original_message_id {
            let (written, _) = place(&reading);
            delays.saturating_record(now().saturating_sub(written).max(1));
        }
        lost = told.stats.map_or(lost, |stats| stats.lost);
    }
    println!("all have come: {}", said(&delays, lost, begun));
    Ok(())
}

/// In milliseconds since 1970, as ids of entries have it.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(now).unwrap_or(u64::MAX)
}

fn said(delays: &Histogram<u64>, lost: u64, begun: Instant) -> String {
    let at = |quantile| delays.value_at_quantile(quantile);
    format!(
        "{} results in {:.1} s, {lost} lost, after p50 {} ms, p99 {} ms, p99.9 {} ms, at most {} ms",
        delays.len(),
        begun.elapsed().as_secs_f64(),
        at(0.5),
        at(0.99),
        at(0.999),
        delays.max()
    )
}
