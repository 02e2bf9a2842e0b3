//! Connections on threads, and how they move.

use super::*;
use std::thread::ThreadId;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(10);

fn start(threads: usize) -> CarrierThreads {
    CarrierThreads::start_so_many(threads, Duration::ZERO).unwrap()
}

/// A connection that tells on which thread it is, whenever it is asked.
fn connection(carriers: &Arc<Carriers>) -> mpsc::UnboundedSender<oneshot::Sender<ThreadId>> {
    let (ask, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<ThreadId>>();
    carriers.carry(async move {
        while let Some(answer) = asked.recv().await {
            let _ = answer.send(std::thread::current().id());
        }
    });
    ask
}

async fn thread_of(connection: &mpsc::UnboundedSender<oneshot::Sender<ThreadId>>) -> ThreadId {
    let (tell, told) = oneshot::channel();
    connection.send(tell).unwrap();
    timeout(DEADLINE, told).await.unwrap().unwrap()
}

fn connections(carriers: &Carriers) -> Vec<usize> {
    carriers.0.iter().map(|carrier| carrier.connections.load(Ordering::Relaxed)).collect()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let so = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(DEADLINE, so).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

#[tokio::test]
async fn connections_share_a_thread_that_is_not_busy() {
    let threads = start(3);
    let all: Vec<_> = (0..5).map(|_| connection(&threads.carriers)).collect();
    let first = thread_of(&all[0]).await;
    for connection in &all {
        assert_eq!(thread_of(connection).await, first);
    }
    assert_eq!(connections(&threads.carriers), [5, 0, 0]);
    drop(all);
    until("who has left is not counted", || connections(&threads.carriers) == [0, 0, 0]).await;
}

#[tokio::test]
async fn a_new_connection_goes_where_there_is_room() {
    let threads = start(3);
    let loads = |loads: [load::Share; 3]| {
        threads.carriers.0.iter().zip(loads).for_each(|(carrier, load)| carrier.load.note(load));
        threads.carriers.place()
    };
    assert_eq!(loads([0, 0, 0]), 0);
    assert_eq!(loads([500, 0, 0]), 0);
    assert_eq!(loads([700, 100, 0]), 1);
    assert_eq!(loads([900, 800, 700]), 2);
}

#[tokio::test]
async fn busy_threads_give_and_threads_with_little_to_do_give_all() {
    let threads = start(2);
    let [first, second] = &*threads.carriers.0 else { panic!("two threads") };
    threads.carriers.decide(0, 900);
    assert!(!first.load.take_order().is_some_and(|_| true), "it may have been a moment");
    threads.carriers.decide(0, 900);
    assert_eq!((first.load.take_order(), first.load.take_order()), (Some(1), None));

    threads.carriers.decide(1, 500);
    assert!(!second.load.has_order(), "it has its share");
    threads.carriers.decide(0, 900);
    threads.carriers.decide(0, 900);
    assert!(!first.load.has_order(), "the other one has enough to do");

    threads.carriers.decide(0, 100);
    threads.carriers.decide(1, 200);
    assert_eq!(second.load.take_order(), Some(0), "one of them can do it all");
    assert!(!first.load.has_order(), "and the first one is to");
}

#[tokio::test]
async fn a_connection_that_is_to_move_goes_on_elsewhere_and_misses_nothing() {
    let threads = start(2);
    let (carriers, started) = (&threads.carriers, std::time::Instant::now());
    let connection = connection(carriers);
    let first = thread_of(&connection).await;
    let moved = async {
        loop {
            // As its thread decides once a period, of which there are some while this is tried.
            carriers.0[0].load.move_all(1);
            if thread_of(&connection).await != first {
                break;
            }
        }
    };
    timeout(DEADLINE, moved).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1), "it has not just come");
    carriers.0[0].load.keep_all();
    until("it is counted where it is", || connections(carriers) == [0, 1]).await;
    assert_ne!(thread_of(&connection).await, first, "the new one has only just begun");
}

#[tokio::test]
async fn what_is_carried_ends_with_the_threads() {
    let threads = start(2);
    let (kept, lost) = oneshot::channel::<()>();
    threads.carriers.carry(async move {
        let _kept = kept;
        std::future::pending().await
    });
    drop(threads);
    assert!(timeout(DEADLINE, lost).await.unwrap().is_err());
}

#[tokio::test]
async fn a_runtime_with_one_thread_carries_connections_itself() {
    assert!(CarrierThreads::start(Duration::ZERO).unwrap().is_none());
    let spinning = CarrierThreads::start(Duration::from_micros(50)).unwrap();
    assert_eq!(spinning.unwrap().carriers.0.len(), 1, "unless it is to stay awake");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn there_are_as_many_as_the_runtime_has() {
    assert_eq!(CarrierThreads::start(Duration::ZERO).unwrap().unwrap().carriers.0.len(), 3);
}

/// Else connections would move all the time.
#[tokio::test]
async fn a_thread_that_stays_awake_for_nothing_is_not_busy() {
    let threads = CarrierThreads::start_so_many(2, Spin::MAX).unwrap();
    let connection = connection(&threads.carriers);
    let first = &threads.carriers.0[0];
    let until = std::time::Instant::now() + Duration::from_secs(2);
    while std::time::Instant::now() < until {
        thread_of(&connection).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (idle, share) = (first.spin.idle(), first.load.share());
    assert!(idle > Duration::from_secs(1), "awake in vain for {idle:?}");
    assert!(share < load::FREE, "{share} thousandths");
}
