//! Registering names at every gateway of a cluster.

use super::Cluster;
use crate::Error;
use crate::client::Client;
use crate::connection::Job;
use crate::handler::Handler;
use frontier_protocol::{Code, Names, PeerText, Registration};
use futures_util::future::join_all;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

impl Cluster {
    /// Puts a handler in place, and registers it at every gateway.
    pub(crate) async fn register(&self, method: &str, handler: Arc<dyn Handler<Job>>) -> Result<(), Error> {
        // In place before it is registered: the first call may come right behind the answer.
        let before = self.intake.methods.insert(method, handler);
        let updated = self.update_registration(Registration::Add, Names::Methods, method).await;
        if updated.is_err() {
            match before {
                Some(before) => drop(self.intake.methods.insert(method, before)),
                None => drop(self.intake.methods.remove(method)),
            }
        }
        updated
    }

    /// Tells every gateway of a name, or that it is no more. Those that have no connection now hear of it
    /// with the next one.
    pub(crate) async fn update_registration(
        &self,
        change: Registration,
        of: Names,
        name: &str,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + self.options.call_timeout;
        // Before any gateway hears of it: those that connect meanwhile begin with it.
        let is_new = match change {
            Registration::Add => self.names.lock().insert(of, name),
            Registration::Remove => self.names.lock().remove(of, name),
        };
        let updated = self.update_at_members(change, of, name, deadline).await;
        if updated.is_err() && is_new && change == Registration::Add {
            self.names.lock().remove(of, name);
        }
        updated
    }

    async fn update_at_members(
        &self,
        change: Registration,
        of: Names,
        name: &str,
        deadline: Instant,
    ) -> Result<(), Error> {
        let mut changes = self.members.changes();
        loop {
            if let Some(error) = self.over() {
                return Err(error);
            }
            changes.mark_unchanged();
            let members = self.members.all();
            let updates = members.iter().filter_map(|member| Some((member, member.client()?))).map(
                |(member, client)| async move {
                    (&member.id, client.update_registration_now(change, of, name, deadline).await)
                },
            );
            let mut refused = None;
            let mut taken = false;
            for (frontier, updated) in join_all(updates).await {
                match updated {
                    Ok(is_there) => taken |= is_there,
                    Err(error) => {
                        warn!(frontier = &**frontier, name, error = %PeerText(&error), "a frontier refuses to register a name");
                        refused = Some(error);
                    }
                }
            }
            match refused {
                _ if taken => return Ok(()),
                Some(error) => return Err(error),
                None if timeout_at(deadline, changes.changed()).await.is_err() => {
                    return Err(Error::new(Code::Disconnected, "there was no frontier within the deadline"));
                }
                None => {}
            }
        }
    }

    /// Tells a gateway that has just connected what it should know and does not. What it refuses it does
    /// without.
    pub(super) async fn catch_up(&self, frontier: &str, client: &Client) {
        let deadline = Instant::now() + self.options.call_timeout;
        let wanted = self.names.lock().clone();
        for change in wanted.changes_since(&client.registered_names()) {
            for name in change.names {
                if let Err(error) =
                    client.update_registration_now(change.change, change.of, &name, deadline).await
                {
                    warn!(frontier, name = &*name, error = %PeerText(&error), "a frontier refuses to register a name");
                }
            }
        }
    }
}
