//! Calls and messages of operators, the log level, and what is answered.

use crate::{binary, number};
use serde::{Deserialize, Serialize};

/// What a peer is called with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The payload, as base64.
    #[serde(default, with = "binary")]
    pub payload: Vec<u8>,
    /// How long it may take, in milliseconds; 0 for as long as a request may.
    #[serde(default, deserialize_with = "number::whole")]
    pub timeout_ms: u32,
}

/// A message for a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// The topic.
    pub topic: String,
    /// The payload, as base64.
    #[serde(default, with = "binary")]
    pub payload: Vec<u8>,
    /// How long its ack may take, in milliseconds; 0 for as long as a request may.
    #[serde(default, deserialize_with = "number::whole")]
    pub timeout_ms: u32,
}

/// What was answered to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The payload, as base64.
    #[serde(with = "binary")]
    pub payload: Vec<u8>,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLevel {
    /// The level, as `log.level` has it.
    pub level: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::from_str;

    #[test]
    fn a_time_is_a_whole_number_in_any_form_of_json() {
        let time = |number: &str| {
            let call = from_str::<Call>(&format!(r#"{{"method": "m", "timeout_ms": {number}}}"#));
            let publish = from_str::<Publish>(&format!(r#"{{"topic": "t", "timeout_ms": {number}}}"#));
            assert_eq!(call.is_ok(), publish.is_ok(), "{number}");
            call.ok().map(|call| call.timeout_ms)
        };
        for (text, number) in [("7", 7), ("7.0", 7), ("70e-1", 7), ("-0.0", 0), ("4294967295.0", u32::MAX)] {
            assert_eq!(time(text), Some(number), "{text}");
        }
        for wrong in
            ["7.5", "-1", "-1.0", "4294967296", "4294967296.0", "1e300", "\"7\"", "null", "true", "[7]"]
        {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn base64_is_read_in_both_alphabets_and_with_any_padding() {
        let payload = |text: &str| {
            let call = from_str::<Call>(&format!(r#"{{"method": "m", "payload": "{text}"}}"#));
            call.ok().map(|call| call.payload)
        };
        for text in ["+/8=", "-_8=", "+/8", "-_8"] {
            assert_eq!(payload(text), Some(vec![0xfb, 0xff]), "{text}");
        }
        for text in ["/w==", "/w=", "/w", "_w"] {
            assert_eq!(payload(text), Some(vec![0xff]), "{text}");
        }
        assert_eq!(payload(""), Some(Vec::new()));
        for wrong in ["/", "/x==", "+/9=", "====", "/w===", "/ w=", "é"] {
            assert_eq!(payload(wrong), None, "{wrong}");
        }
    }
}
