//! The JSON objects in bodies, as they are written. Empty fields are left out.

use crate::time;
use crate::{HEADER_LEN, MAX_BODY};
use data_encoding::BASE64;
use std::borrow::Cow;
use std::time::SystemTime;

/// About how long a body is beside what its sender gives, in bytes: braces, keys and two times.
const BESIDE: usize = 192;

/// Makes room for a packet with so many bytes in base64, so that it need not grow in small steps.
pub(crate) fn make_room(out: &mut Vec<u8>, len: usize) {
    out.reserve(HEADER_LEN + BESIDE + BASE64.encode_len(len.min(MAX_BODY)));
}

/// An object that is being appended.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    fn key(&mut self, key: &str) {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// A byte string, in two parts.
    pub(crate) fn bytes(&mut self, key: &str, parts: &[&[u8]]) {
        let joined = match parts {
            [part] => Cow::Borrowed(*part),
            parts => Cow::Owned(parts.concat()),
        };
        if joined.is_empty() {
            return;
        }
        self.key(key);
        self.out.push(b'"');
        let start = self.out.len();
        self.out.resize(start + BASE64.encode_len(joined.len()), 0);
        BASE64.encode_mut(&joined, &mut self.out[start..]);
        self.out.push(b'"');
    }

    pub(crate) fn text(&mut self, key: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        self.key(key);
        if let Err(error) = serde_json::to_writer(&mut *self.out, text) {
            unreachable!("text is JSON, and a vector takes everything: {error}");
        }
    }

    /// A point in time, if there is one: who reads it takes one that is missing for none.
    pub(crate) fn time(&mut self, key: &str, at: Option<SystemTime>) {
        if at.is_some() {
            self.key(key);
            time::put(self.out, at);
        }
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

/// What stands behind a byte string; `None` if it is no base64.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() { Some(Vec::new()) } else { BASE64.decode(text.as_bytes()).ok() }
}
