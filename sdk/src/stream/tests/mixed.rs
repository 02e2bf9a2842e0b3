//! Raw bytes, messages and calls on one stream: one order for all.

use super::*;

#[tokio::test]
async fn raw_bytes_and_messages_mix() {
    let (_links, near, far) = pair().await;
    far.register("echo", |request: StreamRequest| async move { Ok(StreamResponse::new(request.data)) });
    let data = Dice(3).bytes(4_000_000);
    let (expected, mut writer) = (data.clone(), near.clone());
    let writing = tokio::spawn(async move {
        writer.write_all(&data).await.unwrap();
        Stream::shutdown(&writer).await
    });
    let (mut reader, receiver) = (far.clone(), far.clone());
    let reading = tokio::spawn(async move {
        let mut got = Vec::new();
        reader.read_to_end(&mut got).await.unwrap();
        got
    });
    let receiving = tokio::spawn(async move {
        let mut count = 0;
        while let Some(message) = receiver.recv().await {
            count += 1;
            message.done();
        }
        count
    });
    let mut rounds = 0;
    for n in 0..30_u32 {
        let published = near.publish("t", n.to_string()).await;
        let called = near.call("echo", n.to_string()).await;
        if published.is_err() || called.is_err() {
            break;
        }
        rounds += 1;
    }
    soon(writing).await.unwrap().unwrap();
    assert!(soon(reading).await.unwrap() == expected);
    assert!(soon(receiving).await.unwrap() >= rounds);
}

#[tokio::test]
async fn one_order_holds_for_all() {
    let (_links, mut near, mut far) = pair().await;
    near.write_all(b"before ").await.unwrap();
    let publish = tokio::spawn(near.publish("t", "x").into_future());
    let message = soon(far.recv()).await.unwrap();
    // What came before the message is there, without any waiting.
    let mut got = [0; 32];
    let mut into = ReadBuf::new(&mut got);
    let polled = futures_util::poll!(std::future::poll_fn(|cx| Pin::new(&mut far).poll_read(cx, &mut into)));
    assert!(polled.is_ready());
    assert_eq!(into.filled(), b"before ");
    message.done();
    soon(publish).await.unwrap().unwrap();
    near.write_all(b"behind").await.unwrap();
    let len = soon(far.read(&mut got)).await.unwrap();
    assert_eq!(&got[..len], b"behind");
}

#[tokio::test]
async fn raw_bytes_that_nobody_reads_stop_what_is_behind_them() {
    let mut links = Links::new().await;
    let config = StreamConfig { raw_buffer: 10_000, ..StreamConfig::default() };
    let (mut near, mut far) = links.streams(&config).await;
    near.write_all(&[1; 30_000]).await.unwrap();
    let publish = tokio::spawn(near.publish("t", "x").into_future());
    let receiver = far.clone();
    let mut received = tokio::spawn(async move { receiver.recv().await.unwrap().done() });
    eventually(|| far.core().reader.lock().held() == 10_000).await;
    tokio::time::timeout(Duration::from_millis(20), &mut received).await.unwrap_err();
    assert_eq!(far.core().reader.lock().held(), 10_000, "no more is held");
    let mut got = vec![0; 30_000];
    soon(far.read_exact(&mut got)).await.unwrap();
    soon(received).await.unwrap();
    soon(publish).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_full_inbox_stops_raw_bytes_behind_it() {
    let mut links = Links::new().await;
    let config = StreamConfig { receive_queue: 1, ..StreamConfig::default() };
    let (mut near, mut far) = links.streams(&config).await;
    let mut sent = Vec::new();
    for _ in 0..3 {
        let mut publish = near.publish("t", "x").into_future();
        assert!(futures_util::poll!(&mut publish).is_pending());
        sent.push(publish);
    }
    near.write_all(b"behind").await.unwrap();
    let mut got = [0; 6];
    let stopped = tokio::time::timeout(Duration::from_millis(20), far.read_exact(&mut got)).await;
    assert!(stopped.is_err(), "two messages wait for room for one");
    let mut reader = far.clone();
    let reading = tokio::spawn(async move { reader.read_exact(&mut got).await.map(|_| got) });
    for sent in sent {
        soon(far.recv()).await.unwrap().done();
        soon(sent).await.unwrap();
    }
    assert_eq!(&soon(reading).await.unwrap().unwrap(), b"behind");
}
