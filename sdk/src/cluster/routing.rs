//! Requests to edges of a cluster: which gateway to send them to, and when to try another one.
//!
//! An edge's gateway answers at once that it does not have it, and then has passed nothing on: only then, and
//! when nothing was sent at all, is the same sent elsewhere. What was sent and lost is not: nobody knows
//! whether it had its effect.

use super::Cluster;
use super::member::Member;
use crate::client::{Envelope, Operation, retry};
use crate::connection::{Connection, NotSent};
use crate::frontlas::FrontlasError;
use crate::{Error, Response};
use frontier_protocol::{Code, EdgeId};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::debug;

/// How many gateways are tried for an edge when frontlas does not say where it is.
const MAX_MEMBERS_TRIED: usize = 16;

/// The first and the longest pause between lookups of an edge whose gateway has no connection.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Where an edge may be.
enum Located {
    /// As far as is known. `is_fresh` if frontlas has just said so.
    At { member: Arc<Member>, is_fresh: bool },
    /// Frontlas has just named a gateway that nobody has heard of yet.
    Unknown(Arc<str>),
    /// At one of these, perhaps. For frontlas does not say, or was emptied.
    Among(Vec<Arc<Member>>, Error),
    /// Nowhere.
    Offline(Error),
}

/// What came of one gateway.
enum Tried<T> {
    Done(T),
    /// The edge is not there.
    NotThere(Error),
    /// The gateway has not taken it.
    NotTaken,
}

impl Cluster {
    /// Calls an edge, or sends it a message.
    pub(crate) async fn call(
        self: &Arc<Self>,
        envelope: Envelope<'_>,
        deadline: Instant,
    ) -> Result<Response, Error> {
        match envelope.edge {
            Some(edge) => self.send_to_edge(edge, &envelope, deadline).await,
            None => Err(Error::new(Code::Denied, "a cluster's service sends to edges: name one")),
        }
    }

    /// Does something over the connection to the gateway that an edge is connected to.
    pub(crate) async fn send_to_edge<A: Operation>(
        self: &Arc<Self>,
        edge: EdgeId,
        operation: &A,
        deadline: Instant,
    ) -> Result<A::Output, Error> {
        let mut looks_up_again = false;
        let mut pause = RETRY_PAUSE.0;
        loop {
            if let Some(error) = self.over() {
                return Err(error);
            }
            let found = timeout_at(deadline, self.locate(edge, looks_up_again)).await;
            let found = found
                .map_err(|_| Error::new(Code::Deadline, "frontlas has not answered within the deadline"))?;
            let (waits_for, before) = match found {
                Located::Offline(error) => return Err(error),
                Located::Among(members, otherwise) => {
                    return self.try_members(edge, members, otherwise, operation, deadline).await;
                }
                Located::Unknown(frontier) => (frontier, None),
                Located::At { member, is_fresh } => {
                    match self.try_member(&member, operation, deadline).await? {
                        Tried::Done(done) => return Ok(done),
                        Tried::NotThere(error) => {
                            self.edge_cache.lock().invalidate(edge, &member.id);
                            if is_fresh {
                                return Err(error);
                            }
                            debug!(%edge, frontier = &*member.id, "an edge is no longer where it was");
                            looks_up_again = true;
                            continue;
                        }
                        Tried::NotTaken => (member.id.clone(), member.connection()),
                    }
                }
            };
            // The gateway is lost or about to stop. Either it comes back or the edge turns up elsewhere.
            let Some(next) = Instant::now().checked_add(pause).filter(|next| *next < deadline) else {
                let text = format!("frontier {waits_for}, which has the edge, could not be reached");
                return Err(Error::new(Code::Disconnected, text));
            };
            looks_up_again = !self.wait(edge, &waits_for, before.as_ref(), next).await;
            pause = (2 * pause).min(RETRY_PAUSE.1);
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
            let known = self.edge_cache.lock().get(edge);
            known.is_some_and(|known| *known != *frontier)
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
            let step = (Instant::now() + RETRY_PAUSE.0).min(until);
            tokio::select! {
                _ = changes.changed() => {}
                () = sleep_until(step) => {}
            }
        }
        false
    }

    /// Where an edge is.
    async fn locate(self: &Arc<Self>, edge: EdgeId, looks_up_again: bool) -> Located {
        let known = self.edge_cache.lock().get(edge).and_then(|frontier| self.members.get(&frontier));
        if let Some(member) = &known
            && member.is_connected()
            && !looks_up_again
        {
            return Located::At { member: member.clone(), is_fresh: false };
        }
        let Ok(_permit) = self.lookups.acquire().await else {
            return Located::Offline(Error::new(Code::Cancelled, ""));
        };
        match self.frontlas.frontier_of(edge).await {
            Ok(Some(frontier)) => {
                // The watch may be behind.
                self.add(&frontier);
                let id: Arc<str> = frontier.frontier_id.into();
                self.edge_cache.lock().insert(edge, id.clone());
                match self.members.get(&id) {
                    Some(member) => Located::At { member, is_fresh: true },
                    None => Located::Unknown(id),
                }
            }
            Ok(None) => self.not_in_directory(edge),
            Err(error) => self.directory_unavailable(known, &error),
        }
    }

    /// Frontlas does not have the edge. A gateway that it has lost may.
    fn not_in_directory(&self, edge: EdgeId) -> Located {
        let offline = Error::new(Code::EdgeNotOnline, format!("edge {edge} is not online"));
        let lost: Vec<_> =
            self.members.connected().into_iter().filter(|member| member.is_unlisted()).collect();
        if lost.is_empty() { Located::Offline(offline) } else { Located::Among(lost, offline) }
    }

    /// Frontlas does not answer: what was known is as good as it gets.
    fn directory_unavailable(&self, known: Option<Arc<Member>>, error: &FrontlasError) -> Located {
        if let Some(member) = known.filter(|member| member.is_connected()) {
            return Located::At { member, is_fresh: true };
        }
        let error = Error::new(Code::Disconnected, error.to_string());
        Located::Among(self.members.connected(), error)
    }

    /// Tries one gateway after the other, until one has the edge: each says at once if it does not.
    async fn try_members<A: Operation>(
        &self,
        edge: EdgeId,
        mut members: Vec<Arc<Member>>,
        otherwise: Error,
        operation: &A,
        deadline: Instant,
    ) -> Result<A::Output, Error> {
        let all = members.len();
        members.truncate(MAX_MEMBERS_TRIED);
        let mut nobody = (all == members.len() && all > 0).then(|| otherwise.clone());
        for member in members {
            match self.try_member(&member, operation, deadline).await? {
                Tried::Done(done) => {
                    self.edge_cache.lock().insert(edge, member.id.clone());
                    return Ok(done);
                }
                Tried::NotThere(error) => nobody = nobody.map(|_| error),
                Tried::NotTaken => nobody = None,
            }
        }
        // Only if all have said no is it known that the edge is not there.
        Err(nobody.unwrap_or(otherwise))
    }

    /// Tries one gateway. Its errors, and those of the receiver behind it, are the caller's.
    async fn try_member<A: Operation>(
        &self,
        member: &Member,
        operation: &A,
        deadline: Instant,
    ) -> Result<Tried<A::Output>, Error> {
        let mut has_tried_draining = false;
        loop {
            let start = Instant::now();
            let Some(client) = member.client() else { return Ok(Tried::NotTaken) };
            let Some(connection) = client.current() else { return Ok(Tried::NotTaken) };
            match operation.perform(&connection, deadline).await {
                Ok(done) => return Ok(Tried::Done(done)),
                // The process that this one has taken the place of, and that still drains, may have it.
                Err(NotSent::Refused(error))
                    if operation.is_at_other_gateway(&error) && !has_tried_draining =>
                {
                    has_tried_draining = true;
                    match retry::send_to_draining(&client, operation, start, deadline).await {
                        None => return Ok(Tried::NotThere(error)),
                        Some(Ok(done)) => return Ok(Tried::Done(done)),
                        Some(Err(error)) if operation.is_at_other_gateway(&error) => {}
                        Some(Err(error)) => return Err(error),
                    }
                }
                Err(NotSent::Refused(error)) if operation.is_at_other_gateway(&error) => {
                    return Ok(Tried::NotThere(error));
                }
                Err(NotSent::Refused(error)) => return Err(error),
                Err(NotSent::Full) => connection.wait_for_room(deadline).await?,
                // It is lost or closing, and nothing was sent. For a gateway that drains, others may have
                // requests to other edges: the connection stays.
                Err(NotSent::Gone) if connection.link.is_closed() => client.retire(&connection),
                Err(NotSent::Gone) => return Ok(Tried::NotTaken),
            }
        }
    }
}
