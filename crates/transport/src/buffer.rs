//! Byte buffers that are borrowed while a connection is busy and given back when it is idle, so that
//! an idle connection holds none.

use std::cell::RefCell;

/// Capacity of a fresh buffer, in bytes.
pub(crate) const SIZE: usize = 64 * 1024;

/// A buffer that has grown beyond this is freed rather than kept, in bytes.
const KEEP: usize = 256 * 1024;

/// How many buffers a thread keeps at most.
const KEPT: usize = 16;

thread_local! {
    static FREE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer. Its capacity is [`SIZE`] or more.
pub(crate) fn take() -> Vec<u8> {
    FREE.with_borrow_mut(Vec::pop).unwrap_or_else(|| Vec::with_capacity(SIZE))
}

/// Gives a buffer back for the next one on this thread who needs it.
pub fn recycle(mut buffer: Vec<u8>) {
    if (SIZE..=KEEP).contains(&buffer.capacity()) {
        FREE.with_borrow_mut(|free| {
            if free.len() < KEPT {
                buffer.clear();
                free.push(buffer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> usize {
        FREE.with_borrow(Vec::len)
    }

    #[test]
    fn a_thread_keeps_some_buffers_and_none_that_has_grown() {
        let taken = Vec::from_iter(std::iter::repeat_with(take).take(2 * KEPT));
        assert_eq!(kept(), 0);
        recycle(Vec::new());
        recycle(Vec::with_capacity(KEEP + 1));
        assert_eq!(kept(), 0);
        taken.into_iter().for_each(|mut buffer| {
            buffer.push(1);
            recycle(buffer);
        });
        assert_eq!(kept(), KEPT);
        assert!(take().is_empty());
        assert_eq!(kept(), KEPT - 1);
    }
}
