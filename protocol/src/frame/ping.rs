//! `Ping` (0x04) and `Pong` (0x05): no body. A pong carries the id of its ping.
//!
//! The dialler pings once per heartbeat interval, the gateway answers. Either side ends a connection
//! on which it has not heard a byte for three intervals.

use super::{Flags, Kind, put_header};
use crate::Code;
use bytes::BufMut;

/// Appends a ping to `out`.
pub fn ping(id: u64, out: &mut impl BufMut) {
    empty(Kind::Ping, id, out);
}

/// Appends the answer to the ping `id` to `out`.
pub fn pong(id: u64, out: &mut impl BufMut) {
    empty(Kind::Pong, id, out);
}

fn empty(kind: Kind, id: u64, out: &mut impl BufMut) {
    if let Err(error) = put_header(out, kind, Flags::default(), Code::Ok, id, 0) {
        unreachable!("an empty body always fits: {error}");
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
        }
    }
}
