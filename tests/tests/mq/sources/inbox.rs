//! What edges and services got, each acked as the test says.

use crate::world::edge;
use frontier_sdk::{Edge, Message, Service};
use frontier_tests::{DEADLINE, Gateway, eventually, within};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

/// What came, by who got it, in its order.
#[derive(Clone, Default)]
pub(crate) struct Inbox(Arc<Mutex<BTreeMap<u64, Vec<String>>>>);

/// Those who receive, until this is dropped.
pub(crate) type Receivers = JoinSet<()>;

impl Inbox {
    /// Edges of these ids that ack everything.
    pub(crate) async fn edges(&self, gateway: &Gateway, ids: impl IntoIterator<Item = u64>) -> Receivers {
        let mut receivers = JoinSet::new();
        for id in ids {
            receivers.spawn(self.clone().receive(edge(gateway, id).await, id, |message, _| message.done()));
        }
        receivers
    }

    /// Notes what an edge gets, of which `end` says what becomes of it.
    pub(crate) async fn receive(self, edge: Edge, id: u64, end: impl Fn(Message, &str)) {
        while let Some(message) = edge.recv().await {
            self.note(id, message, &end);
        }
    }

    fn note(&self, id: u64, message: Message, end: &impl Fn(Message, &str)) {
        let text = String::from_utf8_lossy(&message.data).into_owned();
        self.0.lock().unwrap().entry(id).or_default().push(text.clone());
        end(message, &text);
    }

    /// What one of them got.
    pub(crate) fn of(&self, id: u64) -> Vec<String> {
        self.0.lock().unwrap().get(&id).cloned().unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().values().map(Vec::len).sum()
    }

    /// Waits until so many have come.
    pub(crate) async fn holds(&self, count: usize) {
        let enough = async || (self.len() >= count).then_some(());
        eventually(2 * DEADLINE, "messages come", enough).await;
    }

    /// Waits until each of these numbers has come to each of these edges; in their order, but for what came twice. How many
    /// came more than once.
    pub(crate) async fn is_whole(&self, ids: &[u64], count: usize) -> usize {
        let all = async || ids.iter().all(|id| self.distinct(*id).len() >= count).then_some(());
        eventually(2 * DEADLINE, "nothing is lost", all).await;
        let mut doubled = 0;
        for id in ids {
            let expected: Vec<String> = (0..count).map(|number| number.to_string()).collect();
            assert_eq!(self.distinct(*id), expected, "edge {id}");
            doubled += self.of(*id).len() - count;
        }
        doubled
    }

    /// Waits until so many have come to all of them, without what came again. How many came again.
    pub(crate) async fn has_all(&self, count: usize) -> usize {
        let distinct = || {
            let ids: Vec<u64> = self.0.lock().unwrap().keys().copied().collect();
            ids.into_iter().map(|id| self.distinct(id).len()).sum::<usize>()
        };
        let all = async || (distinct() >= count).then_some(());
        eventually(2 * DEADLINE, "nothing is lost", all).await;
        assert_eq!(distinct(), count);
        self.len() - count
    }

    /// Without what came again.
    fn distinct(&self, id: u64) -> Vec<String> {
        let mut seen = Vec::<String>::new();
        let mut known = std::collections::BTreeSet::new();
        for text in self.of(id) {
            if known.insert(text.clone()) {
                seen.push(text);
            }
        }
        seen
    }
}

/// A service that receives this topic.
pub(crate) async fn subscribed(gateway: &Gateway, topic: &str) -> Service {
    let service = within("a service connects", gateway.service("plant").connect()).await.unwrap();
    within("it subscribes", service.subscribe(topic)).await.unwrap();
    service
}
