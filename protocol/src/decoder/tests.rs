//! The same frames from any chunks, without needless copies or memory, and which headers are refused.

use super::{DecodeError, Decoder};
use crate::{Custom, Flags, Frame, HEADER_LEN, Kind, Publish, Request, ping};
use bytes::{Bytes, BytesMut};

const MAX: usize = 64 * 1024;

/// A header with these values, code 0 and id 0.
fn header(length: u32, kind: u8, flags: u8) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..4].copy_from_slice(&length.to_be_bytes());
    header[4] = kind;
    header[5] = flags;
    header
}

/// A ping, a request, a frame to be skipped, a message: the skipped one does not come out.
fn stream() -> (Bytes, Vec<u64>) {
    let mut wire = BytesMut::new();
    ping(1, &mut wire);
    let custom = Custom::plain(b"trace");
    Request { timeout_ms: 5, method: "echo", custom, payload: b"hello" }.encode(2, &mut wire).unwrap();
    wire.extend_from_slice(&header(15, 0xee, Flags::SKIPPABLE.0));
    wire.extend_from_slice(b"???");
    let publish = Publish { timeout_ms: 0, topic: "t", custom: Custom::plain(b""), payload: b"" };
    publish.encode_with(3, Flags::ACKED, &mut wire).unwrap();
    (wire.freeze(), vec![1, 2, 3])
}

fn drain(decoder: &mut Decoder) -> Vec<Frame> {
    std::iter::from_fn(|| decoder.next().unwrap()).collect()
}

fn ids(frames: &[Frame]) -> Vec<u64> {
    frames.iter().map(|frame| frame.id).collect()
}

#[test]
fn any_two_chunks_give_the_same_frames() {
    let (wire, expected) = stream();
    for split in 0..=wire.len() {
        let mut decoder = Decoder::new(MAX);
        decoder.push(wire.slice(..split));
        let mut frames = drain(&mut decoder);
        decoder.push(wire.slice(split..));
        frames.extend(drain(&mut decoder));
        assert_eq!(ids(&frames), expected, "split at {split}");
        assert_eq!(Request::parse(&frames[1]).unwrap().payload, b"hello");
        assert!(decoder.is_empty());
    }
}

#[test]
fn a_byte_at_a_time_gives_the_same_frames() {
    let (wire, expected) = stream();
    let mut decoder = Decoder::new(MAX);
    let mut frames = Vec::new();
    for byte in wire.chunks(1) {
        decoder.push(Bytes::copy_from_slice(byte));
        frames.extend(drain(&mut decoder));
    }
    assert_eq!(ids(&frames), expected);
    assert!(decoder.is_empty());
}

#[test]
fn chunks_may_pile_up_before_frames_are_taken() {
    let (wire, expected) = stream();
    let mut decoder = Decoder::new(MAX);
    decoder.push(wire.slice(..3));
    assert_eq!(decoder.next(), Ok(None));
    for byte in wire[3..].chunks(1) {
        decoder.push(Bytes::copy_from_slice(byte));
    }
    assert_eq!(ids(&drain(&mut decoder)), expected);
}

#[test]
fn a_frame_spanning_many_chunks_is_whole() {
    let payload: Vec<u8> = (0..=u8::MAX).cycle().take(10_000).collect();
    let mut wire = BytesMut::new();
    let request = Request { timeout_ms: 0, method: "m", custom: Custom::plain(b""), payload: &payload };
    request.encode(9, &mut wire).unwrap();
    let mut decoder = Decoder::new(MAX);
    let mut frames = Vec::new();
    for chunk in wire.chunks(7) {
        decoder.push(Bytes::copy_from_slice(chunk));
        frames.extend(drain(&mut decoder));
    }
    assert_eq!(Request::parse(&frames[0]).unwrap(), request);
}

#[test]
fn a_frame_within_a_chunk_is_not_copied_even_behind_one_that_was() {
    let (wire, _) = stream();
    let mut decoder = Decoder::new(MAX);
    decoder.push(wire.slice(..5));
    assert_eq!(decoder.next(), Ok(None));
    let chunk = wire.slice(5..);
    decoder.push(chunk.clone());
    let spanning = decoder.next().unwrap().expect("the ping");
    assert!(!chunk.as_ptr_range().contains(&spanning.body.as_ptr()));
    let within = decoder.next().unwrap().expect("the request");
    assert!(chunk.as_ptr_range().contains(&within.body.as_ptr()));
}

#[test]
fn the_memory_of_a_chunk_is_let_go_with_its_frames() {
    let (wire, expected) = stream();
    let mut decoder = Decoder::new(MAX);
    let chunk = Bytes::copy_from_slice(&[&wire[..], &wire[..20]].concat());
    decoder.push(chunk.clone());
    assert_eq!(ids(&drain(&mut decoder)), expected[..].iter().chain(&[1]).copied().collect::<Vec<_>>());
    assert!(!decoder.is_empty(), "four bytes of the next frame are kept");
    assert!(chunk.is_unique(), "but not the chunk that they came in");
}

#[test]
fn a_claimed_length_sets_nothing_aside() {
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(Bytes::copy_from_slice(&header(1 << 31, Kind::Publish as u8, 0)));
    assert_eq!(decoder.next(), Ok(None));
    decoder.push(Bytes::from_static(&[0; 100]));
    assert_eq!(decoder.next(), Ok(None));
    assert!(decoder.partial.capacity() <= 4 * (HEADER_LEN + 100), "{}", decoder.partial.capacity());
}

#[test]
fn a_frame_over_the_limit_is_refused_at_its_header() {
    let mut fits = Decoder::new(HEADER_LEN + 8);
    fits.push(Bytes::copy_from_slice(&header(20, Kind::Data as u8, 0)));
    assert_eq!(fits.next(), Ok(None));
    for flags in [0, Flags::SKIPPABLE.0] {
        let mut decoder = Decoder::new(HEADER_LEN + 8);
        decoder.push(Bytes::copy_from_slice(&header(21, Kind::Data as u8, flags)));
        assert_eq!(decoder.next(), Err(DecodeError::TooLong { len: 25, max: 24 }));
    }
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(Bytes::copy_from_slice(&header(u32::MAX, Kind::Data as u8, 0)));
    assert_eq!(decoder.next(), Ok(None), "4 GiB and 3 bytes is a length like any other");
}

#[test]
fn the_limit_can_change_between_frames() {
    let (wire, _) = stream();
    let mut decoder = Decoder::new(HEADER_LEN);
    decoder.push(wire);
    assert_eq!(decoder.next().unwrap().map(|frame| frame.kind), Some(Kind::Ping));
    decoder.set_max_frame(MAX);
    assert_eq!(decoder.next().unwrap().map(|frame| frame.kind), Some(Kind::Request));
}

#[test]
fn a_length_below_the_header_is_refused() {
    for length in 0..12 {
        let mut decoder = Decoder::new(MAX);
        decoder.push(Bytes::copy_from_slice(&header(length, Kind::Ping as u8, 0)));
        assert_eq!(decoder.next(), Err(DecodeError::TooShort(length)));
        assert_eq!(decoder.next(), Err(DecodeError::TooShort(length)), "and stays refused");
    }
}

#[test]
fn an_unknown_kind_is_refused_at_its_header_unless_it_may_be_skipped() {
    for kind in (0..=u8::MAX).filter(|number| Kind::from_wire(*number).is_none()) {
        let mut decoder = Decoder::new(MAX);
        decoder.push(Bytes::copy_from_slice(&header(100, kind, 0x7f)));
        assert_eq!(decoder.next(), Err(DecodeError::UnknownKind(kind)));

        let mut decoder = Decoder::new(MAX);
        decoder.push(Bytes::copy_from_slice(&header(12, kind, Flags::SKIPPABLE.0)));
        assert_eq!(decoder.next(), Ok(None));
        assert!(decoder.is_empty());
    }
}

#[test]
fn what_is_left_over_can_be_taken_back() {
    let (wire, _) = stream();
    let mut decoder = Decoder::new(MAX);
    decoder.push(wire.slice(..));
    assert!(decoder.next().unwrap().is_some());
    assert_eq!(decoder.into_rest(), wire[HEADER_LEN..]);

    let mut decoder = Decoder::new(MAX);
    decoder.push(wire.slice(..10));
    assert_eq!(decoder.next(), Ok(None));
    decoder.push(wire.slice(10..));
    assert_eq!(decoder.into_rest(), wire);
}
