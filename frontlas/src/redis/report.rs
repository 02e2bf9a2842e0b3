//! What is done under a lease: joins, reports, resyncs.

use super::RedisDirectory;
use super::decode::verdict;
use super::encode::{EventArgs, json, plural};
use super::unexpected;
use crate::DirectoryError;
use crate::model::advertised::addr;
use crate::model::{Event, Incarnation, Kind, Lease, Mark, NewFrontier, Presence, Verdict};
use frontier_redis::{Args, Script};
use redis::{FromRedisValue, Value};

/// Events in one run of a script: it holds up Redis for about 2 ms.
const EVENTS_PER_RUN: usize = 100;

/// Members of an index that one run compares with a snapshot: as long.
const MEMBERS_PER_RUN: usize = 500;

impl RedisDirectory {
    pub(super) async fn join_now(
        &self,
        frontier: &NewFrontier,
        incarnation: Option<Incarnation>,
    ) -> Result<Lease, DirectoryError> {
        frontier.check()?;
        incarnation.map_or(Ok(()), Incarnation::check)?;
        let args = self
            .writing()
            .arg(&frontier.id)
            .arg(addr(&frontier.advertised_sb_addr))
            .arg(addr(&frontier.advertised_eb_addr))
            .arg(incarnation.map_or_else(String::new, |it| it.to_string()))
            .arg(self.alive())
            .arg(self.meta(Kind::Service))
            .arg(&frontier.advertised_sb_addr)
            .arg(&frontier.advertised_eb_addr);
        let answer: Vec<String> = self.run(&self.scripts.join, args).await?;
        match answer.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["replaced"] => Err(DirectoryError::Replaced),
            ["ok", incarnation, session, revision, goes_on] => {
                let number = |text: &str| text.parse::<u64>().map_err(|_| unexpected());
                let lease = Lease::new(
                    frontier.id.clone(),
                    number(incarnation)?,
                    number(session)?,
                    number(revision)?,
                );
                if goes_on == "1" {
                    // What is there must not lapse before the resync. Should something be missing, the
                    // resync is what repairs it.
                    match self.refresh_at_once(&lease).await {
                        Ok(()) | Err(DirectoryError::Lost) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(lease)
            }
            _ => Err(unexpected()),
        }
    }

    pub(super) async fn last_incarnation_now(
        &self,
        frontier: &str,
    ) -> Result<Option<Incarnation>, DirectoryError> {
        let text: String = self.run(&self.scripts.last_incarnation, self.reading().arg(frontier)).await?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(|number| Some(Incarnation(number))).map_err(|_| unexpected())
    }

    pub(super) async fn apply_now(
        &self,
        lease: &Lease,
        events: &[Event],
    ) -> Result<Vec<Verdict>, DirectoryError> {
        self.report(lease, &events.iter().map(EventArgs::from).collect::<Vec<_>>(), None).await
    }

    pub(super) async fn resync_chunk_now(
        &self,
        lease: &Lease,
        present: &[Presence],
    ) -> Result<Vec<Verdict>, DirectoryError> {
        self.report(lease, &present.iter().map(EventArgs::Online).collect::<Vec<_>>(), Some(lease.resync()))
            .await
    }

    async fn report(
        &self,
        lease: &Lease,
        events: &[EventArgs<'_>],
        resync: Option<u64>,
    ) -> Result<Vec<Verdict>, DirectoryError> {
        let frontier = json(lease.frontier());
        let mut verdicts = Vec::with_capacity(events.len());
        // Also once for no events, so that a lost lease is noticed.
        let chunks = if events.is_empty() { vec![events] } else { events.chunks(EVENTS_PER_RUN).collect() };
        for chunk in chunks {
            let args = self
                .leased(lease)
                .arg(&frontier)
                .arg(self.alive())
                .arg(self.meta(Kind::Edge))
                .arg(self.meta(Kind::Service))
                .arg(resync.map_or_else(String::new, |number| number.to_string()))
                .arg(self.bounds.edges)
                .arg(self.bounds.services);
            let args =
                chunk.iter().filter(|event| event.is_valid()).fold(args, |args, event| event.append_to(args));
            let (revision, answers): (u64, Vec<String>) = self.run_leased(&self.scripts.report, args).await?;
            lease.confirm(revision);
            let mut answers = answers.iter();
            for event in chunk {
                verdicts.push(match event.is_valid() {
                    true => verdict(answers.next().ok_or_else(unexpected)?)?,
                    false => Verdict::Refused,
                });
            }
        }
        Ok(verdicts)
    }

    pub(super) async fn resync_begin_now(&self, lease: &Lease) -> Result<(), DirectoryError> {
        let args = self.leased(lease).arg(lease.next_resync());
        self.run_leased::<Vec<Value>>(&self.scripts.resync_begin, args).await?;
        Ok(())
    }

    pub(super) async fn resync_end_now(&self, lease: &Lease) -> Result<(), DirectoryError> {
        for kind in Kind::ALL {
            let mut after = String::new();
            loop {
                let args = self
                    .leased(lease)
                    .arg(plural(kind))
                    .arg(&after)
                    .arg(MEMBERS_PER_RUN)
                    .arg(self.meta(kind))
                    .arg(lease.resync())
                    .arg(if kind == Kind::Service { "last" } else { "" });
                let (revision, last): (u64, String) = self.run_leased(&self.scripts.resync_end, args).await?;
                lease.confirm(revision);
                if last.is_empty() {
                    break;
                }
                after = last;
            }
        }
        Ok(())
    }

    pub(super) async fn mark_now(&self, lease: &Lease, mark: Mark) -> Result<(), DirectoryError> {
        let field = match mark {
            Mark::Draining => "draining",
            Mark::Away => "away",
            Mark::Forwarding => "forwarding",
        };
        self.run_leased::<Vec<Value>>(&self.scripts.mark, self.leased(lease).arg(field)).await?;
        Ok(())
    }

    pub(super) async fn leave_now(&self, lease: &Lease) -> Result<(), DirectoryError> {
        self.run_leased::<Vec<Value>>(&self.scripts.leave, self.leased(lease)).await?;
        Ok(())
    }

    /// The arguments that all scripts with a lease have.
    pub(super) fn leased(&self, lease: &Lease) -> Args {
        self.writing().arg(lease.frontier()).arg(lease.session()).arg(lease.revision())
    }

    /// Runs a script that gives `lost`, or `ok` and a `T`.
    pub(super) async fn run_leased<T: FromRedisValue>(
        &self,
        script: &Script,
        args: Args,
    ) -> Result<T, DirectoryError> {
        let mut answer: Vec<Value> = self.run(script, args).await?;
        if answer.is_empty() {
            return Err(unexpected());
        }
        match redis::from_redis_value::<String>(answer.remove(0)).as_deref() {
            Ok("lost") => Err(DirectoryError::Lost),
            Ok("ok") => T::from_redis_value(Value::Array(answer)).map_err(|_| unexpected()),
            _ => Err(unexpected()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::{HostPort, RedisConfig};
    use crate::{Directory, Lifetimes};

    #[tokio::test]
    async fn a_late_repetition_of_a_beginning_does_not_begin_a_resync_anew() {
        let server = frontier_test_redis::Server::start();
        let addr = HostPort::new("127.0.0.1", server.addr().port());
        let directory = RedisDirectory::new(RedisConfig::standalone(addr), Lifetimes::default());
        let new = NewFrontier {
            id: "a".into(),
            advertised_sb_addr: String::new(),
            advertised_eb_addr: String::new(),
        };
        let lease = directory.join(&new, None).await.unwrap();
        let edge = Presence::edge(1, "", directory.time().await.unwrap());
        directory.resync_begin(&lease).await.unwrap();
        directory.resync_begin(&lease).await.unwrap();
        directory.resync_chunk(&lease, &[edge]).await.unwrap();
        // It says what the first of the two said.
        let late = Lease::new("a".into(), lease.incarnation().0, lease.session(), 0);
        assert_eq!(directory.resync_begin(&late).await, Err(DirectoryError::Lost));
        // The second one may come twice.
        assert_eq!(directory.resync_begin(&late).await, Ok(()));
        directory.resync_end(&lease).await.unwrap();
        assert_eq!(directory.count(Kind::Edge).await, Ok(1));
    }
}
