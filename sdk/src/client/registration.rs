//! Registering names at the gateway, and again at each new one.

use super::Client;
use super::registered_names::{Change, RegisteredNames};
use crate::Error;
use crate::connection::{Connection, NotSent};
use frontier_protocol::{Code, Kind, Names, Register, Registration};
use std::sync::Arc;
use tokio::time::Instant;

/// How many bytes of names one frame carries at most, unless it carries but one.
const MAX_NAMES_BYTES: usize = 64 * 1024;

impl Client {
    /// What a new connection starts with.
    pub(crate) fn registered_names(&self) -> RegisteredNames {
        self.registered.lock().clone()
    }

    /// Registers a name, or unregisters it, until the gateway agrees. What is lost with a connection is
    /// sent again: saying it twice is harmless.
    pub(crate) async fn update_registration(
        &self,
        change: Registration,
        of: Names,
        name: &str,
        deadline: Instant,
    ) -> Result<(), Error> {
        if change == Registration::Remove {
            // Later connections do without it, whatever becomes of this.
            self.registered.lock().remove(of, name);
        }
        loop {
            let connection = self.connection(deadline).await?;
            match self.update_over(&connection, change, of, name, deadline).await {
                Ok(true) => return Ok(()),
                // Another connection has taken its place, and knows nothing of this.
                Ok(false) => {}
                Err(error) if error.code() == Code::Disconnected && connection.link.is_closed() => {
                    self.retire(&connection);
                }
                Err(error) if connection.is_deferred(&error) => self.retire(&connection),
                Err(error) => return Err(error),
            }
        }
    }

    /// Registers a name, or unregisters it, over one connection. Whether that is still the one that takes requests.
    async fn update_over(
        &self,
        connection: &Arc<Connection>,
        change: Registration,
        of: Names,
        name: &str,
        deadline: Instant,
    ) -> Result<bool, Error> {
        send_registration(connection, &Register { change, of, names: vec![name] }, deadline).await?;
        Ok(change == Registration::Remove || self.keep(connection, of, name))
    }

    /// As [`update_registration`](Self::update_registration), but without waiting for a connection: `false` if there is none
    /// now, or it was lost over this.
    #[cfg(feature = "cluster")]
    pub(crate) async fn update_registration_now(
        &self,
        change: Registration,
        of: Names,
        name: &str,
        deadline: Instant,
    ) -> Result<bool, Error> {
        if change == Registration::Remove {
            self.registered.lock().remove(of, name);
        }
        let Some(connection) = self.current() else { return Ok(false) };
        match self.update_over(&connection, change, of, name, deadline).await {
            Err(error) if error.code() == Code::Disconnected || connection.is_deferred(&error) => Ok(false),
            updated => updated,
        }
    }

    /// Keeps a name that the gateway has agreed to, unless another connection takes requests by now.
    fn keep(&self, connection: &Arc<Connection>, of: Names, name: &str) -> bool {
        let mut registered = self.registered.lock();
        let is_current = self.current().is_some_and(|current| Arc::ptr_eq(&current, connection));
        if is_current {
            registered.insert(of, name);
        }
        is_current
    }

    /// Registers what was not `sent` with the Hello of a new connection; then `connection` takes requests.
    pub(crate) async fn register_rest(
        &self,
        connection: &Arc<Connection>,
        mut sent: RegisteredNames,
        deadline: Instant,
    ) -> Result<(), Error> {
        while !self.activate(connection, &sent) {
            let wanted = self.registered_names();
            for Change { change, of, names } in wanted.changes_since(&sent) {
                send_names(connection, change, of, &names, deadline).await?;
            }
            sent = wanted;
        }
        Ok(())
    }
}

/// Registers or unregisters names, in as many frames as it takes.
pub(super) async fn send_names(
    connection: &Arc<Connection>,
    change: Registration,
    of: Names,
    mut rest: &[Arc<str>],
    deadline: Instant,
) -> Result<(), Error> {
    while !rest.is_empty() {
        let (batch, behind) = rest.split_at(batch_len(rest));
        let names = batch.iter().map(|name| &**name).collect();
        send_registration(connection, &Register { change, of, names }, deadline).await?;
        rest = behind;
    }
    Ok(())
}

async fn send_registration(
    connection: &Arc<Connection>,
    register: &Register<'_>,
    deadline: Instant,
) -> Result<(), Error> {
    let answer = match register.change {
        Registration::Add => Kind::RegisterAck,
        Registration::Remove => Kind::UnregisterAck,
    };
    loop {
        match connection.request(answer, deadline, |id, out| register.encode(id, out)) {
            Ok(waiting) => return waiting.await.map(drop),
            Err(NotSent::Refused(error)) => return Err(error),
            Err(NotSent::Gone) => return Err(Error::new(Code::Disconnected, "")),
            Err(NotSent::Full) => {
                let room = tokio::time::timeout_at(deadline, connection.link.writable());
                if room.await.is_err() {
                    return Err(Error::new(
                        Code::Deadline,
                        "the outbox was full until the deadline: the gateway reads too slowly",
                    ));
                }
            }
        }
    }
}

/// How many names from the front of `names`, which has some, go into one frame.
fn batch_len(names: &[Arc<str>]) -> usize {
    let mut bytes = 0;
    let fitting = names.iter().take_while(|name| {
        bytes += name.len();
        bytes <= MAX_NAMES_BYTES
    });
    fitting.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_out_in_frames_of_bounded_length() {
        let names: Vec<Arc<str>> = vec!["n".repeat(30_000).into(); 5];
        assert_eq!(batch_len(&names), 2);
        assert_eq!(batch_len(&["n".repeat(100_000).into()]), 1);
        assert_eq!(batch_len(&["a".into(), "b".into()]), 2);
    }
}
