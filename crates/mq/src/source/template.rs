//! What is read from a record: `{header:edge_id}`, `{origin:2}`, `{key}`.

use super::Record;
use thiserror::Error;

/// Bytes of a text that is made so, at most: names and EdgeIDs are far shorter.
const MAX_LEN: usize = 64 << 10;

/// A text with places for parts of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordTemplate(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Origin,
    /// One of the parts of the origin between dots, colons and slashes, from 0 on.
    Segment(usize),
    Key,
    /// The key as eight bytes, big-endian, as a sink of Kafka writes EdgeIDs.
    KeyNumber,
    Header(Box<str>),
}

/// Text that is no template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordTemplateError {
    /// A brace without its partner.
    #[error("has a brace without its partner")]
    Unbalanced,
    /// A place that is none of ours.
    #[error("knows {{origin}}, {{origin:1}}, {{key}}, {{key:u64}} and {{header:name}}, and no {{{0}}}")]
    Unknown(String),
    /// Nothing in it.
    #[error("is empty")]
    Empty,
}

impl RecordTemplate {
    /// Reads `{origin:2}/{header:unit}`.
    ///
    /// # Errors
    /// [`RecordTemplateError`].
    pub fn parse(text: &str) -> Result<Self, RecordTemplateError> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            let inside = from.strip_prefix('{').and_then(|it| it.split_once('}'));
            let (name, after) = inside.ok_or(RecordTemplateError::Unbalanced)?;
            parts.push(Part::parse(name)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        if parts.is_empty() { Err(RecordTemplateError::Empty) } else { Ok(Self(parts)) }
    }

    /// The stream, topic, subject or routing key as it is.
    #[must_use]
    pub fn origin() -> Self {
        Self(vec![Part::Origin])
    }

    /// The record's own key.
    #[must_use]
    pub fn key() -> Self {
        Self(vec![Part::Key])
    }

    /// Whether it is an EdgeID for some record: what stands in it as it is must be digits, and not 0 alone.
    #[must_use]
    pub fn may_be_edge_id(&self) -> bool {
        fn text(part: &Part) -> Option<&str> {
            if let Part::Text(text) = part { Some(text) } else { None }
        }
        match self.0.iter().map(text).collect::<Option<String>>() {
            Some(fixed) => fixed.trim().parse::<u64>().is_ok_and(|id| id > 0),
            None => {
                self.0.iter().filter_map(text).all(|text| text.trim().bytes().all(|it| it.is_ascii_digit()))
            }
        }
    }

    /// The text for this record.
    ///
    /// # Errors
    /// What it does not have, or has in another way, in one line.
    pub fn fill(&self, record: &Record) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.0 {
            part.fill(record, &mut text)?;
            if text.len() > MAX_LEN {
                return Err(format!("what is read from it has more than {MAX_LEN} bytes"));
            }
        }
        Ok(text)
    }
}

impl Part {
    fn parse(name: &str) -> Result<Self, RecordTemplateError> {
        let unknown = || RecordTemplateError::Unknown(name.to_owned());
        match name.split_once(':') {
            _ if name.contains('{') => Err(RecordTemplateError::Unbalanced),
            None if name == "origin" => Ok(Self::Origin),
            None if name == "key" => Ok(Self::Key),
            Some(("key", "u64")) => Ok(Self::KeyNumber),
            Some(("header", header)) if !header.is_empty() => Ok(Self::Header(header.into())),
            Some(("origin", number)) => match number.parse::<usize>() {
                Ok(number) if number > 0 => Ok(Self::Segment(number - 1)),
                _ => Err(unknown()),
            },
            _ => Err(unknown()),
        }
    }

    fn fill(&self, record: &Record, out: &mut String) -> Result<(), String> {
        let text = |bytes: &[u8], what: &str| match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(format!("{what} is no text")),
        };
        let key = || record.key.as_deref().ok_or_else(|| "it has no key".to_owned());
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Origin => out.push_str(&record.origin),
            Self::Segment(index) => {
                let part = record.origin.split(['.', ':', '/']).nth(*index);
                let missing = || format!("{:?} has no part {}", record.origin, index + 1);
                out.push_str(part.ok_or_else(missing)?);
            }
            Self::Key => out.push_str(&text(key()?, "its key")?),
            Self::KeyNumber => {
                let wrong = |_| "its key has not eight bytes".to_owned();
                let bytes: [u8; 8] = key()?.try_into().map_err(wrong)?;
                out.push_str(&u64::from_be_bytes(bytes).to_string());
            }
            Self::Header(name) => {
                let value = record.header(name).ok_or_else(|| format!("it has no {name:?}"))?;
                out.push_str(&text(value, &format!("its {name:?}"))?);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn record() -> Record {
        Record {
            origin: "plant.7:temp".into(),
            place: "1-0".into(),
            key: Some(Bytes::copy_from_slice(&258_u64.to_be_bytes())),
            headers: vec![("unit".into(), "eu".into()), ("raw".into(), Bytes::from_static(b"\xff"))],
            custom: Bytes::new(),
            payload: Bytes::new(),
            is_redelivered: false,
        }
    }

    #[test]
    fn places_are_filled() {
        for (template, expected) in [
            ("{origin}", "plant.7:temp"),
            ("{origin:2}/{origin:3}", "7/temp"),
            ("{key:u64}", "258"),
            ("x-{header:unit}", "x-eu"),
            ("all", "all"),
        ] {
            assert_eq!(RecordTemplate::parse(template).unwrap().fill(&record()).as_deref(), Ok(expected));
        }
        let record = Record { key: Some("12345678".into()), ..record() };
        assert_eq!(RecordTemplate::key().fill(&record).as_deref(), Ok("12345678"));
    }

    #[test]
    fn what_is_an_edge_id_for_no_record_is_known_before() {
        let may_be = |text| RecordTemplate::parse(text).unwrap().may_be_edge_id();
        for text in ["7", " 7 ", "{key}", "{header:a}", "1{origin:2}", "{key} ", "18446744073709551615"] {
            assert!(may_be(text), "{text}");
        }
        for text in ["abc", "0", "-1", "x{key}", "{key}.7", "18446744073709551616", " ", "1.5"] {
            assert!(!may_be(text), "{text}");
        }
    }

    #[test]
    fn what_a_record_does_not_have_is_told() {
        let bare = Record { key: None, ..record() };
        for (template, record, expected) in [
            ("{origin:4}", record(), "\"plant.7:temp\" has no part 4"),
            ("{header:none}", record(), "it has no \"none\""),
            ("{header:raw}", record(), "its \"raw\" is no text"),
            ("{key:u64}", bare.clone(), "it has no key"),
            ("{key}", bare, "it has no key"),
            ("{key:u64}", Record { key: Some("1".into()), ..record() }, "its key has not eight bytes"),
        ] {
            let filled = RecordTemplate::parse(template).unwrap().fill(&record);
            assert_eq!(filled, Err(expected.to_owned()), "{template}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for text in ["{key", "key}", "{{key}", "a}b{"] {
            assert_eq!(RecordTemplate::parse(text), Err(RecordTemplateError::Unbalanced), "{text}");
        }
        for text in ["{topic}", "{origin:0}", "{origin:x}", "{header:}", "{key:u32}", "{}"] {
            assert!(matches!(RecordTemplate::parse(text), Err(RecordTemplateError::Unknown(_))), "{text}");
        }
        assert_eq!(RecordTemplate::parse(""), Err(RecordTemplateError::Empty));
    }
}
