//! Keeping a frontier and all that is on it alive.

use super::RedisDirectory;
use super::encode::plural;
use crate::DirectoryError;
use crate::model::{Kind, Lease};
use redis::Value;
use tokio::time::{Instant, sleep};

/// Members of an index that one run of the script refreshes: it holds up Redis for less than 1 ms.
const MEMBERS_PER_RUN: usize = 200;

/// The pause after each run, as a multiple of its time: two thirds of Redis stay free for everything else.
const PAUSE_FACTOR: u32 = 2;

impl RedisDirectory {
    /// Takes its time, since a burst would hold up every lookup and report: of all frontiers that report here
    /// one chunk is refreshed at a time, with a pause after it. What is not done after a twelfth of the time
    /// to live is done without pauses.
    pub(super) async fn refresh_now(&self, lease: &Lease) -> Result<(), DirectoryError> {
        self.refresh(lease, Some(Instant::now() + self.lifetimes.alive / 12)).await
    }

    /// Before everything else.
    pub(super) async fn refresh_at_once(&self, lease: &Lease) -> Result<(), DirectoryError> {
        self.refresh(lease, None).await
    }

    async fn refresh(&self, lease: &Lease, spread_until: Option<Instant>) -> Result<(), DirectoryError> {
        let mut since: Option<u64> = None;
        let mut missing = 0;
        for kind in Kind::ALL {
            let mut after = String::new();
            loop {
                let (time, last, lost) = match spread_until {
                    None => self.refresh_chunk(lease, kind, &after).await?,
                    Some(until) => self.refresh_in_turn(lease, kind, &after, until).await?,
                };
                since.get_or_insert(time);
                missing += lost;
                if last.is_empty() {
                    break;
                }
                after = last;
            }
        }
        let since = since.unwrap_or_default();
        let args = self.leased(lease).arg(since).arg(self.alive()).arg(self.meta(Kind::Service));
        self.run_leased::<Vec<Value>>(&self.scripts.refreshed, args).await?;
        if missing == 0 { Ok(()) } else { Err(DirectoryError::Lost) }
    }

    async fn refresh_in_turn(
        &self,
        lease: &Lease,
        kind: Kind,
        after: &str,
        spread_until: Instant,
    ) -> Result<(u64, String, u64), DirectoryError> {
        let _guard = self.refreshing.lock().await;
        let start = Instant::now();
        let chunk = self.refresh_chunk(lease, kind, after).await?;
        // The last one has nothing to wait for; neither has a frontier with little on it.
        if !chunk.1.is_empty() && Instant::now() < spread_until {
            sleep(PAUSE_FACTOR * start.elapsed()).await;
        }
        Ok(chunk)
    }

    /// Gives the time, the last member of the chunk or nothing after the last one, and how many records were
    /// missing.
    async fn refresh_chunk(
        &self,
        lease: &Lease,
        kind: Kind,
        after: &str,
    ) -> Result<(u64, String, u64), DirectoryError> {
        let args = self.leased(lease).arg(plural(kind)).arg(after).arg(MEMBERS_PER_RUN);
        self.run_leased(&self.scripts.refresh, args.arg(self.alive()).arg(self.meta(kind))).await
    }
}
