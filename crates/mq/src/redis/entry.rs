//! The command for one message.

use super::{Sending, Settings};
use crate::envelope::envelope;
use crate::{Format, RedisTarget};
use redis::{Cmd, cmd};

/// `PUBLISH`, or `XADD` with a field for each thing that there is.
pub(super) fn command(settings: &Settings, sending: &Sending) -> Cmd {
    let Sending { number, message, target, .. } = sending;
    let id = message.id(settings.boot, *number).to_string();
    match &settings.config.target {
        RedisTarget::Channel { format, .. } => {
            let mut publish = cmd("PUBLISH");
            publish.arg(target);
            match format {
                Format::Payload => publish.arg(&message.payload[..]),
                Format::Json => publish.arg(envelope(message, &id)),
            };
            publish
        }
        RedisTarget::Stream { max_len, create, .. } => {
            let mut add = cmd("XADD");
            add.arg(target);
            if !create {
                add.arg("NOMKSTREAM");
            }
            if let Some(max_len) = max_len {
                add.arg("MAXLEN").arg("~").arg(*max_len);
            }
            add.arg("*").arg("edge_id").arg(message.edge_id).arg("topic").arg(&*message.topic);
            add.arg("message_id").arg(id);
            if !message.custom.is_empty() {
                add.arg("custom").arg(&message.custom[..]);
            }
            if !message.labels.is_empty() {
                add.arg("labels").arg(message.encoded_labels());
            }
            add.arg("payload").arg(&message.payload[..]);
            add
        }
    }
}
