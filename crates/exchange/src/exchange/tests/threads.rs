//! The same from many threads at once: peers send, reply, cancel, and come and go beside each other.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

const REQUESTS: u16 = 500;

/// Sends requests, each of which is replied to or fails. How many replies came for each.
fn asks(edge: &TestPeer, cancels: bool) -> Vec<(u64, Code)> {
    let mut told = Vec::new();
    for id in (1..=REQUESTS).map(u64::from) {
        edge.send(if id % 2 == 0 { call(id, Destination::Name) } else { acked(id, Destination::Name) });
        if cancels && id % 7 == 0 {
            edge.cancel(id);
        }
        told.extend(edge.codes());
    }
    // Whoever takes a request out of the table gives the reply a moment later.
    let start = Instant::now();
    let is_told = |told: &[_]| cancels || told.len() >= usize::from(REQUESTS);
    while edge.peer.sent() > 0 || !is_told(&told) {
        assert!(start.elapsed() < Duration::from_secs(20), "each is answered: {} of {REQUESTS}", told.len());
        std::thread::yield_now();
        told.extend(edge.codes());
    }
    told.extend(edge.codes());
    told
}

/// Ends those who serve, also where the test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Replies to whatever comes, and leaves now and then with what it has not read.
fn serves(exchange: &Arc<Exchange>, id: u64, is_over: &AtomicBool) {
    let join = || TestPeer::service(exchange, id, &["m"], &["t"]);
    let mut service = join();
    for round in 0.. {
        service.requests().iter().for_each(|request| service.reply(request, ok()));
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        if round % 64 == 0 {
            if round % 128 == 0 {
                service.leave()
            } else {
                service.vanish()
            }
            assert!(!service.peer.has_pending());
            service = join();
        }
        std::thread::yield_now();
    }
    service.requests().iter().for_each(|request| service.reply(request, ok()));
}

#[test]
fn each_request_is_answered_once_whoever_comes_and_goes_meanwhile() {
    let exchange = testing::exchange();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let _ends = Ends(&is_over);
        for id in 1..=3 {
            let (exchange, is_over) = (&exchange, &is_over);
            threads.spawn(move || serves(exchange, id, is_over));
        }
        let edges: Vec<_> = (1..=3)
            .map(|id| {
                let edge = TestPeer::edge(&exchange, id);
                threads.spawn(move || (asks(&edge, id == 3), edge))
            })
            .collect();
        let mut ends = edges.into_iter().map(|edge| edge.join().unwrap());
        let (mut all, mut cancelled) = (Vec::new(), 0);
        for place in 0..3 {
            let (told, edge) = ends.next().unwrap();
            assert!(!edge.peer.has_pending());
            let mut ids: Vec<u64> = told.iter().map(|(id, _)| *id).collect();
            ids.sort_unstable();
            let before = ids.len();
            ids.dedup();
            assert_eq!(ids.len(), before, "no request is answered twice");
            match place {
                2 => cancelled = usize::from(REQUESTS) - ids.len(),
                _ => assert!(ids.into_iter().eq((1..=REQUESTS).map(u64::from)), "each is answered"),
            }
            all.extend(told);
        }
        assert!(cancelled <= usize::from(REQUESTS / 7));
        assert!(all.iter().any(|(_, code)| *code == Code::Ok));
    });
    let mut left = 0;
    exchange.for_each(|_| left += 1);
    assert_eq!(left, 0);
}
