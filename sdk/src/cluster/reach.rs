//! The way to an edge: which gateway to ask, and when to ask another one.
//!
//! An edge's gateway answers at once that it does not have it, and then has passed nothing on: only then, and
//! when nothing was sent at all, is the same asked elsewhere. What was sent and lost is not: nobody knows
//! whether it had its effect.

use super::Cluster;
use super::member::Member;
use crate::client::{Attempt, Question, around};
use crate::connection::{Connection, NotAsked};
use crate::frontlas::FrontlasError;
use crate::{Error, Response};
use frontier_protocol::{Code, EdgeId};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::debug;

/// How many gateways are asked for an edge when frontlas does not say where it is.
const ASKED_AROUND: usize = 16;

/// The pauses in which it is looked again for an edge whose gateway has no connection.
const LOOK: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Where an edge may be.
enum Found {
    /// As far as is known. `is_fresh` if frontlas has just said so.
    At { member: Arc<Member>, is_fresh: bool },
    /// Frontlas has just named a gateway that nobody has heard of yet.
    Unknown(Arc<str>),
    /// At one of these, perhaps. For frontlas does not say, or was emptied.
    Among(Vec<Arc<Member>>, Error),
    /// Nowhere.
    Offline(Error),
}

/// What came of asking one gateway.
enum Asked<T> {
    Done(T),
    /// The edge is not there.
    NotThere(Error),
    /// The gateway has not taken it.
    NotTaken,
}

impl Cluster {
    /// Asks an edge.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        question: Question<'_>,
        deadline: Instant,
    ) -> Result<Response, Error> {
        match question.edge {
            Some(edge) => self.reach(edge, &question, deadline).await,
            None => Err(Error::new(Code::Denied, "a service asks edges")),
        }
    }

    /// Does something over the connection to the gateway that an edge is connected to.
    pub(crate) async fn reach<A: Attempt>(
        self: &Arc<Self>,
        edge: EdgeId,
        attempt: &A,
        deadline: Instant,
    ) -> Result<A::Done, Error> {
        let mut looks_again = false;
        let mut pause = LOOK.0;
        loop {
            if let Some(error) = self.over() {
                return Err(error);
            }
            let found = timeout_at(deadline, self.find(edge, looks_again)).await;
            let found = found.map_err(|_| Error::new(Code::Deadline, "frontlas has not answered in time"))?;
            let (waits_for, before) = match found {
                Found::Offline(error) => return Err(error),
                Found::Among(members, otherwise) => {
                    return self.ask_around(edge, members, otherwise, attempt, deadline).await;
                }
                Found::Unknown(frontier) => (frontier, None),
                Found::At { member, is_fresh } => match self.ask_at(&member, attempt, deadline).await? {
                    Asked::Done(done) => return Ok(done),
                    Asked::NotThere(error) => {
                        self.places.lock().refuted(edge, &member.id);
                        if is_fresh {
                            return Err(error);
                        }
                        debug!(%edge, frontier = &*member.id, "an edge is no longer where it was");
                        looks_again = true;
                        continue;
                    }
                    Asked::NotTaken => (member.id.clone(), member.connection()),
                },
            };
            // The gateway is lost or about to stop. Either it comes back or the edge turns up elsewhere.
            let Some(next) = Instant::now().checked_add(pause).filter(|next| *next < deadline) else {
                let text = format!("frontier {waits_for}, which has the edge, could not be reached");
                return Err(Error::new(Code::Disconnected, text));
            };
            looks_again = !self.wait(edge, &waits_for, before.as_ref(), next).await;
            pause = (2 * pause).min(LOOK.1);
        }
    }

    /// Until there is another connection to that gateway than `before`, or the edge is known to be elsewhere;
    /// or until then. Whether there are such news.
    async fn wait(
        &self,
        edge: EdgeId,
        frontier: &str,
        before: Option<&Arc<Connection>>,
        until: Instant,
    ) -> bool {
        let mut changes = self.members.changes();
        let is_other = |now: &Arc<Connection>| before.is_none_or(|before| !Arc::ptr_eq(before, now));
        let is_news = || {
            let place = self.places.lock().get(edge);
            place.is_some_and(|place| *place != *frontier)
                || self
                    .members
                    .get(frontier)
                    .and_then(|member| member.connection())
                    .is_some_and(|now| is_other(&now))
        };
        while Instant::now() < until {
            if is_news() {
                return true;
            }
            let step = (Instant::now() + LOOK.0).min(until);
            tokio::select! {
                _ = changes.changed() => {}
                () = sleep_until(step) => {}
            }
        }
        false
    }

    /// Where an edge is.
    async fn find(self: &Arc<Self>, edge: EdgeId, looks_again: bool) -> Found {
        let known = self.places.lock().get(edge).and_then(|frontier| self.members.get(&frontier));
        if let Some(member) = &known
            && member.is_connected()
            && !looks_again
        {
            return Found::At { member: member.clone(), is_fresh: false };
        }
        let Ok(_place) = self.lookups.acquire().await else {
            return Found::Offline(Error::new(Code::Cancelled, ""));
        };
        match self.frontlas.frontier_of(edge).await {
            Ok(Some(frontier)) => {
                // The watch may be behind.
                self.add(&frontier);
                let id: Arc<str> = frontier.frontier_id.into();
                self.places.lock().found(edge, id.clone());
                match self.members.get(&id) {
                    Some(member) => Found::At { member, is_fresh: true },
                    None => Found::Unknown(id),
                }
            }
            Ok(None) => self.nowhere(edge),
            Err(error) => self.unanswered(known, &error),
        }
    }

    /// Frontlas does not have the edge. A gateway that it has lost may.
    fn nowhere(&self, edge: EdgeId) -> Found {
        let offline = Error::new(Code::EdgeNotOnline, format!("edge {edge} is not online"));
        let lost: Vec<_> =
            self.members.connected().into_iter().filter(|member| member.is_unlisted()).collect();
        if lost.is_empty() { Found::Offline(offline) } else { Found::Among(lost, offline) }
    }

    /// Frontlas does not answer: what was known is as good as it gets.
    fn unanswered(&self, known: Option<Arc<Member>>, error: &FrontlasError) -> Found {
        if let Some(member) = known.filter(|member| member.is_connected()) {
            return Found::At { member, is_fresh: true };
        }
        let error = Error::new(Code::Disconnected, error.to_string());
        Found::Among(self.members.connected(), error)
    }

    /// Asks one gateway after the other, until one has the edge: each says at once if it does not.
    async fn ask_around<A: Attempt>(
        &self,
        edge: EdgeId,
        mut members: Vec<Arc<Member>>,
        otherwise: Error,
        attempt: &A,
        deadline: Instant,
    ) -> Result<A::Done, Error> {
        let all = members.len();
        members.truncate(ASKED_AROUND);
        let mut nobody = (all == members.len() && all > 0).then(|| otherwise.clone());
        for member in members {
            match self.ask_at(&member, attempt, deadline).await? {
                Asked::Done(done) => {
                    self.places.lock().found(edge, member.id.clone());
                    return Ok(done);
                }
                Asked::NotThere(error) => nobody = nobody.map(|_| error),
                Asked::NotTaken => nobody = None,
            }
        }
        // Only if all have said no is it known that the edge is not there.
        Err(nobody.unwrap_or(otherwise))
    }

    /// Asks one gateway. Its errors, and those of who answers behind it, are the caller's.
    async fn ask_at<A: Attempt>(
        &self,
        member: &Member,
        attempt: &A,
        deadline: Instant,
    ) -> Result<Asked<A::Done>, Error> {
        let mut has_asked_around = false;
        loop {
            let asked = Instant::now();
            let Some(client) = member.client() else { return Ok(Asked::NotTaken) };
            let Some(connection) = client.current() else { return Ok(Asked::NotTaken) };
            match attempt.attempt(&connection, deadline).await {
                Ok(done) => return Ok(Asked::Done(done)),
                // The process that this one has taken the place of, and that still drains, may have it.
                Err(NotAsked::Refused(error)) if attempt.is_elsewhere(&error) && !has_asked_around => {
                    has_asked_around = true;
                    match around::ask_left(&client, attempt, asked, deadline).await {
                        None => return Ok(Asked::NotThere(error)),
                        Some(Ok(done)) => return Ok(Asked::Done(done)),
                        Some(Err(error)) if attempt.is_elsewhere(&error) => {}
                        Some(Err(error)) => return Err(error),
                    }
                }
                Err(NotAsked::Refused(error)) if attempt.is_elsewhere(&error) => {
                    return Ok(Asked::NotThere(error));
                }
                Err(NotAsked::Refused(error)) => return Err(error),
                Err(NotAsked::Full) => connection.room(deadline).await?,
                // It is lost, or left, and has not been asked. For a gateway that drains, others may ask
                // about other edges: the connection stays.
                Err(NotAsked::Gone) if connection.link.is_closed() => client.retire(&connection),
                Err(NotAsked::Gone) => return Ok(Asked::NotTaken),
            }
        }
    }
}
