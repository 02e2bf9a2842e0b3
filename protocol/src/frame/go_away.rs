//! `GoAway` (0x06): the sender is leaving and takes nothing new; what is in flight may end.
//!
//! Body:
//!
//! ```text
//!  grace ms (u32) | tagged fields
//! ```
//!
//! | tag | field | how often |
//! |---|---|---|
//! | 1 | the address of another gateway to go to, a URL, UTF-8 | any number, the best first |
//! | 2 | after how many milliseconds to begin to go (u32); at once without it | at most once |
//! | 3 | text for people, UTF-8 | at most once |
//!
//! Sent by a dialler that closes in good order: the gateway then routes nothing more to it and answers
//! with a `GoAway` of its own behind the last frame it sent, so the dialler knows that it has seen
//! everything.
//!
//! Sent by a gateway before it stops, with [`Code::Draining`]: the dialler connects elsewhere, and then
//! closes here in good order, with the same code. Until then both go on as before. A service is asked
//! on for the edges that are still here, and gets the gateway's last word when they are gone. So do those who
//! have not gone elsewhere, in the end: behind it nothing new is asked, and what was asked is answered.
//!
//! With [`Flags::STAYS`] the gateway goes on itself, and only asks the dialler to be elsewhere, where there
//! is more room: at one of the addresses in the notice, and nowhere else. If none takes the dialler, all
//! stays as it is. The grace then is for what is in flight at the old connection once there is a new one.

use super::fields::{Reader, put_tagged, tagged_len};
use super::{EncodeError, Flags, Frame, Kind, ParseError, expect, put_header};
use crate::Code;
use bytes::BufMut;

const TAG_ADDRESS: u8 = 1;
const TAG_DELAY: u8 = 2;
const TAG_TEXT: u8 = 3;

/// A notice of leaving, borrowed from the frame that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoAway<'a> {
    /// The reason: [`Code::Ok`] for a close in good order, [`Code::Draining`], [`Code::Superseded`], …
    pub code: Code,
    /// How long the sender will let what is in flight go on, in milliseconds.
    pub grace_ms: u32,
    /// After how many milliseconds the receiver should begin to go elsewhere; 0 for at once.
    pub delay_ms: u32,
    /// Addresses of gateways to go to instead, as URLs, the best first.
    pub alternatives: Vec<&'a str>,
    /// Whether the sender itself stays, and only asks the receiver to go to one of these.
    pub stays: bool,
    /// The reason in words.
    pub text: &'a str,
}

impl<'a> GoAway<'a> {
    /// One that names no other gateway, and wants the receiver to go at once.
    #[must_use]
    pub fn new(code: Code, grace_ms: u32, text: &'a str) -> Self {
        Self { code, grace_ms, delay_ms: 0, alternatives: Vec::new(), stays: false, text }
    }

    /// Reads a `GoAway` frame.
    ///
    /// # Errors
    /// [`ParseError`] if another kind came, the body is cut short or a field is not what it should be.
    pub fn parse(frame: &'a Frame) -> Result<Self, ParseError> {
        expect(frame, Kind::GoAway)?;
        let mut reader = Reader::new(frame);
        let mut go_away = Self::new(frame.code, reader.u32("grace")?, "");
        go_away.stays = frame.flags.has(Flags::STAYS);
        while let Some((tag, value)) = reader.tagged()? {
            let text = |field| std::str::from_utf8(value).map_err(|_| reader.invalid(field));
            match tag {
                TAG_ADDRESS => go_away.alternatives.push(text("address")?),
                TAG_DELAY => {
                    let delay = value.try_into().map_err(|_| reader.invalid("delay"))?;
                    go_away.delay_ms = u32::from_be_bytes(delay);
                }
                TAG_TEXT => go_away.text = text("text")?,
                _ => {}
            }
        }
        Ok(go_away)
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] if a text does not fit the layout; nothing was written then.
    pub fn encode(&self, out: &mut impl BufMut) -> Result<(), EncodeError> {
        let mut body_len = 4 + tagged_len(self.text.as_bytes())?;
        for url in &self.alternatives {
            body_len += tagged_len(url.as_bytes())?;
        }
        let delay = (self.delay_ms != 0).then(|| self.delay_ms.to_be_bytes());
        if let Some(delay) = &delay {
            body_len += tagged_len(delay)?;
        }
        let flags = if self.stays { Flags::STAYS } else { Flags::default() };
        put_header(out, Kind::GoAway, flags, self.code, 0, body_len)?;
        out.put_u32(self.grace_ms);
        for url in &self.alternatives {
            put_tagged(out, TAG_ADDRESS, url.as_bytes());
        }
        if let Some(delay) = &delay {
            put_tagged(out, TAG_DELAY, delay);
        }
        put_tagged(out, TAG_TEXT, self.text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::{cuts, decode, frame, refuses_other_kinds};

    fn sample() -> (GoAway<'static>, Frame) {
        let go_away = GoAway {
            delay_ms: 1_500,
            alternatives: vec!["tcp://b:1", "tcp://c:1"],
            ..GoAway::new(Code::Draining, 10_000, "restart")
        };
        let mut wire = Vec::new();
        go_away.encode(&mut wire).unwrap();
        (go_away, decode(&wire))
    }

    #[test]
    fn round_trip() {
        let (go_away, frame) = sample();
        assert_eq!(GoAway::parse(&frame), Ok(go_away.clone()));
        let asks = GoAway { stays: true, ..go_away };
        let mut wire = Vec::new();
        asks.encode(&mut wire).unwrap();
        assert_eq!(GoAway::parse(&decode(&wire)), Ok(asks));
    }

    #[test]
    fn a_cut_body_is_refused_unless_it_ends_between_fields() {
        let (go_away, frame) = sample();
        let mut shorter = GoAway { text: "", ..go_away.clone() };
        let mut wholes = vec![(4 + 12 + 12 + 7, shorter.clone())];
        shorter.delay_ms = 0;
        for len in [4 + 12 + 12, 4 + 12, 4] {
            wholes.push((len, shorter.clone()));
            shorter.alternatives.pop();
        }
        for cut in cuts(&frame) {
            let len = cut.body.len();
            let expected = wholes.iter().find(|(whole, _)| *whole == len).map(|(_, go_away)| go_away.clone());
            assert_eq!(GoAway::parse(&cut).ok(), expected, "{len} bytes");
        }
    }

    #[test]
    fn unknown_tags_are_passed_over() {
        let body = b"\0\0\0\x05\xfe\0\x01?\x03\0\x02ok\xff\0\0";
        let parsed = GoAway::new(Code::Ok, 5, "ok");
        assert_eq!(GoAway::parse(&frame(Kind::GoAway, Flags::default(), body)), Ok(parsed));
    }

    #[test]
    fn other_kinds_and_what_does_not_fit_are_refused() {
        refuses_other_kinds(&sample().1, &[Kind::GoAway], |frame| GoAway::parse(frame).map(drop));
        let cases: [(&[u8], _); 4] = [
            (b"\x01\0\x01\xff", "address"),
            (b"\x02\0\x03\0\0\0", "delay"),
            (b"\x02\0\x05\0\0\0\0\0", "delay"),
            (b"\x03\0\x01\xff", "text"),
        ];
        for (tagged, field) in cases {
            let bad = frame(Kind::GoAway, Flags::default(), &[&[0; 4], tagged].concat());
            assert_eq!(GoAway::parse(&bad), Err(ParseError::Invalid { kind: Kind::GoAway, field }));
        }

        let text = "x".repeat(65_536);
        let long_text = GoAway::new(Code::Ok, 0, &text);
        let long_address = GoAway { alternatives: vec!["", &text], ..GoAway::new(Code::Ok, 0, "") };
        for go_away in [long_text, long_address] {
            let mut wire = Vec::new();
            assert_eq!(go_away.encode(&mut wire), Err(EncodeError::FieldTooLong(65_536)));
            assert!(wire.is_empty());
        }
    }
}
