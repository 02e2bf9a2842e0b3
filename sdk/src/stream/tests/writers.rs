//! Several writers at once, and writes whose future is dropped.

use super::*;
use std::task::Waker;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_do_not_mix_their_frames() {
    let (_links, near, far) = pair().await;
    let mut writers = Vec::new();
    for id in 1..=4_u8 {
        let mut writer = near.clone();
        writers.push(tokio::spawn(async move {
            for _ in 0..200 {
                writer.write_all(&[id; 3000]).await.unwrap();
            }
        }));
        let publisher = near.clone();
        writers.push(tokio::spawn(async move {
            for _ in 0..50 {
                publisher.publish("t", vec![id; 5000]).await.unwrap();
            }
        }));
    }
    let receiver = far.clone();
    let receiving = tokio::spawn(async move {
        for _ in 0..200 {
            let message = receiver.recv().await.unwrap();
            assert!(message.data.len() == 5000 && message.data.iter().all(|byte| *byte == message.data[0]));
            message.done();
        }
    });
    let mut reader = far.clone();
    let mut got = vec![0; 4 * 200 * 3000];
    soon(reader.read_exact(&mut got)).await.unwrap();
    // Each write is shorter than a frame, so it arrives in one piece.
    assert!(got.chunks(3000).all(|write| write.iter().all(|byte| *byte == write[0])));
    for writer in writers {
        soon(writer).await.unwrap();
    }
    soon(receiving).await.unwrap();
}

#[tokio::test]
async fn a_write_that_is_dropped_half_way_breaks_nothing() {
    let (_links, mut near, far) = pair().await;
    let mut expected = Vec::new();
    let mut dice = Dice(11);
    let mut stalls = 0;
    let mut reader = far.clone();
    let mut got = Vec::new();
    for round in 0..60_u8 {
        let block = vec![round; 200_000];
        let mut rest = &block[..];
        // Writes until the stream takes no more, then forgets the write that waits.
        while !rest.is_empty() && stalls <= round {
            let mut cx = Context::from_waker(Waker::noop());
            match Pin::new(&mut near).poll_write(&mut cx, rest) {
                Poll::Ready(len) => {
                    let len = len.unwrap();
                    expected.extend_from_slice(&rest[..len]);
                    rest = &rest[len..];
                }
                Poll::Pending => {
                    stalls += 1;
                    let forgotten = near.publish("t", vec![round; 1000]).into_future();
                    futures_util::pin_mut!(forgotten);
                    let _ = futures_util::poll!(forgotten);
                    break;
                }
            }
        }
        let mut piece = vec![0; 1 + dice.roll(100_000)];
        let len = soon(reader.read(&mut piece)).await.unwrap();
        got.extend_from_slice(&piece[..len]);
    }
    assert!(stalls > 0, "the stream was full at times");
    let receiver = far.clone();
    let receiving = tokio::spawn(async move {
        while let Some(message) = receiver.recv().await {
            message.done();
        }
    });
    let ending = tokio::spawn(async move { (Stream::shutdown(&near).await, near) });
    soon(reader.read_to_end(&mut got)).await.unwrap();
    assert!(got == expected, "{} bytes for {}", got.len(), expected.len());
    soon(ending).await.unwrap().0.unwrap();
    soon(receiving).await.unwrap();
}

#[tokio::test]
async fn what_was_taken_goes_out_though_nobody_flushes() {
    let (_links, mut near, mut far) = pair().await;
    let mut taken = 0;
    let block = vec![7; 60_000];
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(len) = Pin::new(&mut near).poll_write(&mut cx, &block) {
        taken += len.unwrap();
        tokio::task::yield_now().await;
    }
    let mut got = vec![0; taken];
    soon(far.read_exact(&mut got)).await.unwrap();
    assert!(got.iter().all(|byte| *byte == 7));
}

#[tokio::test]
async fn an_end_whose_future_was_dropped_still_goes_out() {
    let (_links, mut near, mut far) = pair().await;
    let mut taken = 0;
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(len) = Pin::new(&mut near).poll_write(&mut cx, &[7; 60_000]) {
        taken += len.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(Pin::new(&mut near).poll_shutdown(&mut cx).is_pending());
    let mut got = Vec::new();
    soon(far.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got.len(), taken);
}
