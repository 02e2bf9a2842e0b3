//! One client: requests that go out as long as there is room for them, and responses that make room.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use frontier_sdk::{BrokerClient, ResponseStart};
use futures_util::StreamExt;
use tokio::sync::Semaphore;

use super::clients::SERVICE;
use super::{Kind, Load};
use crate::meter::Meter;

pub(super) struct Flow {
    client: BrokerClient,
    load: Load,
    meter: Arc<Meter>,
    under_way: UnderWay,
    room: Semaphore,
}

/// A request of so many bytes, which begins with its number.
pub(super) fn body(number: u32, length: usize) -> Bytes {
    let mut body = number.to_be_bytes().to_vec();
    body.resize(length, 0);
    body.into()
}

/// When the requests were sent that are not answered, by their numbers.
struct UnderWay {
    since: Instant,
    /// In nanoseconds, and one more; 0 where there is none.
    sent_at: Vec<AtomicU64>,
}

impl UnderWay {
    /// For twice as many as there are at once: their answers come in another order.
    fn new(window: usize) -> Self {
        let places = (4 * window).next_power_of_two();
        Self { since: Instant::now(), sent_at: (0..places).map(|_| AtomicU64::new(0)).collect() }
    }

    fn place(&self, number: u32) -> &AtomicU64 {
        &self.sent_at[number as usize % self.sent_at.len()]
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn begin(&self, number: u32) -> Result<()> {
        let before = self.place(number).swap(self.now() + 1, Ordering::Relaxed);
        ensure!(before == 0, "a request was not answered while four windows were: {number}");
        Ok(())
    }

    fn end(&self, number: u32) -> Result<Duration> {
        let sent_at = self.place(number).swap(0, Ordering::Relaxed);
        ensure!(sent_at > 0, "request {number} was answered twice, or never sent");
        Ok(Duration::from_nanos(self.now().saturating_sub(sent_at - 1)))
    }
}

impl Flow {
    pub(super) fn new(client: BrokerClient, load: Load, meter: Arc<Meter>) -> Self {
        let under_way = UnderWay::new(load.window);
        Self { client, load, meter, under_way, room: Semaphore::new(load.window) }
    }

    /// Sends and fetches until something goes wrong.
    pub(super) async fn run(self) -> Result<()> {
        tokio::try_join!(self.send(), self.fetch()).map(drop)
    }

    async fn send(&self) -> Result<()> {
        for number in 0_u32.. {
            self.room.acquire().await?.forget();
            self.under_way.begin(number)?;
            self.client.send_bytes(SERVICE, body(number, self.load.body), "").await?;
            if self.load.kind == Kind::Durable && (number as usize + 1).is_multiple_of(self.load.batch) {
                self.client.flush().await?;
            }
        }
        Ok(())
    }

    async fn fetch(&self) -> Result<()> {
        let mut responses = self.client.get_bytes_from(ResponseStart::Current);
        while let Some(response) = responses.next().await {
            let body = response?.result?;
            let number = body.first_chunk().copied().context("a response is too short")?;
            let latency = self.under_way.end(u32::from_be_bytes(number))?;
            self.meter.ended(latency, &Ok(()));
            self.room.add_permits(1);
        }
        Ok(())
    }
}
