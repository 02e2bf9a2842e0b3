//! The client process: callers that repeat their operation, and the window in which it counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::console::Console;
use crate::dialogue::{Order, Ready};
use crate::meter::Meter;
use crate::tally::Tally;

/// One of the many that do the same thing over and over.
pub(crate) trait Caller: Send + 'static {
    /// Does one operation; done when its result is there.
    fn call(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// Lets the callers work until the tool has what it wants.
///
/// `background` is what the callers rest on, connections for example: when one of these ends, so does the
/// measurement.
pub(crate) async fn drive<C: Caller>(
    callers: Vec<C>,
    background: JoinSet<Result<()>>,
    console: &mut Console,
) -> Result<()> {
    drive_with(Arc::new(Meter::new()?), callers, None, background, console).await
}

/// The same, with a meter that something in the background knows too.
pub(crate) async fn drive_with<C: Caller>(
    meter: Arc<Meter>,
    callers: Vec<C>,
    interval: Option<Duration>,
    mut background: JoinSet<Result<()>>,
    console: &mut Console,
) -> Result<()> {
    let empty = Tally::new()?;
    let mut work = JoinSet::new();
    let (begin, count) = (tokio::time::Instant::now(), callers.len().max(1));
    for (number, caller) in callers.into_iter().enumerate() {
        match interval {
            None => work.spawn(repeat(caller, meter.clone())),
            Some(interval) => {
                // Not all at once.
                let first = begin + interval.mul_f64(number as f64 / count as f64);
                work.spawn(repeat_at(caller, meter.clone(), first, interval))
            }
        };
    }
    console.ready(Ready::default())?;
    tokio::select! {
        result = conduct(&meter, empty, console) => result,
        Some(ended) = background.join_next() => {
            Err(ended.context("a connection's task")?.err().unwrap_or_else(|| anyhow!("a connection was closed")))
        }
        Some(ended) = work.join_next() => Err(anyhow!("a caller ended: {ended:?}")),
    }
}

async fn conduct(meter: &Meter, empty: Tally, console: &mut Console) -> Result<()> {
    console.expect(Order::Count).await?;
    meter.open();
    console.expect(Order::Stop).await?;
    console.counted(meter.close(empty))?;
    console.closed().await;
    Ok(())
}

/// An operation that fails is counted as that and tried again, after a pause: some errors ask for just that.
async fn repeat<C: Caller>(mut caller: C, meter: Arc<Meter>) {
    let mut start = Instant::now();
    loop {
        let result = caller.call().await;
        let end = Instant::now();
        meter.ended(end.duration_since(start), &result);
        start = end;
        if result.is_err() {
            sleep(PAUSE_AFTER_ERROR).await;
            start = Instant::now();
        }
    }
}

/// The same, of operations that are due at times of their own. What is behind its time counts from when it was due: the
/// timer alone is up to a millisecond late.
async fn repeat_at<C: Caller>(
    mut caller: C,
    meter: Arc<Meter>,
    first: tokio::time::Instant,
    interval: Duration,
) {
    let mut due = first;
    loop {
        let is_early = due > tokio::time::Instant::now();
        sleep_until(due).await;
        let start = if is_early { tokio::time::Instant::now() } else { due };
        let result = caller.call().await;
        meter.ended(start.elapsed(), &result);
        due += interval;
    }
}

const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(10);
