//! Whatever happens in whatever order: each request that was neither cancelled nor lost with its requester is
//! answered exactly once, and nothing stays in the tables.

use super::*;
use crate::forward::Delivery;
use crate::route::Route;
use crate::{Reply, Returned};
use frontier_protocol::ServiceId;
use proptest::prelude::*;
use std::collections::HashMap;

/// Two edges, two services, another gateway that owns edges, and the gateway itself.
const PLACES: usize = 6;
const OWNER: usize = 4;
const GATEWAY: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    /// Whoever is at a place sends requests to these, all in one batch.
    Send(usize, Vec<(usize, Sort)>),
    /// The n-th correlation id that was given out is replied to, if need be by whoever does not have it.
    Reply(usize, usize, RequestKind),
    Cancel(usize, u64),
    /// It has read what was sent to it until now.
    Read(usize),
    /// It takes only so many more requests.
    Room(usize, usize),
    /// All that it was sent so far is overdue.
    Expire(usize),
    /// It wants to leave.
    Leave(usize),
    /// Its connection ends, with or without giving back what it has not read.
    End(usize, bool),
    /// Another connection comes to a place, which takes over if the place is held.
    Come(usize),
    /// A connection that was taken over ends at last.
    EndOld(usize),
    /// It is found out where those edges are for which somebody waits: here, at the owner, or nowhere.
    Resolve(usize),
    /// The owner gives a request back.
    GiveBack(usize),
}

#[derive(Clone, Copy, Debug)]
enum Sort {
    Call,
    Acked,
    Unacked,
    /// A call whose deadline is over.
    Late,
}

fn sort() -> impl Strategy<Value = Sort> {
    prop_oneof![4 => Just(Sort::Call), 2 => Just(Sort::Acked), 1 => Just(Sort::Unacked), 1 => Just(Sort::Late)]
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![6 => Just(RequestKind::Call), 3 => Just(RequestKind::Message)];
    let sent = prop::collection::vec((0..3usize, sort()), 1..4);
    prop_oneof![
        8 => (0..PLACES, sent).prop_map(|(from, sent)| Step::Send(from, sent)),
        6 => (0..PLACES, 0..64usize, kind).prop_map(|(by, which, kind)| Step::Reply(by, which, kind)),
        1 => (0..PLACES, 1..32u64).prop_map(|(from, id)| Step::Cancel(from, id)),
        2 => (0..PLACES).prop_map(Step::Read),
        1 => (0..PLACES, 0..3usize).prop_map(|(of, room)| Step::Room(of, room)),
        1 => (0..PLACES).prop_map(Step::Expire),
        1 => (0..GATEWAY).prop_map(Step::Leave),
        2 => (0..GATEWAY, any::<bool>()).prop_map(|(of, gives_back)| Step::End(of, gives_back)),
        2 => (0..GATEWAY).prop_map(Step::Come),
        1 => (0..8usize).prop_map(Step::EndOld),
        2 => (0..3usize).prop_map(Step::Resolve),
        1 => (0..16usize).prop_map(Step::GiveBack),
    ]
}

/// All connections that there ever were, and who is at which place.
struct World {
    exchange: Arc<Exchange>,
    elsewhere: Arc<Elsewhere>,
    all: Vec<TestPeer>,
    at: [usize; PLACES],
    /// How many replies each request of each connection is to get.
    due: HashMap<(usize, u64), usize>,
    got: HashMap<(usize, u64), usize>,
    last_id: u64,
}

impl World {
    fn new() -> Self {
        let elsewhere = Arc::<Elsewhere>::default();
        let exchange = testing::exchange_reaching(elsewhere.clone());
        let mut world = Self {
            exchange,
            elsewhere,
            all: Vec::new(),
            at: [0; PLACES],
            due: HashMap::new(),
            got: HashMap::new(),
            last_id: 0,
        };
        (0..PLACES).for_each(|place| world.come(place));
        world
    }

    fn come(&mut self, place: usize) {
        let peer = match place {
            0 | 1 => TestPeer::edge(&self.exchange, place as u64 + 1),
            2 | 3 => {
                let (method, topic) = (format!("m{}", place - 2), format!("t{}", place - 2));
                TestPeer::service(&self.exchange, place as u64, &[&method, "m2"], &[&topic, "t2"])
            }
            OWNER => TestPeer::owner_gateway(&self.exchange, "a"),
            _ => TestPeer::new(&self.exchange, Identity::Gateway).joined(&[], &[]),
        };
        peer.outlet.note_late_replies();
        self.at[place] = self.all.len();
        self.all.push(peer);
    }

    fn is_over(&self, connection: usize) -> bool {
        self.all[connection].seat.is_none()
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Send(from, sent) => self.send(*from, sent),
            Step::Reply(by, which, kind) => {
                // Correlation ids are known by how they are made: of a count, and of a slot.
                let correlation = CorrelationId(((*which as u64 / 4 + 1) << 32) | (*which as u64 % 4));
                let reply = Reply { correlation, kind: *kind, outcome: ok(), edge: None };
                self.on(self.at[*by], Inbound::Reply(reply));
            }
            Step::Cancel(from, id) => {
                let connection = self.at[*from];
                if self.all[connection].peer.pending.lock().is_tracked(*id) {
                    self.due.insert((connection, *id), 0);
                }
                self.on(connection, Inbound::Cancel(*id));
            }
            Step::Read(of) => {
                self.all[self.at[*of]].requests();
            }
            Step::Room(of, room) => self.all[self.at[*of]].outlet.set_room(*room),
            Step::Expire(of) => self.expire(&self.all[self.at[*of]].peer.clone()),
            Step::Leave(of) => self.on(self.at[*of], Inbound::Leave { is_draining: false }),
            Step::End(of, gives_back) => self.end(self.at[*of], *gives_back),
            Step::Come(place) => self.come(*place),
            Step::EndOld(which) => {
                let old = (0..self.all.len()).filter(|it| !self.at.contains(it)).nth(*which);
                old.into_iter().for_each(|old| self.end(old, false));
            }
            Step::Resolve(which) => {
                let found = match which {
                    0 => Ok(Found::Here),
                    1 => Ok(Found::At(self.all[self.at[OWNER]].peer.clone())),
                    _ => Err(Failure::edge_not_online(EdgeId(1))),
                };
                self.elsewhere.resolve(&self.exchange, &found);
            }
            Step::GiveBack(which) => {
                let correlation = CorrelationId(((*which as u64 / 4 + 1) << 32) | (*which as u64 % 4));
                let returned = Returned {
                    correlation: Some(correlation),
                    edge: EdgeId(1),
                    by_name: which % 2 == 0,
                    service: Some(ServiceId(2)),
                    name: "m0",
                    custom: b"",
                    trace: b"",
                    payload: b"",
                    timeout_ms: 0,
                };
                // It may be one that was sent there the other way.
                let _ = self.all[self.at[OWNER]].on(Inbound::Returned(returned));
            }
        }
    }

    fn send(&mut self, from: usize, sent: &[(usize, Sort)]) {
        let connection = self.at[from];
        if from == OWNER || self.is_over(connection) {
            return;
        }
        let exchange = self.exchange.clone();
        let peer = self.all[connection].peer.clone();
        let mut batch = exchange.batch();
        for (to, sort) in sent {
            self.last_id += 1;
            let (method, topic) = (format!("m{to}"), format!("t{to}"));
            let by_edge = to_edge(*to as u64 + 1);
            let to_whom = if from < 2 { Destination::Name } else { by_edge };
            let envelope = match sort {
                Sort::Call => Envelope { name: &method, ..call(self.last_id, to_whom) },
                Sort::Acked => Envelope { name: &topic, ..acked(self.last_id, to_whom) },
                Sort::Unacked => Envelope { name: &topic, ..unacked(to_whom) },
                Sort::Late => {
                    Envelope { name: &method, deadline: Instant::now(), ..call(self.last_id, to_whom) }
                }
            };
            let is_due = envelope.wants_reply.into();
            if from != GATEWAY {
                self.due.insert((connection, self.last_id), is_due);
                exchange.on(&peer, Inbound::Request(envelope), &mut batch).expect("it may send that");
                continue;
            }
            // As its own calls are: to a service that it has chosen, and told at once of what fails at once.
            let target = self.all[self.at[2 + to % 2]].peer.clone();
            let route = Route { target, from: crate::Sender::Unnamed };
            let delivered = exchange.deliver(&peer, envelope, &route, None, &mut batch);
            let is_due = if matches!(delivered, Ok(Delivery::Done)) { is_due } else { 0 };
            self.due.insert((connection, self.last_id), is_due);
        }
    }

    /// What a connection sends. One that breaks the rules is ended by its wire.
    fn on(&mut self, connection: usize, inbound: Inbound<'_>) {
        if !self.is_over(connection) && self.all[connection].on(inbound).is_err() {
            self.end(connection, true);
        }
    }

    fn expire(&self, peer: &Arc<Peer>) {
        let later = Instant::now() + Duration::from_secs(100);
        self.exchange.expire(peer, later, &mut self.exchange.batch());
    }

    fn end(&mut self, connection: usize, gives_back: bool) {
        if self.is_over(connection) {
            return;
        }
        // What still waits for its reply has nobody to be told.
        for id in 1..=self.last_id {
            if self.all[connection].peer.pending.lock().is_tracked(id) {
                self.due.insert((connection, id), 0);
            }
        }
        let peer = &mut self.all[connection];
        match gives_back {
            true => peer.leave(),
            false => peer.vanish(),
        }
    }

    /// Everything that is left is overdue, and then everyone leaves.
    fn finish(&mut self) -> Result<(), TestCaseError> {
        self.expire(&self.exchange.lobby.peer().clone());
        self.all.iter().for_each(|peer| self.expire(&peer.peer));
        self.elsewhere.resolve(&self.exchange, &Err(Failure::edge_not_online(EdgeId(1))));
        for (connection, peer) in self.all.iter().enumerate() {
            prop_assert!(!peer.peer.has_pending(), "connection {connection} has something left");
            for reply in peer.replies() {
                *self.got.entry((connection, reply.id)).or_default() += 1;
            }
        }
        prop_assert!(!self.exchange.lobby.peer().has_pending());
        drop(self.exchange.lobby.fill());
        (0..self.all.len()).for_each(|connection| self.end(connection, false));
        self.exchange.for_each(|peer| panic!("{:?} is still there", peer.identity()));
        Ok(())
    }
}

proptest! {
    #[test]
    fn every_request_is_answered_exactly_once(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.take(step));
        world.finish()?;
        for (request, due) in &world.due {
            prop_assert_eq!(world.got.remove(request).unwrap_or(0), *due, "request {:?}", request);
        }
        prop_assert!(world.got.is_empty(), "replies to what was never asked: {:?}", world.got);
    }
}
