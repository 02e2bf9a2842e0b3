//! The process of all hosts.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use frontier_sdk::{HostError, HostRequest, Response, ServiceHost};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::sleep;

use super::clients::SERVICE;
use crate::console::Console;
use crate::dialogue::{Order, Ready};
use crate::network::Address;
use crate::tally::Tally;

/// How many connect at the same time.
const AT_ONCE: usize = 64;

/// How long all of them together were computing.
#[derive(Debug)]
struct Busy {
    since: Instant,
    running: AtomicU64,
    /// The sum of the times at which something ended, less those at which it began, in nanoseconds.
    ended_less_begun: AtomicI64,
}

impl Busy {
    fn now(&self) -> i64 {
        i64::try_from(self.since.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }

    fn begin(&self) {
        self.ended_less_begun.fetch_sub(self.now(), Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        self.ended_less_begun.fetch_add(self.now(), Ordering::Relaxed);
    }

    /// Until now.
    fn total(&self) -> Duration {
        let running = i64::try_from(self.running.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        let until_now = self.now().saturating_mul(running);
        let nanos = self.ended_less_begun.load(Ordering::Relaxed).saturating_add(until_now);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or_default())
    }
}

/// Connects them all, and has them answer what they are sent, after so long. It is told for how long they were busy.
pub(super) async fn run(
    gateway: Address,
    hosts: usize,
    capacity: u32,
    each: Duration,
    console: &mut Console,
) -> Result<()> {
    let busy = Arc::new(Busy {
        since: Instant::now(),
        running: AtomicU64::new(0),
        ended_less_begun: AtomicI64::new(0),
    });
    let url = gateway.to_string();
    let connect = |_| {
        let busy = busy.clone();
        let handler = move |request: HostRequest| {
            let busy = busy.clone();
            async move {
                busy.begin();
                if !each.is_zero() {
                    sleep(each).await;
                }
                busy.end();
                Ok::<_, HostError>(Response::new(request.body))
            }
        };
        ServiceHost::builder(url.clone(), SERVICE).capacity(capacity).handler(handler).connect()
    };
    let connecting = stream::iter(0..hosts).map(connect).buffer_unordered(AT_ONCE);
    let _hosts: Vec<ServiceHost> = connecting.try_collect().await.context("connecting a host")?;
    console.ready(Ready::default())?;
    let mut counted = (Instant::now(), Duration::ZERO);
    while let Some(order) = console.order().await {
        match order {
            Order::Count => counted = (Instant::now(), busy.total()),
            Order::Stop => {
                let (since, before) = counted;
                let busy = busy.total().saturating_sub(before);
                let window = since.elapsed();
                console.counted(Tally { window, busy, ..Tally::new()? })?;
            }
            other => bail!("a host can't {other:?}"),
        }
    }
    Ok(())
}
