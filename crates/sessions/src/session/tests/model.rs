//! A session and a store, with a model beside them that is too simple to be wrong.

use super::*;
use crate::memory::MemoryStore;
use crate::store::{Budget, Log, SessionRecord, Store};
use proptest::prelude::*;
use std::collections::BTreeSet;

const ALL: Budget = Budget { items: 1000, bytes: usize::MAX };

#[derive(Clone, Debug)]
enum Step {
    /// Requests with these ids come, with a batch id so much higher.
    Send(u64, std::ops::Range<u128>),
    /// The client flushes, with a batch id so much higher.
    Flush(u64),
    End,
    Take(u8),
    Finish(usize, u8),
    Fetch(u8),
    /// The broker is killed, and another one takes the session over.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..40_u128, 1..6_u128).prop_map(|(from, count)| Step::Send(0, from..from + count)),
        1 => (0..40_u128, 1..6_u128).prop_map(|(from, count)| Step::Send(1, from..from + count)),
        3 => Just(Step::Flush(0)),
        1 => Just(Step::Flush(1)),
        1 => Just(Step::End),
        6 => (1..5_u8).prop_map(Step::Take),
        8 => (any::<usize>(), 0..6_u8).prop_map(|(which, how)| Step::Finish(which, how)),
        3 => (1..9_u8).prop_map(Step::Fetch),
        1 => Just(Step::Crash),
    ]
}

/// What a client knows by itself: what it was told.
#[derive(Default)]
struct Model {
    committed: BTreeSet<u128>,
    uncommitted: BTreeSet<u128>,
    batch: u64,
    ended: bool,
}

struct World {
    session: Session,
    log: Box<dyn Log>,
    store: MemoryStore,
    flying: Vec<Taken>,
    now: Instant,
}

async fn world() -> World {
    let now = start();
    let session = session(SessionKind::Durable, now);
    let store = MemoryStore::new(1 << 20);
    let record = SessionRecord {
        id: SessionId(1),
        settings: session.settings().clone(),
        creator: None,
        created_at: 0,
        notes: Vec::new(),
    };
    let log = store.create(record).await.unwrap();
    World { session, log, store, flying: Vec::new(), now }
}

impl World {
    async fn send(&mut self, batch: u64, requests: Vec<Request>) -> Result<(), Fault> {
        let sending = self.session.send(WHO, &client(), batch, requests, self.now)?;
        if let Some(from) = sending.discard {
            self.log.discard(&client(), from).await.unwrap();
        }
        self.log.append(&client(), sending.requests.clone(), sending.commit).await.unwrap();
        self.session.appended(&client(), sending.requests);
        Ok(())
    }

    async fn flush(&mut self, batch: u64, ends: bool) -> Result<(), Fault> {
        let Flushing { discard, commit } =
            self.session.flush(WHO, &client(), Some(batch), None, ends, self.now)?;
        if let Some(from) = discard {
            self.log.discard(&client(), from).await.unwrap();
        }
        self.log.commit(&client(), commit).await.unwrap();
        self.session.committed(&client(), &commit);
        Ok(())
    }

    async fn take(&mut self) {
        loop {
            match self.session.next_call() {
                Next::Idle => return,
                Next::Take(taken) => return self.flying.push(taken),
                Next::Fetch(client, from) => {
                    let few = Budget { items: 2, ..ALL };
                    let requests = self.log.requests(&client, from, few).await.unwrap();
                    self.session.refill(&client, requests);
                }
            }
        }
    }

    async fn finish(&mut self, which: usize, how: u8) {
        if self.flying.is_empty() {
            return;
        }
        let taken = self.flying.swap_remove(which % self.flying.len());
        let verdict = match how {
            0 => Verdict::Failed("lost".into()),
            1 => Verdict::GivenBack,
            _ => Verdict::Done(Outcome::Answer(taken.stored.request.id.to_string().into())),
        };
        if let Some((client, completion)) = self.session.finish(taken, verdict, self.now) {
            self.log.complete(&client, vec![completion]).await.unwrap();
        }
    }

    async fn fetch(&mut self, count: u8) {
        let Ok(reading) = self.session.read(WHO, &client(), Start::Current, self.now) else { return };
        let budget = Budget { items: usize::from(count), ..ALL };
        let responses = self.log.responses(&client(), reading.from, budget).await.unwrap();
        if let Some(last) = responses.last() {
            self.log.acknowledge(&client(), last.position + 1).await.unwrap();
            self.session.acknowledge(&client(), last.position + 1, self.now);
        }
    }

    /// Memory keeps what was not committed as well, which a store that others recover from does not have to.
    async fn crash(&mut self) {
        let opened = self.store.acquire(SessionId(1)).await.unwrap().unwrap();
        for (client, was) in &opened.clients {
            opened.log.discard(client, was.commit.before).await.unwrap();
        }
        self.log = opened.log;
        self.session = session(SessionKind::Durable, self.now);
        self.session.recover(opened.clients, self.now);
        self.flying.clear();
    }
}

async fn run(steps: Vec<Step>) {
    let mut world = world().await;
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Send(higher, ids) => {
                let batch = model.batch + higher;
                let sent = world.send(batch, requests(ids.clone())).await;
                assert_eq!(sent.is_ok(), !model.ended);
                if sent.is_ok() {
                    if higher > 0 {
                        model.uncommitted.clear();
                        model.batch = batch;
                    }
                    model.uncommitted.extend(ids.filter(|id| !model.committed.contains(id)));
                }
            }
            Step::Flush(_) | Step::End => {
                let ends = matches!(step, Step::End);
                let higher = if let Step::Flush(higher) = step { higher } else { 0 };
                if world.flush(model.batch + higher, ends).await.is_ok() {
                    if higher > 0 {
                        model.uncommitted.clear();
                        model.batch += higher;
                    }
                    model.committed.append(&mut model.uncommitted);
                    model.ended |= ends;
                }
            }
            Step::Take(count) => {
                for _ in 0..count {
                    world.take().await;
                }
            }
            Step::Finish(which, how) => world.finish(which, how).await,
            Step::Fetch(count) => world.fetch(count).await,
            Step::Crash => {
                world.crash().await;
                model.uncommitted.clear();
                // The client finds out by a flush that does not go well, and takes a higher one.
                if !model.ended {
                    model.batch += 1;
                    world.send(model.batch, Vec::new()).await.unwrap();
                }
            }
        }
    }
    // Everything that is left is computed.
    loop {
        world.take().await;
        if world.flying.is_empty() {
            break;
        }
        world.finish(0, 2).await;
    }
    let responses = world.log.responses(&client(), 0, ALL).await.unwrap();
    let answered: Vec<u128> = responses.iter().map(|it| it.response.request.0).collect();
    let once: BTreeSet<u128> = answered.iter().copied().collect();
    assert_eq!(once.len(), answered.len(), "nothing is answered twice");
    assert_eq!(once, model.committed, "what was committed is answered, and nothing else");
    assert_eq!(world.session.counts().answered, responses.len() as u64);
    let left = world.log.requests(&client(), 0, ALL).await.unwrap();
    assert!(left.iter().all(|it| model.uncommitted.contains(&it.request.id.0)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_was_committed_is_answered_once_and_what_was_not_is_absent(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps));
    }
}
