//! What a session does for those who ask it.

use super::Task;
use crate::session::{Command, Flush, Flushed, Responses, Sent};
use frontier_sessions as domain;
use frontier_sessions::{
    BatchId, Budget, ClientId, Closing, Fault, FaultCode, Flushing, Position, Request, Start, StoreError,
};
use std::time::Instant;

impl Task {
    pub(super) async fn on_command(&mut self, command: Command) {
        let now = Instant::now();
        // Whoever has gone away does not want the answer.
        match command {
            Command::Attach(who, kind, reply) => {
                let _ = reply.send(self.session.attach(who.as_deref(), kind, now));
            }
            Command::Send { who, client, batch, requests, reply } => {
                let _ = reply.send(self.send(who.as_deref(), &client, batch, requests, now).await);
            }
            Command::Flush { who, client, flush, reply } => {
                let _ = reply.send(self.flush(who.as_deref(), &client, flush, now).await);
            }
            Command::Read { who, client, start, most, bytes, reply } => {
                let budget = Budget { items: most, bytes };
                let _ = reply.send(self.read(who.as_deref(), &client, start, budget, now).await);
            }
            Command::Acknowledge { client, before, reply } => {
                let _ = reply.send(self.acknowledge(&client, before, now).await);
            }
            Command::Purge { who, client, reply } => {
                let _ = reply.send(self.purge(who.as_deref(), &client, now).await);
            }
            Command::Close(who, reply) => {
                let checked = self.session.check(who.as_deref());
                if checked.is_ok() {
                    self.session.close(Closing::Closed, now);
                    self.delete().await;
                    self.report().await;
                }
                let _ = reply.send(checked);
            }
        }
    }

    async fn send(
        &mut self,
        who: Option<&str>,
        client: &ClientId,
        batch: BatchId,
        requests: Vec<Request>,
        now: Instant,
    ) -> Result<Sent, Fault> {
        // They are wanted again where they are refused for that reason alone.
        let again = self.session.throttles().then(|| requests.clone());
        let sending = match (self.session.send(who, client, batch, requests, now), again) {
            (Err(fault), Some(again)) if fault.code == FaultCode::Throttled => {
                return Ok(Sent::Throttled(fault, again));
            }
            (sending, _) => sending?,
        };
        if let Some(from) = sending.discard {
            let discarded = self.log.discard(client, from).await;
            self.stored(discarded)?;
        }
        if !sending.requests.is_empty() {
            let mut appended = self.log.append(client, sending.requests.clone(), sending.commit).await;
            if appended == Err(StoreError::Full) && self.forget_fetched().await {
                appended = self.log.append(client, sending.requests.clone(), sending.commit).await;
            }
            match appended {
                Err(StoreError::Full) => {
                    // Others may have what can be forgotten as well.
                    self.room.tell(now);
                    return Ok(Sent::Full(sending.requests.into_iter().map(|it| it.request).collect()));
                }
                appended => self.stored(appended)?,
            }
            self.session.appended(client, sending.requests);
        }
        Ok(Sent::Stored)
    }

    /// Forgets the responses that were fetched, as there is no room. Whether there were any.
    pub(super) async fn forget_fetched(&mut self) -> bool {
        let fetched = self.session.forget_fetched(self.room.left);
        for (client, before) in &fetched {
            if let Err(error) = self.log.forget(client, *before).await {
                self.fail_if_lost(&error);
            }
        }
        !fetched.is_empty()
    }

    async fn flush(
        &mut self,
        who: Option<&str>,
        client: &ClientId,
        flush: Flush,
        now: Instant,
    ) -> Result<Flushed, Fault> {
        let Flush { batch, sent, ends } = flush;
        let Flushing { discard, commit } = self.session.flush(who, client, batch, sent, ends, now)?;
        if let Some(from) = discard {
            let discarded = self.log.discard(client, from).await;
            self.stored(discarded)?;
        }
        let committed = self.log.commit(client, commit).await;
        self.stored(committed)?;
        self.session.committed(client, &commit);
        if ends {
            self.wake_readers();
        }
        let counts = self.session.client(client).map(domain::Client::counts).unwrap_or_default();
        Ok(Flushed { pending: counts.queued + counts.running, committed: commit.before })
    }

    async fn read(
        &mut self,
        who: Option<&str>,
        client: &ClientId,
        start: Start,
        budget: Budget,
        now: Instant,
    ) -> Result<Responses, Fault> {
        let reading = self.session.read(who, client, start, now)?;
        let mut responses = Vec::new();
        if reading.from < reading.until && budget.items > 0 {
            let read = self.log.responses(client, reading.from, budget).await;
            responses = self.stored(read)?;
        }
        let next = responses.last().map_or(reading.from, |last| last.position + 1);
        let remaining = reading.until.saturating_sub(next);
        Ok(Responses { responses, next, remaining, end: reading.end.filter(|_| remaining == 0) })
    }

    async fn acknowledge(&mut self, client: &ClientId, before: Position, now: Instant) -> Result<(), Fault> {
        let (is_new, forget) = self.session.acknowledge(client, before, now);
        if is_new {
            let acknowledged = self.log.acknowledge(client, before).await;
            self.stored(acknowledged)?;
        }
        if let Some(before) = forget {
            let forgotten = self.log.forget(client, before).await;
            self.stored(forgotten)?;
        }
        Ok(())
    }

    async fn purge(&mut self, who: Option<&str>, client: &ClientId, now: Instant) -> Result<bool, Fault> {
        let was_there = self.session.purge(who, client, now)?;
        if was_there {
            self.wake_readers();
            let purged = self.log.purge(client).await;
            self.stored(purged)?;
        }
        Ok(was_there)
    }

    /// What the store's answer means for who asks. A session that has another owner is lost to this broker.
    fn stored<T>(&mut self, result: Result<T, StoreError>) -> Result<T, Fault> {
        result.map_err(|error| {
            let code = match error {
                StoreError::Full => FaultCode::StorageFull,
                StoreError::Unsupported(_) => FaultCode::Unsupported,
                StoreError::Unavailable(_) | StoreError::Exists => FaultCode::StoreUnavailable,
                StoreError::Damaged(_) => FaultCode::SessionFailure,
                StoreError::Fenced => FaultCode::NotOwner,
            };
            self.fail_if_lost(&error);
            Fault::new(code, error.to_string())
        })
    }

    /// Whether the session can't go on: it has another owner, or the store has not kept it.
    pub(super) fn fail_if_lost(&mut self, error: &StoreError) -> bool {
        let why = match error {
            StoreError::Fenced => "another broker has the session, or it is gone from its store".to_owned(),
            StoreError::Damaged(why) => {
                tracing::error!(%why, session = %self.session.id(), "a session is damaged in the store");
                why.clone()
            }
            StoreError::Exists
            | StoreError::Full
            | StoreError::Unsupported(_)
            | StoreError::Unavailable(_) => return false,
        };
        self.session.close(Closing::Failed(why), Instant::now());
        true
    }
}
