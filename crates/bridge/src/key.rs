//! Which messages are values of the same thing: of those with one key the newest counts.

use crate::Message;
use frontier_config::Choice;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// The longest key, in bytes; a longer one is cut.
const MAX_KEY: usize = 256;

/// What the values of one thing have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRule {
    /// The edge that they are from.
    Edge,
    /// Their custom header.
    Custom,
    /// These fields of the payload, a JSON object. A message that has none of them has its edge's key.
    Fields(Vec<String>),
}

/// The rules that are one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyWord {
    Edge,
    Custom,
}

impl Choice for KeyWord {
    const CHOICES: &'static [(&'static str, Self)] = &[("edge", Self::Edge), ("custom", Self::Custom)];
}

impl KeyRule {
    /// The key of a message.
    pub(crate) fn key(&self, message: &Message) -> Arc<str> {
        let key = match self {
            Self::Edge => None,
            Self::Custom => Some(String::from_utf8_lossy(&message.custom)),
            Self::Fields(fields) => of_fields(fields, &message.payload).map(Cow::Owned),
        };
        match key {
            Some(key) => cut(&key).into(),
            None => message.edge.to_string().into(),
        }
    }
}

/// The values of the fields, one after the other; `None` if there is none of them.
fn of_fields(fields: &[String], payload: &[u8]) -> Option<String> {
    let object: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(payload).ok()?;
    let values = fields.iter().map(|field| object.get(field.as_str()).map(|value| text_of(value)));
    let values: Vec<Option<String>> = values.collect();
    if values.iter().all(Option::is_none) {
        return None;
    }
    Some(values.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join("/"))
}

/// The text of a string, or else the value as it is written.
fn text_of(value: &RawValue) -> String {
    serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

fn cut(key: &str) -> &str {
    let mut end = key.len().min(MAX_KEY);
    while !key.is_char_boundary(end) {
        end -= 1;
    }
    &key[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn message(custom: &'static [u8], payload: &'static [u8]) -> Message {
        Message::now(7, Bytes::from_static(custom), Bytes::from_static(payload))
    }

    #[test]
    fn a_key_is_the_edge_the_custom_header_or_fields() {
        let fields = |names: &[&str]| KeyRule::Fields(names.iter().map(|&name| name.to_owned()).collect());
        let two = fields(&["vehicle", "fault"]);
        for (rule, custom, payload, key) in [
            (&KeyRule::Edge, &b"a"[..], &b"{}"[..], "7"),
            (&KeyRule::Custom, b"a", b"{}", "a"),
            (&KeyRule::Custom, b"", b"{}", ""),
            (&two, b"", br#"{"fault":"b\u0065aring","vehicle":12,"other":{"fault":1}}"#, "12/bearing"),
            (&two, b"", br#"{"vehicle":"v"}"#, "v/"),
            (&two, b"", br#"{"other":"v"}"#, "7"),
            (&two, b"", b"no json", "7"),
            (&two, b"", b"[1]", "7"),
        ] {
            assert_eq!(&*rule.key(&message(custom, payload)), key, "{rule:?}");
        }
    }

    #[test]
    fn a_long_key_is_cut_between_two_characters() {
        let custom: &'static [u8] =
            Box::leak(format!("a{}", "é".repeat(MAX_KEY)).into_bytes().into_boxed_slice());
        assert_eq!(KeyRule::Custom.key(&message(custom, b"")).len(), MAX_KEY - 1);
    }
}
