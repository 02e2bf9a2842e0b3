//! Who reads the log of a gateway stops reading, or dies: nobody who is connected notices.

use frontier_tests::{DEADLINE, Gateway, echo, eventually, within};
use nix::sys::signal::Signal;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Enough to log more than a pipe holds, which is 64 KiB.
const COME_AND_GO: usize = 400;

async fn a_gateway_that_logs_much() -> Gateway {
    Gateway::builder().set("log.level", "debug").start().await
}

/// Many lines for the log, and calls that do not wait for their reader.
async fn work(gateway: &Gateway) {
    let service = gateway.service("s").connect().await.unwrap();
    echo(&service, "echo").await.unwrap();
    for _ in 0..COME_AND_GO {
        let edge = within("an edge connects", gateway.edge().connect()).await.unwrap();
        within("it is answered", edge.call("echo", "x")).await.unwrap();
        edge.close().await.unwrap();
    }
}

async fn lost_lines(control: SocketAddr) -> Option<u64> {
    let mut page = String::new();
    let mut connection = TcpStream::connect(control).await.ok()?;
    connection.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.ok()?;
    connection.read_to_string(&mut page).await.ok()?;
    page.lines().find_map(|line| line.strip_prefix("frontier_log_lines_lost_total "))?.parse().ok()
}

#[tokio::test]
async fn whoever_stops_reading_stops_nobody_else() {
    let mut gateway = a_gateway_that_logs_much().await;
    gateway.log().stand_still();
    work(&gateway).await;
    gateway.process().signal(Signal::SIGTERM);
    // The last lines wait for their reader for a moment, and are then given up.
    gateway.log().go_on();
    assert_eq!(gateway.process().exit().await, Some(0));
}

#[tokio::test]
async fn whoever_reads_no_more_ends_nobody_else() {
    let mut gateway = a_gateway_that_logs_much().await;
    let control = gateway.control().await;
    gateway.log().close();
    work(&gateway).await;
    let lost = async || lost_lines(control).await.filter(|lost| *lost > 0);
    eventually(DEADLINE, "lines that were lost are counted", lost).await;
    gateway.process().signal(Signal::SIGTERM);
    assert_eq!(gateway.process().exit().await, Some(0));
}
