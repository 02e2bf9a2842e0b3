//! Payloads in documents: as text where they are text, else in base64 under a name that says so.

use data_encoding::BASE64;
use serde_json::{Map, Value};

/// Sets `name`, or `name_base64` if these bytes are no text.
pub(crate) fn set(document: &mut Map<String, Value>, name: &str, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => document.insert(name.to_owned(), text.into()),
        Err(_) => document.insert(format!("{name}_base64"), BASE64.encode(bytes).into()),
    };
}

/// For people: text with what could move a terminal's cursor written out, or how many bytes there are.
pub(crate) fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().map(visible).collect(),
        Err(_) => format!("({} bytes, no text; -o json shows them)", bytes.len()),
    }
}

fn visible(character: char) -> String {
    if character.is_control() && character != '\t' {
        character.escape_default().to_string()
    } else {
        character.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_the_rest_is_base64() {
        let mut document = Map::new();
        set(&mut document, "data", "grün".as_bytes());
        set(&mut document, "custom", &[0xff, 0x00]);
        assert_eq!(Value::Object(document), serde_json::json!({"data": "grün", "custom_base64": "/wA="}));
    }

    #[test]
    fn no_payload_moves_the_cursor() {
        assert_eq!(shown(b"a\x1b[2J\tb\n"), "a\\u{1b}[2J\tb\\n");
        assert_eq!(shown(&[0xff, 1]), "(2 bytes, no text; -o json shows them)");
    }
}
