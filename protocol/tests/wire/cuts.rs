//! The golden file of byte streams, and the frames that each is cut into.

use crate::golden::{check, load};
use crate::invalid::{frame, whole};
use crate::json::Hex;
use frontier_protocol::{Decoder, Kind, MIN_MAX_FRAME};
use serde::{Deserialize, Serialize};

/// A byte stream, and the frames that come out of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cut {
    name: String,
    description: String,
    hex: Hex,
    frames: Vec<Hex>,
    /// What is behind the last whole frame.
    rest: Hex,
}

fn cuts() -> Vec<Cut> {
    let ping = frame(12, Kind::Ping as u8, 0, b"");
    let flagged = frame(12, Kind::Pong as u8, 0xff, b"");
    let data = whole(Kind::Data, 0, b"abc");
    let unknown = frame(15, 0xee, 0x80, b"???");
    let cut = |name: &str, description: &str, parts: &[&Hex], frames: &[&Hex], rest: &[u8]| Cut {
        name: name.into(),
        description: description.into(),
        hex: Hex(parts.iter().flat_map(|part| part.0.clone()).chain(rest.iter().copied()).collect()),
        frames: frames.iter().map(|frame| (*frame).clone()).collect(),
        rest: rest.into(),
    };
    vec![
        cut("nothing", "no bytes, no frames", &[], &[], b""),
        cut("two", "one frame behind the other", &[&ping, &data], &[&ping, &data], b""),
        cut("skip", "an unknown kind that may be skipped", &[&ping, &unknown, &data], &[&ping, &data], b""),
        cut("flags", "unknown flags on a known kind change nothing", &[&flagged], &[&flagged], b""),
        cut("rest-header", "the next header is not whole", &[&data], &[&data], &ping.0[..15]),
        cut("rest-body", "the next body is not whole", &[&ping], &[&ping], &data.0[..18]),
    ]
}

#[test]
fn byte_streams_are_cut_into_the_right_frames() {
    check("streams.json", &cuts());
    for Cut { name, hex, frames, rest, .. } in load::<Vec<Cut>>("streams.json") {
        let mut decoder = Decoder::new(MIN_MAX_FRAME as usize);
        decoder.push(hex.0.into());
        for expected in frames {
            let frame = decoder.next().expect("no error").expect(&name);
            assert_eq!((frame.kind as u8, &frame.body[..]), (expected.0[4], &expected.0[16..]), "{name}");
        }
        assert_eq!(decoder.next(), Ok(None), "{name}");
        assert_eq!(decoder.into_rest(), rest.0, "{name}");
    }
}
