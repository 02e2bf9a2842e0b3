//! Raw bytes over a stream: both ways, in any pieces, and with a slow reader.

use super::*;

#[tokio::test]
async fn arbitrary_writes_arrive_concatenated() {
    let mut links = Links::new().await;
    for seed in 0..24 {
        let (mut near, mut far) = links.streams(&StreamConfig::default()).await;
        let mut dice = Dice(seed);
        let writes: Vec<_> = (0..40)
            .map(|_| {
                let len = [3, 100, 33_000, 70_000, 200_000][dice.roll(5)];
                let len = dice.roll(len);
                dice.bytes(len)
            })
            .collect();
        let expected = writes.concat();
        let writer = tokio::spawn(async move {
            for write in writes {
                near.write_all(&write).await.unwrap();
            }
            near.shutdown().await.unwrap();
            near
        });
        let mut got = Vec::new();
        loop {
            let mut piece = vec![0; 1 + dice.roll(100_000)];
            match soon(far.read(&mut piece)).await.unwrap() {
                0 => break,
                len => got.extend_from_slice(&piece[..len]),
            }
        }
        assert!(got == expected, "seed {seed}: {} bytes for {}", got.len(), expected.len());
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn both_directions_at_once_through_split_halves() {
    let (_links, near, far) = pair().await;
    let sent = Dice(1).bytes(3_000_000);
    let echo = tokio::spawn(async move {
        let (mut reading, mut writing) = tokio::io::split(far);
        tokio::io::copy(&mut reading, &mut writing).await.unwrap();
        writing.shutdown().await.unwrap();
        // Kept until the other end has read all of it.
        (reading, writing)
    });
    let (mut reading, mut writing) = tokio::io::split(near);
    let mut got = Vec::new();
    let (wrote, read) = soon(async {
        tokio::join!(
            async {
                writing.write_all(&sent).await?;
                writing.shutdown().await
            },
            reading.read_to_end(&mut got)
        )
    })
    .await;
    wrote.unwrap();
    read.unwrap();
    assert!(got == sent);
    echo.await.unwrap();
}

#[tokio::test]
async fn a_slow_reader_holds_the_writer_up_and_loses_nothing() {
    const TOTAL: usize = 8 << 20;
    let (_links, mut near, mut far) = pair().await;
    let written = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = written.clone();
    let writer = tokio::spawn(async move {
        let mut dice = Dice(5);
        let block = dice.bytes(64 * 1024);
        for _ in 0..TOTAL / block.len() {
            near.write_all(&block).await.unwrap();
            count.fetch_add(block.len(), std::sync::atomic::Ordering::Relaxed);
        }
        near.shutdown().await.unwrap();
        near
    });
    // Nobody reads: the writer gets as far as the window of the mux and the buffers on the way.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let ahead = written.load(std::sync::atomic::Ordering::Relaxed);
    assert!((64 << 10..2 << 20).contains(&ahead), "{ahead} bytes ahead");
    let block = Dice(5).bytes(64 * 1024);
    let mut got = vec![0; 10_007];
    let mut total = 0;
    loop {
        let len = soon(far.read(&mut got)).await.unwrap();
        if len == 0 {
            break;
        }
        for byte in &got[..len] {
            assert_eq!(*byte, block[total % block.len()], "at {total}");
            total += 1;
        }
        if total % 17 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert_eq!(total, TOTAL);
    writer.await.unwrap();
}

#[tokio::test]
async fn raw_bytes_alone_need_no_task() {
    let (_links, mut near, mut far) = pair().await;
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    near.write_all(b"hello").await.unwrap();
    near.shutdown().await.unwrap();
    let mut got = String::new();
    soon(far.read_to_string(&mut got)).await.unwrap();
    assert_eq!(got, "hello");
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), before);
}

#[tokio::test]
async fn a_stream_knows_its_peer_and_its_meta() {
    let (_links, near, far) = pair().await;
    assert_eq!(near.peer().to_string(), "service files");
    assert_eq!(far.peer(), &Peer::Edge(EdgeId(7)));
    assert_eq!(&far.meta()[..], b"meta");
}
