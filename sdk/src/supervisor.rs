//! The task that keeps a client connected.

mod addresses;
mod attempt;
mod cancelled_attempt;
mod offered_link;
mod relocation;
mod route;

use addresses::Addresses;
pub(crate) use attempt::{Attempt, AttemptError, Live};
pub(crate) use cancelled_attempt::CancelledAttempt;
pub(crate) use route::Route;

use crate::Error;
use crate::client::{Client, Stop};
use crate::connection::{Drain, End};
use crate::status::Closed;
use frontier_protocol::Code;
use frontier_transport::ExpiryLog;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinError;
use tracing::{debug, info, warn};

/// Connections that drain at the same time. With more the oldest one is cut off.
const MAX_DRAINING: usize = 8;

/// Watches over the connections of one client, from the first to the last.
pub(crate) struct Supervisor {
    client: Arc<Client>,
    route: Route,
    stops: watch::Receiver<Stop>,
    /// Connections that others have taken the place of, while what is in flight there comes to its end.
    draining: Vec<Live>,
}

/// Why a connection is watched over no longer.
enum Watched {
    /// The client is over.
    Over(Closed),
    /// It is lost.
    Lost,
    /// It stands, but its gateway wants the client to go elsewhere.
    Draining(Drain),
}

impl Supervisor {
    pub(crate) fn new(client: Arc<Client>, route: Route) -> Self {
        let stops = client.stops();
        Self { client, route, stops, draining: Vec::new() }
    }

    /// Runs until the client is closed for good.
    pub(crate) async fn run(mut self, first: Live) {
        let expiry = ExpiryLog::new().client(self.client.options.redial.dial.tls.clone());
        let expiry = Box::pin(async {
            expiry.run().await;
            // There is nothing to look at.
            std::future::pending::<()>().await;
        });
        let closed = tokio::select! {
            closed = self.supervise(first) => closed,
            () = expiry => return,
        };
        debug!(%closed, "closed");
        self.draining.iter().for_each(Live::cut);
        self.client.finish(closed);
    }

    async fn supervise(&mut self, mut live: Live) -> Closed {
        loop {
            let next = match self.watch_over(&mut live).await {
                Watched::Over(closed) => return closed,
                // Boxed: a client that is connected does not hold the room that a handshake takes.
                Watched::Lost => Box::pin(self.connect_again()).await,
                Watched::Draining(drain) => Box::pin(self.relocate(live, drain)).await,
            };
            live = match next {
                Ok(live) => live,
                Err(closed) => return closed,
            };
        }
    }

    async fn watch_over(&mut self, live: &mut Live) -> Watched {
        let reconnects = self.client.options.redial.reconnect;
        loop {
            let end = tokio::select! {
                biased;
                end = &mut live.ended => judged(end),
                Ok(()) = live.draining.changed(), if reconnects => {
                    let drain = live.draining.borrow_and_update().clone();
                    match drain {
                        Some(drain) => return Watched::Draining(drain),
                        None => continue,
                    }
                }
                () = until_stopped(&mut self.stops) => return Watched::Over(self.close(live).await),
            };
            return self.after(end).map_or(Watched::Lost, Watched::Over);
        }
    }

    /// Makes a new connection after the last one was lost.
    async fn connect_again(&mut self) -> Result<Live, Closed> {
        self.client.reconnecting();
        let connected = tokio::select! {
            biased;
            () = until_stopped(&mut self.stops) => None,
            connected = self.route.reconnect(&self.client) => Some(connected),
        };
        match connected {
            Some(connected) => connected.inspect(|_| info!(id = self.client.id(), "connected again")),
            None => Err(self.close_without_connection().await),
        }
    }

    /// Why the client is over with this end of its connection, or `None` if it goes on.
    fn after(&mut self, end: End) -> Option<Closed> {
        match end {
            End::Left { is_complete } => {
                if !is_complete {
                    self.client.left_undone(Error::new(
                        Code::Deadline,
                        "the close timeout ended before everything in flight was done",
                    ));
                }
                Some(Closed::Local)
            }
            End::Superseded
                if self.client.options.redial.reconnect
                    && self.client.cancelled_attempt.may_come_through() =>
            {
                warn!("superseded, perhaps by an attempt of its own that was cancelled: connecting again");
                None
            }
            End::Superseded => Some(Closed::Superseded),
            End::Refused { code, text }
                if self.client.options.redial.ends_on_refusal || !self.client.options.redial.reconnect =>
            {
                Some(Closed::Refused { code, text })
            }
            End::Refused { code, text } => {
                warn!(%code, text, "refused, and the connection was ended: connecting again");
                self.client.refused(code, text);
                self.route.turned_away();
                None
            }
            End::Lost(reason) if !self.client.options.redial.reconnect => Some(Closed::Lost(reason)),
            End::Lost(reason) => {
                warn!(reason, "the connection was lost: connecting again");
                None
            }
        }
    }

    /// The user closes.
    async fn close(&mut self, live: &mut Live) -> Closed {
        let end = self.leave(live).await;
        self.leave_all().await;
        match self.after(end) {
            Some(closed) => closed,
            None => self.close_without_connection().await,
        }
    }

    /// The user closes while there is no connection.
    async fn close_without_connection(&mut self) -> Closed {
        self.leave_all().await;
        self.client
            .left_undone(Error::new(Code::Disconnected, "the connection was lost before the close was done"));
        Closed::Local
    }

    /// Ends a connection because the user wants it.
    async fn leave(&mut self, live: &mut Live) -> End {
        if let Stop::Leave(until) = *self.stops.borrow() {
            live.connection.leave(until);
        }
        let end = tokio::select! {
            end = &mut live.ended => end,
            () = until_stopped_now(&mut self.stops) => {
                live.cut();
                (&mut live.ended).await
            }
        };
        judged(end)
    }

    async fn leave_all(&mut self) {
        for mut live in std::mem::take(&mut self.draining) {
            self.leave(&mut live).await;
        }
    }

    /// Another connection has taken the place of `live`: what is in flight there may come to its end.
    fn replaced(&mut self, live: Live) {
        live.connection.replaced();
        self.draining.push(live);
        // What has ended must not be waited for a second time.
        self.draining.retain(|live| !live.ended.is_finished());
        if self.draining.len() > MAX_DRAINING {
            self.draining.remove(0).cut();
        }
    }
}

async fn until_stopped(stops: &mut watch::Receiver<Stop>) {
    // An error means that the client is gone, which the supervisor itself holds.
    let _ = stops.wait_for(|stop| *stop != Stop::No).await;
}

async fn until_stopped_now(stops: &mut watch::Receiver<Stop>) {
    let _ = stops.wait_for(|stop| *stop == Stop::Now).await;
}

/// A task that panicked has lost its connection.
fn judged(end: Result<End, JoinError>) -> End {
    end.unwrap_or_else(|error| End::Lost(error.to_string()))
}
