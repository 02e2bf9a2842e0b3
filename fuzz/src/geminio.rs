//! Packets of the Go original's wire: the decoder and all parsers. Panics when something that must hold does not.

use bytes::{Bytes, BytesMut};
use frontier_geminio::{
    Conn, ConnAck, DecodeError, Frame, Kind, MAX_BODY, Open, OpenAck, Packet, Reply, Request, decode,
};

/// The first byte of `input` seeds the sizes of the chunks, the rest is what a peer sends.
pub fn packets(input: &[u8]) {
    let Some((&seed, stream)) = input.split_first() else { return };
    let whole = cut(stream, usize::MAX);
    let chunked = cut(stream, usize::from(seed % 64) + 1);
    assert_eq!(whole, chunked, "chunking changed the outcome");
    for frame in &whole.0 {
        for &kind in Kind::ALL {
            parse(&Frame { kind, ..frame.clone() });
        }
    }
    for &kind in Kind::ALL {
        parse(&Frame { kind, id: 1, body: Bytes::copy_from_slice(stream) });
    }
}

fn cut(stream: &[u8], size: usize) -> (Vec<Frame>, Option<DecodeError>) {
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for chunk in stream.chunks(size.min(stream.len()).max(1)) {
        buffer.extend_from_slice(chunk);
        loop {
            match decode(&mut buffer, MAX_BODY) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

/// What was read is written, and is read again as the same.
fn parse(frame: &Frame) {
    let Ok(packet) = Packet::parse(frame) else { return };
    let mut out = Vec::new();
    let id = frame.id;
    let written = match &packet {
        Packet::Conn(conn) => Conn::encode(conn, id, &mut out),
        Packet::ConnAck(ack) => ConnAck::encode(ack, id, &mut out),
        Packet::Open(open) => Open::encode(open, id, &mut out),
        Packet::OpenAck(ack) => OpenAck::encode(ack, id, &mut out),
        // Go by the sender's clock, and are written to the millisecond.
        Packet::Request(request) if request.deadline.is_some() => return,
        Packet::Request(request) => Request::encode(request, id, &mut out),
        Packet::Reply(Reply { kind, session, custom, outcome }) => {
            let outcome = outcome.as_ref().map(Vec::as_slice).map_err(String::as_str);
            Reply::encode(id, *kind, *session, custom, outcome, &mut out)
        }
        _ => return,
    };
    if written.is_err() {
        return;
    }
    let again =
        decode(&mut BytesMut::from(&out[..]), MAX_BODY).expect("it is a packet").expect("it is whole");
    assert_eq!(Packet::parse(&again).expect("it can be read"), packet);
}
