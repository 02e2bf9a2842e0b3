//! Which answers of the directory and of an edge that hops are possible.

use crate::calls::answered;
use crate::replica::Replica;
use frontier_sdk::{ClusterService, Code, EdgeId};
use frontier_tests::within;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;

/// The pause between two lookups, and between two calls.
const POLL_INTERVAL: Duration = Duration::from_millis(3);

/// What is known of the hops, and so what may be answered.
///
/// Reports go their own way, so a lookup may give an earlier place than the last one, for as long as the
/// directory has not heard of that. What holds is: a lookup gives the place of a hop that has begun, and once
/// one has given the place of some hop, none that begins later, at whatever replica, gives an earlier one.
#[derive(Default)]
pub(super) struct Track {
    hops: Mutex<Hops>,
    /// The latest hop that was found by anyone.
    found: AtomicU64,
    /// The latest hop such that it and all before it are closed.
    closed: AtomicU64,
    tally: Mutex<BTreeMap<String, u64>>,
    /// By how much a stamp was off, at most, in microseconds: too small and too great.
    off: [AtomicU64; 2],
}

#[derive(Default)]
struct Hops {
    /// The gateway of each, in their order; they are counted from 1.
    gateways: Vec<String>,
    /// When each set out.
    begun: Vec<SystemTime>,
    /// The last hop that came to a gateway from an address. To another gateway the system may give the same
    /// address again at once.
    by_way: HashMap<(String, String), u64>,
    /// When each was let in.
    let_in: HashMap<u64, SystemTime>,
}

impl Track {
    /// The edge sets out.
    pub(super) fn begins(&self, hop: u64, gateway: &str) {
        let mut hops = self.hops();
        hops.gateways.push(gateway.to_owned());
        hops.begun.push(SystemTime::now());
        assert_eq!(hops.gateways.len() as u64, hop);
    }

    /// It is let in, from this address.
    pub(super) fn is_from(&self, hop: u64, addr: String) {
        let gateway = self.gateway(hop);
        let mut hops = self.hops();
        hops.by_way.insert((gateway, addr), hop);
        hops.let_in.insert(hop, SystemTime::now());
    }

    pub(super) fn is_closed_up_to(&self, hop: u64) {
        self.closed.fetch_max(hop, Ordering::SeqCst);
    }

    /// From here on nothing older may be.
    pub(super) fn is_found(&self, hop: u64) {
        self.found.fetch_max(hop, Ordering::SeqCst);
    }

    /// The hop that the record of a connection is of: its gateway, and the address that it came from.
    pub(super) fn hop_of(&self, gateway: &str, addr: &str) -> Option<u64> {
        self.hops().by_way.get(&(gateway.to_owned(), addr.to_owned())).copied()
    }

    /// As [`hop_of`](Self::hop_of), of an edge that has just come: the service may be about to hear of it.
    async fn hop_soon(&self, gateway: &str, addr: &str) -> u64 {
        loop {
            if let Some(hop) = self.hop_of(gateway, addr) {
                return hop;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// What has happened so far, in words.
    pub(super) fn summary(&self) -> String {
        let [early, late] = self.off.each_ref().map(|off| off.load(Ordering::Relaxed));
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{tally:?}; stamps were {early} us too small and {late} us too great, at most")
    }

    /// The stamp of a hop lies between its beginning and when it was let in, but for what the clocks of the
    /// gateways are off.
    fn notes_stamp(&self, hop: u64, stamp: u64) {
        let hops = self.hops();
        let micros = |time: SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).expect("a time of our days");
            u64::try_from(since.as_micros()).expect("a time of our days")
        };
        let begun = micros(hops.begun[usize::try_from(hop).expect("few hops") - 1]);
        let let_in = micros(hops.let_in[&hop]);
        for (off, by) in self.off.iter().zip([begun.saturating_sub(stamp), stamp.saturating_sub(let_in)]) {
            off.fetch_max(by, Ordering::Relaxed);
        }
    }

    /// Looks the edge up in both ways until `stop`. Panics at a wrong answer.
    pub(super) async fn look_up(self: Arc<Self>, mut replica: Replica, id: u64, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let floor = self.found.load(Ordering::SeqCst);
            match replica.edge(id).await.expect("the directory answers") {
                None => self.count("edge: offline"),
                Some(record) => {
                    let (gateway, addr) = (&record.frontier_id, &record.addr);
                    let hop = within("an edge came there from there", self.hop_soon(gateway, addr)).await;
                    assert!(hop >= floor, "hop {hop} was found after hop {floor}");
                    self.is_found(hop);
                    self.notes_stamp(hop, record.stamp);
                    self.count("edge: found");
                }
            }
            let floor = self.found.load(Ordering::SeqCst);
            match replica.frontier_of(id).await.expect("the directory answers") {
                None => self.count("frontier: offline"),
                Some(frontier) => {
                    let since: Vec<String> = self.since(floor);
                    assert!(since.contains(&frontier), "{frontier} after hop {floor}, of {since:?}");
                    self.count("frontier: found");
                }
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Calls the edge until `stop`. Each call is answered by a connection that was not closed before, or fails
    /// with an error that says why.
    pub(super) async fn call(self: Arc<Self>, service: ClusterService, id: EdgeId, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let closed = self.closed.load(Ordering::SeqCst);
            match answered(service.call(id, "which", "")).await {
                Ok(answer) => {
                    let hop = std::str::from_utf8(&answer.data).expect("a number").parse().expect("a number");
                    assert!(closed < hop, "hop {hop} has answered, and {closed} was closed");
                    self.gateway(hop);
                    self.count("call: answered");
                }
                Err(error) => {
                    let is_typed = matches!(error.code(), Code::EdgeNotOnline | Code::Disconnected);
                    assert!(is_typed, "{error}");
                    self.count(&format!("call: {:?}", error.code()));
                }
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    fn gateway(&self, hop: u64) -> String {
        self.since(hop).swap_remove(0)
    }

    /// The gateways of this hop and of those behind it.
    fn since(&self, hop: u64) -> Vec<String> {
        let first = usize::try_from(hop.saturating_sub(1)).expect("few hops");
        self.hops().gateways[first..].to_vec()
    }

    fn count(&self, what: &str) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        *tally.entry(what.to_owned()).or_default() += 1;
    }

    fn hops(&self) -> std::sync::MutexGuard<'_, Hops> {
        self.hops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
