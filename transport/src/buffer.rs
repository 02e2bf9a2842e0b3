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
