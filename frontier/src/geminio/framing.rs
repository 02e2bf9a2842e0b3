//! Streams in two framings: between the legs of a stream travel the frames of our own wire, whatever wires the peers are
//! on. Here they become packets of this one, and packets become frames.

use super::stream::Stream;
use super::text;
use bytes::{Bytes, BytesMut};
use frontier_geminio as wire;
use frontier_protocol::{
    Ack, Code, Custom, Decoder, EncodeError, Flags, Frame, HEADER_LEN, Kind, Publish, Request, Response,
    data_end, data_header,
};
use std::io;
use std::time::{Duration, SystemTime};

/// The id of an end behind which nobody reads any more either: what closing is on this wire. Readers of our own wire do not
/// look at the id.
const CLOSED: u64 = 1;

/// Raw bytes up to this length are copied: a slice would keep all that was read with them.
const COPIED: usize = 4 * 1024;

/// Raw bytes in one frame at most.
const MAX_DATA: usize = 64 * 1024;

/// What a packet of a stream becomes.
pub(super) enum Framed {
    /// Bytes for the other leg.
    Pieces(Vec<Bytes>),
    /// A packet back to the peer.
    Answer(Vec<u8>),
    Nothing,
}

/// The bytes that say that the peer has closed the stream.
pub(super) fn closed() -> Bytes {
    let mut end = data_end();
    end[8..].copy_from_slice(&CLOSED.to_be_bytes());
    Bytes::copy_from_slice(&end)
}

/// Raw bytes that came in a packet whose body is `body`, in frames that every reader takes.
pub(super) fn raw(body: &Bytes, bytes: &[u8]) -> Framed {
    let mut pieces = Vec::with_capacity(2 * bytes.len().div_ceil(MAX_DATA));
    for bytes in bytes.chunks(MAX_DATA) {
        let Ok(header) = data_header(bytes.len()) else {
            unreachable!("a chunk is shorter than a frame may be")
        };
        pieces.push(Bytes::copy_from_slice(&header));
        pieces.push(match bytes.len() {
            ..COPIED => Bytes::copy_from_slice(bytes),
            _ => body.slice_ref(bytes),
        });
    }
    Framed::Pieces(pieces)
}

fn frame(
    max_frame: usize,
    encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<Framed, String> {
    let mut out = BytesMut::new();
    encode(&mut out).map_err(|error| error.to_string())?;
    if out.len() > max_frame {
        let len = out.len();
        return Err(format!(
            "{len} bytes inside a stream are over the limit of {max_frame} (limits.frame_size)"
        ));
    }
    Ok(Framed::Pieces(vec![out.freeze()]))
}

/// A call or a message inside a stream; one that does not fit is answered at once.
pub(super) fn request(id: u64, request: &wire::Request<'_>, max_frame: usize) -> Framed {
    let left = request.deadline.and_then(|at| at.duration_since(SystemTime::now()).ok());
    let timeout_ms = left.map_or(0, |left| u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1));
    let (custom, payload) = (Custom::plain(&request.custom), &*request.payload);
    let name = &*request.name;
    let framed = match request.kind {
        wire::RequestKind::Call => {
            frame(max_frame, |out| Request { timeout_ms, method: name, custom, payload }.encode(id, out))
        }
        wire::RequestKind::Message => frame(max_frame, |out| {
            Publish { timeout_ms, topic: name, custom, payload }.encode_with(id, Flags::ACKED, out)
        }),
    };
    framed.unwrap_or_else(|text| answer(id, request.kind, request.session, &text))
}

fn answer(id: u64, kind: wire::RequestKind, session: u64, text: &str) -> Framed {
    let mut out = Vec::new();
    match wire::Reply::encode(id, kind, session, b"", Err(text), &mut out) {
        Ok(()) => Framed::Answer(out),
        Err(_) => Framed::Nothing,
    }
}

/// What became of a call or a message that was sent on a stream.
pub(super) fn reply(id: u64, reply: &wire::Reply, max_frame: usize) -> Framed {
    let (code, payload) = match &reply.outcome {
        Ok(value) => (Code::Ok, &value[..]),
        Err(error) => {
            let (code, text) = text::code(error);
            (code, text.as_bytes())
        }
    };
    let encode = |code, payload: &[u8]| match reply.kind {
        wire::RequestKind::Call => frame(max_frame, |out| {
            let custom = Custom::plain(&reply.custom);
            Response { code, detail: 0, custom, payload }.encode_with(id, Flags::default(), out)
        }),
        // Nobody waits for what has no id there.
        wire::RequestKind::Message if id & u64::from(u32::MAX) == u64::from(u32::MAX) => Ok(Framed::Nothing),
        wire::RequestKind::Message => frame(max_frame, |out| {
            let text = std::str::from_utf8(payload).unwrap_or_default();
            Ack { code, detail: 0, text }.encode(id, out)
        }),
    };
    encode(code, payload).or_else(|text| encode(Code::TooLarge, text.as_bytes())).unwrap_or(Framed::Nothing)
}

/// What comes from the other leg, on its way to the peer.
#[derive(Debug)]
pub(super) struct Unframer {
    max_frame: usize,
    /// Bytes of a `Data` frame that are still to come.
    raw_left: usize,
    /// A frame that has not wholly come.
    partial: Vec<u8>,
    /// The other end writes nothing more.
    pub(super) has_ended: bool,
    /// Nor does it read anything.
    pub(super) is_closed: bool,
}

impl Unframer {
    pub(super) fn new(max_frame: usize) -> Self {
        Self { max_frame, raw_left: 0, partial: Vec::new(), has_ended: false, is_closed: false }
    }

    /// Takes as many of `bytes` as there is room for; 0 if there is none.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        stream: &mut Stream,
        session: u64,
        next_id: impl Fn() -> u64,
    ) -> io::Result<usize> {
        let mut taken = 0;
        loop {
            let rest = &bytes[taken..];
            if self.raw_left > 0 {
                let len = rest.len().min(self.raw_left).min(stream.room());
                if len == 0 {
                    return Ok(taken);
                }
                stream.raw(&rest[..len]);
                self.raw_left -= len;
                taken += len;
                continue;
            }
            let wanted = self.frame_len()?;
            let missing = wanted - self.partial.len();
            if missing > 0 {
                let len = missing.min(rest.len());
                if len == 0 {
                    return Ok(taken);
                }
                self.partial.extend_from_slice(&rest[..len]);
                taken += len;
                continue;
            }
            if !self.pass(stream, session, &next_id)? {
                return Ok(taken);
            }
        }
    }

    /// How long the frame is that begins in `partial`, as far as it is to be gathered.
    fn frame_len(&self) -> io::Result<usize> {
        let Some(&[a, b, c, d, kind, ..]) = self.partial.first_chunk::<HEADER_LEN>() else {
            return Ok(HEADER_LEN);
        };
        let len = u32::from_be_bytes([a, b, c, d]) as usize + 4;
        match len {
            _ if len < HEADER_LEN => Err(invalid("a frame is shorter than a header")),
            _ if len > self.max_frame => Err(invalid("a frame is over limits.frame_size")),
            _ if kind == Kind::Data as u8 => Ok(HEADER_LEN),
            len => Ok(len),
        }
    }

    /// Passes the frame on that stands in `partial`. Whether there was room.
    fn pass(&mut self, stream: &mut Stream, session: u64, next_id: &impl Fn() -> u64) -> io::Result<bool> {
        if self.has_ended {
            return Err(invalid("a frame behind the end"));
        }
        let is_message = self.partial[4] == Kind::Publish as u8;
        if stream.room() == 0 || (is_message && !stream.may_send_message()) {
            return Ok(false);
        }
        let partial = std::mem::take(&mut self.partial);
        if partial[4] == Kind::Data as u8 {
            let &[a, b, c, d, _, flags, .., last] = &partial[..] else { return Ok(true) };
            self.raw_left = u32::from_be_bytes([a, b, c, d]) as usize + 4 - HEADER_LEN;
            self.has_ended = Flags(flags).has(Flags::END);
            self.is_closed = self.has_ended && u64::from(last) == CLOSED;
            return Ok(true);
        }
        let mut decoder = Decoder::new(self.max_frame);
        decoder.push(partial.into());
        // One of a kind that is to be passed over is none.
        if let Some(frame) = decoder.next().map_err(|error| invalid(&error.to_string()))? {
            let mut out = Vec::new();
            packet(&frame, session, next_id, &mut out)?;
            if is_message {
                stream.sent_message();
            }
            if !out.is_empty() {
                stream.packet(out);
            }
        }
        Ok(true)
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

fn deadline(timeout_ms: u32) -> Option<SystemTime> {
    (timeout_ms != 0).then(|| SystemTime::now() + Duration::from_millis(timeout_ms.into()))
}

/// Appends the packet for a frame, if there is one.
fn packet(frame: &Frame, session: u64, next_id: &impl Fn() -> u64, out: &mut Vec<u8>) -> io::Result<()> {
    let broken = |error: frontier_protocol::ParseError| invalid(&error.to_string());
    let encoded = match frame.kind {
        Kind::Request => {
            let Request { timeout_ms, method, custom, payload } = Request::parse(frame).map_err(broken)?;
            let request = wire::Request {
                kind: wire::RequestKind::Call,
                session,
                name: method.into(),
                custom: custom.body().into(),
                tail: None,
                payload: payload.into(),
                deadline: deadline(timeout_ms),
            };
            request.encode(frame.id, out)
        }
        Kind::Publish => {
            let Publish { timeout_ms, topic, custom, payload } = Publish::parse(frame).map_err(broken)?;
            let request = wire::Request {
                kind: wire::RequestKind::Message,
                session,
                name: topic.into(),
                custom: custom.body().into(),
                tail: None,
                payload: payload.into(),
                deadline: deadline(timeout_ms),
            };
            let id = if frame.flags.has(Flags::ACKED) { frame.id } else { next_id() };
            request.encode(id, out)
        }
        Kind::Response => {
            let Response { code, custom, payload, .. } = Response::parse(frame).map_err(broken)?;
            let failed = (code != Code::Ok).then(|| String::from_utf8_lossy(payload));
            let failed = failed.as_ref().map(|error| text::text(code, error, false));
            let outcome = failed.as_ref().map_or(Ok(payload), |error| Err(&**error));
            wire::Reply::encode(frame.id, wire::RequestKind::Call, session, custom.body(), outcome, out)
        }
        Kind::Ack => {
            let Ack { code, text, .. } = Ack::parse(frame).map_err(broken)?;
            let failed = (code != Code::Ok).then(|| text::text(code, text, false));
            let outcome = failed.as_ref().map_or(Ok(&b""[..]), |error| Err(&**error));
            wire::Reply::encode(frame.id, wire::RequestKind::Message, session, b"", outcome, out)
        }
        // This wire has no word for it that every peer knows.
        Kind::Cancel => Ok(()),
        kind => return Err(invalid(&format!("a {kind:?} frame inside a stream"))),
    };
    encoded.map_err(|error| invalid(&error.to_string()))
}
