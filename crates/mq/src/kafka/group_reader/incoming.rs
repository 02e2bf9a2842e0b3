//! A record of Kafka as all sources have it.

use crate::Record;
use bytes::Bytes;
use krafka::consumer::ConsumerRecord;

/// Where a sink writes the users' own header.
const CUSTOM: &str = "Frontier-Custom";

/// The record as all sources have it. A null is empty. Its bytes are its own: in the library's they stand within all that
/// came with them, which one record that is held for long would keep.
pub(super) fn record(it: ConsumerRecord, is_redelivered: bool) -> Record {
    let (mut headers, mut custom) = (Vec::new(), Bytes::new());
    for (name, value) in it.headers {
        let value = value.as_deref().map(Bytes::copy_from_slice).unwrap_or_default();
        if name == CUSTOM {
            custom = value;
        } else {
            headers.push((name.into(), value));
        }
    }
    Record {
        origin: it.topic,
        place: format!("{}:{}", it.partition, it.offset).into(),
        key: it.key.as_deref().map(Bytes::copy_from_slice),
        headers,
        custom,
        payload: it.value.as_deref().map(Bytes::copy_from_slice).unwrap_or_default(),
        is_redelivered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sink_writes_is_read_back_and_nulls_are_empty() {
        let mut from = ConsumerRecord::new("t", 3, 42, Some("k".into()), None);
        from.headers = vec![
            (CUSTOM.to_owned(), Some(Bytes::from_static(&[0, 255]))),
            ("a".to_owned(), None),
            ("Frontier-Edge-Id".to_owned(), Some("7".into())),
        ];
        let read = record(from, true);
        assert_eq!((&*read.origin, &*read.place, read.payload.len()), ("t", "3:42", 0));
        assert_eq!(
            (&read.custom[..], read.header("Frontier-Edge-Id").unwrap()),
            (&[0, 255][..], &Bytes::from("7"))
        );
        assert_eq!((read.header("a"), read.key.as_deref()), (Some(&Bytes::new()), Some(&b"k"[..])));
        assert!(read.is_redelivered);
    }
}
