//! What a message looks like to a subscriber, as text.
//!
//! ```json
//! {"type":"message","seq":17,"key":"42","edge":"42","time":1790000000000,"data":{"temperature":21.5}}
//! ```
//!
//! A payload that is JSON is `data`, one that is other text `text`, anything else `base64`. A custom header is there in
//! base64 where there is one. Ids are text, since numbers of browsers are exact up to 2^53 alone.

use crate::Message;
use data_encoding::BASE64;
use serde_json::value::RawValue;
use std::io::Write as _;

/// In which form messages go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Within an object that says what is known of it.
    Envelope,
    /// The payload alone.
    Flat,
}

/// Writes a message with its number and its key; `false` if it can't be written in this form, and nothing was then.
pub(crate) fn write(form: Form, number: u64, key: &str, message: &Message, out: &mut Vec<u8>) -> bool {
    let text = std::str::from_utf8(&message.payload);
    match (form, text) {
        (Form::Flat, Ok(text)) => write_line(text, out),
        (Form::Flat, Err(_)) => return false,
        (Form::Envelope, text) => write_envelope(number, key, message, text.ok(), out),
    }
    true
}

fn write_envelope(number: u64, key: &str, message: &Message, text: Option<&str>, out: &mut Vec<u8>) {
    let Message { edge, custom, payload, time } = message;
    put(out, format_args!(r#"{{"type":"message","seq":{number},"key":"#));
    write_string(key, out);
    put(out, format_args!(r#","edge":"{edge}","time":{time}"#));
    if !custom.is_empty() {
        put(out, format_args!(r#","custom":"{}""#, BASE64.encode(custom)));
    }
    match text {
        Some(text) if is_json(text) => {
            out.extend_from_slice(br#","data":"#);
            write_line(text.trim_matches([' ', '\t', '\r', '\n']), out);
        }
        Some(text) => {
            out.extend_from_slice(br#","text":"#);
            write_string(text, out);
        }
        None => put(out, format_args!(r#","base64":"{}""#, BASE64.encode(payload))),
    }
    out.push(b'}');
}

/// Whether it is one JSON value. Nothing is built of it, and nesting costs no stack.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// Line breaks, which JSON has between its tokens alone, become spaces: an event's data is one line.
fn write_line(text: &str, out: &mut Vec<u8>) {
    out.extend(text.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
}

/// As a string of JSON.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing text to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // As above.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use serde_json::{Value, json};

    fn written(form: Form, custom: &'static [u8], payload: &[u8]) -> Option<String> {
        let message = Message {
            edge: u64::MAX,
            custom: custom.into(),
            payload: Bytes::copy_from_slice(payload),
            time: 5,
        };
        let mut out = Vec::new();
        let is_written = write(form, 3, "a\"b", &message, &mut out);
        is_written.then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_a_payload_is_decides_where_it_stands() {
        let all =
            json!({"type": "message", "seq": 3, "key": "a\"b", "edge": u64::MAX.to_string(), "time": 5});
        for (custom, payload, field, value) in [
            (&b""[..], &b" {\"a\":\n[1,\r\n2.50]}\n"[..], "data", json!({"a": [1, 2.5]})),
            (b"", b"21.5", "data", json!(21.5)),
            (b"", b"\"x\"", "data", json!("x")),
            (b"", b"NaN", "text", json!("NaN")),
            (b"", b"{\"a\":1} x", "text", json!("{\"a\":1} x")),
            (b"", b"a\n\"b\"", "text", json!("a\n\"b\"")),
            (b"", b"", "text", json!("")),
            (b"\xff", b"\xff\x00", "base64", json!("/wA=")),
        ] {
            let text = written(Form::Envelope, custom, payload).unwrap();
            assert!(!text.contains(['\n', '\r']), "{text}");
            let mut expected = all.clone();
            expected[field] = value;
            if !custom.is_empty() {
                expected["custom"] = json!("/w==");
            }
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_no_reason_to_fail() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(written(Form::Envelope, b"", deep.as_bytes()).unwrap().contains(r#""data":[["#));
    }

    #[test]
    fn a_flat_message_is_its_payload() {
        assert_eq!(written(Form::Flat, b"x", b"{\"a\":\n1}").unwrap(), "{\"a\": 1}");
        assert_eq!(written(Form::Flat, b"", b"\xff"), None);
    }
}
