//! Fetching responses.

use super::{Closing, Member, Session};
use crate::client::{EndOfResponses, EndReason};
use crate::fault::Fault;
use crate::id::{ClientId, Position};
use crate::settings::SessionKind;
use std::time::Instant;

/// Where to read responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// From this place on.
    pub from: Position,
    /// The place after the last that is there.
    pub until: Position,
    /// If these are the last.
    pub end: Option<EndOfResponses>,
}

/// Where a reader wants to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first that is still there.
    Begin,
    /// With the first that was not fetched.
    Current,
    /// Here.
    At(Position),
}

impl Session {
    /// Somebody wants responses of a client.
    ///
    /// # Errors
    /// By its state and who asks. Responses that are there are given out before a failure is told.
    pub fn read(
        &mut self,
        who: Option<&str>,
        client: &ClientId,
        start: Start,
        now: Instant,
    ) -> Result<Reading, Fault> {
        self.check_access(who)?;
        if !self.members.contains_key(client)
            && let Some((_, reason)) = self.gone.iter().rev().find(|(gone, _)| gone == client)
        {
            self.check(who)?;
            let end = Some(EndOfResponses { count: 0, reason: *reason });
            return Ok(Reading { from: 0, until: 0, end });
        }
        let open = self.check(who);
        let failed = matches!(self.closing, Some(Closing::Failed(_)));
        let member = match self.members.get_mut(client).filter(|_| failed) {
            Some(member) => member,
            None => {
                open.clone()?;
                self.member(who, client, now)?
            }
        };
        member.client.check_owner(who)?;
        let client = &mut member.client;
        let from = match start {
            Start::Begin => client.first_response(),
            Start::Current => client.current_response(),
            Start::At(position) => position.clamp(client.first_response(), client.next_response()),
        };
        let until = client.next_response();
        if from == until {
            open?;
        }
        client.fetch();
        let is_last = client.is_ended() && client.is_done();
        let end = is_last.then_some(EndOfResponses { count: until, reason: EndReason::Success });
        Ok(Reading { from, until, end })
    }

    /// The responses of a client before this place were fetched: whether that is new, and before which place they are to be
    /// forgotten, if any are.
    pub fn acknowledge(
        &mut self,
        client: &ClientId,
        before: Position,
        now: Instant,
    ) -> (bool, Option<Position>) {
        let Some(member) = self.members.get_mut(client) else { return (false, None) };
        member.quiet_since = now;
        let is_new = member.client.responses.acknowledge(before);
        // What is durable stays until it is dropped on purpose.
        let forgets = self.settings.kind == SessionKind::Interactive;
        (is_new, if forgets { member.client.trim(self.limits.retained_size) } else { None })
    }

    /// Where there is no room, what was fetched of an interactive session makes some, but for the latest `left` bytes of each client,
    /// which may be on their way still: clients, and before which place their responses are to be forgotten.
    pub fn forget_fetched(&mut self, left: usize) -> Vec<(ClientId, Position)> {
        if self.settings.kind == SessionKind::Durable {
            return Vec::new();
        }
        let trimmed =
            |(id, member): (&ClientId, &mut Member)| Some((id.clone(), member.client.make_room(left)?));
        self.members.iter_mut().filter_map(trimmed).collect()
    }
}
