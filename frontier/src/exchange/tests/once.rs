//! Whatever happens in whatever order: each question that was neither cancelled nor lost with its asker
//! is answered exactly once, and nothing stays in the tables.

use super::*;
use crate::calls::Ticket;
use frontier_protocol::Cancel;
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

const PEERS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    /// A peer asks another one.
    Ask(usize, usize),
    /// The n-th ticket that was given out is answered, if need be by whoever does not have it.
    Answer(usize, usize),
    Cancel(usize, u64),
    /// All that a peer was asked so far is overdue.
    Expire(usize),
    Die(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..PEERS, 0..PEERS).prop_map(|(from, to)| Step::Ask(from, to)),
        4 => (0..PEERS, 0..64usize).prop_map(|(by, which)| Step::Answer(by, which)),
        1 => (0..PEERS, 1..32u64).prop_map(|(from, id)| Step::Cancel(from, id)),
        1 => (0..PEERS).prop_map(Step::Expire),
        1 => (0..PEERS).prop_map(Step::Die),
    ]
}

/// Two edges and two services, who ask each other.
struct World {
    exchange: Arc<Exchange>,
    peers: Vec<Parked>,
    is_dead: [bool; PEERS],
    /// How many answers each question is to get.
    due: HashMap<(usize, u64), usize>,
    next_id: [u64; PEERS],
    told: Vec<Vec<Frame>>,
}

impl World {
    async fn new() -> Self {
        let exchange = testing::exchange();
        let mut peers = Vec::new();
        for id in 0..2 {
            peers.push(Parked::edge(&exchange, id + 1).await);
        }
        for id in 0..2 {
            peers.push(Parked::service(&exchange, id + 1, &[&format!("m{id}")], &[]).await);
        }
        Self {
            exchange,
            peers,
            is_dead: [false; PEERS],
            due: HashMap::new(),
            next_id: [1; PEERS],
            told: vec![Vec::new(); PEERS],
        }
    }

    fn take(&mut self, step: &Step) {
        let exchange = self.exchange.clone();
        match *step {
            Step::Ask(from, to) if !self.is_dead[from] => {
                let id = self.next_id[from];
                self.next_id[from] += 1;
                self.due.insert((from, id), 1);
                let frame = if from < 2 {
                    request(id, &format!("m{}", to % 2), b"", b"")
                } else {
                    request(id, "m", &tail(to as u64 % 2 + 1), b"")
                };
                act(&exchange, &self.peers[from].peer, &frame);
            }
            // Tickets are known by how they are made: of a count, and of a slot.
            Step::Answer(by, which) if !self.is_dead[by] => {
                let slot = which as u64 % 4;
                let ticket = Ticket(((which as u64 / 4 + 1) << 32) | slot);
                act(&exchange, &self.peers[by].peer, &response(ticket.0, b"", b"ok"));
            }
            Step::Cancel(from, id) if !self.is_dead[from] => {
                let is_asking = self.peers[from].peer.calls.lock().is_asking(id);
                if is_asking {
                    self.due.insert((from, id), 0);
                }
                act(&exchange, &self.peers[from].peer, &testing::frame(|out| Cancel::encode(id, out)));
            }
            Step::Expire(of) => {
                let later = Instant::now() + Duration::from_secs(100);
                exchange.expire(&self.peers[of].peer, later, &mut Wakes::default());
            }
            Step::Die(of) if !self.is_dead[of] => self.end(of),
            _ => {}
        }
    }

    fn end(&mut self, of: usize) {
        self.is_dead[of] = true;
        // What was still waiting for an answer has nobody to be told.
        let waits = |id: &u64| self.peers[of].peer.calls.lock().is_asking(*id);
        for id in (1..self.next_id[of]).filter(waits).collect::<Vec<_>>() {
            self.due.insert((of, id), 0);
        }
        let exchange = self.exchange.clone();
        let unsent = self.peers[of].close();
        self.told[of].extend(unsent.iter().filter(|frame| frame.kind == Kind::Response).cloned());
        match self.peers[of].peer.edge_id() {
            Some(id) => exchange.registry.edges.release(id, &self.peers[of].peer),
            None => exchange.registry.services.release(&self.peers[of].peer),
        }
        exchange.retire(&self.peers[of].peer, &unsent);
    }
}

proptest! {
    #[test]
    fn every_question_is_answered_exactly_once(steps in prop::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut world = runtime.block_on(World::new());
        steps.iter().for_each(|step| world.take(step));
        for of in 0..PEERS {
            if !world.is_dead[of] {
                // All that is left is overdue.
                world.take(&Step::Expire(of));
            }
        }
        for of in 0..PEERS {
            prop_assert!(!world.peers[of].peer.calls.lock().is_busy(), "peer {of} has something left");
            if !world.is_dead[of] {
                world.end(of);
            }
        }
        let mut got: HashMap<(usize, u64), usize> = HashMap::new();
        for (of, frames) in world.told.iter().enumerate() {
            frames.iter().for_each(|frame| *got.entry((of, frame.id)).or_default() += 1);
        }
        for (question, due) in &world.due {
            prop_assert_eq!(got.remove(question).unwrap_or(0), *due, "question {:?}", question);
        }
        prop_assert!(got.is_empty(), "answers to what was never asked: {:?}", got);
    }
}
