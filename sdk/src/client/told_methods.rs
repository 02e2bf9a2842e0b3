//! Telling a gateway what methods an edge answers, behind the Hello: beside everything else, since nothing depends on it.

use super::Client;
use super::registered_names::{Change, RegisteredNames};
use super::registration::send_names;
use crate::connection::Connection;
use frontier_protocol::{Names, PeerText, Registration};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::{debug, warn};

/// What the gateway of one connection has been told of the methods of an edge.
pub(crate) struct ToldMethods(Mutex<Told>);

struct Told {
    names: RegisteredNames,
    /// Whether a task tells more of them.
    is_telling: bool,
}

impl ToldMethods {
    /// These were told with the Hello.
    pub(crate) fn new(names: RegisteredNames) -> Self {
        Self(Mutex::new(Told { names, is_telling: false }))
    }

    /// Whether the caller is to tell what is left. Whoever tells looks again before it ends.
    fn begin(&self) -> bool {
        !std::mem::replace(&mut self.0.lock().is_telling, true)
    }
}

impl Client {
    /// An edge answers `method` from now on, or no longer. Its gateway hears of it soon, and each later one with the Hello.
    pub(crate) fn note_method(self: &Arc<Self>, change: Registration, method: &str) {
        if !self.options.tells_methods() {
            return;
        }
        let changed = {
            let mut registered = self.registered.lock();
            match change {
                Registration::Add => registered.insert(Names::Methods, method),
                Registration::Remove => registered.remove(Names::Methods, method),
            }
        };
        if changed {
            self.tell_methods();
        }
    }

    /// Sees that the gateway hears of what it has not been told yet.
    pub(crate) fn tell_methods(self: &Arc<Self>) {
        let Some(connection) = self.current() else { return };
        let has_news = |told: &ToldMethods| !self.untold(told).is_empty();
        if connection.told.as_ref().is_some_and(|told| has_news(told) && told.begin()) {
            let client = self.clone();
            self.executor.spawn_io(async move { client.tell(&connection).await });
        }
    }

    /// What the gateway has not been told yet.
    fn untold(&self, told: &ToldMethods) -> Vec<Change> {
        let registered = self.registered.lock();
        registered.changes_since(&told.0.lock().names)
    }

    async fn tell(&self, connection: &Arc<Connection>) {
        let Some(told) = &connection.told else { return };
        loop {
            let changes = {
                let registered = self.registered.lock();
                let mut told = told.0.lock();
                let changes = registered.changes_since(&told.names);
                if changes.is_empty() {
                    told.is_telling = false;
                    return;
                }
                // What is refused is not told again here: it would be refused again.
                told.names = registered.clone();
                changes
            };
            for Change { change, of, names } in changes {
                let deadline = Instant::now() + self.options.call_timeout;
                match send_names(connection, change, of, &names, deadline).await {
                    Ok(()) => {}
                    // The gateway of the next connection hears everything with the Hello.
                    Err(error) if connection.link.is_closed() => {
                        return debug!(error = %PeerText(error), "methods were not told");
                    }
                    Err(error) => {
                        warn!(error = %PeerText(error), "the gateway does not list all methods of this edge")
                    }
                }
            }
        }
    }
}
