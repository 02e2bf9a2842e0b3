//! What ends because nothing happens.

use super::{Session, SessionState};
use crate::client::{ClientState, EndReason};
use crate::id::ClientId;
use crate::session::Closing;
use crate::settings::SessionKind;
use std::time::Instant;

/// What has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Clients whose queues are dropped: their parts of the store are to be dropped as well.
    pub purged: Vec<ClientId>,
    /// Whether the session has ended, or is suspended, with them.
    pub session: bool,
}

impl Session {
    /// When [`on_time`](Self::on_time) has to be called at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.wake
    }

    /// Ends what was left alone for too long.
    pub fn on_time(&mut self, now: Instant) -> Expired {
        let mut expired = Expired::default();
        if self.closing.is_some() || self.wake.is_none_or(|wake| now < wake) {
            return expired;
        }
        let idle = self.settings.timeouts.client_idle;
        let is_late = |since: Instant| now.saturating_duration_since(since) >= idle;
        let leaving = self.members.iter().filter(|(_, it)| it.client.may_leave() && is_late(it.quiet_since));
        for client in leaving.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            if self.disconnect(&client, now) {
                expired.purged.push(client);
            }
        }
        if self.ends_at().is_some_and(|at| at <= now) {
            expired.session = true;
            self.expire(now);
        }
        self.wake = self.next_wake();
        expired
    }

    /// Whether the client is gone with its queues.
    fn disconnect(&mut self, client: &ClientId, now: Instant) -> bool {
        let Some(member) = self.members.get_mut(client) else { return false };
        member.client.state = ClientState::Disconnected;
        let is_gone = !member.client.keeps_queues();
        if is_gone {
            self.drop_client(client, EndReason::ClientTimeout, now);
        }
        self.note_presence(now);
        is_gone
    }

    /// A client has left: whether that was the last.
    pub(super) fn note_presence(&mut self, now: Instant) {
        let is_here = |state| state != ClientState::Disconnected;
        let is_used = self.members.values().any(|member| is_here(member.client.state()));
        if self.state == SessionState::Running && !is_used {
            (self.state, self.since) = (SessionState::Idle, now);
            self.wake_by(now, self.settings.timeouts.session_idle);
        }
    }

    /// When the session ends unless a client comes.
    fn ends_at(&self) -> Option<Instant> {
        let timeouts = &self.settings.timeouts;
        // One that was taken up again computes what was committed, whether its clients come or not.
        if self.members.values().any(|member| !member.client.is_done()) {
            return None;
        }
        match self.state {
            SessionState::Started => self.since.checked_add(timeouts.client_connection),
            SessionState::Idle => self.since.checked_add(timeouts.session_idle),
            SessionState::Running | SessionState::Suspended | SessionState::Finished => None,
        }
    }

    fn expire(&mut self, now: Instant) {
        // One that is durable and has anything in it can be attached to again.
        if self.settings.kind == SessionKind::Durable && !self.members.is_empty() {
            (self.state, self.since) = (SessionState::Suspended, now);
        } else {
            self.close(Closing::TimedOut, now);
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        let idle = self.settings.timeouts.client_idle;
        let leaving = self.members.values().filter(|it| it.client.may_leave());
        let clients = leaving.filter_map(|it| it.quiet_since.checked_add(idle));
        clients.chain(self.ends_at()).min()
    }
}
