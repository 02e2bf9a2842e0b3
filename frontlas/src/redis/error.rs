use crate::DirectoryError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// How much of what a server says is repeated.
const SAID: usize = 200;

/// One line about a failure. What servers say holds no passwords; a script's text does not get in here.
pub(super) fn line(error: &RedisError) -> String {
    let said = match error.kind() {
        ErrorKind::AuthenticationFailed => "refuses the user name or password".to_owned(),
        _ if error.is_timeout() => "did not answer in time".to_owned(),
        _ => match (error.code(), error.detail()) {
            (Some(code), Some(detail)) => format!("{code} {detail}"),
            _ => error.to_string(),
        },
    };
    let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID).collect();
    format!("redis: {said}")
}

pub(super) fn unavailable(error: &RedisError) -> DirectoryError {
    DirectoryError::Unavailable(line(error))
}

/// An answer that no script of ours gives.
pub(super) fn unexpected() -> DirectoryError {
    DirectoryError::Unavailable("redis: gave an unexpected answer".to_owned())
}

/// Whether another connection may do better: this one broke, or leads to a server that is no master now.
pub(super) fn wants_another(error: &RedisError) -> bool {
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
