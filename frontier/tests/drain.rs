//! How a gateway stops.

use frontier::{Config, Gateway};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn whoever_connects_and_says_nothing_does_not_delay_the_end() {
    let yaml = "
edgebound: {listen: {addr: 127.0.0.1:0}, callback_timeout: 60s}
servicebound: {listen: {addr: 127.0.0.1:0}}
limits: {handshake_timeout: 60s}
";
    let gateway = Gateway::bind(&Config::parse(yaml, &|_| None).unwrap()).unwrap();
    let silent = [gateway.edgebound(), gateway.servicebound()].map(TcpStream::connect);
    let stop = CancellationToken::new();
    let running = tokio::spawn(gateway.run(stop.clone()));
    let mut open = Vec::new();
    for connecting in silent {
        open.push(connecting.await.unwrap());
    }
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(30), running).await.expect("it ends").unwrap().unwrap();
}
