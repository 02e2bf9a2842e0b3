use super::{Context, PATIENCE};
use frontier_protocol::{Code, Lookup, LookupAck, retry_detail};
use frontier_transport::{LinkHandle, Priority};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Lookups of one frontier that may be under way at once.
const AT_ONCE: usize = 256;

/// How long one that is refused should wait.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers the lookups of one frontier, beside its reports.
pub(super) struct Lookups {
    context: Arc<Context>,
    link: LinkHandle,
    permits: Arc<Semaphore>,
}

impl Lookups {
    pub(super) fn new(context: Arc<Context>, link: LinkHandle) -> Self {
        Self { context, link, permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Starts a lookup. Its answer comes when it comes.
    pub(super) fn start(&self, id: u64, lookup: Lookup) {
        let link = self.link.clone();
        let Ok(permit) = self.permits.clone().try_acquire_owned() else {
            let refused = LookupAck::failed(Code::Overloaded, retry_detail(PAUSE));
            return answer(&link, id, &refused);
        };
        let context = self.context.clone();
        tokio::spawn(async move {
            let edge = [lookup.edge.0];
            let found = tokio::time::timeout(PATIENCE, context.directory.frontiers_by_edge(&edge)).await;
            match found.map(|found| found.map(|mut found| found.pop().flatten())) {
                Ok(Ok(Some(frontier))) => {
                    let (frontier, url) = (&frontier.id, &frontier.advertised_sb_addr);
                    let found = LookupAck { code: Code::Ok, detail: 0, frontier, servicebound: url };
                    answer(&link, id, &found);
                }
                Ok(Ok(None)) => answer(&link, id, &LookupAck::failed(Code::EdgeNotOnline, 0)),
                Ok(Err(_)) | Err(_) => answer(&link, id, &LookupAck::failed(Code::Internal, 0)),
            }
            drop(permit);
        });
    }
}

fn answer(link: &LinkHandle, id: u64, ack: &LookupAck<'_>) {
    // Fails only if the connection is over.
    let _ = link.send(Priority::Answer, |out| ack.encode(id, out));
}
