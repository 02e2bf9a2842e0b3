//! The client of the session.

use super::fleet::{Change, Fleet, SERVICE, Throw};
use super::tally::Tally;
use anyhow::{Context as _, Result};
use frontier_sdk::{BrokerClient, BrokerResponse, Session, SessionStartInfo};
use futures_util::StreamExt as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// How many darts a request has.
const DARTS: u32 = 20_000;

/// How many requests are sent and not answered, at most: what latencies are shown is not that of a queue alone.
const OUTSTANDING: usize = 32;

/// A client of a session.
pub(super) struct Client {
    session: Session,
    /// When it has begun, from where times are counted.
    begun: Instant,
    rounds: AtomicU64,
}

impl Client {
    /// Makes a session.
    pub(super) async fn start(broker: SocketAddr) -> Result<Self> {
        let info = SessionStartInfo::new(format!("http://{broker}"), SERVICE).no_proxy();
        let session = Session::create(info).await.context("no session is to be had")?;
        println!("session   {}", session.id());
        Ok(Self { session, begun: Instant::now(), rounds: AtomicU64::new(0) })
    }

    /// Sends so many requests, and shows what comes back, while hosts come and go. Whether all went well.
    pub(super) async fn round(&self, count: u32, fleet: &mut Fleet) -> Result<bool> {
        let round = self.rounds.fetch_add(1, Ordering::Relaxed);
        let client = self.session.client(&format!("round {round}"))?;
        let room = Arc::new(Semaphore::new(OUTSTANDING));
        let mut responses = client.get_responses::<u32>();
        let sending = self.send(client.clone(), round, count, room.clone());
        let mut tally = Tally::new(count);
        let mut changes = Change::ALL.into_iter();
        let mut next_change = count / 4;
        let mut done = 0;
        while let Some(response) = responses.next().await {
            let BrokerResponse { result, user_data, .. } = response?;
            room.add_permits(1);
            match result {
                Ok(hits) => {
                    let sent = Duration::from_micros(user_data.parse()?);
                    tally.done(hits, DARTS, self.begun.elapsed().saturating_sub(sent));
                }
                Err(fault) => tally.failed(&fault.to_string()),
            }
            done += 1;
            if done >= next_change {
                next_change += count / 4;
                if let Some(change) = changes.next() {
                    tally.tell(&fleet.change(change).await?);
                }
            }
            tally.show(fleet.count());
        }
        sending.await.context("the sender")??;
        tally.finish(fleet.count());
        client.close(true).await?;
        Ok(tally.is_well())
    }

    fn send(
        &self,
        client: BrokerClient,
        round: u64,
        count: u32,
        room: Arc<Semaphore>,
    ) -> JoinHandle<Result<()>> {
        let begun = self.begun;
        tokio::spawn(async move {
            for number in 0..count {
                room.acquire().await?.forget();
                let seed = round << 32 | u64::from(number);
                let sent = begun.elapsed().as_micros().to_string();
                client.send_request("throw", &Throw { seed, darts: DARTS }, &sent).await?;
            }
            client.end_requests().await?;
            Ok(())
        })
    }

    pub(super) async fn close(&self) -> Result<()> {
        self.session.close().await.context("the session")
    }
}
