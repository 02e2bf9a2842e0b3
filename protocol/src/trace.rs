//! A trace context, as the W3C's Trace Context has it, on its way with a request or a stream.
//!
//! ```text
//!  traceparent, 55 bytes of text | tracestate, 0 to 512 bytes of text
//! ```
//!
//! It stands behind the users' own part of `custom` or `meta`, with its length (u16) behind it, in frames that have
//! [`Flags::TRACED`](crate::Flags::TRACED). A gateway looks at its length alone, unless it takes part in the trace.

use crate::EncodeError;
use bytes::BufMut;

/// Length of a traceparent of version 00, in bytes.
pub const TRACEPARENT_LEN: usize = 55;

/// The longest tracestate that is passed on, in bytes: as much as the standard asks for.
pub const MAX_TRACESTATE: usize = 512;

/// The longest trace context, in bytes.
pub const MAX_TRACE: usize = TRACEPARENT_LEN + MAX_TRACESTATE;

/// Length of the length of a trace context, in bytes.
pub(crate) const LENGTH_LEN: usize = 2;

/// A trace context that has been checked, borrowed from where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext<'a> {
    traceparent: &'a str,
    tracestate: &'a str,
}

impl<'a> TraceContext<'a> {
    /// From the two headers of the standard. A tracestate that is too long or is not printable ASCII is left out.
    /// `None` if the traceparent is none: that of another version than 00 as well, unless it begins as one of 00 does.
    #[must_use]
    pub fn new(traceparent: &'a str, tracestate: &'a str) -> Option<Self> {
        let (own, rest) = traceparent.as_bytes().split_at_checked(TRACEPARENT_LEN)?;
        let version = hex::<1>(&own[..2])?[0];
        let is_whole = match version {
            0 => rest.is_empty(),
            // Not a version at all.
            0xff => return None,
            _ => rest.is_empty() || rest[0] == b'-',
        };
        let are_parted = [2, 35, 52].into_iter().all(|at| own[at] == b'-');
        let trace_id = hex::<16>(&own[3..35])?;
        let parent_id = hex::<8>(&own[36..52])?;
        hex::<1>(&own[53..])?;
        if !is_whole || !are_parted || trace_id == [0; 16] || parent_id == [0; 8] {
            return None;
        }
        let is_text = tracestate.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let tracestate = if is_text && tracestate.len() <= MAX_TRACESTATE { tracestate } else { "" };
        // What a later version has behind it is not ours to pass on.
        Some(Self { traceparent: &traceparent[..TRACEPARENT_LEN], tracestate })
    }

    /// Reads what [`split_trace`] has taken off. `None` if that is no trace context: it counts as absent then.
    #[must_use]
    pub fn parse(trace: &'a [u8]) -> Option<Self> {
        let (traceparent, tracestate) = trace.split_at_checked(TRACEPARENT_LEN)?;
        Self::new(std::str::from_utf8(traceparent).ok()?, std::str::from_utf8(tracestate).unwrap_or_default())
    }

    /// The header `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> &'a str {
        self.traceparent
    }

    /// The header `tracestate`; empty without one.
    #[must_use]
    pub fn tracestate(&self) -> &'a str {
        self.tracestate
    }

    /// The trace. Never 0.
    #[must_use]
    pub fn trace_id(&self) -> [u8; 16] {
        hex(&self.traceparent.as_bytes()[3..35]).unwrap_or_default()
    }

    /// The span that sent it. Never 0.
    #[must_use]
    pub fn parent_id(&self) -> [u8; 8] {
        hex(&self.traceparent.as_bytes()[36..52]).unwrap_or_default()
    }

    /// The flags of the standard.
    #[must_use]
    pub fn flags(&self) -> u8 {
        hex::<1>(&self.traceparent.as_bytes()[53..]).unwrap_or_default()[0]
    }

    /// Whether whoever sent it records the trace.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags() & 1 != 0
    }

    /// Appends it as it goes over the wire, without its length.
    pub fn put(&self, out: &mut impl BufMut) {
        out.put_slice(self.traceparent.as_bytes());
        out.put_slice(self.tracestate.as_bytes());
    }
}

/// A traceparent of version 00.
#[must_use]
pub fn traceparent(trace_id: [u8; 16], parent_id: [u8; 8], flags: u8) -> [u8; TRACEPARENT_LEN] {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    put_hex(&trace_id, &mut text[3..35]);
    put_hex(&parent_id, &mut text[36..52]);
    put_hex(&[flags], &mut text[53..]);
    text
}

/// Takes a trace context, with its length behind it, off the end of a custom header without tail and caller, or of the
/// meta of a stream. `None` if it is shorter than that. One that is too short to be one is left out, and of one that is
/// too long the tracestate.
#[must_use]
pub fn split_trace(received: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, len) = received.split_last_chunk::<LENGTH_LEN>()?;
    let len = usize::from(u16::from_be_bytes(*len));
    let (rest, trace) = rest.split_at_checked(rest.len().checked_sub(len)?)?;
    let trace = match len {
        0..TRACEPARENT_LEN => &[],
        TRACEPARENT_LEN..=MAX_TRACE => trace,
        _ => &trace[..TRACEPARENT_LEN],
    };
    Some((rest, trace))
}

/// Appends a trace context and its length to the meta of a stream.
///
/// # Errors
/// [`EncodeError`] if it is too long; nothing was written then.
pub fn push_trace(trace: &[u8], meta: &mut Vec<u8>) -> Result<(), EncodeError> {
    u16::try_from(trace.len()).map_err(|_| EncodeError::FieldTooLong(trace.len()))?;
    put(trace, meta);
    Ok(())
}

/// Appends a trace context, which has no more than 65,535 bytes, and its length.
pub(crate) fn put(trace: &[u8], out: &mut impl BufMut) {
    out.put_slice(trace);
    #[expect(clippy::cast_possible_truncation, reason = "what is longer was refused before")]
    out.put_u16(trace.len() as u16);
}

/// Lower-case hexadecimal digits, as the standard wants them.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(digits[0])? << 4 | digit(digits[1])?;
    }
    Some(bytes)
}

fn digit(text: u8) -> Option<u8> {
    match text {
        b'0'..=b'9' => Some(text - b'0'),
        b'a'..=b'f' => Some(text - b'a' + 10),
        _ => None,
    }
}

fn put_hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, digits) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// That of the standard's own example.
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_parts_of_a_traceparent_are_read_and_written() {
        let context = TraceContext::new(PARENT, "congo=t61rcWkgMzE").unwrap();
        assert!(context.is_sampled());
        assert_eq!(context.trace_id()[..3], [0x4b, 0xf9, 0x2f]);
        assert_eq!(context.parent_id(), [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
        assert_eq!(&traceparent(context.trace_id(), context.parent_id(), 1), PARENT.as_bytes());
        let mut wire = Vec::new();
        context.put(&mut wire);
        assert_eq!(wire.len(), TRACEPARENT_LEN + 17);
        assert_eq!(TraceContext::parse(&wire), Some(context));
    }

    #[test]
    fn what_the_standard_refuses_is_none() {
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-é",
        ] {
            assert_eq!(TraceContext::new(bad, ""), None, "{bad}");
        }
        let later = format!("cc{}-more", &PARENT[2..]);
        assert_eq!(TraceContext::new(&later, "").unwrap().traceparent(), &later[..TRACEPARENT_LEN]);
    }

    #[test]
    fn a_tracestate_that_is_too_long_or_no_text_is_left_out() {
        for (state, is_kept) in [
            ("a=b", true),
            (&*"s".repeat(MAX_TRACESTATE), true),
            (&*"s".repeat(MAX_TRACESTATE + 1), false),
            ("a=\n", false),
        ] {
            let kept = TraceContext::new(PARENT, state).unwrap().tracestate();
            assert_eq!(kept, if is_kept { state } else { "" });
        }
        let wire = [PARENT.as_bytes(), b"\xff"].concat();
        assert_eq!(TraceContext::parse(&wire).unwrap().tracestate(), "");
    }

    #[test]
    fn it_is_taken_off_the_end_within_its_bounds() {
        let framed = |trace: &[u8]| {
            let mut wire = b"own".to_vec();
            push_trace(trace, &mut wire).unwrap();
            wire
        };
        let parent = PARENT.as_bytes();
        assert_eq!(split_trace(&framed(parent)), Some((&b"own"[..], parent)));
        assert_eq!(split_trace(&framed(&parent[1..])), Some((&b"own"[..], &b""[..])));
        let longest = [parent, &[b's'; MAX_TRACESTATE][..]].concat();
        assert_eq!(split_trace(&framed(&longest)), Some((&b"own"[..], &longest[..])));
        let longer = [&longest[..], b"s"].concat();
        assert_eq!(split_trace(&framed(&longer)), Some((&b"own"[..], parent)));
        for bad in [&b""[..], b"\0", b"\0\x01", b"ab\0\x03"] {
            assert_eq!(split_trace(bad), None, "{bad:?}");
        }
        assert!(push_trace(&vec![0; 65_536], &mut Vec::new()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, state: String) {
            let _ = TraceContext::parse(&bytes);
            let _ = split_trace(&bytes);
            let _ = TraceContext::new(&state, &state);
        }

        #[test]
        fn any_ids_go_there_and_back(trace: [u8; 16], parent: [u8; 8], flags: u8, state in "[ -~]{0,512}") {
            prop_assume!(trace != [0; 16] && parent != [0; 8]);
            let text = traceparent(trace, parent, flags);
            let context = TraceContext::new(std::str::from_utf8(&text).unwrap(), &state).unwrap();
            prop_assert_eq!((context.trace_id(), context.parent_id(), context.flags()), (trace, parent, flags));
            let mut wire = Vec::new();
            context.put(&mut wire);
            prop_assert_eq!(TraceContext::parse(&wire), Some(context));
        }
    }
}
