//! Joining two legs, and moving a payload from one to another.

use super::*;
use crate::testing::{self, MemoryLeg, legs};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Two legs that are joined, each seen from the peer at its end, whose windows are so large.
fn joined(window: usize, payer: Arc<Peer>) -> (MemoryLeg, MemoryLeg, JoinHandle<()>) {
    let ((a, at_a), (b, at_b)) = (legs::pair(window), legs::pair(window));
    let other = testing::lone(testing::service(1));
    let a = Joined { leg: Box::new(a), payer };
    let b = Joined { leg: Box::new(b), payer: other };
    (at_a, at_b, tokio::spawn(join(a, b, |_, _| ())))
}

fn anyone() -> Arc<Peer> {
    testing::lone(testing::edge(7))
}

/// Lets everything go on that can.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn each_direction_ends_by_itself() {
    let (mut a, mut b, joined) = joined(100, anyone());
    a.send(b"question").await;
    a.end().await;
    assert_eq!(testing::soon(b.rest()).await, b"question");
    b.send(b"answer").await;
    assert_eq!(testing::soon(a.chunk()).await.unwrap(), &b"answer"[..]);
    settle().await;
    assert!(!joined.is_finished() && !a.is_reset() && !b.is_reset());
    b.end().await;
    assert_eq!(testing::soon(a.chunk()).await, None);
    testing::soon(joined).await.unwrap();
    assert!(!a.is_reset() && !b.is_reset());
}

#[tokio::test]
async fn a_reset_of_either_resets_the_other() {
    for is_half_closed in [false, true] {
        let (a, mut b, joined) = joined(100, anyone());
        if is_half_closed {
            b.end().await;
            settle().await;
        }
        drop(a);
        testing::soon(joined).await.unwrap();
        assert!(b.is_reset() && b.is_passed_on());
        assert_eq!(testing::soon(b.chunk()).await, None);
    }
}

#[tokio::test]
async fn a_slow_reader_stops_its_own_direction_and_nothing_else() {
    let (mut a, mut b, joined) = joined(100, anyone());
    let writes = tokio::spawn(async move {
        a.send(&[7; 10_000]).await;
        a
    });
    settle().await;
    assert!(!writes.is_finished());
    b.send(b"back").await;
    let mut read = 0;
    while read < 10_000 {
        read += testing::soon(b.chunk()).await.unwrap().len();
    }
    let mut a = testing::soon(writes).await.unwrap();
    assert_eq!(testing::soon(a.chunk()).await.unwrap(), &b"back"[..]);
    assert!(!joined.is_finished());
}

#[tokio::test]
async fn what_is_held_is_a_chunk_and_both_windows() {
    let (mut a, b, _joined) = joined(100, anyone());
    let mut written = 0;
    // Nobody reads: sooner or later nothing more is taken.
    loop {
        let wrote = tokio::select! {
            biased;
            wrote = std::future::poll_fn(|cx| a.poll_write(cx, &[7; 10])) => wrote.unwrap(),
            () = settle() => break,
        };
        written += wrote;
    }
    assert!(written <= 300, "{written} bytes");
    drop(b);
}

/// In virtual time. The quota's own clock is the real one, by which next to nothing passes.
#[tokio::test(start_paused = true)]
async fn who_is_over_its_quota_waits_and_loses_nothing() {
    let payer = testing::lone(testing::edge(7));
    let quotas = "quotas: [{for: edge, bytes: {rate: 1B, burst: 100B}}]";
    payer.authorization().set(testing::authorization("", quotas, payer.identity(), &[]));
    let (mut a, mut b, _joined) = joined(100, payer.clone());
    a.send(&[1; 100]).await;
    assert_eq!(testing::soon(b.chunk()).await.unwrap().len(), 100, "the burst");
    a.send(&[2; 50]).await;
    assert!(tokio::time::timeout(Duration::from_secs(45), b.chunk()).await.is_err());
    b.send(b"back").await;
    assert_eq!(testing::soon(a.chunk()).await.unwrap(), &b"back"[..], "that direction is not its own");
    payer.authorization().set(None);
    assert_eq!(testing::soon(b.chunk()).await.unwrap(), &[2; 50][..], "it waits for as long as it was told");
}

/// Moves a payload of which so many bytes come, and says how that ended and what the target has got.
async fn copied(len: u64, come: usize, end: impl AsyncFnOnce(MemoryLeg)) -> (Result<(), CopyError>, Vec<u8>) {
    let ((mut from, mut sender), (mut to, mut receiver)) = (legs::pair(1000), legs::pair(1000));
    sender.send(&vec![7; come]).await;
    let copies = async {
        let copied = copy_exact(&mut from, &mut to, len, &mut 0).await;
        drop(to);
        copied
    };
    let (copied, (), got) = tokio::join!(copies, end(sender), receiver.rest());
    (copied, got)
}

#[tokio::test]
async fn a_payload_has_the_length_that_was_announced() {
    let (whole, got) = copied(500, 500, async |_| {}).await;
    assert!(whole.is_ok() && got.len() == 500);
    let (empty, got) = copied(0, 0, async |_| {}).await;
    assert!(empty.is_ok() && got.is_empty());
    let (long, _) = copied(500, 501, async |_| {}).await;
    assert!(matches!(long, Err(CopyError::Source)));
    let (short, _) = copied(500, 499, async |mut sender| {
        sender.end().await;
        settle().await;
    })
    .await;
    assert!(matches!(short, Err(CopyError::Source)));
}

#[tokio::test]
async fn a_payload_whose_sender_or_receiver_is_lost_fails_as_that() {
    let (lost, _) = copied(500, 499, async |sender| drop(sender)).await;
    assert!(matches!(lost, Err(CopyError::Lost)));
    let ((mut from, mut sender), (mut to, receiver)) = (legs::pair(1000), legs::pair(1000));
    sender.send(&[7; 10]).await;
    drop(receiver);
    assert!(matches!(copy_exact(&mut from, &mut to, 10, &mut 0).await, Err(CopyError::Target)));
    assert!(matches!(copy_exact(&mut from, &mut to, 0, &mut 0).await, Err(CopyError::Target)));
}
