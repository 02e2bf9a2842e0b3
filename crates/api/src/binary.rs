//! Bytes as base64, as protobuf's JSON has them (RFC 4648, section 4).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::Serializer;

/// With padding; it is read without as well.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&ENGINE.encode(bytes))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    // Both alphabets are read, as protobuf says.
    let text = text.replace('-', "+").replace('_', "/");
    ENGINE.decode(text).map_err(|error| {
        // What stands behind it goes on: some of the library's texts are sentences.
        let text = error.to_string();
        de::Error::custom(format!("this is no base64: {}", text.trim_end_matches('.')))
    })
}
