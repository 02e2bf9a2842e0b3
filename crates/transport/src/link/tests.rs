//! What an idle link holds: no buffers.

use super::*;
use frontier_protocol::ping;
use handle::Priority;
use std::time::Duration;

fn config() -> LinkConfig {
    LinkConfig {
        max_frame: 1 << 20,
        outbox_soft: 1 << 16,
        outbox_hard: 1 << 20,
        max_streams: 8,
        window_growth: 0,
        bulk_rate: 0,
    }
}

async fn frame(link: &mut Link) -> Frame {
    loop {
        if let Some(frame) = link.frame().unwrap() {
            return frame;
        }
        assert!(matches!(link.next().await, Ok(Event::Frames)));
    }
}

fn send_ping(link: &Link) {
    let pushed = link.handle.send(Priority::Request, |out| {
        ping(1, out);
        Ok(())
    });
    assert_eq!(pushed, Ok(()));
}

fn held(link: &Link) -> usize {
    let outbox = link.handle.shared.outbox.lock().queued.capacity();
    outbox + link.writing.capacity() + link.mux.held()
}

#[tokio::test(start_paused = true)]
async fn an_idle_link_holds_no_buffer() {
    let (a, b) = tokio::io::duplex(1 << 20);
    let mut dialled = Link::dial(a, config()).await.unwrap();
    send_ping(&dialled);
    assert!(held(&dialled) >= buffer::SIZE, "a busy one does");
    let (accepted, ()) = tokio::join!(Link::accept(b, Arc::new(config())), idle(&mut dialled));
    let mut accepted = accepted.unwrap();
    frame(&mut accepted).await;
    send_ping(&accepted);
    tokio::join!(idle(&mut accepted), async {
        frame(&mut dialled).await;
        idle(&mut dialled).await;
    });
    assert_eq!((held(&dialled), held(&accepted)), (0, 0));
    assert!(accepted.decoder.is_empty());

    let refused = accepted.handle.push(Priority::Request, |out| {
        out.push(0);
        Err(frontier_protocol::EncodeError::NameTooLong(0))
    });
    assert!(refused.is_err());
    assert_eq!(held(&accepted), 0, "nor after a frame that was not to be");
}

/// Polls until nothing more happens: the clock is paused, so time passes only then.
async fn idle(link: &mut Link) {
    let event = tokio::time::timeout(Duration::from_secs(1), link.next()).await;
    assert!(event.is_err(), "{event:?}");
}
