//! What travels beside the payload, as headers of NATS.

use super::Settings;
use crate::Message;
use async_nats::HeaderMap;
use data_encoding::BASE64;

/// The headers of the message of this number.
pub(super) fn headers(settings: &Settings, number: u64, message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in message.origin() {
        headers.insert(name, &*value);
    }
    headers.insert("Frontier-Topic", &*message.topic);
    headers.insert("Frontier-Message-Id", settings.message_id(number, message));
    if !message.custom.is_empty() {
        headers.insert("Frontier-Custom", BASE64.encode(&message.custom));
    }
    if !message.labels.is_empty() {
        headers.insert("Frontier-Labels", message.encoded_labels());
    }
    headers
}
