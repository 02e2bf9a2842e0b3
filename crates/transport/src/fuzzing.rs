//! What the fuzz targets do with their input, and the tests with theirs. Panics when something that must
//! hold does not: however the input is cut, the same comes of it, and what is sent back is in order.

#[cfg(test)]
mod tests;

use crate::first_frame::take_first;
use crate::proxy_header::Parsed;
use crate::websocket;
use bytes::Bytes;
use frontier_protocol::{DecodeError, Decoder, Frame, Open};
use std::io;
use std::iter;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const MAX_FRAME: usize = 256 * 1024;

/// The frames of a WebSocket's peer. The lowest bit of the first byte says on which side we are, the rest
/// of it seeds the sizes of the chunks.
pub fn websocket_frames(input: &[u8]) {
    let Some((&seed, stream)) = input.split_first() else { return };
    let is_server = seed & 1 == 1;
    let whole = websocket::fuzzing::frames(Script::whole(stream), is_server);
    let chunked = websocket::fuzzing::frames(Script::chunked(stream, seed), is_server);
    assert_eq!(whole, chunked, "chunking changed the outcome");
}

/// A client's request for a WebSocket, and what follows it. The first byte seeds the sizes of the chunks.
pub fn upgrade_request(input: &[u8]) {
    let Some((&seed, stream)) = input.split_first() else { return };
    let whole = websocket::fuzzing::request(Script::whole(stream));
    let chunked = websocket::fuzzing::request(Script::chunked(stream, seed));
    assert_eq!(whole, chunked, "chunking changed the outcome");
}

/// A server's answer to such a request, and what follows it. The first byte seeds the sizes of the chunks.
pub fn upgrade_answer(input: &[u8]) {
    let Some((&seed, stream)) = input.split_first() else { return };
    let whole = websocket::fuzzing::answer(Script::whole(stream));
    let chunked = websocket::fuzzing::answer(Script::chunked(stream, seed));
    assert_eq!(whole, chunked, "chunking changed the outcome");
}

/// What a connection begins with where the PROXY protocol is spoken: what was part of a header stays so,
/// however much follows.
pub fn proxy_header(input: &[u8]) {
    let whole = crate::proxy_header::parse(input);
    if let Ok(Parsed::Header(_, len)) = whole {
        assert!((1..=input.len()).contains(&len));
        assert_eq!(crate::proxy_header::parse(&input[..len]), whole);
        assert_eq!(crate::proxy_header::parse(&input[..len - 1]), Ok(Parsed::More));
    }
    let half = crate::proxy_header::parse(&input[..input.len() / 2]);
    assert!(half == Ok(Parsed::More) || half == whole, "{half:?} became {whole:?}");
}

/// A stream that a peer opened. The first byte seeds the sizes of the chunks.
pub fn stream_opening(input: &[u8]) {
    let Some((&seed, stream)) = input.split_first() else { return };
    let whole = first_frame(stream, iter::repeat(usize::MAX));
    let chunked = first_frame(stream, sizes(seed));
    assert_eq!(whole, chunked, "chunking changed the outcome");
    let Ok(Some((frame, _))) = whole else { return };
    let Ok(open) = Open::parse(&frame) else { return };
    let mut again = Vec::new();
    open.encode(&mut again).expect("what was parsed fits its layout");
    let (again, rest) =
        first_frame(&again, iter::repeat(usize::MAX)).ok().flatten().expect("what was encoded is a frame");
    assert_eq!((Open::parse(&again), rest.len()), (Ok(open), 0));
}

/// The first frame of `stream` if it is whole, and everything behind it.
fn first_frame(
    stream: &[u8],
    sizes: impl Iterator<Item = usize>,
) -> Result<Option<(Frame, Vec<u8>)>, DecodeError> {
    let (mut decoder, mut rest) = (Decoder::new(MAX_FRAME), stream);
    for size in sizes {
        if rest.is_empty() {
            break;
        }
        let (chunk, behind) = rest.split_at(size.min(rest.len()));
        rest = behind;
        match take_first(decoder, Bytes::copy_from_slice(chunk))? {
            ControlFlow::Break((frame, come)) => return Ok(Some((frame, [&come, rest].concat()))),
            ControlFlow::Continue(next) => decoder = next,
        }
    }
    Ok(None)
}

/// Sizes from 1 to 64, without end, the same for the same seed.
fn sizes(seed: u8) -> impl Iterator<Item = usize> {
    let mut state = u32::from(seed) + 1;
    iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        1 + (state % 64) as usize
    })
}

/// A connection on which all of what the peer sends has come, in chunks, and which takes what is written.
pub(crate) struct Script {
    rest: Bytes,
    sizes: Box<dyn Iterator<Item = usize>>,
    pub(crate) written: Vec<u8>,
}

impl Script {
    fn whole(stream: &[u8]) -> Self {
        Self::new(stream, iter::repeat(usize::MAX))
    }

    fn chunked(stream: &[u8], seed: u8) -> Self {
        Self::new(stream, sizes(seed))
    }

    fn new(stream: &[u8], sizes: impl Iterator<Item = usize> + 'static) -> Self {
        Self { rest: Bytes::copy_from_slice(stream), sizes: Box::new(sizes), written: Vec::new() }
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = self.sizes.next().unwrap_or(usize::MAX);
        let n = size.min(self.rest.len()).min(into.remaining());
        into.put_slice(&self.rest.split_to(n));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
