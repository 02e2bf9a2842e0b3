//! The upgrade to WebSocket, and what may be said after it.

use crate::bridge;
use crate::gateway::{Gateway, call, soon};
use frontier_transport::{ClientTls, Network};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

const REQUEST: &str = "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// What the gateway answers to a request, and what it says of the connection after the client has left.
async fn ask(request: &str) -> (String, Result<(), String>) {
    let mut gateway = Gateway::start(Network::Ws, None);
    let mut io = TcpStream::connect(("127.0.0.1", gateway.port)).await.unwrap();
    io.write_all(request.as_bytes()).await.unwrap();
    io.shutdown().await.unwrap();
    let mut answer = Vec::new();
    soon(io.read_to_end(&mut answer)).await.unwrap();
    (String::from_utf8_lossy(&answer).into_owned(), gateway.accepted().await.map(drop))
}

#[tokio::test]
async fn a_subprotocol_is_taken_if_it_is_offered() {
    let (answer, _) = ask(&format!("{REQUEST}Sec-WebSocket-Protocol: other, frontier.v1\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answer}");
    assert!(answer.contains("Sec-WebSocket-Protocol: frontier.v1\r\n"), "{answer}");
    let (answer, _) = ask(&format!("{REQUEST}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 101 ") && !answer.contains("Protocol:"), "{answer}");
}

#[tokio::test]
async fn what_is_no_upgrade_is_answered_with_what_is_missing() {
    let without = |line: &str| {
        let lines = REQUEST.lines().filter(|it| !it.starts_with(line));
        format!("{}\r\n\r\n", lines.collect::<Vec<_>>().join("\r\n"))
    };
    let no =
        |what: &str| format!("the WebSocket upgrade failed: the request is no WebSocket upgrade: {what}");
    let fields = "X: y\r\n".repeat(70);
    let cases = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "426", no("`Upgrade` does not say `websocket`")),
        (without("Connection"), "426", no("`Connection` does not say `Upgrade`")),
        (without("Sec-WebSocket-Version"), "426", no("`Sec-WebSocket-Version` is not 13")),
        (without("Sec-WebSocket-Key"), "426", no("`Sec-WebSocket-Key` is not 16 bytes in base64")),
        (format!("{REQUEST}\r\n").replace("GET", "POST"), "426", no("the method is not GET")),
        (format!("{REQUEST}\r\n").replace("HTTP/1.1", "HTTP/1.0"), "426", no("it is not HTTP/1.1")),
        (format!("{REQUEST}{fields}\r\n"), "426", no("too many fields")),
        (
            format!("{REQUEST}Origin: https://page.example\r\n\r\n"),
            "403",
            "the WebSocket upgrade failed: browsers may not connect from pages of `https://page.example`"
                .to_owned(),
        ),
        (
            "GARBAGE\r\n\r\n".to_owned(),
            "400",
            "the WebSocket upgrade failed: the peer does not speak HTTP".to_owned(),
        ),
        ("\0\0\0".to_owned(), "400", "the WebSocket upgrade failed: the peer does not speak HTTP".to_owned()),
        (
            format!("{REQUEST}X: {}\r\n\r\n", "x".repeat(100_000)),
            "431",
            "the WebSocket upgrade failed: the HTTP head is longer than 8192 bytes".to_owned(),
        ),
        (
            format!("{REQUEST}X: {}", "x".repeat(200)),
            "400",
            "the WebSocket upgrade failed: the peer ended the connection during the WebSocket handshake"
                .to_owned(),
        ),
    ];
    for (request, status, logged) in cases {
        let (answer, error) = ask(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{logged}: {answer}");
        assert_eq!(error, Err(logged));
    }
}

#[tokio::test]
async fn text_is_refused_with_its_status() {
    let mut gateway = Gateway::start(Network::Ws, None);
    let mut client = bridge::client(gateway.port).await;
    client.send(Message::Text("hello".into())).await.unwrap();
    let Message::Close(Some(close)) = answer(&mut client).await else { panic!("no close") };
    assert_eq!(u16::from(close.code), 1003);
    let error = gateway.accepted().await.unwrap_err();
    assert!(error.ends_with("a WebSocket text message: only binary ones are spoken here"), "{error}");
}

#[tokio::test]
async fn a_ping_is_answered_and_a_close_is_too() {
    let gateway = Gateway::start(Network::Ws, None);
    let mut client = bridge::client(gateway.port).await;
    client.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(answer(&mut client).await, Message::Pong("are you there".into()));
    client.close(None).await.unwrap();
    assert!(matches!(answer(&mut client).await, Message::Close(_)));
}

/// The next message that is not of the link.
async fn answer(client: &mut WebSocketStream<TcpStream>) -> Message {
    loop {
        match soon(client.next()).await.unwrap().unwrap() {
            Message::Binary(_) => {}
            other => return other,
        }
    }
}

/// What the gateway says of a client that sends this after the upgrade, and with which status it closes.
async fn after_upgrade(frames: &[u8]) -> (Option<u16>, String) {
    let mut gateway = Gateway::start(Network::Ws, None);
    let mut io = TcpStream::connect(("127.0.0.1", gateway.port)).await.unwrap();
    io.write_all(format!("{REQUEST}\r\n").as_bytes()).await.unwrap();
    io.write_all(frames).await.unwrap();
    let mut answer = Vec::new();
    soon(io.read_to_end(&mut answer)).await.unwrap();
    let status = match &answer[..] {
        [.., 0x88, 2, high, low] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    };
    (status, gateway.accepted().await.unwrap_err())
}

#[tokio::test]
async fn frames_against_the_rules_end_the_connection() {
    let masked = |first: u8, len: u8| vec![first, 0x80 | len, 0, 0, 0, 0];
    let cases = [
        (vec![0x82, 1, 0], 1002, "masked"),
        (masked(0x80, 0), 1002, "nothing is to be continued"),
        ([masked(0x02, 0), masked(0x82, 0)].concat(), 1002, "a message inside another"),
        (masked(0xf2, 0), 1002, "a reserved bit is set"),
        (masked(0x83, 0), 1002, "an unknown opcode"),
        (masked(0x09, 0), 1002, "a control frame in pieces, or too long"),
        (vec![0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1009, "more than 1048576 bytes"),
    ];
    for (frames, status, text) in cases {
        let (closed, error) = after_upgrade(&frames).await;
        assert!(error.contains(text), "{error}");
        assert_eq!(closed, Some(status), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_upgrade_is_an_error_with_its_words() {
    let upgrade = "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    let cases = [
        ("HTTP/1.1 403 Forbidden\r\n\r\n".to_owned(), "it answered `403 Forbidden`"),
        ("HTTP/1.1 101 Yes\r\n\r\n".to_owned(), "`Upgrade` does not say `websocket`"),
        (format!("{upgrade}Sec-WebSocket-Accept: x\r\n\r\n"), "does not fit our key"),
        ("SSH-2.0-OpenSSH\r\n\r\n".to_owned(), "does not speak HTTP"),
        ("\r\n\r\n".to_owned(), "does not speak HTTP"),
        (format!("HTTP/1.1 200 {}", "x".repeat(20_000)), "longer than 8192 bytes"),
        (String::new(), "ended the connection during the WebSocket handshake"),
    ];
    for (answer, expected) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://localhost:{}/x", listener.local_addr().unwrap().port());
        let server = async {
            let (mut io, _) = listener.accept().await.unwrap();
            while !io.read_u8().await.is_ok_and(|byte| byte == b'\n') {}
            let _ = io.write_all(answer.as_bytes()).await;
            let _ = io.shutdown().await;
            let _ = io.read_to_end(&mut Vec::new()).await;
        };
        let (error, ()) = tokio::join!(call(&url, ClientTls::new()), server);
        let error = error.map(drop).unwrap_err();
        assert!(
            error.starts_with(&format!("the WebSocket upgrade at {url} failed: "))
                && error.ends_with(expected),
            "{error}"
        );
    }
}
