//! Who gets in, what they are told, and what the listener lives through.

use super::world::{Identity, World, config, drive, filler, send, soon};
use crate::quic::{QuicError, QuicIncoming, QuicListener, dial};
use crate::tls::KeyDigest;
use crate::{CloseReason, Priority};
use frontier_protocol::ping;
use std::sync::Arc;
use tokio::net::UdpSocket;

#[tokio::test]
async fn rubbish_on_the_socket_disturbs_nobody() {
    let world = World::new(config());
    let addr = world.listener.local_addr();
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut rubbish = Vec::from_iter((0..300).map(|n| filler(n, 5 * usize::try_from(n).unwrap())));
    // As long headers with the version of QUIC, and as short ones.
    let long = [&[0xc3, 0, 0, 0, 1, 8][..], &[9; 1300]].concat();
    rubbish.extend([long, vec![0x40; 1200], b"GET / HTTP/1.1\r\n\r\n".to_vec()]);
    for (id, bytes) in rubbish.iter().enumerate() {
        socket.send_to(bytes, addr).await.unwrap();
        send(&a.handle, id as u64, 10);
        assert_eq!(b.frame().await, id as u64);
    }
    let (c, _) = world.pair().await;
    drop(c);
}

#[tokio::test]
async fn new_connections_see_the_new_certificate_and_old_ones_stay() {
    let mut world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    let new = Identity::new();
    world.tls = Arc::new(new.server());
    let old = std::mem::replace(&mut world.identity, new);
    let (_c, _d) = world.pair().await;
    let to = ("127.0.0.1", world.listener.local_addr().port());
    let tls = old.client();
    let failed = tokio::select! {
        dialled = dial(to, "localhost", &tls, config()) => dialled,
        () = serve(&world) => unreachable!(),
    };
    let failed = failed.unwrap_err();
    assert!(matches!(failed, QuicError::Tls(_)), "{failed:?}");
    send(&a.handle, 1, 10);
    assert_eq!(b.frame().await, 1);
}

/// Takes in whoever comes.
async fn serve(world: &World) {
    loop {
        let incoming = world.listener.accept().await;
        let (tls, config) = (world.tls.clone(), Arc::new(config()));
        tokio::spawn(async move {
            let accepted = incoming.link(&tls, config).await;
            if let Ok(accepted) = accepted {
                drive(accepted.link).end().await;
            }
        });
    }
}

#[tokio::test]
async fn a_server_that_is_not_who_it_should_be_is_not_dialled() {
    let world = World::new(config());
    let to = ("127.0.0.1", world.listener.local_addr().port());
    let good = world.identity.client();
    let stranger = Identity::new().client();
    let samples = [
        (to, "localhost", &stranger, "is not signed by a CA that is trusted here"),
        (to, "elsewhere", &good, "is for localhost, not for elsewhere"),
    ];
    for (to, name, tls, text) in samples {
        let failed = tokio::select! {
            dialled = soon(dial(to, name, tls, config())) => dialled.unwrap_err(),
            () = serve(&world) => unreachable!(),
        };
        assert!(matches!(failed, QuicError::Tls(_)), "{failed:?}");
        assert!(failed.to_string().contains(text), "{failed}");
    }
}

#[tokio::test]
async fn the_listener_tells_why_a_handshake_failed() {
    let world = World::new(config());
    let to = ("127.0.0.1", world.listener.local_addr().port());
    let stranger = Identity::new().client();
    let accept = async { world.listener.accept().await.link(&world.tls, Arc::new(config())).await };
    let dialled = dial(to, "localhost", &stranger, config());
    let (accepted, dialled) = soon(async { tokio::join!(accept, dialled) }).await;
    assert!(dialled.is_err());
    let text = accepted.unwrap_err().to_string();
    assert_eq!(text, "the client refused: our certificate is not signed by a CA that is trusted there");
}

#[tokio::test]
async fn a_client_shows_its_certificate_and_whom_it_calls() {
    let mut world = World::new(config());
    let edge = Identity::new();
    world.tls = Arc::new(world.identity.server_for(&edge));
    let addr = world.listener.local_addr();
    let (_dialled, accepted) = world.connect(addr, &world.identity.client_as(&edge)).await;
    assert_eq!(accepted.certificates, [edge.certificate]);
    assert_eq!(accepted.server_name.as_deref(), Some("localhost"));
}

#[tokio::test]
async fn a_client_without_the_certificate_that_is_asked_for_is_told() {
    let mut world = World::new(config());
    world.tls = Arc::new(world.identity.server_for(&Identity::new()));
    let to = ("127.0.0.1", world.listener.local_addr().port());
    let samples = [
        (world.identity.client(), "we have shown no certificate"),
        (world.identity.client_as(&Identity::new()), "not signed by a CA that is trusted there"),
    ];
    for (tls, reason) in samples {
        let accept = async { world.listener.accept().await.link(&world.tls, Arc::new(config())).await };
        let end = async {
            let link = match dial(to, "localhost", &tls, config()).await {
                Ok(link) => link,
                Err(error) => return error.to_string(),
            };
            let _ = link.handle().send(Priority::Reply, |out| {
                ping(0, out);
                Ok(())
            });
            drive(link).end().await.to_string()
        };
        let (accepted, end) = soon(async { tokio::join!(accept, end) }).await;
        assert!(matches!(accepted, Err(QuicError::Tls(_))), "{accepted:?}");
        assert!(end.contains("the server refused: ") && end.contains(reason), "{end}");
    }
}

#[tokio::test]
async fn a_client_that_names_another_protocol_is_turned_away() {
    let world = World::new(config());
    let mut tls = world.identity.client();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let endpoint = super::super::client_endpoint("127.0.0.1:0".parse().unwrap()).unwrap();
    let client = quinn::ClientConfig::new(Arc::new(tls));
    let connecting = endpoint.connect_with(client, world.listener.local_addr(), "localhost").unwrap();
    let accept = async { world.listener.accept().await.link(&world.tls, Arc::new(config())).await };
    let (connected, accepted) = soon(async { tokio::join!(connecting, accept) }).await;
    assert!(connected.is_err());
    assert!(matches!(accepted, Err(QuicError::Tls(_))), "{accepted:?}");
}

/// Handshakes that hang count; beside many of them callers must show that they can be reached.
#[tokio::test]
async fn beside_many_handshakes_an_address_is_checked_first() {
    let world = World::new(config());
    let tls = world.identity.client();
    let to = ("127.0.0.1", world.listener.local_addr().port());
    let mut hanging = Vec::<QuicIncoming>::new();
    for is_busy in std::iter::repeat_n(false, 64).chain([true]) {
        let mut dialling = Box::pin(world.client.dial(to, "localhost", &tls, config()));
        let incoming = tokio::select! {
            incoming = soon(world.listener.accept()) => incoming,
            _ = &mut dialling => unreachable!("nobody answers"),
        };
        assert_eq!(incoming.is_validated(), is_busy);
        hanging.push(incoming);
    }
    let (a, b) = world.pair().await;
    let (a, mut b) = (drive(a), drive(b));
    send(&a.handle, 1, 10);
    assert_eq!(b.frame().await, 1);
}

#[tokio::test]
async fn a_listener_whose_socket_has_failed_comes_back() {
    let world = World::new(config());
    let (a, b) = world.pair().await;
    let (a, b) = (drive(a), drive(b));
    world.listener.break_socket();
    assert_eq!(a.end().await, CloseReason::Peer);
    assert!(matches!(b.end().await, CloseReason::Lost(_)));
    let (to, tls) = (("127.0.0.1", world.listener.local_addr().port()), world.identity.client());
    let dial = async {
        // The old socket turns callers away until it is gone.
        loop {
            if let Ok(link) = world.client.dial(to, "localhost", &tls, config()).await {
                send(&link.handle(), 1, 10);
                drive(link).end().await;
            }
        }
    };
    let accept = async {
        let accepted = world.listener.accept().await.link(&world.tls, Arc::new(config())).await;
        assert_eq!(drive(accepted.unwrap().link).frame().await, 1);
    };
    tokio::select! {
        () = dial => {}
        () = soon(accept) => {}
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error() {
    let world = World::new(config());
    let again = QuicListener::bind(world.listener.local_addr(), false, &world.tls, KeyDigest::of(b"key"));
    assert_eq!(again.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
}
