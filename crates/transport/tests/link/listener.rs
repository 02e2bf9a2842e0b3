//! Real sockets: the listener, dialling, and peers that speak another protocol.

use crate::world::{check, config, message};
use frontier_transport::{
    AcceptError, Bind, CloseReason, DialError, DialOptions, Endpoint, Event, Listener, Network, Priority,
    dial,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn listen() -> (Listener, Endpoint) {
    let listener = Listener::bind(Bind::tcp(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
    let addr = listener.local_addr().unwrap();
    let endpoint = format!("tcp://{addr}").parse().unwrap();
    (listener, endpoint)
}

#[tokio::test]
async fn a_frame_comes_over_a_socket() {
    let (mut listener, endpoint) = listen();
    let mut dialled = dial(&endpoint, &DialOptions::default(), config()).await.unwrap();
    let accepted = listener.accept().await;
    assert!(accepted.peer.ip().is_loopback());
    dialled.handle().send(Priority::Request, message(3, 100)).unwrap();
    let serve = async {
        let (mut link, peer) = accepted.incoming.link(Arc::new(config())).await.unwrap();
        assert_eq!((peer.network, peer.certificate, peer.server_name), (Network::Tcp, None, None));
        assert!(matches!(link.next().await, Ok(Event::Frames)));
        assert!(link.take_heard().is_some());
        let id = check(&link.frame().unwrap().unwrap());
        link.close(message(id + 1, 100)).await.unwrap();
    };
    let ask = async move {
        assert!(matches!(dialled.next().await, Ok(Event::Frames)));
        assert_eq!(check(&dialled.frame().unwrap().unwrap()), 4);
        assert_eq!(dialled.next().await.unwrap_err().reason(), CloseReason::Peer);
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn an_endpoint_that_nobody_listens_on_is_an_error_with_its_name() {
    let (listener, endpoint) = listen();
    drop(listener);
    let error = dial(&endpoint, &DialOptions::default(), config()).await.unwrap_err();
    assert!(matches!(&error, DialError::Connect { endpoint: of, .. } if *of == endpoint));
    assert_eq!(error.to_string(), format!("could not connect to {endpoint}"));
}

/// What a link of ours says to a peer that sends `bytes` and then waits.
async fn speak(bytes: &[u8]) -> CloseReason {
    let (mut listener, endpoint) = listen();
    let mut peer = TcpStream::connect(endpoint.host_port()).await.unwrap();
    peer.write_all(bytes).await.unwrap();
    let accepted = listener.accept().await;
    let answer = async {
        match accepted.incoming.link(Arc::new(config())).await {
            Ok((mut link, _)) => loop {
                let failed = match link.next().await {
                    Ok(_) => loop {
                        match link.frame() {
                            Ok(Some(_)) => {}
                            Ok(None) => break None,
                            Err(error) => break Some(error),
                        }
                    },
                    Err(error) => Some(error),
                };
                if let Some(error) = failed {
                    return error.reason();
                }
            },
            Err(AcceptError::Link(reason)) => reason,
            Err(other) => panic!("{other}"),
        }
    };
    tokio::time::timeout(Duration::from_secs(20), answer).await.expect("an error at once")
}

#[tokio::test]
async fn another_protocol_is_a_breach_of_protocol() {
    let lane = |len: u8| [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, len];
    let samples = [
        b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".repeat(9),
        crate::world::filler(1, 4000),
        // The mux, and then no frame: one that is too short, too long, of an unknown kind.
        [&lane(16)[..], &[0; 16]].concat(),
        [&lane(16)[..], &[255; 16]].concat(),
        [&lane(16)[..], &[0, 0, 0, 12, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat(),
    ];
    for bytes in samples {
        let reason = speak(&bytes).await;
        assert!(matches!(reason, CloseReason::Protocol(_)), "{reason:?} for {bytes:?}");
    }
}

/// Runs in a process of its own: it takes away every file descriptor that is left.
#[test]
fn accepting_goes_on_after_the_process_had_no_descriptors_left() {
    const CHILD: &str = "FRONTIER_TEST_NO_DESCRIPTORS";
    if std::env::var_os(CHILD).is_none() {
        let name = "listener::accepting_goes_on_after_the_process_had_no_descriptors_left";
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture"])
            .env(CHILD, "1")
            .status();
        assert!(child.unwrap().success());
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use nix::sys::resource::{Resource, setrlimit};
        let (mut listener, endpoint) = listen();
        let addr = endpoint.host_port();
        let mut peer = TcpStream::connect(addr).await.unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, 64, 64).unwrap();
        let hoard: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        assert!(!hoard.is_empty());
        // Still there to be accepted when descriptors are free again.
        let starved = tokio::time::timeout(Duration::from_millis(100), listener.accept());
        assert!(starved.await.is_err());
        drop(hoard);
        let accepted = listener.accept().await;
        peer.write_all(&[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]).await.unwrap();
        let (link, _) = accepted.incoming.link(Arc::new(config())).await.unwrap();
        drop(link);
        peer.read_to_end(&mut Vec::new()).await.unwrap();
    });
}
