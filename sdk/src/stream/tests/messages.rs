//! Messages over a stream: their outcomes, their order, and those that nobody takes.

use super::*;
use frontier_protocol::Code;

#[tokio::test]
async fn a_message_is_done_failed_or_dropped() {
    let (_links, near, far) = pair().await;
    let receiver = tokio::spawn(async move {
        let message = far.recv().await.unwrap();
        assert_eq!(
            (message.topic.as_str(), &message.data[..], &message.custom[..]),
            ("t", &b"1"[..], &b"c"[..])
        );
        message.done();
        far.recv().await.unwrap().fail("disk full");
        drop(far.recv().await.unwrap());
        far
    });
    soon(near.publish("t", "1").custom("c").into_future()).await.unwrap();
    let failed = soon(near.publish("t", "2").into_future()).await.unwrap_err();
    assert_eq!(failed.to_string(), "application error: disk full");
    let dropped = soon(near.publish("t", "3").into_future()).await.unwrap_err();
    assert_eq!(dropped.code, Code::NotDone);
    receiver.await.unwrap();
}

#[tokio::test]
async fn many_messages_both_ways_at_once() {
    let (_links, near, far) = pair().await;
    let run = |stream: Stream| async move {
        let receiver = stream.clone();
        let received = tokio::spawn(async move {
            for _ in 0..500 {
                receiver.recv().await.unwrap().done();
            }
        });
        let sent = (0..500).map(|n: u32| tokio::spawn(stream.publish("t", n.to_string()).into_future()));
        for sent in sent.collect::<Vec<_>>() {
            sent.await.unwrap().unwrap();
        }
        received.await.unwrap();
        stream
    };
    soon(async { tokio::join!(run(near), run(far)) }).await;
}

#[tokio::test]
async fn messages_come_in_order_and_wait_when_nobody_takes_them() {
    let mut links = Links::new().await;
    let config = StreamConfig { receive_queue: 4, ..StreamConfig::default() };
    let (near, far) = links.streams(&config).await;
    // The acks are what the senders wait for; the messages go out one after the other.
    let mut sent = Vec::new();
    for n in 0..10_u32 {
        let mut publish = near.publish("t", n.to_string()).into_future();
        assert!(futures_util::poll!(&mut publish).is_pending());
        sent.push(publish);
    }
    Pump::read(far.core());
    eventually(|| far.core().reader.lock().undelivered.is_some()).await;
    for n in 0..10_u32 {
        let message = soon(far.recv()).await.unwrap();
        assert_eq!(&message.data[..], n.to_string().as_bytes());
        message.done();
    }
    for sent in sent {
        soon(sent).await.unwrap();
    }
}

#[tokio::test]
async fn a_message_that_fits_no_frame_is_refused_here() {
    let (_links, near, far) = pair().await;
    let max = StreamConfig::default().max_frame;
    let error = near.publish("t", vec![0; max]).await.unwrap_err();
    assert_eq!(error.code, Code::TooLarge);
    assert!(error.text.contains("raw bytes"), "{error}");
    assert_eq!(near.call("m", vec![0; 2 * max]).await.unwrap_err().code, Code::TooLarge);
    assert_eq!(near.call("m".repeat(70_000), "").await.unwrap_err().code, Code::TooLarge);

    // 16 of header, 8 of fields, 1 of topic: the longest that fits, fits.
    let longest = tokio::spawn(near.publish("t", vec![1; max - 25]).into_future());
    let message = soon(far.recv()).await.unwrap();
    assert_eq!(message.data.len(), max - 25);
    message.done();
    soon(longest).await.unwrap().unwrap();
    assert_eq!(near.publish("t", vec![1; max - 24]).await.unwrap_err().code, Code::TooLarge);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_nobody_takes_runs_late() {
    let (_links, near, _far) = pair().await;
    let error = near.publish("t", "x").timeout(Duration::from_secs(3)).await.unwrap_err();
    assert_eq!(error.code, Code::Deadline);
}

#[tokio::test]
async fn a_very_long_reason_is_clipped() {
    let (_links, near, far) = pair().await;
    let sent = tokio::spawn(near.publish("t", "x").into_future());
    soon(far.recv()).await.unwrap().fail("x".repeat(1 << 20));
    let error = soon(sent).await.unwrap().unwrap_err();
    assert_eq!((error.code, error.text.len()), (Code::Application, 4096));
}
