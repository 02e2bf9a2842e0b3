//! The WebSocket side of [`crate::fuzzing`].

use super::frame::{Header, Opcode, apply};
use super::{ForwardedField, Role, UpgradeError, UpgradeRules, WebSocket, accept, connect};
use crate::fuzzing::Script;
use crate::staging::Staging;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

/// The key of the specification's example.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What was read, why it ended if not for an end, and which frames were sent.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) read: Vec<u8>,
    pub(crate) error: Option<(io::ErrorKind, String)>,
    pub(crate) sent: Vec<(Opcode, Vec<u8>)>,
}

/// The frames of a peer, read by the server's or by the client's side.
pub(crate) fn frames(mut io: Script, is_server: bool) -> Outcome {
    let role = if is_server { Role::Server } else { Role::Client };
    let (read, error) = run(read_all(WebSocket::new(&mut io, role, Staging::default())));
    Outcome { read, error, sent: sent(io.written, role) }
}

/// A client's request. Whoever is refused is told so.
pub(crate) fn request(mut io: Script) -> Result<Outcome, UpgradeError> {
    let allowed_origins = ["https://*.example:8443", "null"].map(|text| text.parse().expect("a pattern"));
    let forwarded = Some(ForwardedField::Forwarded);
    let rules = UpgradeRules { allowed_origins: allowed_origins.to_vec(), forwarded };
    let upgraded = run(async { Ok(read_all(accept(&mut io, &rules).await?.socket).await) });
    let head = io.written.windows(4).position(|end| end == b"\r\n\r\n").expect("it is answered") + 4;
    let frames = io.written.split_off(head);
    let expected: &[u8] = if upgraded.is_ok() { b"HTTP/1.1 101 " } else { b"HTTP/1.1 4" };
    assert!(io.written.starts_with(expected), "{}", String::from_utf8_lossy(&io.written));
    upgraded.map(|(read, error)| Outcome { read, error, sent: sent(frames, Role::Server) })
}

/// A server's answer.
pub(crate) fn answer(mut io: Script) -> Result<Outcome, UpgradeError> {
    let upgraded = run(async { Ok(read_all(connect::read_answer(&mut io, KEY).await?).await) });
    upgraded.map(|(read, error)| Outcome { read, error, sent: sent(io.written, Role::Client) })
}

/// A refusal has a deadline, so there must be a clock.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("it has nothing to open").block_on(future)
}

async fn read_all<T>(mut socket: WebSocket<T>) -> (Vec<u8>, Option<(io::ErrorKind, String)>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut read = Vec::new();
    let ended = socket.read_to_end(&mut read).await;
    (read, ended.err().map(|error| (error.kind(), error.to_string())))
}

/// The frames of `wire`, which must be in order: masked by clients alone, only answers, nothing behind a
/// Close.
fn sent(mut wire: Vec<u8>, by: Role) -> Vec<(Opcode, Vec<u8>)> {
    let (mut frames, mut rest) = (Vec::new(), &mut wire[..]);
    while !rest.is_empty() {
        let (header, size) = Header::parse(rest).expect("it keeps the rules").expect("it is whole");
        assert_eq!(header.mask.is_some(), by == Role::Client);
        assert!(matches!(header.opcode, Opcode::Pong | Opcode::Close), "{header:?}");
        let closed = frames.last().is_some_and(|(last, _)| *last == Opcode::Close);
        assert!(!closed, "a frame behind a Close");
        let len = usize::try_from(header.len).expect("it is short");
        let (payload, behind) = rest[size..].split_at_mut(len);
        apply(header.mask.unwrap_or_default(), payload);
        frames.push((header.opcode, payload.to_vec()));
        rest = behind;
    }
    frames
}
