//! Bytes from the other end that break the protocol, and what may be ignored.

use super::*;
use bytes::BytesMut;
use frontier_protocol::{Cancel, Code, Flags, HEADER_LEN, Publish, Request, Response, ping};

async fn outcome(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (_links, mut stream, mut far) = bare().await;
    far.write_all(bytes).await.unwrap();
    far.shutdown().await.unwrap();
    let mut got = Vec::new();
    soon(stream.read_to_end(&mut got)).await.map(|_| got)
}

async fn refused(bytes: &[u8]) {
    let error = outcome(bytes).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
}

#[tokio::test]
async fn what_is_no_frame_ends_the_stream() {
    refused(b"GET / HTTP/1.1\r\n\r\n").await;
    refused(&[0; HEADER_LEN]).await;
    refused(&[0xff; HEADER_LEN]).await;
}

#[tokio::test]
async fn frames_out_of_place_end_the_stream() {
    let mut out = BytesMut::new();
    ping(1, &mut out);
    refused(&out).await;

    out.clear();
    let request = Request {
        timeout_ms: 1,
        method: "m",
        custom: frontier_protocol::Custom::plain(b""),
        payload: &[0; 4],
    };
    request.encode_with(1, Flags::DETACHED, &mut out).unwrap();
    refused(&out).await;

    // A body that is cut short inside.
    out.clear();
    Cancel::encode(1, &mut out).unwrap();
    for kind in [0x10, 0x11, 0x20, 0x21] {
        out[4] = kind;
        refused(&out).await;
    }
}

#[tokio::test]
async fn an_answer_of_the_wrong_kind_ends_the_stream() {
    let (_links, stream, mut far) = bare().await;
    let sent = tokio::spawn(stream.publish("t", "x").into_future());
    let mut frame = [0; HEADER_LEN + 8 + 2];
    soon(far.read_exact(&mut frame)).await.unwrap();
    let id = u64::from_be_bytes(*frame[8..].first_chunk().unwrap());
    let mut out = Vec::new();
    Response::error(Code::Deadline, "").encode_with(id, Flags::default(), &mut out).unwrap();
    far.write_all(&out).await.unwrap();
    assert_eq!(soon(sent).await.unwrap().unwrap_err().code, Code::Protocol);
}

#[tokio::test]
async fn a_mux_stream_that_ends_without_the_last_frame_was_lost() {
    for bytes in [&b""[..], &frontier_protocol::data_header(10).unwrap(), b"\0\0\0"] {
        let error = outcome(bytes).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
    }
}

#[tokio::test]
async fn unasked_answers_and_skippable_frames_are_passed_over() {
    let mut out = BytesMut::new();
    Response::error(Code::Deadline, "").encode_with(9, Flags::default(), &mut out).unwrap();
    Cancel::encode(9, &mut out).unwrap();
    out.extend_from_slice(&[0, 0, 0, 13, 0xee, Flags::SKIPPABLE.0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    out.extend_from_slice(&frontier_protocol::data_header(2).unwrap());
    out.extend_from_slice(b"ok");
    out.extend_from_slice(&frontier_protocol::data_end());
    assert_eq!(outcome(&out).await.unwrap(), b"ok");
}

#[tokio::test]
async fn random_bytes_never_panic() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let mut bytes = dice.bytes(60);
        // A small length and a known kind lead deeper.
        bytes[..4].copy_from_slice(&[0, 0, 0, u8::try_from(12 + dice.roll(30)).unwrap()]);
        bytes[4] = [0x10, 0x11, 0x20, 0x21, 0x22, 0x50][dice.roll(6)];
        let _ = outcome(&bytes).await;
    }
}

#[tokio::test]
async fn one_who_asks_and_does_not_listen_is_given_up() {
    let (_links, stream, mut far) = bare().await;
    Pump::read(stream.core());
    let asking = async {
        let publish = Publish {
            timeout_ms: 1,
            topic: "t",
            custom: frontier_protocol::Custom::plain(b""),
            payload: b"",
        };
        for id in 1.. {
            let mut out = Vec::new();
            publish.encode_with(id, Flags::ACKED, &mut out).unwrap();
            if far.write_all(&out).await.is_err() {
                return;
            }
        }
    };
    let receiving = async {
        while let Some(message) = stream.recv().await {
            message.fail("x".repeat(4000));
        }
    };
    soon(async { tokio::join!(asking, receiving) }).await;
    let error = soon(stream.clone().read(&mut [0])).await.unwrap_err();
    assert!(error.to_string().contains("does not read"), "{error}");
}
