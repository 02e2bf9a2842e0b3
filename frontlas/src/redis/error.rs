//! What Redis refuses, in one line, and what to do about it.

use crate::DirectoryError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Characters of a server's error that are repeated: one line of a log.
const MAX_ERROR_TEXT: usize = 200;

/// One line about a failure. Errors of servers hold no passwords, and the text of a script is not in them.
pub(super) fn describe(error: &RedisError) -> String {
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

pub(super) fn unavailable(error: &RedisError) -> DirectoryError {
    DirectoryError::Unavailable(describe(error))
}

/// A reply that no script of ours gives.
pub(super) fn unexpected() -> DirectoryError {
    DirectoryError::Unavailable(
        "redis: a script gave an unexpected reply: do other programs write under frontlas's keys?".to_owned(),
    )
}

/// Whether the connection is of no use to anyone: it broke, or leads to a server that says it is no master now.
pub(super) fn is_broken(error: &RedisError) -> bool {
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
