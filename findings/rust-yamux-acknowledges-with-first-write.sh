#!/usr/bin/env bash
# yamux (Rust, of libp2p): an inbound stream that was accepted is acknowledged only with its first write.
#
# The specification has the acceptor acknowledge a new stream with the ACK flag of a data frame or a window update, and
# openers count the streams that are not acknowledged: this crate opens no more than 256 of them, hashicorp/yamux has 256
# too and closes the session of a stream that stays so for 75 s. An acceptor that takes the stream and reads from it, but
# answers late or never (an upload, a queue, a long poll), so never acknowledges by accepting. What looks like a stream that
# was taken is one that nobody has taken to the other end.
#
# The script opens a stream by its bare bytes to a connection in server mode, which accepts it and reads from it. It looks at
# what is sent back before and after the first write. It exits with 0 while the crate behaves as described, and with 1
# when that has changed.
set -euo pipefail

VERSION=0.13.4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir src

cat > Cargo.toml <<TOML
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
futures = "=0.3.31"
tokio = { version = "=1.43.0", features = ["io-util", "macros", "rt", "time"] }
tokio-util = { version = "=0.7.13", features = ["compat"] }
yamux = "=$VERSION"

[workspace]
TOML

cat > src/main.rs <<'RUST'
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_util::compat::TokioAsyncReadCompatExt;
use yamux::{Config, Connection, Mode};

const SYN: u8 = 1;
const ACK: u8 = 2;

/// Version 0, type, flags, stream 1, length.
fn header(kind: u8, flags: u8, len: u32) -> Vec<u8> {
    let mut bytes = vec![0, kind, 0, flags, 0, 0, 0, 1];
    bytes.extend(len.to_be_bytes());
    bytes
}

/// The type and flags of the next frame, if one comes within a second. Pings (type 2) are about no stream.
async fn frame(peer: &mut DuplexStream) -> Option<(u8, u8)> {
    loop {
        let mut header = [0; 12];
        tokio::time::timeout(Duration::from_secs(1), peer.read_exact(&mut header)).await.ok()?.unwrap();
        if header[1] != 2 {
            return Some((header[1], header[3]));
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (mut peer, ours) = tokio::io::duplex(64 * 1024);
    let mut connection = Connection::new(ours.compat(), Config::default(), Mode::Server);
    let (accepted, mut streams) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(Ok(stream)) = std::future::poll_fn(|cx| connection.poll_next_inbound(cx)).await {
            accepted.send(stream).await.unwrap();
        }
    });

    // A data frame that opens stream 1 with five bytes in it.
    peer.write_all(&header(0, SYN, 5)).await.unwrap();
    peer.write_all(b"hello").await.unwrap();
    let mut stream = streams.recv().await.unwrap();
    let mut bytes = [0; 5];
    stream.read_exact(&mut bytes).await.unwrap();
    println!("the stream was accepted and {:?} was read from it", String::from_utf8_lossy(&bytes));
    let before = frame(&mut peer).await;
    println!("frame within a second (type, flags): {before:?}");

    stream.write_all(b"x").await.unwrap();
    stream.flush().await.unwrap();
    let after = frame(&mut peer).await;
    println!("frame after the first write (type, flags): {after:?}; ACK is {ACK}");
    let is_as_described = before.is_none() && after.is_some_and(|(_, flags)| flags & ACK != 0);
    if !is_as_described {
        println!("CHANGED: the stream is acknowledged in another way");
        std::process::exit(1);
    }
}
RUST

echo "yamux $VERSION, $(rustc --version | cut -d' ' -f1,2)"
echo "A stream that was accepted and read from is not acknowledged before something is written to it."
echo "---- seen"
cargo run --quiet
