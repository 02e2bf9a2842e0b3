//! How streams end: half closed, closed, reset or lost, and what is left of them.

use super::*;
use frontier_protocol::Code;

#[tokio::test]
async fn half_a_close_leaves_the_other_direction_open() {
    let (_links, mut near, mut far) = pair().await;
    near.write_all(b"question").await.unwrap();
    soon(Stream::shutdown(&near)).await.unwrap();
    let mut got = String::new();
    soon(far.read_to_string(&mut got)).await.unwrap();
    assert_eq!(got, "question");
    assert_eq!(far.read(&mut [0; 8]).await.unwrap(), 0, "the end stays the end");

    far.write_all(b"answer").await.unwrap();
    far.shutdown().await.unwrap();
    got.clear();
    soon(near.read_to_string(&mut got)).await.unwrap();
    assert_eq!(got, "answer");
}

#[tokio::test]
async fn nothing_is_sent_after_a_shutdown() {
    let (_links, mut near, far) = pair().await;
    near.shutdown().await.unwrap();
    near.shutdown().await.unwrap();
    assert_eq!(near.write(b"more").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    let error = near.publish("t", "more").await.unwrap_err();
    assert_eq!(error.to_string(), "denied: this side of the stream was shut down");
    assert_eq!(near.call("m", "more").await.unwrap_err().code, Code::Denied);

    // The reading side goes on.
    let message = tokio::spawn(async move { (far.publish("t", "still").await, far) });
    let got = soon(near.recv()).await.unwrap();
    assert_eq!(&got.data[..], b"still");
    got.done();
    near.reset();
    let (outcome, _far) = soon(message).await.unwrap();
    assert_eq!(outcome.unwrap_err().code, Code::Disconnected, "what is done after the end is not told");
}

#[tokio::test]
async fn an_answer_still_comes_after_ones_own_shutdown() {
    let (_links, near, far) = pair().await;
    let release = Arc::new(tokio::sync::Notify::new());
    let held = release.clone();
    far.register("slow", move |request: StreamRequest| {
        let held = held.clone();
        async move {
            held.notified().await;
            Ok(StreamResponse::new(request.data))
        }
    });
    let call = tokio::spawn(near.call("slow", "x").into_future());
    let served = || far.core().served.running_calls() == 1;
    eventually(served).await;
    soon(Stream::shutdown(&near)).await.unwrap();
    release.notify_one();
    assert_eq!(&soon(call).await.unwrap().unwrap().data[..], b"x");
}

#[tokio::test]
async fn the_peers_end_fails_what_waits_for_its_answers() {
    let (_links, near, far) = pair().await;
    let waiting = tokio::spawn(near.publish("t", "x").into_future());
    let message = soon(far.recv()).await.unwrap();
    soon(Stream::shutdown(&far)).await.unwrap();
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert_eq!(error.code, Code::Disconnected);
    assert!(error.text.contains("shut its side"), "{error}");
    message.done();
    assert_eq!(near.call("m", "").await.unwrap_err().code, Code::Disconnected, "at once");
    assert!(soon(near.recv()).await.is_none());
}

/// Reads until it fails, and returns what was read and how it failed.
async fn read_up(stream: &mut Stream) -> (Vec<u8>, io::ErrorKind) {
    let mut got = Vec::new();
    let error = soon(stream.read_to_end(&mut got)).await.unwrap_err();
    (got, error.kind())
}

#[tokio::test]
async fn a_reset_is_no_end() {
    for drop_it in [true, false] {
        let (_links, mut near, mut far) = pair().await;
        near.write_all(b"half of it").await.unwrap();
        let kept = if drop_it {
            drop(near);
            None
        } else {
            near.reset();
            assert_eq!(near.write(b"x").await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
            assert_eq!(near.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
            Some(near)
        };
        assert_eq!(read_up(&mut far).await, (b"half of it".to_vec(), io::ErrorKind::ConnectionReset));
        assert_eq!(far.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(far.publish("t", "x").await.unwrap_err().code, Code::Disconnected);
        drop(kept);
    }
}

#[tokio::test]
async fn a_lost_connection_is_no_end() {
    let (links, mut near, mut far) = pair().await;
    near.write_all(b"half of it").await.unwrap();
    let mut got = [0; 10];
    soon(far.read_exact(&mut got)).await.unwrap();
    let call = tokio::spawn(far.publish("t", "x").into_future());
    soon(near.recv()).await.unwrap();
    links.cut();
    assert_eq!(read_up(&mut far).await.1, io::ErrorKind::ConnectionReset);
    assert_eq!(soon(call).await.unwrap().unwrap_err().code, Code::Disconnected);
    assert!(soon(near.recv()).await.is_none());
}

#[tokio::test]
async fn a_clean_end_followed_by_a_reset_is_clean() {
    let (_links, mut near, mut far) = pair().await;
    near.write_all(b"all of it").await.unwrap();
    near.shutdown().await.unwrap();
    drop(near);
    let mut got = String::new();
    soon(far.read_to_string(&mut got)).await.unwrap();
    assert_eq!(got, "all of it");
}

#[tokio::test]
async fn the_stream_lives_as_long_as_a_clone() {
    let (_links, near, mut far) = pair().await;
    let mut clone = near.clone();
    drop(near);
    clone.write_all(b"here").await.unwrap();
    let mut got = [0; 4];
    soon(far.read_exact(&mut got)).await.unwrap();
    drop(clone);
    assert_eq!(read_up(&mut far).await.1, io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn nothing_is_left_of_a_stream_that_is_gone() {
    let (links, near, far) = pair().await;
    let (near_core, far_core) = (Arc::downgrade(near.core()), Arc::downgrade(far.core()));
    // A handler that owns the stream it serves.
    let own = far.clone();
    far.register("who", move |_| {
        let peer = own.peer().to_string();
        async move { Ok(StreamResponse::new(peer)) }
    });
    assert_eq!(&soon(near.call("who", "").into_future()).await.unwrap().data[..], b"edge 7");
    drop((near, far));
    eventually(|| near_core.upgrade().is_none() && far_core.upgrade().is_none()).await;
    eventually(|| links.dialler.streams() == 0).await;
}
