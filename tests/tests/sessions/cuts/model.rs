//! What clients were told, and so what has to be there in the end.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers by which a run can be had again.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    /// One time in so many.
    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// What one client has been told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Batches whose flush was answered.
    pub(super) committed: BTreeSet<u64>,
    /// Batches whose flush was sent, and not answered.
    pub(super) unknown: BTreeSet<u64>,
    /// The message ids of each batch.
    pub(super) batches: BTreeMap<u64, Vec<String>>,
    /// Whether it was to be dropped, and nobody has answered: then all of it is there or nothing.
    pub(super) may_be_gone: bool,
}

/// All clients, by their names.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) clients: BTreeMap<String, Told>,
}

impl Model {
    pub(super) fn of(&mut self, client: &str) -> &mut Told {
        self.clients.entry(client.to_owned()).or_default()
    }

    pub(super) fn count(&self, of: fn(&Told) -> usize) -> usize {
        self.clients.values().map(of).sum()
    }
}

impl Told {
    /// What is there at the end is what was told to be there.
    pub(super) fn check(&self, responses: &[Value], run: &str) {
        let mut answered = BTreeSet::new();
        for one in responses {
            let said = (&one["payload"], &one["isFault"]);
            assert_eq!(said, (&json!("aGVsbG8="), &json!(false)), "{run}: {one}");
            let id = one["requestMessageId"].as_str().expect("it has one").to_owned();
            assert!(answered.insert(id), "{run}: answered twice: {one}");
        }
        if self.may_be_gone && responses.is_empty() {
            return;
        }
        for (batch, ids) in &self.batches {
            let there = ids.iter().filter(|id| answered.remove(*id)).count();
            let may = match (self.committed.contains(batch), self.unknown.contains(batch)) {
                (true, _) => there == ids.len(),
                (false, true) => there == 0 || there == ids.len(),
                (false, false) => there == 0,
            };
            assert!(may, "{run}: {there} of {} of batch {batch}, {self:?}", ids.len());
        }
        assert!(answered.is_empty(), "{run}: never sent, or dropped: {answered:?}");
    }
}
