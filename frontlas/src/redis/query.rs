//! What is done without a lease: queries, changes, the check, the sweep.

use super::RedisDirectory;
use super::decode::{FrontierReply, StreamEntry, change, frontier};
use super::encode::plural;
use super::unexpected;
use crate::DirectoryError;
use crate::directory::MAX_PAGE;
use crate::model::{Changes, Frontier, Kind, Page, Position, Timestamp};
use frontier_redis::{Args, Script};
use redis::FromRedisValue;
use std::collections::BTreeMap;

/// Ids that one run of a script looks up, for the same reason as in reports: others wait for it.
const IDS_PER_RUN: usize = 500;

/// Frontiers that one run of a script scans, about.
const FRONTIERS_PER_RUN: usize = 200;

impl RedisDirectory {
    pub(super) async fn frontiers_now(&self) -> Result<Vec<Frontier>, DirectoryError> {
        // A scan may give one twice.
        let mut found = BTreeMap::new();
        let mut cursor = "0".to_owned();
        loop {
            let args = self.reading().arg(&cursor).arg(FRONTIERS_PER_RUN);
            let (next, replies): (String, Vec<FrontierReply>) =
                self.run(&self.scripts.frontiers, args).await?;
            found.extend(replies.into_iter().map(frontier).map(|it| (it.id.clone(), it)));
            if next == "0" {
                return Ok(found.into_values().collect());
            }
            cursor = next;
        }
    }

    pub(super) async fn frontiers_for<T: ToString>(
        &self,
        script: &Script,
        ids: &[T],
    ) -> Result<Vec<Option<Frontier>>, DirectoryError> {
        let replies: Vec<Option<FrontierReply>> = self.for_each(script, self.reading(), ids).await?;
        Ok(replies.into_iter().map(|reply| reply.map(frontier)).collect())
    }

    pub(super) async fn records<T>(
        &self,
        kind: Kind,
        ids: &[u64],
        item: impl Fn(u64, &str) -> Result<T, DirectoryError>,
    ) -> Result<Vec<Option<T>>, DirectoryError> {
        let args = self.reading().arg(plural(kind));
        let records: Vec<Option<String>> = self.for_each(&self.scripts.records, args, ids).await?;
        ids.iter().zip(records).map(|(&id, json)| json.map(|json| item(id, &json)).transpose()).collect()
    }

    /// Runs a script for ids, some at a time; it gives something, or nothing, for each.
    async fn for_each<I: ToString, T: FromRedisValue>(
        &self,
        script: &Script,
        args: Args,
        ids: &[I],
    ) -> Result<Vec<Option<T>>, DirectoryError> {
        let mut all = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS_PER_RUN) {
            let args = args.clone().all(ids.iter().map(ToString::to_string));
            let part: Vec<Option<T>> = self.run(script, args).await?;
            if part.len() != ids.len() {
                return Err(unexpected());
            }
            all.extend(part);
        }
        Ok(all)
    }

    pub(super) async fn page<T>(
        &self,
        kind: Kind,
        from: u64,
        count: usize,
        item: impl Fn(u64, &str) -> Result<T, DirectoryError>,
    ) -> Result<Page<T>, DirectoryError> {
        if count == 0 {
            return Ok(Page { items: Vec::new(), next: Some(from) });
        }
        let args = self.reading().arg(plural(kind)).arg(format!("{from:020}")).arg(count.min(MAX_PAGE));
        let (last, flat): (String, Vec<String>) = self.run(&self.scripts.page, args).await?;
        let items =
            flat.chunks_exact(2).map(|pair| item(pair[0].parse().map_err(|_| unexpected())?, &pair[1]));
        let items = items.collect::<Result<_, _>>()?;
        let last: Option<u64> = match last.as_str() {
            "" => None,
            last => Some(last.parse().map_err(|_| unexpected())?),
        };
        Ok(Page { items, next: last.and_then(|last| last.checked_add(1)) })
    }

    pub(super) async fn time_now(&self) -> Result<Timestamp, DirectoryError> {
        let micros: u64 = self.run(&self.scripts.time, self.reading()).await?;
        Ok(Timestamp(micros))
    }

    pub(super) async fn check_now(&self) -> Result<(), DirectoryError> {
        let _: String = self.run(&self.scripts.probe, self.reading().arg(self.alive())).await?;
        // What it finds does not matter: that it is answered does.
        self.frontiers_for(&self.scripts.frontiers_by_edge, &[0_u64]).await?;
        Ok(())
    }

    pub(super) async fn position_now(&self) -> Result<Position, DirectoryError> {
        let (run, id, number): (String, u64, u64) = self.run(&self.scripts.position, self.reading()).await?;
        Ok(Position { history: history(&run, id), number })
    }

    pub(super) async fn changes_now(&self, since: Position, limit: usize) -> Result<Changes, DirectoryError> {
        let args = self.reading().arg(since.number).arg(limit.min(MAX_PAGE));
        let (run, id, number, found): (String, String, u64, Vec<StreamEntry>) =
            self.run(&self.scripts.changes, args).await?;
        let Ok(id) = id.parse() else { return Ok(Changes::Gone) };
        if history(&run, id) != since.history || since.number > number {
            return Ok(Changes::Gone);
        }
        let found = found.into_iter().map(change).collect::<Result<Vec<_>, _>>()?;
        let is_next = found
            .first()
            .map_or(limit == 0 || since.number == number, |first| first.number == since.number + 1);
        Ok(if is_next { Changes::Since(found) } else { Changes::Gone })
    }

    pub(super) async fn sweep_now(&self) -> Result<usize, DirectoryError> {
        let (mut cursor, mut all) = ("0".to_owned(), 0);
        loop {
            let args = self.writing().arg(&cursor).arg(FRONTIERS_PER_RUN);
            let (next, gone): (String, usize) = self.run(&self.scripts.sweep, args).await?;
            all += gone;
            if next == "0" {
                return Ok(all);
            }
            cursor = next;
        }
    }
}

/// The history as others see it: another run of the server has another one, since it may have lost the end.
fn history(run: &str, id: u64) -> u64 {
    let run = run.get(..16).and_then(|run| u64::from_str_radix(run, 16).ok()).unwrap_or_default();
    run ^ id
}
