//! What ends because it is asked for.

use super::{Closing, Session, SessionState, add};
use crate::client::EndReason;
use crate::fault::Fault;
use crate::id::ClientId;
use std::time::Instant;

impl Session {
    /// Drops a client and its queues. Whether there was one: then its part of the store is to be dropped.
    ///
    /// # Errors
    /// By its state and who asks.
    pub fn purge(&mut self, who: Option<&str>, client: &ClientId, now: Instant) -> Result<bool, Fault> {
        self.check(who)?;
        if let Some(member) = self.members.get(client) {
            member.client.check_owner(who)?;
        }
        let is_there = self.members.contains_key(client);
        if is_there {
            self.drop_client(client, EndReason::ClientPurged, now);
        }
        Ok(is_there)
    }

    pub(super) fn drop_client(&mut self, client: &ClientId, reason: EndReason, now: Instant) {
        let Some(member) = self.members.remove(client) else { return };
        add(&mut self.totals, &member.client.counts());
        self.gone.retain(|(gone, _)| gone != client);
        self.gone.push_back((client.clone(), reason));
        if self.gone.len() > self.limits.clients {
            self.gone.pop_front();
        }
        self.note_presence(now);
    }

    /// Ends it. Its part of the store is to be dropped, unless it has failed: then what is answered can still be fetched.
    pub fn close(&mut self, closing: Closing, now: Instant) {
        if self.closing.is_some() {
            return;
        }
        (self.state, self.since, self.wake) = (SessionState::Finished, now, None);
        if !matches!(closing, Closing::Failed(_)) {
            let clients = std::mem::take(&mut self.members);
            clients.values().for_each(|member| add(&mut self.totals, &member.client.counts()));
        }
        self.ready.clear();
        self.closing = Some(closing);
    }
}
