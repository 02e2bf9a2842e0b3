//! One measurement: start, warm up, count, stop.

use std::time::Duration;

use anyhow::Result;
use serde::{Serialize, Serializer};

use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::rig::Processes;
use crate::system::System;
use crate::work::Work;

/// How long a measurement takes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Timing {
    #[serde(rename = "warmup_seconds", serialize_with = "as_seconds")]
    pub(crate) warmup: Duration,
    #[serde(rename = "counted_seconds", serialize_with = "as_seconds")]
    pub(crate) counted: Duration,
}

/// Measures one system once. All of its processes are gone when this returns, or is dropped.
pub(crate) async fn measure(
    system: System,
    work: &Work,
    processes: &Processes,
    timing: Timing,
    progress: &Progress,
) -> Result<Outcome> {
    let mut rig = system.start(work, processes).await?;
    progress.wait("warming up", timing.warmup).await;

    // CPU time is read beside each order, so that both cover the same window but for the time that an order
    // travels.
    rig.count().await?;
    let before = rig.sample()?;
    progress.wait("counting", timing.counted).await;
    let after = rig.sample()?;
    let tally = rig.stop().await?;

    let idle = rig.gateway_at_start();
    rig.shut_down().await;
    Outcome::new(system, work, &tally, idle, &before, &after)
}

fn as_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
