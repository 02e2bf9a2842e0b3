//! A byte stream whose first bytes were looked at, to tell what is spoken in it.

use bytes::{Buf, BytesMut};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// How much is looked at, in bytes: as far as a link shows.
const MOST: usize = 8;

/// What a client speaks, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// A link.
    Link,
    /// What begins with the bytes that were asked for.
    Other,
    /// Neither.
    Foreign,
}

/// A byte stream of which the first bytes are read again.
#[derive(Debug)]
pub(crate) struct Sniffed<T> {
    begin: BytesMut,
    io: T,
}

/// Reads until it shows what a client speaks. `other` is what another wire begins with; empty if there is none.
///
/// # Errors
/// When the connection is lost, or ends before its first byte.
pub(crate) async fn sniff<T>(mut io: T, other: &[u8]) -> io::Result<(Begin, Sniffed<T>)>
where
    T: AsyncRead + Unpin,
{
    let mut begin = BytesMut::with_capacity(MOST);
    loop {
        if let Some(what) = what(&begin, other) {
            return Ok((what, Sniffed { begin, io }));
        }
        if (&mut io).take((MOST - begin.len()) as u64).read_buf(&mut begin).await? == 0 {
            return match begin.is_empty() {
                true => Err(io::ErrorKind::UnexpectedEof.into()),
                false => Ok((Begin::Foreign, Sniffed { begin, io })),
            };
        }
    }
}

/// `None` as long as it may be either.
fn what(begin: &[u8], other: &[u8]) -> Option<Begin> {
    let matched = begin.len().min(other.len());
    let is_other =
        (!other.is_empty() && begin[..matched] == other[..matched]).then_some(matched == other.len());
    match (begins_link(begin), is_other) {
        (Some(true), _) => Some(Begin::Link),
        (_, Some(true)) => Some(Begin::Other),
        (Some(false), None) => Some(Begin::Foreign),
        (None, _) | (_, Some(false)) => None,
    }
}

/// Whether a link begins so: with the header of a frame of yamux, of data or credit, that opens the first stream. `None` as
/// long as it may.
fn begins_link(begin: &[u8]) -> Option<bool> {
    let fits = begin.iter().zip(0..MOST).all(|(byte, at)| match at {
        1 => *byte <= 1,
        3 => byte & 1 == 1,
        7 => *byte == 1,
        _ => *byte == 0,
    });
    match fits {
        false => Some(false),
        true => (begin.len() >= MOST).then_some(true),
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Sniffed<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.begin.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buffer);
        }
        let len = self.begin.len().min(buffer.remaining());
        buffer.put_slice(&self.begin[..len]);
        self.begin.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Sniffed<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_yamux::{Flags, Header};

    const OTHER: &[u8] = &[1, 1];

    #[test]
    fn what_is_spoken_shows_as_soon_as_it_can_be_nothing_else() {
        for (begin, told) in [
            (&b""[..], None),
            (&[1], None),
            (&[1, 1], Some(Begin::Other)),
            (&[1, 1, 7, 7, 7, 7, 7, 7], Some(Begin::Other)),
            (&[1, 2], Some(Begin::Foreign)),
            (&[0], None),
            (b"G", Some(Begin::Foreign)),
            // A length in front, as databases and brokers have it.
            (&[0, 0, 0, 8], Some(Begin::Foreign)),
            (&[0, 0, 0, 9, 0, 3], Some(Begin::Foreign)),
        ] {
            assert_eq!(what(begin, OTHER), told, "{begin:?}");
        }
        assert_eq!(what(&[1, 1], b""), Some(Begin::Foreign), "where there is no other wire");
        for header in [Header::data(Flags::SYN, 1, 77), Header::window_update(Flags::SYN, 1, 0)] {
            let begin = header.encode();
            for len in 0..MOST {
                assert_eq!(what(&begin[..len], OTHER), None, "{len} bytes");
            }
            assert_eq!(what(&begin[..MOST], OTHER), Some(Begin::Link));
        }
    }

    #[tokio::test]
    async fn what_was_looked_at_is_read_again() {
        let bytes = b"GET / HTTP/1.1";
        let pieces = in_pieces(bytes);
        let (begin, mut sniffed) = sniff(pieces, OTHER).await.unwrap();
        let mut read = Vec::new();
        sniffed.read_to_end(&mut read).await.unwrap();
        assert_eq!((begin, &read[..]), (Begin::Foreign, &bytes[..]));
        let (begin, mut sniffed) = sniff(&[0, 0][..], OTHER).await.unwrap();
        read.clear();
        sniffed.read_to_end(&mut read).await.unwrap();
        assert_eq!((begin, &read[..]), (Begin::Foreign, &[0, 0][..]));
        assert!(sniff(&b""[..], OTHER).await.is_err());
    }

    /// Comes byte by byte.
    fn in_pieces(bytes: &[u8]) -> impl AsyncRead + Unpin {
        bytes.iter().fold(Box::new(tokio::io::empty()) as Box<dyn AsyncRead + Unpin>, |before, byte| {
            Box::new(before.chain(io::Cursor::new(vec![*byte])))
        })
    }
}
