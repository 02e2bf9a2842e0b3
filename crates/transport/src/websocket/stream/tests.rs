//! Bytes in whatever pieces they come, the close, and a peer that sends pings without end.

use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

fn pair(room: usize) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = tokio::io::duplex(room);
    let socket = |io, role| WebSocket::new(io, role, Staging::default());
    (socket(near, Role::Client), socket(far, Role::Server))
}

fn held(socket: &WebSocket<DuplexStream>) -> usize {
    socket.incoming.held() + socket.outgoing.held()
}

#[tokio::test]
async fn bytes_arrive_whatever_pieces_the_network_makes_of_them() {
    for room in [1, 7, 1000, 1 << 20] {
        let (mut client, mut server) = pair(room);
        let sent: Vec<u8> = (0..70_000).map(|i: u32| u8::try_from(i % 251).unwrap()).collect();
        let there = async {
            client.write_all(&sent).await.unwrap();
            client.flush().await.unwrap();
            let mut back = vec![0; sent.len()];
            client.read_exact(&mut back).await.unwrap();
            assert!(back == sent);
        };
        let back = async {
            let mut came = vec![0; sent.len()];
            server.read_exact(&mut came).await.unwrap();
            server.write_all(&came).await.unwrap();
            server.flush().await.unwrap();
        };
        tokio::join!(there, back);
        assert_eq!((held(&client), held(&server)), (0, 0), "nothing is kept");
    }
}

#[tokio::test]
async fn a_close_ends_both_directions() {
    let (mut client, mut server) = pair(1 << 10);
    client.write_all(b"last").await.unwrap();
    client.shutdown().await.unwrap();
    let mut came = Vec::new();
    server.read_to_end(&mut came).await.unwrap();
    assert_eq!(came, b"last");
    assert!(server.write_all(b"too late").await.is_err());
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
}

/// Answers wait for a peer that does not read, and then so does what it asks. The clock is paused, so
/// time passes only when nothing more happens.
#[tokio::test(start_paused = true)]
async fn pings_without_end_are_not_answered_without_end() {
    let (client, mut server) = pair(1 << 20);
    let mut ping = Vec::new();
    frame::put(Opcode::Ping, Some([1; 4]), [&[0; 125][..]].into_iter(), &mut ping);
    let mut raw = client.io;
    let flood = async { while raw.write_all(&ping).await.is_ok() {} };
    let read = async { server.read_u8().await };
    tokio::select! {
        () = flood => {}
        _ = read => {}
        () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {}
    }
    assert!(server.outgoing.len() >= BACKLOG, "{}", server.outgoing.len());
    assert!(server.outgoing.len() <= 3 * BACKLOG, "{}", server.outgoing.len());
}

#[tokio::test]
async fn what_has_come_is_read_to_its_end_after_a_write_has_failed() {
    let (mut client, mut server) = pair(1 << 10);
    server.put(Opcode::Ping, b"answer this");
    server.write_all(b"farewell").await.unwrap();
    drop(server);
    assert!(client.write_all(b"too late").await.is_err());
    let mut came = Vec::new();
    client.read_to_end(&mut came).await.unwrap();
    assert_eq!(came, b"farewell");
}

#[tokio::test]
async fn a_server_that_answers_and_leaves_before_it_is_asked_is_heard() {
    let (near, mut far) = tokio::io::duplex(1 << 10);
    far.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
    drop(far);
    let endpoint = "ws://gateway.test".parse().unwrap();
    let error = crate::websocket::connect(near, &endpoint, &Default::default()).await.err().unwrap();
    assert_eq!(error, crate::UpgradeError::Answer("403 Forbidden".into()));
}
