//! What the tests of the frame modules share.

use super::{Flags, Frame, Kind, ParseError};
use crate::{Code, Decoder};
use bytes::Bytes;

/// The one frame that `wire` consists of.
pub(crate) fn decode(wire: &[u8]) -> Frame {
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(Bytes::copy_from_slice(wire));
    let frame = decoder.next().unwrap().expect("a whole frame");
    assert!(decoder.is_empty(), "bytes behind the frame");
    frame
}

/// A frame with this body, flags and code 0.
pub(crate) fn frame(kind: Kind, flags: Flags, body: &[u8]) -> Frame {
    Frame { kind, flags, code: Code::Ok, id: 0, body: Bytes::copy_from_slice(body) }
}

/// `frame` with its body cut after each number of bytes, the shortest first, never whole.
pub(crate) fn cuts(frame: &Frame) -> impl Iterator<Item = Frame> {
    (0..frame.body.len()).map(|len| Frame { body: frame.body.slice(..len), ..frame.clone() })
}

/// Checks that `parse` refuses the body of `frame` under every kind but `wanted`.
pub(crate) fn refuses_other_kinds<T>(
    frame: &Frame,
    wanted: &[Kind],
    parse: impl Fn(&Frame) -> Result<T, ParseError>,
) {
    for &kind in Kind::ALL {
        let result = parse(&Frame { kind, ..frame.clone() });
        if wanted.contains(&kind) {
            assert!(result.is_ok(), "{kind:?} is wanted");
        } else {
            let error = result.err();
            assert!(matches!(error, Some(ParseError::Unexpected { got, .. }) if got == kind), "{kind:?}");
        }
    }
}
