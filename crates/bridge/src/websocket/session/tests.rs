//! A session with a peer made by hand, in virtual time.

use super::*;
use crate::ChannelLimits;
use crate::channel::Channel;
use crate::counters::Transport;
use crate::places::Places;
use crate::settings::SessionSettings;
use crate::subscriber::Wish;
use crate::testing::{channel, limits, say};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;

const HEARTBEAT: Duration = Duration::from_secs(15);

/// The other end of a session.
struct Peer {
    io: DuplexStream,
    session: JoinHandle<()>,
}

fn start(channel: &Arc<Channel>, style: Style, buffer: usize) -> Peer {
    let settings = Arc::new(SessionSettings {
        heartbeat: HEARTBEAT,
        handshake_timeout: HEARTBEAT,
        compression: true,
        enforce: Arc::new(|| true),
    });
    let place = Places::new(10, 10).enter([127, 0, 0, 1].into()).unwrap();
    let wish = Wish { after: None, last_values: true };
    let (subscriber, welcome) =
        Subscriber::new(channel.clone(), Transport::WebSocket, settings, &wish, None, place);
    let (near, io) = duplex(buffer);
    let session = Session::new(near, subscriber, style, false).run(welcome, CancellationToken::new());
    Peer { io, session: tokio::spawn(session) }
}

impl Peer {
    /// The next frame: its first byte, and its payload.
    async fn frame(&mut self) -> (u8, String) {
        let mut head = [0; 2];
        self.io.read_exact(&mut head).await.unwrap();
        let len = match head[1] {
            126 => usize::from(self.io.read_u16().await.unwrap()),
            len => usize::from(len),
        };
        let mut payload = vec![0; len];
        self.io.read_exact(&mut payload).await.unwrap();
        (head[0], String::from_utf8_lossy(&payload).into_owned())
    }

    /// The next text.
    async fn text(&mut self) -> serde_json::Value {
        let (first, text) = self.frame().await;
        assert_eq!(first, 0x81, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn send(&mut self, first: u8, payload: &[u8]) {
        let len = u8::try_from(payload.len()).unwrap();
        assert!(len < 126);
        self.io.write_all(&[&[first, 0x80 | len, 0, 0, 0, 0], payload].concat()).await.unwrap();
    }
}

#[tokio::test]
async fn a_subscriber_is_welcomed_and_gets_the_last_values_and_what_comes() {
    let channel = Arc::new(channel(limits()));
    ["a", "b", "a"].iter().for_each(|key| say(&channel, key));
    let mut peer = start(&channel, Style::Told, 4096);
    let welcome = peer.text().await;
    assert_eq!(
        (&welcome["type"], &welcome["seq"], &welcome["resumed"]),
        (&"welcome".into(), &3.into(), &false.into())
    );
    assert_eq!([peer.text().await["seq"].clone(), peer.text().await["seq"].clone()], [2, 3]);
    say(&channel, "b");
    assert_eq!(peer.text().await["seq"], 4);
    peer.send(0x89, b"hello").await;
    assert_eq!(peer.frame().await, (0x8a, "hello".into()));
    peer.send(0x88, &[0x03, 0xe9]).await;
    assert_eq!(peer.frame().await.0, 0x88);
    peer.session.await.unwrap();
    assert_eq!(channel.counters.counts().subscribers, [0, 0]);
}

#[tokio::test]
async fn one_that_does_not_read_hears_what_it_has_lost_and_gets_the_newest() {
    let channel = Arc::new(channel(ChannelLimits { lag: 8, ..limits() }));
    let mut peer = start(&channel, Style::Told, 64);
    peer.text().await;
    for _ in 0..1000 {
        say(&channel, "a");
        say(&channel, "b");
        tokio::task::yield_now().await;
    }
    let (mut got, mut lost) = (0, 0);
    let last = loop {
        let text = peer.text().await;
        match text["type"].as_str().unwrap() {
            "lost" => lost += text["count"].as_u64().unwrap(),
            "message" => got += 1,
            other => panic!("{other}"),
        }
        if text["seq"] == 2000 {
            break text;
        }
    };
    assert_eq!((got + lost, &last["key"]), (2000, &"b".into()));
    assert!(lost > 1900 && channel.counters.counts().lost == lost, "{lost}");
}

#[tokio::test(start_paused = true)]
async fn one_that_gives_no_sign_of_life_is_let_go_and_one_that_answers_stays() {
    let channel = Arc::new(channel(limits()));
    let mut peer = start(&channel, Style::Told, 4096);
    peer.text().await;
    for _ in 0..5 {
        assert_eq!(peer.text().await["type"], "heartbeat");
        assert_eq!(peer.frame().await.0, 0x89);
        peer.send(0x8a, b"").await;
    }
    for _ in 0..3 {
        assert_eq!(peer.text().await["type"], "heartbeat");
        assert_eq!(peer.frame().await.0, 0x89);
    }
    assert_eq!(peer.text().await["reason"], "no sign of life");
    let (first, close) = peer.frame().await;
    assert!(first == 0x88 && close.ends_with("no sign of life"));
}

#[tokio::test]
async fn a_drain_and_a_change_of_access_are_said_in_words_and_in_the_close() {
    for (end, reason, status) in
        [(Channel::close as fn(&Channel), "draining", 1012_u16), (Channel::end_all, "access changed", 1013)]
    {
        let channel = Arc::new(channel(limits()));
        let mut peer = start(&channel, Style::Told, 4096);
        peer.text().await;
        end(&channel);
        let goodbye = peer.text().await;
        assert_eq!((&goodbye["type"], &goodbye["reason"]), (&"goodbye".into(), &reason.into()));
        assert!((500..3000).contains(&goodbye["retry_ms"].as_u64().unwrap()));
        let mut close = [0; 4];
        peer.io.read_exact(&mut close).await.unwrap();
        assert_eq!(close[2..], status.to_be_bytes());
        drop(peer.io);
        peer.session.await.unwrap();
    }
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_with_its_status() {
    for (bytes, status) in [(&[0x81, 0x00][..], 1002_u16), (&[0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0], 1009)] {
        let channel = Arc::new(channel(limits()));
        let mut peer = start(&channel, Style::Told, 4096);
        peer.text().await;
        peer.io.write_all(bytes).await.unwrap();
        let mut close = [0; 4];
        peer.io.read_exact(&mut close).await.unwrap();
        assert_eq!((close[0], &close[2..]), (0x88, &status.to_be_bytes()[..]));
    }
}

#[tokio::test]
async fn a_flat_tab_gets_messages_alone_and_its_heartbeat_answered() {
    let channel = Arc::new(channel(limits()));
    say(&channel, "a");
    let mut peer = start(&channel, Style::Flat, 4096);
    assert_eq!(peer.text().await["seq"], 1, "no welcome");
    peer.send(0x81, br#"{"type":"heartbeat","timestamp":12.50}"#).await;
    let (_, text) = peer.frame().await;
    assert!(text.starts_with(r#"{"type":"heartbeat_response","timestamp":12.50,"server_time":"#), "{text}");
    assert!(text.ends_with(r#""queue_size":0,"stats":{"messages":1,"sent":1,"lost":0}}"#), "{text}");
    peer.send(0x81, b"anything else").await;
    say(&channel, "b");
    assert_eq!(peer.text().await["seq"], 2);
    channel.close();
    assert_eq!(peer.frame().await.0, 0x88, "no goodbye either");
}
