//! Tagged fields in a custom header: a tag (u8), a length (u16, big endian) and a value, one behind the other.

/// What follows its length (u16), and the rest. `None` if it is cut short.
pub(crate) fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}

/// Appends a field whose value is these parts. One that is longer than a field holds is left out.
pub(crate) fn put(out: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) {
    let Ok(len) = u16::try_from(parts.iter().map(|part| part.len()).sum::<usize>()) else { return };
    out.push(tag);
    out.extend_from_slice(&len.to_be_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// A label: the length of its key (u16), key, value. `None` if it is cut short or no text.
pub(crate) fn label(field: &[u8]) -> Option<(&str, &str)> {
    let (key, value) = sized(field)?;
    Some((std::str::from_utf8(key).ok()?, std::str::from_utf8(value).ok()?))
}

/// Appends a label under `tag`.
pub(crate) fn put_label(out: &mut Vec<u8>, tag: u8, key: &str, value: &str) {
    let Ok(key_len) = u16::try_from(key.len()) else { return };
    put(out, tag, &[&key_len.to_be_bytes(), key.as_bytes(), value.as_bytes()]);
}
