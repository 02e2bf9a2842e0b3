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

/// Whether there is more to do.
pub(crate) fn is_more(answer: &mut std::vec::IntoIter<Value>) -> Result<bool, StoreError> {
    // One that was done before says nothing more: then it is asked again.
    answer.next().map_or(Ok(true), read)
}

/// Where to go on, and the items.
pub(crate) fn page(answer: &mut std::vec::IntoIter<Value>) -> Result<(Option<u64>, Vec<Value>), StoreError> {
    let next: String = read(answer.next().ok_or_else(unexpected)?)?;
    let next = if next.is_empty() { None } else { Some(next.parse().map_err(|_| unexpected())?) };
    Ok((next, array(answer.next().ok_or_else(unexpected)?)?))
}

/// Places, and what is there.
pub(crate) fn pairs(items: Vec<Value>) -> Result<Vec<(u64, Bytes)>, StoreError> {
    let mut items = items.into_iter();
    let mut pairs = Vec::with_capacity(items.len() / 2);
    while let Some(place) = items.next() {
        pairs.push((read(place)?, bytes(items.next().ok_or_else(unexpected)?)?));
    }
    Ok(pairs)
}
