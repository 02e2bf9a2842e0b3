//! Requests and responses as bytes.
//!
//! ```text
//! request:  checksum (4) | message id (16) | length of the action (2) | of the user data (4) | action | user data | body
//! response: checksum (4) | message id (16) | kind (1) | length of the user data (4) | user data | answer
//!                                            kind 1: detail (4) | length of the code (2) | code | text, in the answer's place
//! ```
//! Numbers are big endian, texts UTF-8. The checksum is the CRC-32 of what follows it.

use crate::{CallFault, MessageId, Outcome, Request, Response, StoreError};
use bytes::Bytes;

const ANSWER: u8 = 0;
const FAULT: u8 = 1;

fn sealed(capacity: usize, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = Vec::with_capacity(capacity + 64);
    bytes.extend([0; 4]);
    write(&mut bytes);
    let checksum = crc32fast::hash(&bytes[4..]);
    bytes[..4].copy_from_slice(&checksum.to_be_bytes());
    bytes.into()
}

fn short(text: &str) -> (&str, u16) {
    let text = &text[..text.floor_char_boundary(usize::from(u16::MAX))];
    (text, u16::try_from(text.len()).unwrap_or(u16::MAX))
}

fn length(text: &str) -> [u8; 4] {
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// A request as bytes.
#[must_use]
pub fn write_request(request: &Request) -> Bytes {
    let Request { id, action, body, user_data } = request;
    sealed(request.size(), |bytes| {
        let (action, action_length) = short(action);
        bytes.extend(id.0.to_be_bytes());
        bytes.extend(action_length.to_be_bytes());
        bytes.extend(length(user_data));
        bytes.extend(action.as_bytes());
        bytes.extend(user_data.as_bytes());
        bytes.extend(&body[..]);
    })
}

/// A response as bytes.
#[must_use]
pub fn write_response(response: &Response) -> Bytes {
    let Response { request, user_data, outcome } = response;
    sealed(response.size(), |bytes| {
        bytes.extend(request.0.to_be_bytes());
        bytes.push(if matches!(outcome, Outcome::Answer(_)) { ANSWER } else { FAULT });
        bytes.extend(length(user_data));
        bytes.extend(user_data.as_bytes());
        match outcome {
            Outcome::Answer(body) => bytes.extend(&body[..]),
            Outcome::Fault(CallFault { code, detail, text }) => {
                let (code, code_length) = short(code);
                bytes.extend(detail.to_be_bytes());
                bytes.extend(code_length.to_be_bytes());
                bytes.extend(code.as_bytes());
                bytes.extend(text.as_bytes());
            }
        }
    })
}

/// Which request it is, or is answered, without a look at the rest.
///
/// # Errors
/// [`StoreError::Damaged`] if there are too few bytes.
pub fn message_id(bytes: &[u8]) -> Result<MessageId, StoreError> {
    let id = bytes.get(4..20).and_then(|id| id.try_into().ok());
    id.map(|id| MessageId(u128::from_be_bytes(id))).ok_or_else(damaged)
}

/// The request of these bytes.
///
/// # Errors
/// [`StoreError::Damaged`] if they are not what was written.
pub fn read_request(bytes: &[u8]) -> Result<Request, StoreError> {
    request(bytes).ok_or_else(damaged)
}

/// The response of these bytes.
///
/// # Errors
/// [`StoreError::Damaged`] if they are not what was written.
pub fn read_response(bytes: &[u8]) -> Result<Response, StoreError> {
    response(bytes).ok_or_else(damaged)
}

fn damaged() -> StoreError {
    StoreError::Damaged("what was read from the store is not what was written (checksum)".to_owned())
}

/// What follows the checksum, if that is right.
fn unsealed(bytes: &[u8]) -> Option<&[u8]> {
    let (checksum, rest) = bytes.split_first_chunk()?;
    (crc32fast::hash(rest) == u32::from_be_bytes(*checksum)).then_some(rest)
}

fn text(bytes: &[u8], length: usize) -> Option<(&str, &[u8])> {
    let (text, rest) = bytes.split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

fn request(bytes: &[u8]) -> Option<Request> {
    let (id, rest) = unsealed(bytes)?.split_first_chunk()?;
    let (action_length, rest) = rest.split_first_chunk()?;
    let (data_length, rest) = rest.split_first_chunk()?;
    let (action, rest) = text(rest, usize::from(u16::from_be_bytes(*action_length)))?;
    let (user_data, body) = text(rest, usize::try_from(u32::from_be_bytes(*data_length)).ok()?)?;
    Some(Request {
        id: MessageId(u128::from_be_bytes(*id)),
        action: action.into(),
        body: Bytes::copy_from_slice(body),
        user_data: user_data.into(),
    })
}

fn response(bytes: &[u8]) -> Option<Response> {
    let (request, rest) = unsealed(bytes)?.split_first_chunk()?;
    let (kind, rest) = rest.split_first()?;
    let (data_length, rest) = rest.split_first_chunk()?;
    let (user_data, rest) = text(rest, usize::try_from(u32::from_be_bytes(*data_length)).ok()?)?;
    let outcome = match *kind {
        ANSWER => Outcome::Answer(Bytes::copy_from_slice(rest)),
        FAULT => {
            let (detail, rest) = rest.split_first_chunk()?;
            let (code_length, rest) = rest.split_first_chunk()?;
            let (code, rest) = text(rest, usize::from(u16::from_be_bytes(*code_length)))?;
            let said = std::str::from_utf8(rest).ok()?;
            Outcome::Fault(CallFault {
                code: code.into(),
                detail: u32::from_be_bytes(*detail),
                text: said.into(),
            })
        }
        _ => return None,
    };
    let request = MessageId(u128::from_be_bytes(*request));
    Some(Response { request, user_data: user_data.into(), outcome })
}

/// Of a response, how many bytes it has as [`Response::size`] counts them, without a look at the rest.
///
/// # Errors
/// [`StoreError::Damaged`] if there are too few bytes.
pub fn response_size(bytes: &[u8]) -> Result<usize, StoreError> {
    let size = || {
        let rest = bytes.get(20..)?;
        let (kind, rest) = rest.split_first()?;
        let rest = rest.get(4..)?;
        match *kind {
            ANSWER => Some(rest.len()),
            _ => {
                let code = bytes.get(25 + data_length(bytes)? + 4..)?.first_chunk()?;
                rest.len().checked_sub(6 + usize::from(u16::from_be_bytes(*code)))
            }
        }
    };
    size().ok_or_else(damaged)
}

fn data_length(response: &[u8]) -> Option<usize> {
    let length = response.get(21..25)?.first_chunk()?;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> (Request, [Response; 2]) {
        let request = Request {
            id: MessageId(7),
            action: "Add".into(),
            body: vec![1, 2].into(),
            user_data: "ä".into(),
        };
        let answer = |outcome| Response { request: MessageId(7), user_data: "ä".into(), outcome };
        let fault = CallFault { code: "ServiceFault".into(), detail: 9, text: "no such number".into() };
        (request, [answer(Outcome::Answer(vec![3; 5].into())), answer(Outcome::Fault(fault))])
    }

    #[test]
    fn what_is_written_is_read() {
        let (request, responses) = samples();
        let bytes = write_request(&request);
        assert_eq!(read_request(&bytes), Ok(request));
        assert_eq!(message_id(&bytes), Ok(MessageId(7)));
        for response in responses {
            let bytes = write_response(&response);
            assert_eq!(response_size(&bytes), Ok(response.size()));
            assert_eq!(message_id(&bytes), Ok(MessageId(7)));
            assert_eq!(read_response(&bytes), Ok(response));
        }
    }

    #[test]
    fn a_bit_that_has_turned_and_a_part_of_it_are_damage() {
        let (request, responses) = samples();
        let is_damaged = |bytes: &[u8], is_request: bool| {
            let read = if is_request { read_request(bytes).err() } else { read_response(bytes).err() };
            assert!(matches!(read, Some(StoreError::Damaged(_))), "{bytes:?}");
        };
        let all = [
            (write_request(&request), true),
            (write_response(&responses[0]), false),
            (write_response(&responses[1]), false),
        ];
        for (bytes, is_request) in all {
            for length in 0..bytes.len() {
                is_damaged(&bytes[..length], is_request);
                // Of these no checksum is looked at; they must not panic.
                let _ = (response_size(&bytes[..length]), message_id(&bytes[..length]));
                let mut turned = bytes.to_vec();
                turned[length] ^= 4;
                is_damaged(&turned, is_request);
            }
        }
    }
}
