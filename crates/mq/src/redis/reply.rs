//! What Redis says of one message.

use super::Settings;
use crate::{Cause, RedisTarget, SendError};
use redis::{ErrorKind, RedisError, ServerErrorKind, Value};

/// Characters of a server's error that are repeated.
const MAX_ERROR_TEXT: usize = 200;

/// What Redis says of one message.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    /// The end.
    Answer(Result<(), SendError>),
    /// The server is in no state to take it: another may be, or it later. Why.
    NotLookedAt(String),
    /// Another node of the cluster has the slot.
    Moved { slot: u16, node: String },
    /// Another node has the key, while its slot is on the move.
    Ask { node: String },
}

/// Reads a reply. What is not exactly what the command gives is no confirm.
pub(super) fn read(settings: &Settings, target: &str, reply: Value) -> Reply {
    let name = settings.name;
    let refuse = |cause, text: String| Reply::Answer(Err(SendError::new(cause, format!("{name}: {text}"))));
    match (&settings.config.target, reply) {
        (_, Value::ServerError(error)) => refused(name, &RedisError::from(error)),
        (RedisTarget::Stream { .. }, Value::BulkString(id)) if !id.is_empty() => Reply::Answer(Ok(())),
        (RedisTarget::Stream { .. }, Value::Nil) => {
            refuse(Cause::NoTarget, format!("there is no stream {target:?}, and `create` is off"))
        }
        (RedisTarget::Channel { needs_subscriber: true, .. }, Value::Int(0)) => {
            refuse(Cause::NoTarget, format!("nobody has subscribed to {target:?}"))
        }
        (RedisTarget::Channel { .. }, Value::Int(_)) => Reply::Answer(Ok(())),
        (_, other) => refuse(Cause::Refused, format!("the broker answers {other:?}, which is no confirm")),
    }
}

fn refused(name: &str, error: &RedisError) -> Reply {
    let text = describe(error);
    let answer =
        |cause| Reply::Answer(Err(SendError::new(cause, format!("{name}: the broker refuses it: {text}"))));
    if let ErrorKind::Server(kind) = error.kind() {
        match kind {
            ServerErrorKind::Moved | ServerErrorKind::Ask => {
                let Some((node, slot)) = error.redirect_node() else { return answer(Cause::Refused) };
                let node = node.to_owned();
                return match kind {
                    ServerErrorKind::Ask => Reply::Ask { node },
                    _ => Reply::Moved { slot, node },
                };
            }
            ServerErrorKind::ReadOnly
            | ServerErrorKind::BusyLoading
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::TryAgain => return Reply::NotLookedAt(text),
            ServerErrorKind::NoPerm => return answer(Cause::Denied),
            _ => {}
        }
    }
    match error.code() {
        // maxmemory is reached; it can't save, and stops for that; too few replicas; a script has the server.
        Some("OOM" | "MISCONF" | "NOREPLICAS" | "BUSY") => answer(Cause::Busy),
        Some("NOAUTH" | "WRONGPASS") => Reply::NotLookedAt(text),
        _ => answer(Cause::Refused),
    }
}

/// One line about a failure. Errors of servers hold no passwords.
pub(super) fn describe(error: &RedisError) -> String {
    let text = match (error.kind(), error.code(), error.detail()) {
        (ErrorKind::AuthenticationFailed, ..) => "the user name or the password is wrong".to_owned(),
        (_, Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    };
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_ERROR_TEXT).collect()
}
