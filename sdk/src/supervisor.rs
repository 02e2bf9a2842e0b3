//! The task that keeps a client connected.

mod attempt;
mod backoff;
mod handshake;
mod route;

pub(crate) use attempt::{Attempt, AttemptError, Live};
pub(crate) use route::Route;

use crate::Error;
use crate::client::{Client, Stop};
use crate::connection::End;
use crate::status::Closed;
use frontier_protocol::Code;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinError;
use tracing::{debug, info, warn};

/// Watches over the connections of one client, from the first to the last.
pub(crate) struct Supervisor {
    client: Arc<Client>,
    route: Route,
    stops: watch::Receiver<Stop>,
    /// Connections to gateways that drain, while what is in flight there comes to its end.
    draining: Vec<Live>,
}

impl Supervisor {
    pub(crate) fn new(client: Arc<Client>, route: Route) -> Self {
        let stops = client.stops();
        Self { client, route, stops, draining: Vec::new() }
    }

    /// Runs until the client is closed for good.
    pub(crate) async fn run(mut self, first: Live) {
        let closed = self.supervise(first).await;
        debug!(%closed, "closed");
        self.draining.iter().for_each(Live::cut);
        self.client.finish(closed);
    }

    async fn supervise(&mut self, mut live: Live) -> Closed {
        loop {
            if let Some(closed) = self.watch_over(live).await {
                return closed;
            }
            self.client.reconnecting();
            live = tokio::select! {
                biased;
                () = until_stopped(&mut self.stops) => return self.leave_without_connection().await,
                connected = self.route.reconnect(&self.client) => match connected {
                    Ok(live) => live,
                    Err(closed) => return closed,
                },
            };
            info!(id = self.client.id(), "connected again");
        }
    }

    /// Stays with a connection as long as it takes questions. Returns why the client is over, or
    /// `None` if a new connection is to be made.
    async fn watch_over(&mut self, mut live: Live) -> Option<Closed> {
        let reconnects = self.client.options.redial.reconnect;
        let end = tokio::select! {
            biased;
            end = &mut live.ended => judged(end),
            Ok(()) = &mut live.draining, if reconnects => {
                self.draining.retain(|live| !live.ended.is_finished());
                self.draining.push(live);
                return None;
            }
            () = until_stopped(&mut self.stops) => {
                let end = self.leave(live).await;
                self.leave_draining().await;
                end
            }
        };
        match end {
            End::Left { is_complete } => {
                if !is_complete {
                    self.client.left_undone(Error::new(Code::Deadline, "not everything was done in time"));
                }
                Some(Closed::Local)
            }
            End::Superseded => Some(Closed::Superseded),
            End::Refused { code, text } => Some(Closed::Refused { code, text }),
            End::Lost(reason) if !reconnects => Some(Closed::Lost(reason)),
            End::Lost(reason) => {
                warn!(reason, "the connection was lost");
                None
            }
        }
    }

    /// Ends a connection because the user wants it.
    async fn leave(&mut self, mut live: Live) -> End {
        if let Stop::Leave(until) = *self.stops.borrow() {
            live.connection.leave(until);
        }
        let end = tokio::select! {
            end = &mut live.ended => end,
            () = until_stopped_now(&mut self.stops) => {
                live.cut();
                live.ended.await
            }
        };
        judged(end)
    }

    async fn leave_draining(&mut self) {
        for live in std::mem::take(&mut self.draining) {
            self.leave(live).await;
        }
    }

    /// The user closes while there is no connection.
    async fn leave_without_connection(&mut self) -> Closed {
        self.leave_draining().await;
        self.client
            .left_undone(Error::new(Code::Disconnected, "the connection was lost before the close was done"));
        Closed::Local
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
