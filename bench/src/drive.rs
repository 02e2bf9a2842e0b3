//! The client process: callers that repeat their operation, and the window in which it counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tokio::task::JoinSet;
use tokio::time::sleep;

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
    drive_with(Arc::new(Meter::new()?), callers, background, console).await
}

/// The same, with a meter that something in the background knows too.
pub(crate) async fn drive_with<C: Caller>(
    meter: Arc<Meter>,
    callers: Vec<C>,
    mut background: JoinSet<Result<()>>,
    console: &mut Console,
) -> Result<()> {
    let empty = Tally::new()?;
    let mut work = JoinSet::new();
    for caller in callers {
        work.spawn(repeat(caller, meter.clone()));
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

const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(10);
