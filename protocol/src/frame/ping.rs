//! `Ping` (0x04) and `Pong` (0x05). A pong carries the id of its ping. There is no body, but in a pong of
//! frontlas: directory time (u64), in microseconds since 1970.
//!
//! The dialler pings once per heartbeat interval, the gateway answers. Either side ends a connection
//! on which it has not heard a byte for three intervals.

use super::{Flags, Frame, Kind, put_header};
use crate::Code;
use bytes::BufMut;

/// Appends a ping to `out`.
pub fn ping(id: u64, out: &mut impl BufMut) {
    header(Kind::Ping, id, 0, out);
}

/// Appends the answer to the ping `id` to `out`.
pub fn pong(id: u64, out: &mut impl BufMut) {
    header(Kind::Pong, id, 0, out);
}

/// Appends the answer of frontlas to the ping `id`, with directory time, to `out`.
pub fn pong_at(id: u64, directory_time: u64, out: &mut impl BufMut) {
    header(Kind::Pong, id, 8, out);
    out.put_u64(directory_time);
}

/// The directory time in a pong; `None` if it has none.
#[must_use]
pub fn pong_time(pong: &Frame) -> Option<u64> {
    pong.body.first_chunk().map(|time| u64::from_be_bytes(*time))
}

fn header(kind: Kind, id: u64, body_len: usize, out: &mut impl BufMut) {
    if let Err(error) = put_header(out, kind, Flags::default(), Code::Ok, id, body_len) {
        unreachable!("a short body always fits: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::decode;

    #[test]
    fn round_trip() {
        for (kind, put) in [(Kind::Ping, ping as fn(u64, &mut Vec<u8>)), (Kind::Pong, pong)] {
            let mut wire = Vec::new();
            put(u64::MAX, &mut wire);
            let frame = decode(&wire);
            assert_eq!((frame.kind, frame.id, frame.body.len()), (kind, u64::MAX, 0));
            assert_eq!(pong_time(&frame), None);
        }
    }

    #[test]
    fn a_pong_may_tell_the_time() {
        let mut wire = Vec::new();
        pong_at(7, u64::MAX - 1, &mut wire);
        let frame = decode(&wire);
        assert_eq!((frame.kind, frame.id, pong_time(&frame)), (Kind::Pong, 7, Some(u64::MAX - 1)));
        for cut in crate::frame::testing::cuts(&frame) {
            assert_eq!(pong_time(&cut), None);
        }
    }
}
