//! A web server that can break off.

use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A small web server: `/bytes/N/SEED` is a page of N bytes, anything else half a page and a reset.
///
/// # Panics
/// If there is no port.
pub async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection));
        }
    });
    addr
}

async fn answer(mut connection: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(&mut connection).lines();
    let request = lines.next_line().await?.unwrap_or_default();
    while lines.next_line().await?.is_some_and(|line| !line.is_empty()) {}
    let path: Vec<&str> = request.split(['/', ' ']).skip(2).collect();
    if let ["bytes", len, seed, ..] = path[..] {
        let body = body(len.parse().unwrap_or(0), seed.parse().unwrap_or(0));
        connection.write_all(head(body.len()).as_bytes()).await?;
        connection.write_all(&body).await
    } else {
        connection.write_all(head(200_000).as_bytes()).await?;
        connection.write_all(&body(100_000, 0)).await?;
        connection.set_zero_linger()
    }
}

fn head(len: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n")
}

/// Bytes without a pattern, the same for the same seed.
#[must_use]
pub fn body(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()[7]
    };
    std::iter::repeat_with(next).take(len).collect()
}
