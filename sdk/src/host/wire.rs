//! What a broker and its hosts say to each other, over calls of the gateway. For those who write a broker or a host of their
//! own; [`ServiceHost`](super::ServiceHost) speaks it.
//!
//! A host calls [`ANNOUNCE`] with an [`Announcement`] in JSON, when it has connected, whenever it has connected anew, and then
//! after the time that each answer, a [`Welcome`], says. A broker calls [`EXECUTE`] of the host, with the request's body as
//! the payload and a [`RequestHeader`] as the header; the answer is the payload of the reply, or an application error:
//! those numbers from [`FIRST_RESERVED`] on have a meaning, the others are the service's own.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The method of the broker by which a host says who it is.
pub const ANNOUNCE: &str = "sessions.host";

/// The method of a host that computes a request.
pub const EXECUTE: &str = "sessions.execute";

/// Application errors from this number on are not the service's own.
pub const FIRST_RESERVED: u32 = 0xffff_ff00;

/// The call has failed and should be made again; it counts as a try.
pub const RETRY: u32 = 0xffff_ff01;

/// The host gives the request back, as it is stopping: it does not count as a try.
pub const GIVEN_BACK: u32 = 0xffff_ff02;

/// The host can't offer the service to this session.
pub const NOT_INITIALIZED: u32 = 0xffff_ff03;

/// What a host says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Announcement {
    /// The service that it offers.
    pub service: String,
    /// Of the service.
    #[serde(default)]
    pub version: String,
    /// The machine that it runs on.
    #[serde(default)]
    pub node: String,
    /// Greater with each start of the host: milliseconds since 1970, say.
    pub generation: u64,
    /// How many requests it computes at once.
    pub capacity: u32,
    /// What it has.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// How many requests it has.
    #[serde(default)]
    pub depth: u32,
    /// Whether it takes no more.
    #[serde(default)]
    pub draining: bool,
}

/// What a broker answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// After how many milliseconds the host is to say again who it is.
    pub again_after_ms: u64,
}

/// What goes along with a request.
///
/// ```text
/// version 1 (1 byte) | tries (4) | session (16) | message (16) | length of the action (2) | action | user data
/// ```
/// Numbers are big endian, texts UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// The session.
    pub session: u128,
    /// The request.
    pub message: u128,
    /// How many calls of it have failed before.
    pub tries: u32,
    /// What is to be done.
    pub action: &'a str,
    /// The client's.
    pub user_data: &'a str,
}

const VERSION: u8 = 1;

impl<'a> RequestHeader<'a> {
    /// The bytes. An action of more than 65,535 bytes is cut, at a character.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { session, message, tries, action, user_data } = *self;
        let action = &action[..action.floor_char_boundary(usize::from(u16::MAX))];
        let mut bytes = Vec::with_capacity(39 + action.len() + user_data.len());
        bytes.push(VERSION);
        bytes.extend(tries.to_be_bytes());
        bytes.extend(session.to_be_bytes());
        bytes.extend(message.to_be_bytes());
        bytes.extend(u16::try_from(action.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(action.as_bytes());
        bytes.extend(user_data.as_bytes());
        bytes
    }

    /// Reads the bytes; `None` if they are no header, or one of a later version.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let (tries, rest) = rest.split_first_chunk()?;
        let (session, rest) = rest.split_first_chunk()?;
        let (message, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (action, user_data) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        Some(Self {
            session: u128::from_be_bytes(*session),
            message: u128::from_be_bytes(*message),
            tries: u32::from_be_bytes(*tries),
            action: std::str::from_utf8(action).ok()?,
            user_data: std::str::from_utf8(user_data).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written_and_no_part_of_it_is_one() {
        let header =
            RequestHeader { session: 1 << 100, message: 7, tries: 3, action: "Add", user_data: "ä1" };
        let bytes = header.encode();
        assert_eq!(RequestHeader::decode(&bytes), Some(header));
        let golden = "01000000030000001000000000000000000000000000000000000000000000000000000007000341\
                      6464c3a431";
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden.replace(' ', ""));
        let shorter = (0..bytes.len() - "ä1".len()).map(|length| &bytes[..length]);
        assert!(shorter.map(RequestHeader::decode).all(|read| read.is_none()));
        let mut other = bytes;
        other[0] = 2;
        assert_eq!(RequestHeader::decode(&other), None);
    }
}
