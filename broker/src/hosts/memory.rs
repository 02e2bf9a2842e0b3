//! What hosts have said, for the broker that takes the sessions up next: it need not wait until they say so again.

use super::read;
use crate::dispatch::DispatchHandle;
use crate::sessions::now_ms;
use bytes::{BufMut, Bytes, BytesMut};
use frontier_sdk::{EdgeId, Request};
use frontier_sessions_redis::RedisStore;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

/// How much of it may wait to be noted. What is more is noted when it is said again.
const WAITING: usize = 4096;

/// How often it is noted.
const NOTING: Duration = Duration::from_millis(200);

/// Takes what hosts say. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Memory(mpsc::Sender<(u64, Bytes)>);

impl Memory {
    /// One that notes it in the store, and forgets who says nothing for `ttl`. It ends when all handles are gone.
    pub(crate) fn start(store: RedisStore, ttl: Duration) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(note(store, ttl, receiver));
        Self(sender)
    }

    /// A host has said this.
    pub(super) fn said(&self, request: &Request) {
        if let Some(edge) = request.edge_id {
            // It is said again soon.
            let _ = self.0.try_send((edge.0, request.data.clone()));
        }
    }
}

/// Each text has when it was heard before it, in ms since 1970.
fn dated(now: u64, said: &Bytes) -> Bytes {
    let mut text = BytesMut::with_capacity(8 + said.len());
    text.put_u64(now);
    text.put(&said[..]);
    text.freeze()
}

async fn note(store: RedisStore, ttl: Duration, mut said: mpsc::Receiver<(u64, Bytes)>) {
    let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
    let mut heard: HashMap<u64, u64> = HashMap::new();
    let mut tick = interval(NOTING);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let mut fresh = Vec::new();
        if said.recv_many(&mut fresh, WAITING).await == 0 {
            return;
        }
        let now = now_ms();
        heard.extend(fresh.iter().map(|(edge, _)| (*edge, now)));
        let fresh: BTreeMap<u64, Bytes> = fresh.into_iter().collect();
        let fresh = fresh.into_iter().map(|(edge, said)| (edge, dated(now, &said))).collect();
        let gone: Vec<u64> = heard
            .iter()
            .filter(|(_, at)| now.saturating_sub(**at) > 2 * ttl)
            .map(|(edge, _)| *edge)
            .collect();
        heard.retain(|edge, _| !gone.contains(edge));
        let mut noted = store.note_hosts(fresh).await;
        if noted.is_ok() && !gone.is_empty() {
            noted = store.forget_hosts(&gone).await;
        }
        if let Err(error) = noted {
            // They are known here, and say it again.
            tracing::debug!(%error, "what hosts say is not noted");
        }
    }
}

/// Tells the dispatchers what hosts have said to the broker before, as long as it counts.
pub(crate) async fn restore(store: &RedisStore, ttl: Duration, dispatch: &DispatchHandle) {
    let hosts = match store.hosts().await {
        Ok(hosts) => hosts,
        Err(error) => return tracing::warn!(%error, "hosts are known when they say who they are"),
    };
    let (now, ttl) = (now_ms(), u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
    let (mut gone, mut count) = (Vec::new(), 0_u64);
    for (edge, text) in hosts {
        let (at, said) = match text.split_first_chunk() {
            Some((at, said)) => (u64::from_be_bytes(*at), said),
            None => (0, &[][..]),
        };
        let mut request = Request::new(frontier_sdk::host::wire::ANNOUNCE, said.to_vec());
        request.edge_id = Some(EdgeId(edge));
        match read(&request) {
            Ok(event) if now.saturating_sub(at) <= ttl => {
                dispatch.tell(event).await;
                count += 1;
            }
            _ => gone.push(edge),
        }
    }
    if !gone.is_empty()
        && let Err(error) = store.forget_hosts(&gone).await
    {
        tracing::debug!(%error, "hosts that are gone are not forgotten");
    }
    tracing::info!(hosts = count, "hosts are known that the broker before has heard of");
}
