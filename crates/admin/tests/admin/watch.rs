//! Watches: their number, their keepalives, slow ones, and their end.

use crate::world::{World, within};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

/// Waits until one more watch may be opened.
async fn a_place_is_free(world: &World) {
    within("a place is given back", async {
        loop {
            let mut stream = world.request("GET /watch HTTP/1.1").await;
            let mut head = [0; 12];
            stream.read_exact(&mut head).await.unwrap();
            if head == *b"HTTP/1.1 200" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_quiet_watch_sends_keepalives_and_ends_with_the_server() {
    let world = World::with("keepalive: 100ms").await;
    let mut lines = BufReader::new(world.request("GET /watch HTTP/1.1").await).lines();
    let mut keepalives = 0;
    while keepalives < 3 {
        let line = within("a keepalive", lines.next_line()).await.unwrap().expect("it goes on");
        keepalives += usize::from(line == "id: 0");
    }
    world.stop.cancel();
    let mut rest = Vec::new();
    while let Some(line) = within("the end", lines.next_line()).await.unwrap() {
        rest.push(line);
    }
    assert!(rest.iter().any(|line| line == "event: end"), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains(r#""code":"UNAVAILABLE""#)), "{rest:?}");
    within("the server ends", world.running).await.unwrap();
}

#[tokio::test]
async fn the_number_of_watches_is_bounded_and_places_are_given_back() {
    let world = World::with("watchers: 1").await;
    let mut held = world.request("GET /watch HTTP/1.1").await;
    held.read_exact(&mut [0; 12]).await.unwrap();
    let (status, body) = world.json("/watch").await;
    assert_eq!((status, body["code"].as_str()), (429, Some("RESOURCE_EXHAUSTED")));
    drop(held);
    a_place_is_free(&world).await;
}

#[tokio::test]
async fn a_watcher_that_does_not_read_is_cut_off() {
    let world = World::with("slow_peer_timeout: 200ms, watchers: 1").await;
    let mut slow = world.request("GET /watch?wide HTTP/1.1").await;
    slow.read_exact(&mut [0; 12]).await.unwrap();
    a_place_is_free(&world).await;
    let mut rest = Vec::new();
    // However it ends, it ends.
    let _ = within("its connection ends", slow.read_to_end(&mut rest)).await;
}
