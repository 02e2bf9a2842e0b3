//! What is in flight from and to one peer: calls and acked messages alike.
//!
//! A question from peer A to peer B stands in two tables, each under its own peer's lock and never
//! under both at once:
//!
//! ```text
//!   A.asking:  A's id ─▶ (B, ticket)        so that A can cancel, and is cleaned up after
//!   B.asked:   ticket ─▶ (A, A's id)        so that B's answer finds A, and B's end fails it
//! ```
//!
//! Whoever removes the entry from `asked` owns the answer: it is given exactly once.

use crate::peer::Peer;
use ahash::AHashMap;
use frontier_protocol::Code;
use slab::Slab;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// Calls and acked messages of one peer.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    asked: Slab<Entry>,
    asking: AHashMap<u64, (Arc<Peer>, Ticket)>,
    /// Told apart from older entries of the same slot by this.
    generation: u32,
    closed: bool,
}

/// Names one entry of `asked`; as the id of the frame that asks, it comes back with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(pub(crate) u64);

#[derive(Debug)]
struct Entry {
    generation: u32,
    question: Question,
}

/// One question that waits for its answer.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) asker: Asker,
    pub(crate) form: Form,
    pub(crate) deadline: Instant,
}

/// Which frame asked, and so which one answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `Request` and `Response`.
    Call,
    /// `Publish` and `Ack`.
    Message,
}

/// Who gets the answer.
#[derive(Debug)]
pub(crate) enum Asker {
    /// A peer, under the id that it chose.
    Peer(Arc<Peer>, u64),
    /// The gateway itself.
    Gateway(oneshot::Sender<Answer>),
}

/// An answer to the gateway itself.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) code: Code,
    /// What the code leaves open, as it stands on the wire.
    pub(crate) detail: u32,
    /// The payload, or the error's text.
    pub(crate) payload: Vec<u8>,
}

impl Answer {
    pub(crate) fn error(code: Code, text: &str) -> Self {
        Self { code, detail: 0, payload: text.as_bytes().to_vec() }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}

/// What was in flight when a peer's tables ended.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// Questions to the peer.
    pub(crate) asked: Vec<(Ticket, Question)>,
    /// Questions of the peer, each with whom it went to.
    pub(crate) asking: Vec<(Arc<Peer>, Ticket)>,
}

/// Why a question was not entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The peer is gone.
    Closed,
    /// As many as may be are in flight.
    Full,
    /// The asker has a question under this id already.
    Duplicate,
}

impl Ticket {
    fn new(slot: usize, generation: u32) -> Self {
        Self((u64::from(generation) << 32) | slot as u64)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the slot is the lower half")]
    fn slot(self) -> usize {
        self.0 as u32 as usize
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl Calls {
    /// Enters a question to this peer.
    pub(crate) fn ask(&mut self, question: Question, limit: usize) -> Result<Ticket, (Refusal, Question)> {
        if self.closed {
            return Err((Refusal::Closed, question));
        }
        if self.asked.len() >= limit {
            return Err((Refusal::Full, question));
        }
        // 0 is left out: no ticket is 0, which is the id of messages that nobody acks.
        self.generation = self.generation.wrapping_add(1).max(1);
        let generation = self.generation;
        let slot = self.asked.insert(Entry { generation, question });
        Ok(Ticket::new(slot, generation))
    }

    /// Takes a question to this peer out, if it still waits.
    pub(crate) fn settle(&mut self, ticket: Ticket) -> Option<Question> {
        let entry = self.asked.get(ticket.slot())?;
        if entry.generation != ticket.generation() {
            return None;
        }
        Some(self.asked.remove(ticket.slot()).question)
    }

    /// Notes a question of this peer.
    pub(crate) fn note(
        &mut self,
        id: u64,
        target: &Arc<Peer>,
        ticket: Ticket,
        limit: usize,
    ) -> Result<(), Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        if self.asking.len() >= limit {
            return Err(Refusal::Full);
        }
        match self.asking.entry(id) {
            std::collections::hash_map::Entry::Occupied(_) => Err(Refusal::Duplicate),
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert((target.clone(), ticket));
                Ok(())
            }
        }
    }

    /// Strikes a question of this peer off, if it is still the one that `target` has under `ticket`:
    /// after a cancel the peer may have used the id anew.
    pub(crate) fn strike(&mut self, id: u64, target: &Peer, ticket: Ticket) -> bool {
        let is_same = |(noted, its): &(Arc<Peer>, Ticket)| std::ptr::eq(&**noted, target) && *its == ticket;
        self.asking.get(&id).is_some_and(is_same) && self.asking.remove(&id).is_some()
    }

    /// Notes that a question of this peer is with `target` from here on. `false` if it was not with `from` any
    /// more: nobody waits for it.
    pub(crate) fn pass_on(
        &mut self,
        id: u64,
        (from, held): (&Peer, Ticket),
        target: &Arc<Peer>,
        ticket: Ticket,
    ) -> bool {
        match self.asking.get_mut(&id) {
            Some((noted, its)) if std::ptr::eq(&**noted, from) && *its == held => {
                (*noted, *its) = (target.clone(), ticket);
                true
            }
            _ => false,
        }
    }

    /// Strikes a question of this peer off, whoever has it.
    pub(crate) fn cancel(&mut self, id: u64) -> Option<(Arc<Peer>, Ticket)> {
        self.asking.remove(&id)
    }

    /// Ends the tables: nothing can be entered any more. What was in flight.
    pub(crate) fn close(&mut self) -> InFlight {
        self.closed = true;
        let asked = std::mem::take(&mut self.asked).into_iter();
        let asked = asked.map(|(slot, entry)| (Ticket::new(slot, entry.generation), entry.question));
        let asking = std::mem::take(&mut self.asking);
        InFlight { asked: asked.collect(), asking: asking.into_values().collect() }
    }

    /// Takes out the questions to this peer whose deadline is over, and gives back spare memory.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<(Ticket, Question)> {
        let overdue: Vec<Ticket> = self
            .asked
            .iter()
            .filter(|(_, entry)| entry.question.deadline <= now)
            .map(|(slot, entry)| Ticket::new(slot, entry.generation))
            .collect();
        let expired = overdue.into_iter().filter_map(|ticket| Some((ticket, self.settle(ticket)?)));
        let expired = expired.collect();
        if self.asked.is_empty() && self.asked.capacity() > 0 {
            self.asked = Slab::new();
        }
        if self.asking.is_empty() && self.asking.capacity() > 0 {
            self.asking = AHashMap::default();
        }
        expired
    }

    /// Whether [`expire`](Self::expire) may have something to do.
    pub(crate) fn is_swept(&self) -> bool {
        self.asked.capacity() > 0 || self.asking.capacity() > 0
    }

    #[cfg(test)]
    pub(crate) fn is_asking(&self, id: u64) -> bool {
        self.asking.contains_key(&id)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.asked.len()
    }

    pub(crate) fn is_busy(&self) -> bool {
        !self.asked.is_empty() || !self.asking.is_empty()
    }
}

#[cfg(test)]
mod tests;
