//! The members, and the lines that wait for each of them.

use crate::TOPIC;
use crate::card::Card;
use anyhow::{Result, bail};
use frontier_sdk::{Code, EdgeId, Service};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// Lines that wait for one member. Who is so far behind misses some.
const QUEUE: usize = 256;

/// How long a member may be unreachable, or take over one line.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// Who is in the room.
#[derive(Clone)]
pub(crate) struct Room {
    service: Service,
    members: Arc<Mutex<HashMap<EdgeId, Member>>>,
}

struct Member {
    card: Card,
    lines: mpsc::Sender<Arc<str>>,
}

impl Room {
    pub(crate) fn new(service: Service) -> Self {
        Self { service, members: Arc::default() }
    }

    /// Lets a client in, unless somebody else has its name, and tells everyone.
    pub(crate) fn join(&self, id: EdgeId, card: Card) -> Result<()> {
        let (lines, queue) = mpsc::channel(QUEUE);
        let news = format!("* {} joined", card.name);
        {
            let mut members = self.members();
            if members.iter().any(|(other, member)| *other != id && member.card.name == card.name) {
                bail!("the name {} is taken", card.name);
            }
            // The entry of an earlier connection goes, and with its sender its task.
            members.insert(id, Member { card, lines });
        }
        tokio::spawn(self.clone().deliver(id, queue));
        self.say(&news);
        Ok(())
    }

    /// Takes a client out, if it is in, and tells everyone else.
    pub(crate) fn leave(&self, id: EdgeId) {
        let left = self.members().remove(&id);
        if let Some(member) = left {
            self.say(&format!("* {} left", member.card.name));
        }
    }

    /// The name of a member.
    pub(crate) fn name(&self, id: EdgeId) -> Option<String> {
        self.members().get(&id).map(|member| member.card.name.clone())
    }

    /// Who is in the room, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.members().values().map(|member| member.card.name.clone()).collect();
        names.sort();
        names
    }

    /// Sends a line to everyone.
    pub(crate) fn say(&self, line: &str) {
        println!("{line}");
        let line: Arc<str> = line.into();
        for member in self.members().values() {
            if member.lines.try_send(line.clone()).is_err() {
                eprintln!("{} is too far behind and misses a line", member.card.name);
            }
        }
    }

    /// Sends one member its lines. A task for each: they come in order, and nobody waits for somebody
    /// else's slow connection.
    async fn deliver(self, id: EdgeId, mut lines: mpsc::Receiver<Arc<str>>) {
        while let Some(line) = lines.recv().await {
            if !self.send(id, &line).await {
                // Its end was not heard of, perhaps because this service was not connected then.
                if !lines.is_closed() {
                    self.leave(id);
                }
                return;
            }
        }
    }

    /// Whether the member is still there.
    async fn send(&self, id: EdgeId, line: &str) -> bool {
        let deadline = Instant::now() + ACK_TIMEOUT;
        loop {
            let sent = self.service.publish(id, line.to_owned()).topic(TOPIC).timeout(ACK_TIMEOUT).await;
            match sent {
                Ok(()) => return true,
                // Also of a member that is just joining: `edge_online` is told before the edge can be
                // reached. One that has left is taken out by `edge_offline`, which ends this task.
                Err(error) if error.code() == Code::EdgeNotOnline => {
                    if Instant::now() >= deadline {
                        return false;
                    }
                    sleep(Duration::from_millis(100)).await;
                }
                Err(error) => {
                    eprintln!("edge {id} misses a line: {error}");
                    return true;
                }
            }
        }
    }

    fn members(&self) -> std::sync::MutexGuard<'_, HashMap<EdgeId, Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
