//! What a server says of entries, and the records that they become.

use crate::{Record, RedisSourceConfig};
use bytes::Bytes;
use redis::Value;
use serde::Serializer as _;
use std::collections::HashSet;
use std::sync::Arc;

/// Which entry of which stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct EntryId {
    /// Its place in the configuration.
    pub(super) stream: usize,
    pub(super) id: Box<str>,
}

/// An entry: its id, and its fields; without them it was deleted or trimmed.
pub(super) type Entry = (Box<str>, Option<Vec<(Box<str>, Bytes)>>);

/// The entries of one stream. What is no entry is left out: older servers say nil of what was trimmed.
pub(super) fn entries(value: Value) -> Vec<Entry> {
    list(value).into_iter().filter_map(entry).collect()
}

fn entry(value: Value) -> Option<Entry> {
    let mut parts = list(value).into_iter();
    let id = text(parts.next()?)?;
    let fields = match parts.next() {
        None | Some(Value::Nil) => None,
        Some(fields) => Some(pairs(fields).into_iter().filter_map(|(name, value)| {
            Some((String::from_utf8_lossy(&bytes(name)?).into(), Bytes::from(bytes(value)?)))
        })),
    };
    Some((id, fields.map(Iterator::collect)))
}

/// What `XREADGROUP` says: the entries by the keys of their streams.
pub(super) fn by_stream(value: Value) -> Vec<(Vec<u8>, Vec<Entry>)> {
    let streams = match value {
        Value::Map(streams) => streams,
        // As RESP2 has it.
        other => list(other)
            .into_iter()
            .filter_map(|stream| {
                let mut parts = list(stream).into_iter();
                Some((parts.next()?, parts.next()?))
            })
            .collect(),
    };
    streams.into_iter().filter_map(|(key, of_stream)| Some((bytes(key)?, entries(of_stream)))).collect()
}

/// What `XAUTOCLAIM` says: where to go on, the entries, and how many of those that were pending are not there any more.
pub(super) fn taken_over(value: Value) -> Option<(Box<str>, Vec<Entry>, usize)> {
    let mut parts = list(value).into_iter();
    let next = text(parts.next()?)?;
    let found = list(parts.next()?);
    let nils = found.iter().filter(|it| matches!(it, Value::Nil)).count();
    let deleted = parts.next().map_or(0, |deleted| list(deleted).len());
    Some((next, found.into_iter().filter_map(entry).collect(), nils + deleted))
}

/// The value of a field of `XINFO`.
pub(super) fn field(info: &Value, name: &str) -> Option<Value> {
    pairs(info.clone())
        .into_iter()
        .find_map(|(field, value)| (bytes(field).as_deref() == Some(name.as_bytes())).then_some(value))
}

pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

pub(super) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) | Value::Set(values) => values,
        _ => Vec::new(),
    }
}

fn pairs(value: Value) -> Vec<(Value, Value)> {
    match value {
        Value::Map(pairs) => pairs,
        other => {
            let mut values = list(other).into_iter();
            let pair = || Some((values.next()?, values.next()?));
            std::iter::from_fn(pair).collect()
        }
    }
}

pub(super) fn text(value: Value) -> Option<Box<str>> {
    String::from_utf8(bytes(value)?).ok().map(Into::into)
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        Value::VerbatimString { text, .. } => Some(text.into_bytes()),
        Value::Int(number) => Some(number.to_string().into_bytes()),
        _ => None,
    }
}

/// The record that an entry becomes, by what is the payload, and whether the id goes along.
pub(super) fn record(
    config: &RedisSourceConfig,
    origin: &Arc<str>,
    id: &str,
    mut fields: Vec<(Box<str>, Bytes)>,
    is_redelivered: bool,
) -> Record {
    if let Some(id_field) = config.id_field.as_deref() {
        // In place of one of that name, which could be anything.
        fields.retain(|(name, _)| **name != *id_field);
        fields.push((id_field.into(), Bytes::copy_from_slice(id.as_bytes())));
    }
    let mut record = Record {
        origin: origin.clone(),
        place: id.into(),
        key: None,
        headers: Vec::new(),
        custom: Bytes::new(),
        payload: Bytes::new(),
        is_redelivered,
    };
    match config.payload.as_deref() {
        Some(payload) => {
            for (name, value) in fields {
                match &*name {
                    name if name == payload => record.payload = value,
                    "custom" => record.custom = value,
                    _ => record.headers.push((name, value)),
                }
            }
        }
        None => {
            record.payload = as_json(&fields);
            record.headers = fields;
        }
    }
    record
}

/// The fields as an object of texts; of those with one name the last.
fn as_json(fields: &[(Box<str>, Bytes)]) -> Bytes {
    let mut seen = HashSet::with_capacity(fields.len());
    let mut kept: Vec<_> = fields.iter().rev().filter(|(name, _)| seen.insert(name)).collect();
    kept.reverse();
    let room = fields.iter().map(|(name, value)| name.len() + value.len() + 8).sum::<usize>();
    let mut json = Vec::with_capacity(room + room / 8);
    let mut writer = serde_json::Serializer::new(&mut json);
    // Writing texts to memory does not fail.
    let _ = writer.collect_map(kept.into_iter().map(|(name, value)| (name, String::from_utf8_lossy(value))));
    json.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn array<const N: usize>(values: [Value; N]) -> Value {
        Value::Array(values.to_vec())
    }

    #[test]
    fn entries_are_read_in_both_protocols() {
        let of_stream = array([array([bulk("1-0"), array([bulk("a"), bulk("1")])])]);
        let expected = vec![(b"s".to_vec(), vec![("1-0".into(), Some(vec![("a".into(), "1".into())]))])];
        assert_eq!(by_stream(Value::Map(vec![(bulk("s"), of_stream.clone())])), expected);
        assert_eq!(by_stream(array([array([bulk("s"), of_stream])])), expected);
        assert_eq!(by_stream(Value::Nil), []);
    }

    #[test]
    fn what_was_trimmed_has_no_fields() {
        let own =
            array([array([bulk("1-0"), Value::Nil]), array([bulk("2-0"), array([bulk("a"), bulk("1")])])]);
        let entries = entries(own);
        assert_eq!((entries.len(), &entries[0]), (2, &("1-0".into(), None)));
        // Server 7: the ids of what was deleted come third.
        let claimed = array([
            bulk("0-0"),
            array([array([bulk("2-0"), array([bulk("a"), bulk("1")])])]),
            array([bulk("1-0")]),
        ]);
        let (next, entries, gone) = taken_over(claimed).unwrap();
        assert_eq!((&*next, entries.len(), gone), ("0-0", 1, 1));
        // Server 6.2: nil stands for them.
        let claimed = array([bulk("3-0"), array([Value::Nil])]);
        assert_eq!(taken_over(claimed).unwrap(), ("3-0".into(), vec![], 1));
        assert_eq!(taken_over(Value::Okay), None);
    }

    #[test]
    fn fields_of_info_are_found_in_maps_and_lists() {
        for info in [array([bulk("lag"), Value::Int(3)]), Value::Map(vec![(bulk("lag"), Value::Int(3))])] {
            assert_eq!(field(&info, "lag").as_ref().and_then(number), Some(3));
            assert_eq!(field(&info, "none"), None);
        }
        assert_eq!(number(&Value::Nil), None);
    }

    fn config(payload: Option<&str>, id_field: Option<&str>) -> RedisSourceConfig {
        RedisSourceConfig {
            addrs: Vec::new(),
            credentials: crate::Credentials::default(),
            db: 0,
            tls: None,
            streams: Vec::new(),
            group: String::new(),
            consumer: None,
            from_beginning: true,
            claim_after: std::time::Duration::ZERO,
            payload: payload.map(str::to_owned),
            id_field: id_field.map(str::to_owned),
        }
    }

    #[test]
    fn a_record_has_its_payload_in_a_field_or_is_all_of_them() {
        let fields: Vec<(Box<str>, Bytes)> = vec![
            ("vehicle".into(), "7".into()),
            ("custom".into(), "c".into()),
            ("payload".into(), Bytes::from_static(b"\x00")),
        ];
        let origin: Arc<str> = "raw".into();
        let one = record(&config(Some("payload"), None), &origin, "1-0", fields.clone(), false);
        assert_eq!((&one.payload[..], &one.custom[..]), (&b"\x00"[..], &b"c"[..]));
        assert_eq!((one.headers.len(), &*one.place, &*one.origin), (1, "1-0", "raw"));
        let all = record(&config(None, None), &origin, "1-0", fields, true);
        let json: serde_json::Value = serde_json::from_slice(&all.payload).unwrap();
        assert_eq!(json, json!({"vehicle": "7", "custom": "c", "payload": "\u{0}"}));
        assert_eq!((all.headers.len(), all.custom.len(), all.is_redelivered), (3, 0, true));
    }

    #[test]
    fn the_id_goes_along_as_a_field_and_of_two_of_one_name_the_last() {
        let fields: Vec<(Box<str>, Bytes)> = vec![
            ("id".into(), "forged".into()),
            ("a\"".into(), "1".into()),
            ("a\"".into(), Bytes::from_static(b"\xff\n")),
        ];
        let origin: Arc<str> = "raw".into();
        let all = record(&config(None, Some("id")), &origin, "1-0", fields.clone(), false);
        let json: serde_json::Value = serde_json::from_slice(&all.payload).unwrap();
        assert_eq!(json, json!({"id": "1-0", "a\"": "\u{fffd}\n"}));
        let one = record(&config(Some("a\""), Some("id")), &origin, "2-0", fields, false);
        assert_eq!(
            (&one.payload[..], &one.headers[..]),
            (&b"\xff\n"[..], &[("id".into(), "2-0".into())][..])
        );
    }
}
