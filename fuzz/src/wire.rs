//! Frames: the decoder, the parsers of all kinds, and the handshake. Panics when something that must hold
//! does not.

use bytes::Bytes;
use frontier_protocol::{
    Ack, Code, Custom, DecodeError, Decoder, EncodeError, Flags, Frame, GoAway, Hello, Kind, Lookup,
    LookupAck, MAX_TOKEN, MAX_TRACE, MIN_MAX_FRAME, Members, Offer, Open, OpenAck, Plan, Publish, Register,
    RegisterAck, Reject, RemoteCaller, Report, ReportAck, Request, Response, Returned, TRACEPARENT_LEN,
    Terms, TraceContext, VERSION, Welcome, negotiate, split_remote_caller, split_trace,
};
use std::iter;

const MAX_FRAME: usize = 256 * 1024;

/// The first byte of `input` seeds the sizes of the chunks, the rest is what a peer sends.
pub fn decoder(input: &[u8]) {
    let Some((&seed, stream)) = input.split_first() else { return };
    let whole = decode(stream, iter::repeat(usize::MAX));
    let chunked = decode(stream, sizes(seed));
    assert_eq!(whole, chunked, "chunking changed the outcome");
    for frame in &whole.0 {
        for &kind in Kind::ALL {
            parse(&Frame { kind, ..frame.clone() });
        }
    }
}

/// The input is the body of a Hello, which a stranger sends.
pub fn hello(input: &[u8]) {
    const TERMS: Terms = Terms { max_frame: 1 << 20, heartbeat_ms: 20_000 };
    let frame = Frame {
        kind: Kind::Hello,
        flags: Flags::default(),
        code: Code::Ok,
        id: 0,
        body: Bytes::copy_from_slice(input),
    };
    parse(&frame);
    let Ok(hello) = Hello::parse(&frame) else { return };
    let Ok(terms) = negotiate(&hello, TERMS) else { return };
    assert!((hello.versions.0..=hello.versions.1).contains(&VERSION));
    assert!((MIN_MAX_FRAME..=TERMS.max_frame).contains(&terms.max_frame), "{terms:?}");
    assert!((100..=TERMS.heartbeat_ms).contains(&terms.heartbeat_ms), "{terms:?}");
}

/// The frames of `stream`, and then what was left of it or why it ended.
fn decode(stream: &[u8], sizes: impl Iterator<Item = usize>) -> (Vec<Frame>, Result<Bytes, DecodeError>) {
    let mut decoder = Decoder::new(MAX_FRAME);
    let (mut frames, mut rest) = (Vec::new(), stream);
    for size in sizes {
        if rest.is_empty() {
            break;
        }
        let (chunk, behind) = rest.split_at(size.min(rest.len()));
        rest = behind;
        decoder.push(Bytes::copy_from_slice(chunk));
        loop {
            match decoder.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
    }
    (frames, Ok(decoder.into_rest()))
}

/// Sizes from 1 to 64, without end, the same for the same seed.
fn sizes(seed: u8) -> impl Iterator<Item = usize> {
    let mut state = u32::from(seed) + 1;
    iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        1 + (state % 64) as usize
    })
}

/// Parses the body as the frame's kind wants it. What was parsed must survive being sent on.
fn parse(frame: &Frame) {
    match frame.kind {
        Kind::Hello => {
            let Ok(hello) = Hello::parse(frame) else { return };
            if hello.token.as_ref().is_some_and(|token| token.len() > MAX_TOKEN) {
                return assert!(hello.encode(&mut Vec::new()).is_err());
            }
            assert_eq!(Hello::parse(&sent(|out| hello.encode(out))), Ok(hello));
        }
        Kind::Welcome => {
            let Ok(welcome) = Welcome::parse(frame) else { return };
            assert_eq!(Welcome::parse(&sent(|out| welcome.encode(out))), Ok(welcome));
        }
        Kind::Reject => {
            let Ok(reject) = Reject::parse(frame) else { return };
            assert_eq!(Reject::parse(&sent(|out| reject.encode(out))), Ok(reject));
        }
        Kind::GoAway => {
            let Ok(go_away) = GoAway::parse(frame) else { return };
            assert_eq!(GoAway::parse(&sent(|out| go_away.encode(out))), Ok(go_away));
        }
        Kind::Publish => {
            let Ok(publish) = Publish::parse(frame) else { return };
            assert_eq!(sent(|out| publish.encode_with(frame.id, frame.flags, out)).body, frame.body);
        }
        Kind::Ack => {
            let Ok(ack) = Ack::parse(frame) else { return };
            assert_eq!(sent(|out| ack.encode(frame.id, out)).body, frame.body);
        }
        Kind::Request => {
            let Ok(request) = Request::parse(frame) else { return };
            assert_eq!(sent(|out| request.encode_with(frame.id, frame.flags, out)).body, frame.body);
            traced(request.custom.body());
        }
        Kind::Response => {
            let Ok(response) = Response::parse(frame) else { return };
            let again = sent(|out| response.encode_with(frame.id, frame.flags, out));
            assert_eq!(Response::parse(&again), Ok(response));
        }
        Kind::Register | Kind::Unregister => {
            let Ok(register) = Register::parse(frame) else { return };
            assert_eq!(sent(|out| register.encode(frame.id, out)).body, frame.body);
        }
        Kind::RegisterAck | Kind::UnregisterAck => {
            let Ok(ack) = RegisterAck::parse(frame) else { return };
            assert_eq!(sent(|out| ack.encode(frame.id, out)).body, frame.body);
        }
        Kind::Open => {
            let Ok(open) = Open::parse(frame) else { return };
            assert_eq!(Open::parse(&sent(|out| open.encode(out))), Ok(open));
        }
        Kind::OpenAck => {
            let Ok(ack) = OpenAck::parse(frame) else { return };
            assert_eq!(OpenAck::parse(&sent(|out| ack.encode(out))), Ok(ack));
        }
        Kind::Report => {
            let Ok(report) = Report::parse(frame) else { return };
            assert_eq!(sent(|out| report.encode(frame.id, out)).body, frame.body);
        }
        Kind::ReportAck => {
            let Ok(ack) = ReportAck::parse(frame) else { return };
            assert_eq!(ReportAck::parse(&sent(|out| ack.encode(frame.id, out))), Ok(ack));
        }
        Kind::Lookup => {
            let Ok(lookup) = Lookup::parse(frame) else { return };
            assert_eq!(Lookup::parse(&sent(|out| lookup.encode(frame.id, out))), Ok(lookup));
        }
        Kind::LookupAck => {
            let Ok(ack) = LookupAck::parse(frame) else { return };
            assert_eq!(LookupAck::parse(&sent(|out| ack.encode(frame.id, out))), Ok(ack));
        }
        Kind::Plan => {
            let Ok(plan) = Plan::parse(frame) else { return };
            assert_eq!(Plan::parse(&sent(|out| plan.encode(frame.id, out))), Ok(plan));
        }
        Kind::Members => {
            let Ok(members) = Members::parse(frame) else { return };
            assert_eq!(Members::parse(&sent(|out| members.encode(frame.id, out))), Ok(members));
        }
        Kind::Offer => {
            let Ok(offer) = Offer::parse(frame) else { return };
            assert_eq!(Offer::parse(&sent(|out| offer.encode(frame.id, out))), Ok(offer));
        }
        Kind::Returned => {
            let Ok(returned) = Returned::parse(frame) else { return };
            if let Some((rest, _)) = Custom::split_tail(returned.custom.body())
                && let Some((_, caller)) = split_remote_caller(rest)
            {
                let _ = RemoteCaller::parse(caller);
            }
            assert_eq!(Returned::parse(&sent(|out| returned.encode(frame.id, out))), Ok(returned));
        }
        // Nothing in their bodies is read.
        Kind::Ping | Kind::Pong | Kind::Cancel | Kind::Data => {}
    }
}

/// Takes a trace context off the end of a header, as of any frame that says that it has one.
fn traced(custom: &[u8]) {
    let Some((own, trace)) = split_trace(custom) else { return };
    assert!(trace.is_empty() || (TRACEPARENT_LEN..=MAX_TRACE).contains(&trace.len()), "{trace:?}");
    let Some(context) = TraceContext::parse(trace) else { return };
    assert!(context.trace_id() != [0; 16] && context.parent_id() != [0; 8], "{context:?}");
    let mut wire = Vec::new();
    context.put(&mut wire);
    assert_eq!(TraceContext::parse(&wire), Some(context));
    let again = sent(|out| {
        let request =
            Request { timeout_ms: 0, method: "", custom: Custom::plain(own).traced(&wire), payload: b"" };
        request.encode(1, out)
    });
    assert!(again.flags.has(Flags::TRACED));
    assert_eq!(split_trace(&again.body[8..]), Some((own, &wire[..])));
}

/// The frame that `encode` writes, as it arrives.
fn sent(encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) -> Frame {
    let mut wire = Vec::new();
    encode(&mut wire).expect("what was parsed fits its layout");
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(wire.into());
    decoder.next().ok().flatten().expect("what was encoded is a frame")
}
