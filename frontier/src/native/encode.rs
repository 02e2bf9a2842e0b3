//! Requests and replies as frames, whether they go over the lane or in front of a detached payload.

use frontier_exchange::{Outgoing, RequestKind, Sender};
use frontier_protocol::{Custom, EdgeId, EncodeError, Flags, Publish, Request};

/// Appends the frame of a request, whose payload may be a length.
#[inline]
pub(super) fn encode_request(
    request: &Outgoing<'_>,
    custom: Custom<'_>,
    payload: &[u8],
    flags: Flags,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let Outgoing { kind, correlation, from, name, timeout_ms, .. } = *request;
    let id = correlation.map_or(0, |correlation| correlation.0);
    let flags = match from {
        Sender::Service { returns: true, .. } => flags.with(Flags::RETURN),
        Sender::ByName { returns: true, .. } => flags.with(Flags::BY_NAME).with(Flags::RETURN),
        Sender::ByName { .. } => flags.with(Flags::BY_NAME),
        _ => flags,
    };
    match kind {
        RequestKind::Call => {
            Request { timeout_ms, method: name, custom, payload }.encode_with(id, flags, out)
        }
        RequestKind::Message => {
            let flags = if correlation.is_some() { flags.with(Flags::ACKED) } else { flags };
            Publish { timeout_ms, topic: name, custom, payload }.encode_with(id, flags, out)
        }
    }
}

/// The custom header of a reply: a service is told which edge it is from.
pub(super) fn reply_custom(custom: &[u8], edge: Option<EdgeId>) -> Custom<'_> {
    match edge {
        Some(edge) => Custom::tailed(custom, edge),
        None => Custom::plain(custom),
    }
}
