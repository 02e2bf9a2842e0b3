//! Where an edge is: the lookups of one frontier.

use super::context::{Context, DIRECTORY_TIMEOUT, with_timeout};
use crate::model::advertised::{native, url};
use frontier_protocol::{Code, EdgeId, Lookup, LookupAck, retry_detail};
use frontier_transport::{LinkHandle, Priority};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Lookups of one frontier under way at once, so that one frontier can't take the directory from the others.
const MAX_LOOKUPS: usize = 256;

/// After how long a refused lookup should be tried again: by then some others have their answers.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Answers the lookups of one frontier, beside its reports.
pub(super) struct Lookups {
    context: Arc<Context>,
    link: LinkHandle,
    permits: Arc<Semaphore>,
}

impl Lookups {
    pub(super) fn new(context: Arc<Context>, link: LinkHandle) -> Self {
        Self { context, link, permits: Arc::new(Semaphore::new(MAX_LOOKUPS)) }
    }

    /// Starts a lookup, which sends its answer by itself.
    pub(super) fn start(&self, id: u64, lookup: Lookup) {
        let link = self.link.clone();
        if lookup.edge == EdgeId(0) {
            // A gateway should not have asked. It is no reason to turn it out: one of its services may have.
            return answer(&link, id, &LookupAck::failed(Code::EdgeNotOnline, 0));
        }
        let Ok(permit) = self.permits.clone().try_acquire_owned() else {
            let refused = LookupAck::failed(Code::Overloaded, retry_detail(RETRY_AFTER));
            return answer(&link, id, &refused);
        };
        let context = self.context.clone();
        tokio::spawn(async move {
            let edge = [lookup.edge.0];
            let found = with_timeout(DIRECTORY_TIMEOUT, context.directory.frontiers_by_edge(&edge)).await;
            match found.map(|mut found| found.pop().flatten()) {
                Ok(Some(frontier)) => {
                    let servicebound = &url(native(&frontier.advertised_sb_addr));
                    let found = LookupAck { code: Code::Ok, detail: 0, frontier: &frontier.id, servicebound };
                    answer(&link, id, &found);
                }
                Ok(None) => answer(&link, id, &LookupAck::failed(Code::EdgeNotOnline, 0)),
                Err(_) => answer(&link, id, &LookupAck::failed(Code::Internal, 0)),
            }
            drop(permit);
        });
    }
}

fn answer(link: &LinkHandle, id: u64, ack: &LookupAck<'_>) {
    // Fails only if the connection is over.
    let _ = link.send(Priority::Reply, |out| ack.encode(id, out));
}
