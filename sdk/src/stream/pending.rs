//! The table of requests on a stream that wait for their answers.

use super::error::StreamError;
use super::request::StreamResponse;
use frontier_protocol::{Code, Kind};
use parking_lot::Mutex;
use std::collections::HashMap;
use tokio::sync::oneshot;

pub(super) type Outcome = Result<StreamResponse, StreamError>;

/// Our requests that wait for their answers. Bounded by the requesters: each waits in a future.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    last: u64,
    waiting: HashMap<u64, (Kind, oneshot::Sender<Outcome>)>,
    /// Why no more answers come.
    over: Option<StreamError>,
}

impl Pending {
    /// A slot for the answer to a request of this kind, `Publish` or `Request`.
    pub(super) fn insert(&self, kind: Kind) -> Result<(u64, oneshot::Receiver<Outcome>), StreamError> {
        let mut table = self.0.lock();
        if let Some(error) = &table.over {
            return Err(error.clone());
        }
        table.last += 1;
        let (id, (reply, answer)) = (table.last, oneshot::channel());
        table.waiting.insert(id, (kind, reply));
        Ok((id, answer))
    }

    /// Whether the request was still pending.
    pub(super) fn remove(&self, id: u64) -> bool {
        self.0.lock().waiting.remove(&id).is_some()
    }

    /// Hands over an answer. One that nobody waits for any more is dropped.
    ///
    /// Returns false if the request was of another kind.
    pub(super) fn resolve(&self, id: u64, kind: Kind, outcome: Outcome) -> bool {
        let mut table = self.0.lock();
        match table.waiting.get(&id) {
            None => true,
            Some((sent, _)) if *sent != kind => false,
            Some(_) => {
                if let Some((_, reply)) = table.waiting.remove(&id) {
                    // The requester may have given up in this moment.
                    let _ = reply.send(outcome);
                }
                true
            }
        }
    }

    /// No more answers come. The first reason counts.
    pub(super) fn fail(&self, code: Code, text: &str) {
        let mut table = self.0.lock();
        let error = table.over.get_or_insert_with(|| StreamError::new(code, text)).clone();
        for (_, (_, reply)) in table.waiting.drain() {
            let _ = reply.send(Err(error.clone()));
        }
    }
}
