//! What a client sends: put together, unmasked, and bounded.

use super::frame::{Header, Opcode, Violation};
use crate::deflate::TAIL;
use flate2::{Decompress, FlushDecompress};

/// The longest message that a client may send, and what it may come to when it is compressed.
const MAX_MESSAGE: usize = 4096;

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    Text(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
    /// Nothing that matters here.
    Other,
}

/// Bytes that have come, and the message that is not whole yet.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
    /// Of a fragmented message: what it is, and what has come of it.
    message: Option<(bool, bool, Vec<u8>)>,
    may_compress: bool,
}

impl Incoming {
    pub(super) fn new(may_compress: bool) -> Self {
        Self { may_compress, ..Self::default() }
    }

    /// Adds what has come. At most a header and a message are kept, if all that is there is taken each time.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next thing that is whole.
    pub(super) fn next(&mut self) -> Result<Option<Input>, Violation> {
        loop {
            let Some((header, size)) = Header::parse(&self.bytes, self.may_compress)? else {
                return Ok(None);
            };
            let len = usize::try_from(header.len).unwrap_or(usize::MAX);
            let so_far = self.message.as_ref().map_or(0, |(.., so_far)| so_far.len());
            if len > MAX_MESSAGE || so_far + len > MAX_MESSAGE {
                return Err(Violation::TooLong);
            }
            let Some(payload) = self.bytes.get_mut(size..size + len) else { return Ok(None) };
            payload.iter_mut().zip(header.mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
            let payload = payload.to_vec();
            self.bytes.drain(..size + len);
            if self.bytes.is_empty() {
                self.bytes = Vec::new();
            }
            if let Some(input) = self.frame(header, payload)? {
                return Ok(Some(input));
            }
        }
    }

    /// What a frame comes to; `None` if more of the message follows.
    fn frame(&mut self, header: Header, payload: Vec<u8>) -> Result<Option<Input>, Violation> {
        match header.opcode {
            Opcode::Ping => return Ok(Some(Input::Ping(payload))),
            Opcode::Pong => return Ok(Some(Input::Pong)),
            Opcode::Close => {
                let status = payload.first_chunk().map(|status| u16::from_be_bytes(*status));
                return Ok(Some(Input::Close(status)));
            }
            Opcode::Continuation => match &mut self.message {
                Some((.., so_far)) => so_far.extend_from_slice(&payload),
                None => return Err(Violation::Protocol),
            },
            Opcode::Text | Opcode::Binary if self.message.is_some() => return Err(Violation::Protocol),
            opcode => self.message = Some((opcode == Opcode::Text, header.is_compressed, payload)),
        }
        if !header.is_last {
            return Ok(None);
        }
        let Some((is_text, is_compressed, message)) = self.message.take() else { return Ok(None) };
        if !is_text {
            return Ok(Some(Input::Other));
        }
        let message = if is_compressed { inflate(message)? } else { message };
        Ok(Some(Input::Text(message)))
    }
}

fn inflate(mut message: Vec<u8>) -> Result<Vec<u8>, Violation> {
    message.extend_from_slice(&TAIL);
    // One more than there may be, so that too much is told from as much as there may be.
    let mut out = Vec::with_capacity(MAX_MESSAGE + 1);
    let inflated = Decompress::new(false).decompress_vec(&message, &mut out, FlushDecompress::Sync);
    inflated.map_err(|_| Violation::Protocol)?;
    if out.len() > MAX_MESSAGE { Err(Violation::TooLong) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::Deflater;
    use proptest::prelude::*;

    const MASK: [u8; 4] = [7, 0, 255, 3];

    fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        super::super::put_header(&mut frame, false, payload.len());
        (frame[0], frame[1]) = (first, frame[1] | 0x80);
        frame.extend_from_slice(&MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    fn all(incoming: &mut Incoming) -> Result<Vec<Input>, Violation> {
        std::iter::from_fn(|| incoming.next().transpose()).collect()
    }

    #[test]
    fn a_message_in_pieces_is_one_whatever_is_between_them() {
        let bytes = [
            client_frame(0x01, b"ab"),
            client_frame(0x89, b"ping"),
            client_frame(0x00, b""),
            client_frame(0x80, b"c"),
            client_frame(0x82, b"binary"),
            client_frame(0x8a, b""),
            client_frame(0x88, &[3, 232]),
        ];
        let bytes = bytes.concat();
        let expected = || {
            [
                Input::Ping(b"ping".into()),
                Input::Text(b"abc".into()),
                Input::Other,
                Input::Pong,
                Input::Close(Some(1000)),
            ]
        };
        let mut whole = Incoming::new(false);
        whole.push(&bytes);
        assert_eq!(all(&mut whole).unwrap(), expected());
        let (mut bytewise, mut got) = (Incoming::new(false), Vec::new());
        for byte in &bytes {
            bytewise.push(&[*byte]);
            got.extend(all(&mut bytewise).unwrap());
        }
        assert_eq!(got, expected());
    }

    #[test]
    fn what_is_compressed_is_read_and_bounded() {
        let compressed = |text: &str| {
            let block = Deflater::new().block(text.as_bytes());
            client_frame(0xc1, block.strip_suffix(&TAIL).unwrap())
        };
        let mut incoming = Incoming::new(true);
        incoming.push(&compressed(r#"{"type":"heartbeat"}"#));
        incoming.push(&compressed(&"a".repeat(MAX_MESSAGE)));
        assert_eq!(all(&mut incoming).unwrap().len(), 2);
        incoming.push(&compressed(&"a".repeat(MAX_MESSAGE + 1)));
        assert_eq!(all(&mut incoming), Err(Violation::TooLong));
        let mut broken = Incoming::new(true);
        broken.push(&client_frame(0xc1, &[0xff; 9]));
        assert_eq!(all(&mut broken), Err(Violation::Protocol));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Whatever comes, in whatever pieces: it ends or goes on, and what is kept is bounded.
        #[test]
        fn no_bytes_do_harm(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..64)) {
            let mut incoming = Incoming::new(true);
            for piece in pieces {
                incoming.push(&piece);
                if all(&mut incoming).is_err() {
                    break;
                }
                prop_assert!(incoming.bytes.len() < MAX_MESSAGE + 14);
                prop_assert!(incoming.message.as_ref().is_none_or(|(.., so_far)| so_far.len() <= MAX_MESSAGE));
            }
        }
    }

    #[test]
    fn what_is_too_long_or_out_of_turn_is_refused_before_it_has_come() {
        let mut long = Incoming::new(false);
        long.push(&client_frame(0x81, &[0; MAX_MESSAGE + 1])[..20]);
        assert_eq!(all(&mut long), Err(Violation::TooLong));
        let mut pieces = Incoming::new(false);
        pieces.push(&client_frame(0x01, &[b'a'; MAX_MESSAGE]));
        pieces.push(&client_frame(0x80, b"a"));
        assert_eq!(all(&mut pieces), Err(Violation::TooLong));
        for bytes in [client_frame(0x80, b"a"), [client_frame(0x01, b"a"), client_frame(0x81, b"b")].concat()]
        {
            let mut incoming = Incoming::new(false);
            incoming.push(&bytes);
            assert_eq!(all(&mut incoming), Err(Violation::Protocol));
        }
    }
}
