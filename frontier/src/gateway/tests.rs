//! Whether it is noticed that a gateway does not answer any more.

use super::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant as Start};

const DEADLINE: Duration = Duration::from_secs(20);

/// Status and body, without the help of any thread of a runtime.
fn get(addr: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Waits until `/readyz` has this status: how long that took.
fn becomes(addr: SocketAddr, status: u16) -> Duration {
    let start = Start::now();
    while get(addr, "/readyz").0 != status {
        assert!(start.elapsed() < DEADLINE, "/readyz is not {status}");
        std::thread::sleep(Duration::from_millis(20));
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_stuck_is_not_ready_though_its_ports_are_open() {
    let yaml = "
edgebound: {listen: {addr: 127.0.0.1:0}}
servicebound: {listen: {addr: 127.0.0.1:0}}
observability: {enable: true, addr: 127.0.0.1:0}
";
    let gateway = Gateway::bind(&Config::parse(yaml, &|_| None).unwrap()).unwrap();
    let (exchange, edges) = (gateway.exchange.clone(), gateway.edgebound());
    let addr = gateway.observability().unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(gateway.run(stop.clone()));
    becomes(addr, 200);
    let (held, wedged) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let wedging = std::thread::spawn(move || {
        let _wedge = exchange.wedge();
        held.send(()).unwrap();
        // Until the sender is dropped.
        let _ = released.recv();
    });
    wedged.recv().unwrap();
    let noticed_after = becomes(addr, 503);
    assert!(noticed_after < Duration::from_secs(5), "{noticed_after:?}");
    assert!(get(addr, "/readyz").1.contains("the exchange can't be reached"));
    assert_eq!((get(addr, "/healthz").0, get(addr, "/healthz?ready").0), (200, 503));
    TcpStream::connect(edges).unwrap();
    drop(release);
    wedging.join().unwrap();
    becomes(addr, 200);
    assert!(get(addr, "/metrics").1.contains("\nfrontier_self_probe_success 1\n"));
    stop.cancel();
    running.await.unwrap().unwrap();
    assert!(TcpStream::connect(addr).is_err(), "the port is closed at the end of the drain");
}
