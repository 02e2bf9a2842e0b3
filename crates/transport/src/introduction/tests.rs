//! Names whose first address is of no use.

use super::*;
use crate::CloseReason;
use crate::handshake::{HandshakeError, offer, within};
use frontier_protocol::{Code, Epoch, Hello, MIN_MAX_FRAME, Reject, Role, VERSION, Welcome};
use std::sync::Arc;
use tokio::net::TcpListener;

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

async fn listen() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    (listener.local_addr().unwrap(), listener)
}

/// Takes the first connection in, or rejects it.
async fn gateway(listener: TcpListener, lets_in: bool) {
    let (io, _) = listener.accept().await.unwrap();
    let mut link = Link::accept(io, Arc::new(config())).await.unwrap();
    loop {
        if link.frame().unwrap().is_some() {
            break;
        }
        link.next().await.unwrap();
    }
    let welcome = Welcome {
        version: VERSION,
        features: 0,
        max_frame: MIN_MAX_FRAME,
        heartbeat_ms: 20_000,
        id: 7,
        epoch: Epoch(1),
        max_payload: 1 << 20,
        directory_time: None,
    };
    let reject = Reject { code: Code::Overloaded, detail: 0, text: "not now" };
    let answer = |out: &mut Vec<u8>| if lets_in { welcome.encode(out) } else { reject.encode(out) };
    link.handle().send(crate::Priority::Reply, answer).unwrap();
    while link.next().await.is_ok() {}
}

async fn introduced(addresses: Vec<SocketAddr>) -> Result<u64, HandshakeError> {
    let introduce = |io: io::Result<TcpStream>| {
        within("the handshake", Duration::from_secs(30), async move {
            let io = io.map_err(|error| HandshakeError::Link(CloseReason::Lost(error.to_string())))?;
            let mut link = Link::dial(io, config()).await.unwrap();
            Ok(offer(&mut link, &Hello::new(Role::Edge)).await?.welcome.id)
        })
    };
    let addresses = Addresses::new(addresses);
    let raced = addresses.race(HEAD_START, introduce, HandshakeError::is_answer);
    tokio::time::timeout(Duration::from_secs(20), raced).await.expect("it is not waited for").unwrap()
}

#[tokio::test]
async fn an_address_that_takes_the_connection_and_says_nothing_is_raced_past() {
    // The system takes connections for it, and nobody ever answers.
    let ((silent, _never_answers), (speaks, listener)) = (listen().await, listen().await);
    let running = tokio::spawn(gateway(listener, true));
    assert_eq!(introduced(vec![silent, speaks]).await.unwrap(), 7);
    running.abort();
}

#[tokio::test]
async fn one_that_hangs_up_is_followed_by_the_next_at_once_and_an_answer_is_the_outcome() {
    let ((hangs_up, first), (rejects, second), (never_asked, third)) =
        (listen().await, listen().await, listen().await);
    let hanging_up = tokio::spawn(async move {
        loop {
            drop(first.accept().await.unwrap());
        }
    });
    let running = tokio::spawn(gateway(second, false));
    let begin = tokio::time::Instant::now();
    let error = introduced(vec![hangs_up, rejects, never_asked]).await.unwrap_err();
    assert!(error.to_string().contains("not now"), "{error}");
    assert!(begin.elapsed() < HEAD_START, "{:?}", begin.elapsed());
    assert!(tokio::time::timeout(Duration::ZERO, third.accept()).await.is_err());
    running.abort();
    hanging_up.abort();
}

#[tokio::test]
async fn the_first_failure_is_told_where_all_fail() {
    let ((closed, listener), (hangs_up, other)) = (listen().await, listen().await);
    drop(listener);
    let hanging_up = tokio::spawn(async move { while other.accept().await.is_ok() {} });
    let error = introduced(vec![closed, hangs_up]).await.unwrap_err();
    assert!(!error.to_string().contains("refused"), "that came later: {error}");
    hanging_up.abort();
}

#[tokio::test]
async fn who_answers_a_greeting_is_the_one_whatever_is_before_it() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let ((silent, _never_answers), (hangs_up, first), (speaks, second)) =
        (listen().await, listen().await, listen().await);
    let hanging_up = tokio::spawn(async move { while first.accept().await.is_ok() {} });
    let speaking = tokio::spawn(async move { second.accept().await.unwrap().0.write_all(b"hello").await });
    let greet = |mut io: TcpStream| async move {
        let mut word = [0; 5];
        io.read_exact(&mut word).await.map(|_| word)
    };
    let greeted = connect_greeted(vec![silent, hangs_up, speaks], greet);
    let greeted =
        tokio::time::timeout(Duration::from_secs(20), greeted).await.expect("nobody waits for them");
    assert_eq!(&greeted.unwrap(), b"hello");
    speaking.await.unwrap().unwrap();
    let error = connect_greeted(vec![hangs_up], greet).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(connect_greeted(vec![], greet).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    hanging_up.abort();
}
