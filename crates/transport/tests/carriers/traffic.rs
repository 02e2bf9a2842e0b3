//! Bulk and small frames over every carrier.

use crate::authority::{ALWAYS, Authority};
use crate::bridge;
use crate::gateway::{Gateway, call, message, soon};
use frontier_transport::{ClientTls, Event, Link, Network, Priority, ServerTlsConfig, TlsVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const BULK: usize = 6 << 20;
const FRAMES: u64 = 3000;

/// Sends bulk on a stream and frames on the lane at the same time, and gets all of it back.
async fn exercise(mut link: Link) -> Link {
    let handle = link.handle();
    let driver = tokio::spawn(async move {
        let mut next = 0;
        while next < FRAMES {
            assert!(matches!(link.next().await.unwrap(), Event::Frames));
            while let Some(frame) = link.frame().unwrap() {
                assert_eq!(frame.id, next);
                next += 1;
            }
        }
        link
    });
    let frames = async {
        for id in 0..FRAMES {
            let payload = vec![id as u8; (id * 37 % 5000) as usize];
            while handle.send(Priority::Request, message(id, &payload)).is_err() {
                tokio::task::yield_now().await;
            }
        }
    };
    let bulk = async {
        let stream = handle.open_stream().await.unwrap();
        let (mut from, mut to) = tokio::io::split(stream);
        let sent: Vec<u8> = (0..BULK).map(|i| (i % 253) as u8).collect();
        let expected = sent.clone();
        let write = async move {
            to.write_all(&sent).await.unwrap();
            to.flush().await.unwrap();
            to
        };
        let read = async move {
            let mut came = vec![0; BULK];
            from.read_exact(&mut came).await.unwrap();
            assert!(came == expected, "the bytes are others");
            from
        };
        tokio::join!(write, read)
    };
    let together = async { tokio::join!(frames, bulk) };
    let driven = async {
        let mut driver = driver;
        tokio::pin!(together);
        let mut link = tokio::select! {
            link = &mut driver => link.unwrap(),
            _ = &mut together => return driver.await.unwrap(),
        };
        loop {
            tokio::select! {
                event = link.next() => drop(event.unwrap()),
                _ = &mut together => return link,
            }
        }
    };
    soon(driven).await
}

/// As `exercise`, and leaves in good order.
async fn exercise_and_close(link: Link) {
    let link = exercise(link).await;
    soon(link.close(|_| Ok(()))).await.unwrap();
}

#[tokio::test]
async fn everything_arrives_over_every_carrier() {
    let ca = Authority::new("ca");
    let server = ca.server(&["localhost"], ALWAYS);
    let tls = || ClientTls::new().ca_file(ca.ca());
    let cases = [
        ("tcp", Network::Tcp, None),
        ("tls", Network::Tls, Some(server.serving())),
        ("wss", Network::Tls, Some(server.serving())),
        ("ws", Network::Ws, None),
        ("wss", Network::Ws, Some(server.serving())),
        ("quic", Network::Quic, Some(server.serving())),
    ];
    for (scheme, network, config) in cases {
        let mut gateway = Gateway::start(network, config);
        exercise_and_close(call(&gateway.url(scheme), tls()).await.unwrap()).await;
        let expected = match scheme {
            "wss" => Network::Ws,
            _ => network,
        };
        assert_eq!(gateway.accepted().await.unwrap().network, expected);
        assert_eq!(gateway.ended().await, "the peer closed the connection", "{scheme}");
    }
}

/// With TLS 1.2 alone, which our own diallers do not ask for.
#[tokio::test]
async fn everything_arrives_over_tls_1_2() {
    let ca = Authority::new("ca");
    let config =
        ServerTlsConfig { min_version: TlsVersion::Tls12, ..ca.server(&["localhost"], ALWAYS).serving() };
    let gateway = Gateway::tls(config);
    let front = bridge::tls12_in_front_of(gateway.port, ca.ca()).await;
    exercise(call(&format!("tcp://localhost:{front}"), ClientTls::new()).await.unwrap()).await;
}

#[tokio::test]
async fn websockets_of_another_make_carry_a_link() {
    let mut gateway = Gateway::start(Network::Ws, None);
    let front = bridge::plain_in_front_of(gateway.port).await;
    exercise_and_close(call(&format!("tcp://localhost:{front}"), ClientTls::new()).await.unwrap()).await;
    assert_eq!(gateway.accepted().await.unwrap().network, Network::Ws);

    let gateway = Gateway::start(Network::Tcp, None);
    let front = bridge::websocket_in_front_of(gateway.port).await;
    exercise_and_close(call(&format!("ws://localhost:{front}"), ClientTls::new()).await.unwrap()).await;
}
