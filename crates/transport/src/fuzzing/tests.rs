//! The bodies of the fuzz targets over what a short run can reach: good input, and damaged copies of it.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

const REQUEST: &[u8] = b"GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Origin: https://app.example:8443\r\nForwarded: for=\"[2001:db8::1]:80\", for=192.0.2.1;by=x\r\n\
    Sec-WebSocket-Protocol: frontier.v1\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A ping, a message in two frames with another ping in between, and a close; masked or not.
fn conversation(masked: bool) -> Vec<u8> {
    let mut wire = Vec::new();
    let frames: [(u8, &[u8]); 5] =
        [(0x89, b"hello"), (0x02, b"abc"), (0x89, b""), (0x80, &[9; 200]), (0x88, &[3, 0xe8])];
    for (first, payload) in frames {
        let mask = if masked { 0x80 } else { 0 };
        wire.push(first);
        match u8::try_from(payload.len()) {
            Ok(len @ ..126) => wire.push(mask | len),
            _ => {
                wire.push(mask | 126);
                wire.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
            }
        }
        if masked {
            wire.extend([1, 2, 3, 4]);
            wire.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask));
        } else {
            wire.extend(payload);
        }
    }
    wire
}

fn opening() -> Vec<u8> {
    let mut wire = Vec::new();
    let open = Open { peer: 7, timeout_ms: 1000, name: "files", meta: b"meta" };
    open.encode(&mut wire).unwrap();
    [&wire[..], b"what follows"].concat()
}

/// Copies of `good` with some bytes changed, some left out, and a seed in front.
fn damaged(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<Index>(), any::<u8>()), 0..4);
    (any::<u8>(), changes, any::<Index>(), 0..3_usize).prop_map(move |(seed, changes, at, less)| {
        let mut bytes = good.clone();
        for (at, byte) in changes {
            let len = bytes.len();
            bytes[at.index(len)] = byte;
        }
        let at = at.index(bytes.len());
        bytes.drain(at..(at + less).min(bytes.len()));
        bytes.insert(0, seed);
        bytes
    })
}

#[test]
fn good_input_is_taken_whole() {
    let taken = websocket::fuzzing::frames(Script::whole(&conversation(true)), true);
    assert_eq!((taken.read.len(), taken.error, taken.sent.len()), (203, None, 3));
    let request = [REQUEST, &conversation(true)].concat();
    assert_eq!(websocket::fuzzing::request(Script::whole(&request)).unwrap().read.len(), 203);
    let answer = [ANSWER, &conversation(false)].concat();
    assert_eq!(websocket::fuzzing::answer(Script::whole(&answer)).unwrap().read.len(), 203);
    let (frame, rest) = first_frame(&opening(), iter::repeat(1)).unwrap().unwrap();
    assert_eq!(Open::parse(&frame).unwrap().name, "files");
    assert_eq!(rest, b"what follows");
}

proptest! {
    #[test]
    fn any_bytes(input in vec(any::<u8>(), 0..600)) {
        websocket_frames(&input);
        upgrade_request(&input);
        upgrade_answer(&input);
        stream_opening(&input);
        proxy_header(&input);
    }

    #[test]
    fn damaged_proxy_headers(input in damaged(b"PROXY TCP6 2001:db8::1 ::1 56324 443\r\n".to_vec())) {
        proxy_header(&input[1..]);
    }

    #[test]
    fn damaged_frames(input in any::<bool>().prop_flat_map(|masked| damaged(conversation(masked)))) {
        websocket_frames(&input);
    }

    #[test]
    fn damaged_requests(input in damaged([REQUEST, &conversation(true)].concat())) {
        upgrade_request(&input);
    }

    #[test]
    fn damaged_answers(input in damaged([ANSWER, &conversation(false)].concat())) {
        upgrade_answer(&input);
    }

    #[test]
    fn damaged_openings(input in damaged(opening())) {
        stream_opening(&input);
    }
}
