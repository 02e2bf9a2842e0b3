//! One measurement: start, warm up, count, stop.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::{Serialize, Serializer};

use crate::nats::Release;
use crate::network::Network;
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::rig::{Processes, Rig};
use crate::role::NatsClient;
use crate::system::System;
use crate::work::{Calls, Scene, Work};
use crate::{frontier, nats, proxy, relay};

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
    let mut rig = start(system, work, processes).await?;
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

/// Starts all processes; when this returns, every client is connected and at work.
async fn start(system: System, work: &Work, processes: &Processes) -> Result<Rig> {
    if let Some(network) = system.network() {
        return match *work {
            Work::Calls(calls) => frontier::start_calls(network, calls, processes).await,
            Work::Bulk(bulk) => frontier::start_bulk(network, bulk, processes).await,
        };
    }
    match (system, *work) {
        (System::Alone, Work::Calls(calls)) => {
            let calls = Calls { scene: Scene::default(), ..calls };
            frontier::start_calls(Network::Tcp, calls, processes).await
        }
        (System::Proxy, Work::Calls(calls)) => proxy::start_calls(calls, processes).await,
        (System::Proxy, Work::Bulk(bulk)) => proxy::start_bulk(bulk, processes).await,
        (System::Relay, Work::Calls(calls)) => relay::start(calls, processes).await,
        (System::Nats, Work::Calls(calls)) => {
            nats::start(Release::Installed, NatsClient::Library, calls, processes).await
        }
        (System::NatsCurrent, Work::Calls(calls)) => {
            nats::start(Release::Current, NatsClient::Library, calls, processes).await
        }
        (System::NatsLean, Work::Calls(calls)) => {
            nats::start(Release::Installed, NatsClient::Lean, calls, processes).await
        }
        _ => {
            bail!("{system} does not do {work}")
        }
    }
}

fn as_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
