//! Bulk beside questions: it is slowed down while there are any, in whichever direction, and not otherwise.

use crate::world::{config, connect, drive, filler, message, read_all};
use frontier_transport::{LinkConfig, LinkHandle, Priority};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

const RATE: usize = 1 << 20;
const BULK: usize = 4 << 20;

/// Who asks while the bulk goes.
#[derive(Clone, Copy, Debug)]
enum Asks {
    Nobody,
    ItsSender,
    ItsReceiver,
}

/// How long the bulk takes from one side to the other, over what takes no time by itself.
async fn transfer(asks: Asks, bulk_rate: usize) -> Duration {
    let config = LinkConfig { bulk_rate, ..config() };
    let (a, b) = tokio::io::duplex(64 << 10);
    let (a, b) = connect(a, b, config).await.unwrap();
    let (a, mut b) = (drive(a), drive(b));
    let asker = match asks {
        Asks::Nobody => None,
        Asks::ItsSender => Some(a.handle.clone()),
        Asks::ItsReceiver => Some(b.handle.clone()),
    };
    let asking = asker.map(|asker| tokio::spawn(keep_asking(asker)));
    let start = Instant::now();
    let mut bulk = a.handle.open_stream().await.unwrap();
    let sent = filler(7, BULK);
    let write = async {
        bulk.write_all(&sent).await.unwrap();
        bulk.shutdown().await.unwrap();
    };
    let read = async { read_all(&mut b.stream().await).await };
    let ((), got) = tokio::join!(write, read);
    assert!(got == sent, "the bytes are the same");
    if let Some(asking) = asking {
        asking.abort();
    }
    start.elapsed()
}

async fn keep_asking(link: LinkHandle) {
    for id in 1.. {
        link.send(Priority::Request, message(id, 64)).unwrap();
        tokio::time::sleep(Duration::from_micros(700)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_slowed_down_to_its_rate_by_questions_either_way() {
    for asks in [Asks::ItsSender, Asks::ItsReceiver] {
        let took = transfer(asks, RATE).await.as_secs_f64();
        let due = BULK as f64 / RATE as f64;
        // What goes before the first question comes is free.
        assert!((due * 0.9..due * 1.1).contains(&took), "{took} s, due are {due}: {asks:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_not_slowed_down_without_questions_or_without_a_bound() {
    assert_eq!(transfer(Asks::Nobody, RATE).await, Duration::ZERO);
    let took = transfer(Asks::ItsSender, 0).await;
    assert!(took < Duration::from_millis(10), "{took:?}");
}
