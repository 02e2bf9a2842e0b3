//! Bytes of a stream that wait to be read.

use bytes::Bytes;
use std::collections::VecDeque;

/// A piece from this size on is kept as it is; shorter ones are put together, in bytes.
const PIECE: usize = 4 * 1024;

/// Shorter pieces are put together up to this size, in bytes.
const JOINED: usize = 16 * 1024;

/// Bytes that wait to be read, in pieces.
///
/// Pieces are copies of what came: a slice of the buffer in which it came would hold all of that. Short ones are put
/// together, so that a window of one-byte frames costs twice its size at most.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    /// Apart from the others, since there is often only one.
    first: Bytes,
    /// While there are others.
    others: Option<Box<Others>>,
    len: usize,
}

/// The pieces behind the first.
#[derive(Debug, Default)]
struct Others {
    more: VecDeque<Bytes>,
    /// Short ones, which are put together.
    joined: Vec<u8>,
}

impl Unread {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        match self.len {
            0 => self.first = Bytes::copy_from_slice(piece),
            _ => self.others.get_or_insert_default().push(piece),
        }
        self.len += piece.len();
    }

    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        if self.len == 0 {
            return None;
        }
        let piece = std::mem::take(&mut self.first);
        self.len -= piece.len();
        self.advance();
        Some(piece)
    }

    /// Moves as many bytes as fit. How many.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> usize {
        let mut read = 0;
        while read < into.len() && self.len > 0 {
            let n = self.first.len().min(into.len() - read);
            into[read..read + n].copy_from_slice(&self.first.split_to(n));
            read += n;
            self.len -= n;
            if self.first.is_empty() {
                self.advance();
            }
        }
        read
    }

    /// Puts the next piece in front.
    fn advance(&mut self) {
        let next = self.others.as_mut().and_then(|others| others.more.pop_front());
        // What is joined is the last there is. Whoever is idle holds no memory.
        self.first =
            next.unwrap_or_else(|| self.others.take().map_or(Bytes::new(), |last| last.joined.into()));
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes of memory that are held, the pieces' own headers included.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        let others = self.others.as_ref().map_or(0, |others| {
            let pieces = others.more.iter().map(Bytes::len).sum::<usize>();
            pieces + others.joined.capacity() + others.more.capacity() * size_of::<Bytes>()
        });
        self.first.len() + others
    }
}

impl Others {
    fn push(&mut self, piece: &[u8]) {
        if piece.len() < PIECE {
            self.joined.extend_from_slice(piece);
            if self.joined.len() >= JOINED {
                self.seal();
            }
        } else {
            self.seal();
            self.more.push_back(Bytes::copy_from_slice(piece));
        }
    }

    fn seal(&mut self) {
        if !self.joined.is_empty() {
            self.more.push_back(std::mem::take(&mut self.joined).into());
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "bytes of a pattern")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tiny_pieces_cost_no_more_than_twice_their_size() {
        let mut unread = Unread::default();
        for byte in 0..256 * 1024 {
            unread.push(&[byte as u8]);
        }
        assert!(unread.held() < 2 * unread.len(), "{} for {}", unread.held(), unread.len());
        while unread.pop().is_some() {}
        assert_eq!(unread.held(), 0);
    }

    proptest! {
        #[test]
        fn what_was_pushed_is_what_is_read(
            pieces in prop::collection::vec(0_usize..9_000, 0..30),
            reads in prop::collection::vec(0_usize..6_000, 0..60),
        ) {
            let (mut unread, mut pushed, mut got) = (Unread::default(), Vec::new(), Vec::new());
            let mut reads = reads.into_iter();
            for (seed, len) in pieces.into_iter().enumerate() {
                let piece: Vec<u8> = (0..len).map(|at| (at * 7 + seed) as u8).collect();
                unread.push(&piece);
                pushed.extend(piece);
                match reads.next() {
                    Some(0) => got.extend(unread.pop().unwrap_or_default()),
                    Some(len) => {
                        let mut into = vec![0; len];
                        let n = unread.read(&mut into);
                        got.extend_from_slice(&into[..n]);
                    }
                    None => {}
                }
            }
            while let Some(piece) = unread.pop() {
                prop_assert!(!piece.is_empty());
                got.extend(piece);
            }
            prop_assert_eq!((unread.len(), unread.held()), (0, 0));
            prop_assert_eq!(got, pushed);
        }
    }
}
