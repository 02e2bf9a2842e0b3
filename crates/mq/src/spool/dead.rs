//! What a broker refuses for good while its sender has been answered long ago: as a line of the file of dead letters, in the
//! form that sources have.

use super::log::Slot;
use crate::source::{Dead, DeadLetterFile};
use crate::{Message, Record};
use bytes::Bytes;
use std::sync::Arc;

/// One of them.
#[derive(Debug)]
pub(crate) struct Burial {
    pub(crate) slot: Slot,
    pub(crate) message: Message,
    pub(crate) reason: Arc<str>,
    pub(crate) attempts: u32,
}

/// Writes as many as there is room for, and syncs the file. How many, and why not all. Blocks.
pub(crate) fn bury(file: &DeadLetterFile, sink: &str, burials: &[Burial]) -> (usize, Option<String>) {
    let dead: Vec<Dead> = burials.iter().map(dead).collect();
    file.write(sink, &dead)
}

fn dead(burial: &Burial) -> Dead {
    let Burial { slot, message, reason, attempts } = burial;
    let mut headers: Vec<(Box<str>, Bytes)> = message
        .origin()
        .into_iter()
        .map(|(name, value)| (name.into(), Bytes::copy_from_slice(value.as_bytes())))
        .collect();
    if !message.labels.is_empty() {
        headers.push(("Frontier-Labels".into(), message.encoded_labels().into()));
    }
    let place = message.id.map_or_else(|| slot.sequence.to_string(), |id| id.to_string());
    let record = Record {
        origin: message.topic.clone(),
        place: place.into(),
        key: None,
        headers,
        custom: message.custom.clone(),
        payload: message.payload.clone(),
        is_redelivered: false,
    };
    Dead { number: slot.sequence, record: Arc::new(record), reason: reason.clone(), attempts: *attempts }
}
