//! Entries of streams, as they are read.

use crate::store::Store;
use redis::{FromRedisValue, RedisResult, Value, cmd, from_redis_value};
use std::collections::HashMap;

/// Entries that are read at once, at most.
pub(crate) const BATCH: usize = 500;

/// How long Redis waits for entries before it says that there are none.
pub(crate) const BLOCK_MS: usize = 1000;

/// An entry, and which stream it is of.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) stream: String,
    pub(crate) id: String,
    fields: HashMap<String, String>,
}

impl Entry {
    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }

    /// A field, or an empty text.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.get(field).unwrap_or_default()
    }
}

/// The answer to `XREAD` and `XREADGROUP`. An entry that was trimmed meanwhile has no fields.
pub(crate) fn of_streams(answer: Value) -> RedisResult<Vec<Entry>> {
    let streams: Option<Vec<(String, Vec<Value>)>> = from_redis_value(answer)?;
    let mut entries = Vec::new();
    for (stream, of_stream) in streams.unwrap_or_default() {
        for entry in of_stream {
            let (id, fields): (String, Option<HashMap<Lossy, Lossy>>) = from_redis_value(entry)?;
            let fields =
                fields.unwrap_or_default().into_iter().map(|(Lossy(name), Lossy(value))| (name, value));
            entries.push(Entry { stream: stream.clone(), id, fields: fields.collect() });
        }
    }
    Ok(entries)
}

/// A text that need not be UTF-8: whoever can write to the stream could stop who reads it else.
#[derive(PartialEq, Eq, Hash)]
struct Lossy(String);

impl FromRedisValue for Lossy {
    fn from_redis_value(value: Value) -> Result<Self, redis::ParsingError> {
        let bytes: Vec<u8> = from_redis_value(value)?;
        Ok(Self(
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into()),
        ))
    }
}

/// The id of the newest entry of a stream: from there on is what comes.
pub(crate) async fn newest(store: &Store, stream: &str) -> RedisResult<String> {
    let newest: Vec<(String, Value)> =
        store.ask(cmd("XREVRANGE").arg(stream).arg("+").arg("-").arg("COUNT").arg(1)).await?;
    Ok(newest.into_iter().next().map_or_else(|| "0-0".to_owned(), |(id, _)| id))
}

/// An id, to be compared.
pub(crate) fn place(id: &str) -> (u64, u64) {
    let (time, number) = id.split_once('-').unwrap_or((id, "0"));
    (time.parse().unwrap_or(0), number.parse().unwrap_or(0))
}

#[cfg(test)]
impl Entry {
    pub(crate) fn made(stream: &str, fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { stream: stream.to_owned(), id: "1-0".to_owned(), fields: fields.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_whatever_is_in_them() {
        let bulk = |text: &[u8]| Value::BulkString(text.to_vec());
        let entry = |fields: Value| Value::Array(vec![bulk(b"1-0"), fields]);
        let fields = Value::Array(vec![
            bulk(b"vehicle_id"),
            bulk("车".as_bytes()),
            bulk(b"x"),
            bulk(b"\xff"),
            bulk(b"\xfe"),
            bulk(b"1"),
        ]);
        let answer = Value::Array(vec![Value::Array(vec![
            bulk(b"s"),
            Value::Array(vec![entry(fields), entry(Value::Nil)]),
        ])]);
        let entries = of_streams(answer).unwrap();
        assert_eq!(
            (entries.len(), entries[0].text("vehicle_id"), entries[0].text("x")),
            (2, "车", "\u{fffd}")
        );
        assert_eq!((entries[1].get("x"), entries[1].text("x")), (None, ""));
        assert!(of_streams(Value::Nil).unwrap().is_empty());
        assert!(place("10-0") > place("9-5") && place("9-10") > place("9-9"));
    }
}
