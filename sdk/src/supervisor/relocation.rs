//! Moving to another gateway because the present one drains, or asks for it: first the new connection, then the
//! end of the old one.

use super::route::tell;
use super::{AttemptError, Live, Stop, Supervisor, judged, until_stopped};
use crate::connection::{Drain, End};
use crate::status::Closed;
use tokio::sync::watch;
use tracing::{debug, info, warn};

/// What came of something that was done while a connection still stood.
enum Beside<T> {
    Done(T),
    /// The connection ended first.
    Ended(End),
    /// The user closed first.
    Stopped,
}

/// What came of trying every address once.
enum Round {
    /// One has taken the client.
    Connected(Live),
    /// None has; the old connection stands.
    Failed(AttemptError),
    /// None has, and the old connection has ended meanwhile.
    Alone(AttemptError, End),
    /// The user closed, with or without the old connection.
    Stopped { stands: bool },
}

impl Supervisor {
    /// Makes a connection to another gateway beside `live`, whose gateway drains, and leaves `live` in
    /// good order then. Until that succeeds `live` is used for as long as it lasts.
    ///
    /// A gateway that stays itself is left only for one of those that it has named, if one of them takes the
    /// client at once. Else the client stays with it.
    pub(super) async fn relocate(&mut self, mut live: Live, drain: Drain) -> Result<Live, Closed> {
        let follows = self.client.options.redial.follows;
        if drain.stays && !follows {
            return Ok(live);
        }
        if !drain.stays {
            self.client.relocations.started(&live.connection);
            if follows {
                self.route.prefer(&drain.alternatives);
            }
        }
        let mut start = Some(drain.start);
        loop {
            let (route, client) = (&mut self.route, &self.client);
            let pause = async {
                if let Some(start) = start.take() {
                    tokio::time::sleep_until(start).await;
                    // Not at once where one gateway after the other drains.
                    if route.has_stood_well() {
                        return;
                    }
                }
                route.pause(client).await;
            };
            match beside(&mut live, &mut self.stops, pause).await {
                Beside::Done(()) => {}
                Beside::Ended(end) => return self.lost(end, None).await,
                Beside::Stopped => return Err(self.close(&mut live).await),
            }
            match self.round_beside(&mut live, &drain).await {
                Round::Connected(fresh) => {
                    info!(id = self.client.id(), "connected to another gateway");
                    self.replaced(live);
                    return Ok(fresh);
                }
                Round::Failed(error) if drain.stays => {
                    debug!(%error, "no other gateway takes the client: it stays");
                    return Ok(live);
                }
                Round::Failed(error) => {
                    self.client.relocations.round_failed();
                    warn!(%error, "no other gateway takes the client yet: trying on while the present one drains");
                }
                Round::Alone(error, end) => {
                    self.client.relocations.round_failed();
                    return self.lost(end, Some(error)).await;
                }
                Round::Stopped { stands: true } => return Err(self.close(&mut live).await),
                Round::Stopped { stands: false } => return Err(self.close_without_connection().await),
            }
        }
    }

    /// One round, which goes on if the old connection ends: the new one may have superseded it.
    async fn round_beside(&mut self, live: &mut Live, drain: &Drain) -> Round {
        let (route, client) = (&mut self.route, &self.client);
        let mut round = std::pin::pin!(async {
            if drain.stays {
                route.detour(client, &drain.alternatives).await
            } else {
                route.round(client).await
            }
        });
        let end = match beside(live, &mut self.stops, round.as_mut()).await {
            Beside::Done(Ok(fresh)) => return Round::Connected(fresh),
            Beside::Done(Err(error)) => return Round::Failed(error),
            Beside::Stopped => return Round::Stopped { stands: true },
            Beside::Ended(end) => end,
        };
        self.client.reconnecting();
        tokio::select! {
            biased;
            () = until_stopped(&mut self.stops) => Round::Stopped { stands: false },
            made = round => match made {
                Ok(fresh) => Round::Connected(fresh),
                Err(error) => Round::Alone(error, end),
            },
        }
    }

    /// The old connection is gone, and there is no new one. `error` is why, if it was tried.
    async fn lost(&mut self, end: End, error: Option<AttemptError>) -> Result<Live, Closed> {
        let closed = self.after(end).or_else(|| self.route.end(error.as_ref()?));
        if let Some(closed) = closed {
            return Err(closed);
        }
        if let Some(error) = error.filter(AttemptError::is_final) {
            tell(&self.client, &error);
        }
        self.connect_again().await
    }
}

/// Does `work` for as long as the connection stands and the user wants it.
async fn beside<T>(
    live: &mut Live,
    stops: &mut watch::Receiver<Stop>,
    work: impl Future<Output = T>,
) -> Beside<T> {
    tokio::select! {
        biased;
        end = &mut live.ended => Beside::Ended(judged(end)),
        () = until_stopped(stops) => Beside::Stopped,
        done = work => Beside::Done(done),
    }
}
