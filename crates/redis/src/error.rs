//! What Redis refuses, in one line, and what to do about it.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Characters of a server's error that are repeated: one line of a log.
const MAX_ERROR_TEXT: usize = 200;

/// Redis does not answer, or not as it should. Whether it was done is not known, unless it is full.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}")]
pub struct Unavailable {
    /// Why: one line, without secrets.
    pub line: String,
    /// It takes nothing more, for want of memory: nothing was done.
    pub is_full: bool,
}

impl Unavailable {
    pub(crate) fn new(line: String) -> Self {
        Self { line, is_full: false }
    }
}

impl From<&RedisError> for Unavailable {
    fn from(error: &RedisError) -> Self {
        Self { line: describe(error), is_full: error.code() == Some("OOM") }
    }
}

/// One line about a failure. Errors of servers hold no passwords, and the text of a script is not in them.
pub(crate) fn describe(error: &RedisError) -> String {
    let text = match error.kind() {
        ErrorKind::AuthenticationFailed => "refuses the user name or password".to_owned(),
        _ if error.is_timeout() => "did not answer within read_timeout and write_timeout".to_owned(),
        _ => match (error.code(), error.detail()) {
            (Some(code), Some(detail)) => format!("{code} {detail}"),
            _ => error.to_string(),
        },
    };
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_ERROR_TEXT).collect();
    format!("redis: {text}")
}

/// One line about why there is no connection. What is not read as an answer then is none of Redis, and may be anything: nothing
/// of it is repeated.
pub(crate) fn describe_dial(error: &RedisError) -> String {
    match error.kind() {
        ErrorKind::Parse => "redis: what answers there is no Redis".to_owned(),
        _ => describe(error),
    }
}

/// Whether the connection is of no use to anyone: it broke, or leads to a server that says it is no master now.
pub(crate) fn is_broken(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain
        ),
        ErrorKind::Io | ErrorKind::Parse | ErrorKind::ClusterConnectionNotFound => true,
        _ => error.is_unrecoverable_error(),
    }
}
