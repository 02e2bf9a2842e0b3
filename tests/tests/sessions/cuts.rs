//! The broker and all around it are killed in the middle of whatever they do, and a model says what has to be there afterwards.

mod model;
mod world;

use crate::http::Client;
use frontier_tests::DEADLINE;
use model::{Chance, Model, Told};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use world::{Cut, Kept, World};

/// How long whoever is told that something is away waits before they ask again.
const PAUSE: Duration = Duration::from_millis(20);

/// The clients of one session, as one program that does one thing after the other.
struct Work {
    session: String,
    model: Model,
    chance: Chance,
    next: u64,
    /// The names that are used, each of which gets another number once nobody knows what became of it.
    names: [(char, u64); 3],
    run: String,
}

impl Work {
    fn name(&self, place: usize) -> String {
        let (letter, number) = self.names[place];
        format!("{letter}{number}")
    }

    /// Asks until something other is answered than that something is away: what is said again is done once. `None` if nobody
    /// answers.
    async fn ask(&self, client: &mut Client, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        loop {
            match client.ask(method, path, &body.to_string()).await? {
                (503, told) => {
                    let code = told["code"].as_str().unwrap_or_default();
                    let may = ["Broker_StoreUnavailable", "Broker_NotOwner"].contains(&code);
                    assert!(may, "{}: {told}", self.run);
                }
                answered => return Some(answered),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn flush(&mut self, client: &mut Client, name: &str, batch: u64) -> Option<()> {
        let sent = self.model.of(name).batches.get(&batch).map_or(0, Vec::len);
        let flush = json!({"clientId": name, "batchId": batch, "sent": sent});
        self.model.of(name).unknown.insert(batch);
        let path = format!("{}/requests/flush", self.session);
        let (status, flushed) = self.ask(client, "POST", &path, &flush).await?;
        assert_eq!(status, 200, "{}: {flushed}", self.run);
        self.model.of(name).unknown.remove(&batch);
        self.model.of(name).committed.insert(batch);
        Some(())
    }

    /// Sends a batch with a batch id of its own, and flushes it, fetches what is there, or has all of it dropped.
    async fn step(&mut self, client: &mut Client) -> Option<()> {
        self.next += 1;
        let batch = self.next;
        let place = usize::try_from(self.chance.below(3)).unwrap();
        let name = self.name(place);
        let count = 1 + self.chance.below(30);
        let ids: Vec<String> = (0..count).map(|item| format!("{batch:016x}{item:016x}")).collect();
        let item = |id: &String| json!({"action": "echo", "payload": "aGVsbG8=", "messageId": id});
        let requests: Vec<_> = ids.iter().map(item).collect();
        let body = json!({"clientId": name, "batchId": batch, "requests": requests});
        self.model.of(&name).batches.insert(batch, ids);
        let (status, sent) = self.ask(client, "POST", &format!("{}/requests", self.session), &body).await?;
        assert_eq!(status, 202, "{}: {sent}", self.run);
        // Some are never flushed: what the next batch id does to them is the same as what a cut does.
        if !self.chance.one_in(4) {
            self.flush(client, &name, batch).await?;
        }
        if self.chance.one_in(3) {
            let path = format!("{}/responses?client_id={name}&maxCount=50", self.session);
            let (status, page) = self.ask(client, "GET", &path, &Value::Null).await?;
            assert_eq!(status, 200, "{}: {page}", self.run);
        }
        if self.chance.one_in(12) {
            // It may be done a long time after nobody has waited for the answer any more.
            self.names[place].1 += 1;
            self.model.of(&name).may_be_gone = true;
            let path = format!("{}/clients/{name}", self.session);
            let (status, purged) = self.ask(client, "DELETE", &path, &Value::Null).await?;
            assert!(status < 300, "{}: {status} {purged}", self.run);
            self.names[place].1 -= 1;
            *self.model.of(&name) = Told::default();
        }
        Some(())
    }

    async fn go_on(&mut self, client: &mut Client) {
        while self.step(client).await.is_some() {}
    }

    /// Says the flushes again that were not answered, of what may still be as it was.
    async fn say_again(&mut self, client: &mut Client) {
        for place in 0..3 {
            let name = self.name(place);
            let told = self.model.of(&name);
            let Some((&last, ids)) = told.batches.last_key_value() else { continue };
            if !told.unknown.contains(&last) {
                continue;
            }
            let flush = json!({"clientId": name, "batchId": last, "sent": ids.len()});
            let path = format!("{}/requests/flush", self.session);
            let Some((status, told)) = self.ask(client, "POST", &path, &flush).await else { return };
            match status {
                200 => {
                    self.model.of(&name).unknown.remove(&last);
                    self.model.of(&name).committed.insert(last);
                }
                // What was not committed was lost with the broker.
                _ => assert_eq!(told["code"], "Broker_FlushIncomplete", "{}: {status} {told}", self.run),
            }
        }
    }

    /// Ends the client, and gives all its responses.
    async fn responses(&mut self, client: &mut Client, name: &str) -> Vec<Value> {
        self.next += 1;
        // Nothing that was not committed follows.
        let last = json!({"clientId": name, "batchId": self.next, "sent": 0, "end": true});
        let path = format!("{}/requests/flush", self.session);
        let (status, ended) = self.ask(client, "POST", &path, &last).await.expect("it is there");
        if status == 409 {
            assert_eq!(ended["code"], "InvalidOperation_NoRequests", "{}: {ended}", self.run);
            return Vec::new();
        }
        assert_eq!(status, 200, "{}: {ended}", self.run);
        let mut responses = Vec::new();
        let mut waited = Instant::now();
        loop {
            let range = format!("position={}&maxCount=5000&waitMs=5000", responses.len());
            let path = format!("{}/responses?client_id={name}&{range}", self.session);
            let (status, page) = self.ask(client, "GET", &path, &Value::Null).await.expect("it is there");
            assert_eq!(status, 200, "{}: {page}", self.run);
            let more = page["responses"].as_array().expect("there are some");
            if more.is_empty() && waited.elapsed() > 2 * DEADLINE {
                let status = client.ask("GET", &format!("{}/status", self.session), "").await;
                panic!("{}: {name} has {} answers, and no more come: {status:?}", self.run, responses.len());
            }
            if !more.is_empty() {
                waited = Instant::now();
            }
            responses.extend(more.iter().cloned());
            if !page["endOfResponses"].is_null() {
                assert_eq!(page["endOfResponses"]["count"], responses.len(), "{}", self.run);
                return responses;
            }
        }
    }
}

async fn cut(cuts: u64, seed: u64, kept: Kept) {
    let mut world = World::start(kept).await;
    let mut client = world.client();
    let make = json!({"serviceName": "calc", "sessionType": 1});
    let (status, made) =
        client.ask("POST", "/api/v1/sessions", &make.to_string()).await.expect("it is there");
    assert_eq!(status, 201, "{made}");
    let mut work = Work {
        session: format!("/api/v1/sessions/{}", made["sessionId"].as_str().expect("it has one")),
        model: Model::default(),
        chance: Chance(seed),
        next: 0,
        names: ['a', 'b', 'c'].map(|letter| (letter, 0)),
        run: format!("seed {seed}"),
    };
    let mut chance = Chance(seed ^ 0x5eed);
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    for number in 0..cuts {
        // By chance in the middle of anything: no condition is waited for.
        let time = Duration::from_micros(chance.below(60_000));
        let what = match Cut::by_chance(&mut chance, &world) {
            // What was not committed is gone in the end.
            _ if number + 1 == cuts => Cut::Broker,
            what => what,
        };
        *counts.entry(format!("{what:?}")).or_default() += 1;
        work.run = format!("seed {seed}, cut {number} ({what:?})");
        {
            let cutting = async {
                tokio::time::sleep(time).await;
                world.cut(what, &mut chance).await;
            };
            tokio::pin!(cutting);
            tokio::select! {
                () = work.go_on(&mut client) => cutting.await,
                () = &mut cutting => {}
            }
        }
        client = world.client();
        if chance.one_in(2) {
            work.say_again(&mut client).await;
        }
    }
    for (name, told) in work.model.clients.clone() {
        let responses = work.responses(&mut client, &name).await;
        told.check(&responses, &format!("seed {seed}, client {name}"));
    }
    let (committed, unknown) =
        (work.model.count(|told| told.committed.len()), work.model.count(|told| told.unknown.len()));
    println!(
        "seed {seed}: {cuts} cuts, {counts:?}, {committed} batches committed and left, {unknown} unknown"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_in_the_middle_of_flushes_answers_what_was_committed_once() {
    cut(12, 1, Kept::disk()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_as_well() {
    cut(6, 1, Kept::redis()).await;
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("it is a number"))
}

/// Minutes: `CUTS=500 SEED=7 cargo test -p frontier-tests --test sessions -- --ignored --nocapture cuts`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn many_cuts() {
    let seed = number("SEED", 1);
    for part in 0..number("CUTS", 500).div_ceil(50) {
        cut(50, seed + part, Kept::disk()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn many_cuts_on_redis() {
    let seed = number("SEED", 1);
    for part in 0..number("CUTS", 500).div_ceil(50) {
        cut(50, seed + part, Kept::redis()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn many_cuts_by_sentinels() {
    let seed = number("SEED", 1);
    for part in 0..number("CUTS", 100).div_ceil(50) {
        cut(50, seed + part, Kept::sentinels()).await;
    }
}
