//! Payloads that wait to be taken.

use bytes::Bytes;

/// Up to so many bytes a payload is copied out of what it came in, which may be much longer. What a peer makes us
/// keep then costs little more than what it has sent.
const SMALL: usize = 4 * 1024;

/// The same bytes, to be kept for as long as nobody takes them: in memory of their own if they are few.
pub(crate) fn kept(slice: Bytes) -> Bytes {
    if slice.len() <= SMALL { Bytes::copy_from_slice(&slice) } else { slice }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_does_not_hold_what_it_came_in() {
        let whole = Bytes::from(vec![7; 60_000]);
        let small = kept(whole.slice(..SMALL));
        let large = kept(whole.slice(..=SMALL));
        let small_is_apart = small.as_ptr() != whole.as_ptr();
        assert!(small_is_apart && large.as_ptr() == whole.as_ptr());
        assert_eq!((&small[..], &large[..]), (&whole[..SMALL], &whole[..=SMALL]));
    }
}
