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

#[tokio::test]
async fn a_close_with_half_a_status_code_is_a_violation() {
    let (near, mut far) = tokio::io::duplex(1 << 10);
    let mut server = WebSocket::new(near, Role::Server, Staging::default());
    far.write_all(&[0x88, 0x81, 0, 0, 0, 0, 3]).await.unwrap();
    let error = server.read(&mut [0]).await.unwrap_err();
    assert!(error.to_string().contains("half a status code"), "{error}");
    let mut answer = [0; 4];
    far.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, [0x88, 2, 0x03, 0xea], "1002");
}

#[tokio::test]
async fn pings_are_read_while_nothing_goes_out_and_not_answered_without_end() {
    let (client, mut server) = pair(1 << 10);
    let mut raw = client.io;
    assert_eq!(server.write(&[7; WRITE]).await.unwrap(), WRITE);
    let pings = 10_000_u32;
    let ask = async {
        for number in 1..=pings {
            let mut ping = Vec::new();
            let payload = [&number.to_be_bytes()[..], &[0; 121]].concat();
            frame::put(Opcode::Ping, Some([1; 4]), [&payload[..]].into_iter(), &mut ping);
            raw.write_all(&ping).await.unwrap();
        }
        let mut data = Vec::new();
        frame::put(Opcode::Binary, Some([1; 4]), [&b"x"[..]].into_iter(), &mut data);
        raw.write_all(&data).await.unwrap();
    };
    let soon = std::time::Duration::from_secs(20);
    let both = tokio::time::timeout(soon, async { tokio::join!(ask, server.read_u8()).1 });
    assert_eq!(both.await.expect("it reads on").unwrap(), b'x');
    assert!(server.outgoing.len() <= BACKLOG + 200, "{}", server.outgoing.len());
    let mut came = Vec::new();
    let read = async {
        server.shutdown().await.unwrap();
        drop(server);
    };
    tokio::join!(read, async { raw.read_to_end(&mut came).await.unwrap() });
    let (mut rest, mut answers) = (&came[..], Vec::new());
    while let Some((header, size)) = Header::parse(rest).unwrap() {
        let (payload, behind) = rest[size..].split_at(usize::try_from(header.len).unwrap());
        if header.opcode == Opcode::Pong {
            answers.push(u32::from_be_bytes(*payload.first_chunk().unwrap()));
        }
        rest = behind;
    }
    assert_eq!(
        (answers.first(), answers.last()),
        (Some(&1), Some(&pings)),
        "the last is the one that counts"
    );
    assert!(answers.len() < 1200 && answers.is_sorted(), "{}", answers.len());
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

/// A peer that sends the same over and over, as fast as it is read.
struct Endless {
    frames: Vec<u8>,
    reads: usize,
}

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reads += 1;
        while into.remaining() >= self.frames.len() {
            into.put_slice(&self.frames);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs in one poll: whoever never says that others may run would never come to its end.
#[test]
fn frames_without_data_and_without_end_let_other_tasks_run() {
    let mask = [0; 4];
    let empty = [&[0x02, 0x80][..], &mask, &[0x00, 0x80], &mask].concat();
    let continued = [&[0x00, 0x80][..], &mask].concat();
    let pings = [&[0x89, 0x80][..], &mask].concat();
    let pongs = [&[0x8a, 0x80][..], &mask].concat();
    for (first, frames) in [(&empty[..6], continued), (&[], pings), (&[], pongs)] {
        let mut start = Staging::default();
        start.tail().extend_from_slice(first);
        let mut socket = WebSocket::new(Endless { frames, reads: 0 }, Role::Server, start);
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        for _ in 0..20 {
            let (mut room, reads) = ([0; 16], socket.io.reads);
            let read = Pin::new(&mut socket).poll_read(cx, &mut ReadBuf::new(&mut room));
            assert!(read.is_pending());
            assert!(socket.io.reads <= reads + 1, "no more is read than is looked at");
        }
    }
}
