//! Links beside the `yamux` crate, which is another make of the same protocol, in both roles.

use crate::world::{config, drive, read_all};
use frontier_transport::{Link, Priority};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};
use yamux::{Connection, Mode, Stream};

const BULK: usize = 1 << 20;

/// The other make, driven by a task: streams that it is to open, and those that it was given.
struct Other {
    open: mpsc::UnboundedSender<()>,
    opened: mpsc::UnboundedReceiver<Stream>,
    accepted: mpsc::UnboundedReceiver<Stream>,
}

fn other(io: DuplexStream, mode: Mode) -> Other {
    let mut connection: Connection<Compat<DuplexStream>> =
        Connection::new(io.compat(), yamux::Config::default(), mode);
    let (open, mut wanted) = mpsc::unbounded_channel();
    let (opened_in, opened) = mpsc::unbounded_channel();
    let (accepted_in, accepted) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut waits = false;
        poll_fn(|cx| {
            loop {
                waits |= wanted.poll_recv(cx).is_ready();
                if waits && let std::task::Poll::Ready(Ok(stream)) = connection.poll_new_outbound(cx) {
                    waits = false;
                    let _ = opened_in.send(stream);
                    continue;
                }
                match std::task::ready!(connection.poll_next_inbound(cx)) {
                    Some(Ok(stream)) => drop(accepted_in.send(stream)),
                    _ => return std::task::Poll::Ready(()),
                }
            }
        })
        .await;
    });
    Other { open, opened, accepted }
}

async fn write_all(stream: &mut Stream, mut bytes: &[u8]) {
    use tokio_util::compat::FuturesAsyncReadCompatExt as _;
    let mut stream = Pin::new(stream).compat();
    tokio::io::copy(&mut bytes, &mut stream).await.unwrap();
}

async fn finish(stream: &mut Stream) {
    use tokio::io::AsyncWriteExt as _;
    use tokio_util::compat::FuturesAsyncReadCompatExt as _;
    Pin::new(stream).compat().shutdown().await.unwrap();
}

async fn read_rest(stream: &mut Stream) -> Vec<u8> {
    use tokio::io::AsyncReadExt as _;
    use tokio_util::compat::FuturesAsyncReadCompatExt as _;
    let mut all = Vec::new();
    Pin::new(stream).compat().read_to_end(&mut all).await.unwrap();
    all
}

fn ping(out: &mut Vec<u8>) -> Result<(), frontier_protocol::EncodeError> {
    frontier_protocol::ping(7, out);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_dialler_speaks_with_the_other_make() {
    use tokio::io::AsyncWriteExt as _;
    let (a, b) = tokio::io::duplex(64 << 10);
    let link = Link::dial(a, config()).await.unwrap();
    let mut other = other(b, Mode::Server);
    link.handle().send(Priority::Request, ping).unwrap();
    let mut link = drive(link);
    let _lane = other.accepted.recv().await.unwrap();

    let mut here = link.handle.open_stream().await.unwrap();
    let sending = tokio::spawn(async move {
        here.write_all(&vec![5; BULK]).await.unwrap();
        here.shutdown().await.unwrap();
        let answer = read_all(&mut here).await;
        (answer, here.is_reset())
    });
    let mut there = other.accepted.recv().await.unwrap();
    assert!(read_rest(&mut there).await == vec![5; BULK]);
    write_all(&mut there, &vec![6; BULK]).await;
    finish(&mut there).await;
    let (answer, is_reset) = sending.await.unwrap();
    assert!(answer == vec![6; BULK] && !is_reset);

    other.open.send(()).unwrap();
    let mut theirs = other.opened.recv().await.unwrap();
    write_all(&mut theirs, b"hello").await;
    let mut ours = link.stream().await;
    drop(theirs);
    assert_eq!(read_all(&mut ours).await, b"hello");
    assert!(ours.is_reset(), "a drop of the other make is a reset");
}

#[tokio::test(start_paused = true)]
async fn an_acceptor_speaks_with_the_other_make() {
    use tokio::io::AsyncWriteExt as _;
    let (a, b) = tokio::io::duplex(64 << 10);
    let mut other = other(b, Mode::Client);
    other.open.send(()).unwrap();
    let mut lane = other.opened.recv().await.unwrap();
    let mut frame = Vec::new();
    ping(&mut frame).unwrap();
    write_all(&mut lane, &frame).await;
    let mut link = drive(Link::accept(a, Arc::new(config())).await.unwrap());

    // More than it may have unacknowledged, which it waits for: none waits for an answer.
    let mut kept = Vec::new();
    for _ in 0..60 {
        other.open.send(()).unwrap();
        let mut theirs = other.opened.recv().await.unwrap();
        write_all(&mut theirs, b"x").await;
        kept.push((theirs, link.stream().await));
    }
    for (theirs, ours) in &mut kept {
        assert!(!theirs.is_closed());
        drop(ours.write_all(b"y").await);
    }
    // The clock stands still: after no longer than that all are acknowledged.
    tokio::time::sleep(Duration::from_millis(6)).await;
    let pending = kept.iter().filter(|(theirs, _)| theirs.is_pending_ack()).count();
    assert_eq!(pending, 0);
    let (mut theirs, ours) = kept.pop().unwrap();
    drop(ours);
    assert_eq!(read_rest(&mut theirs).await, b"y");
    assert!(theirs.is_closed(), "it was told of the drop");
}
