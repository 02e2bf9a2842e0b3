use super::Client;
use crate::Error;
use crate::connection::{Connection, NotAsked};
use frontier_protocol::{Code, Kind, Names, Register, Registration, Role};
use std::sync::Arc;
use tokio::time::Instant;

/// How many bytes of names one frame carries at most, unless it carries but one.
const FRAME_OF_NAMES: usize = 64 * 1024;

impl Client {
    /// Announces names, and takes back what was announced, until the gateway agrees. What is lost with
    /// a connection is asked again: saying it twice is harmless.
    pub(crate) async fn announce(
        &self,
        change: Registration,
        of: Names,
        name: &str,
        deadline: Instant,
    ) -> Result<(), Error> {
        loop {
            let connection = self.connection(deadline).await?;
            match announce_on(&connection, &Register { change, of, names: vec![name] }, deadline).await {
                Err(error) if error.code() == Code::Disconnected && connection.link.is_closed() => {
                    self.retire(&connection);
                }
                outcome => return outcome,
            }
        }
    }

    /// Announces on a new connection every method of a service that has a handler. The topics have been
    /// announced with the first frame; the methods of an edge are its own affair.
    pub(crate) async fn restore(&self, connection: &Arc<Connection>, deadline: Instant) -> Result<(), Error> {
        if self.options.identity.role == Role::Edge {
            return Ok(());
        }
        let methods = self.methods.names();
        let mut rest = &methods[..];
        while !rest.is_empty() {
            let (batch, behind) = rest.split_at(batch_len(rest));
            let names = batch.iter().map(|name| &**name).collect();
            let register = Register { change: Registration::Add, of: Names::Methods, names };
            announce_on(connection, &register, deadline).await?;
            rest = behind;
        }
        Ok(())
    }
}

async fn announce_on(
    connection: &Arc<Connection>,
    register: &Register<'_>,
    deadline: Instant,
) -> Result<(), Error> {
    let answer = match register.change {
        Registration::Add => Kind::RegisterAck,
        Registration::Remove => Kind::UnregisterAck,
    };
    loop {
        match connection.ask(answer, deadline, |id, out| register.encode(id, out)) {
            Ok(waiting) => return waiting.await.map(drop),
            Err(NotAsked::Refused(error)) => return Err(error),
            Err(NotAsked::Gone) => return Err(Error::new(Code::Disconnected, "")),
            Err(NotAsked::Full) => {
                let room = tokio::time::timeout_at(deadline, connection.link.writable());
                if room.await.is_err() {
                    return Err(Error::new(Code::Deadline, "the outbox was full all the time"));
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
        bytes <= FRAME_OF_NAMES
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
