//! What scripts answer.

use bytes::Bytes;
use frontier_sessions::StoreError;
use redis::{FromRedisValue, Value};

/// A reply that no script of ours gives.
pub(crate) fn unexpected() -> StoreError {
    let text =
        "redis: a script gave an unexpected reply: do other programs write under the keys of sessions?";
    StoreError::Unavailable(text.to_owned())
}

/// The items of an array.
pub(crate) fn array(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(items) => Ok(items),
        _ => Err(unexpected()),
    }
}

/// Bytes, as they are.
pub(crate) fn bytes(value: Value) -> Result<Bytes, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes.into()),
        _ => Err(unexpected()),
    }
}

/// Whatever it should be.
pub(crate) fn read<T: FromRedisValue>(value: Value) -> Result<T, StoreError> {
    T::from_redis_value(value).map_err(|_| unexpected())
}

/// Whether it says that nothing was done, since who asks is no owner, or the store has lost something.
pub(crate) fn is_refusal(value: &Value) -> bool {
    let word = match value {
        Value::Array(items) => items.first(),
        _ => None,
    };
    matches!(word, Some(Value::BulkString(word)) if word == b"fenced" || word == b"lost")
}

/// The answer to an owner, without its first word.
///
/// # Errors
/// If it is none, or the store has lost something.
pub(crate) fn owned(value: Value) -> Result<std::vec::IntoIter<Value>, StoreError> {
    let mut items = array(value)?.into_iter();
    let word: String = read(items.next().ok_or_else(unexpected)?)?;
    match word.as_str() {
        "ok" => Ok(items),
        "fenced" => Err(StoreError::Fenced),
        "lost" => {
            let text = "redis has lost what it had confirmed, as a replica has that became the master without having got it";
            Err(StoreError::Damaged(text.to_owned()))
        }
        _ => Err(unexpected()),
    }
}
