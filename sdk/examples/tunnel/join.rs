//! Joins a TCP connection and a stream.

use frontier_sdk::Stream;
use std::io;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::TcpStream;

/// Bytes that are read at once. The stream sends as much in one frame.
const BUFFER: usize = 64 * 1024;

/// Copies both ways until both directions have ended. The end of one direction is passed on and the other
/// goes on, as with TCP.
///
/// # Errors
/// If either is reset or lost: then the other is reset as well, because an end in good order would make a
/// part of the data look like all of it.
pub(crate) async fn join(mut tcp: TcpStream, mut stream: Stream) -> io::Result<(u64, u64)> {
    // Somebody may be typing.
    let _ = tcp.set_nodelay(true);
    let copied = copy_bidirectional_with_sizes(&mut tcp, &mut stream, BUFFER, BUFFER).await;
    if copied.is_err() {
        stream.reset();
        reset(tcp);
    }
    copied
}

/// Ends a connection so that its other end sees an error, not an end.
pub(crate) fn reset(tcp: TcpStream) {
    let _ = tcp.set_zero_linger();
}
