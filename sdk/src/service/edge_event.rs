//! What a service is told of an edge that comes or leaves.

use bytes::{Buf, Bytes};
use frontier_protocol::EdgeId;

/// An edge came or left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EdgeEvent {
    /// Its id.
    pub id: EdgeId,
    /// What it says of itself.
    pub meta: Bytes,
    /// Where it connects from, as text.
    pub addr: String,
}

impl EdgeEvent {
    /// An event as a handler would get it, to try the handler without a gateway.
    #[must_use]
    pub fn new(id: EdgeId, meta: impl Into<Bytes>, addr: impl Into<String>) -> Self {
        Self { id, meta: meta.into(), addr: addr.into() }
    }

    /// Reads the payload that [`frontier_protocol::EDGE_ONLINE`] describes. `None` if it is cut short, or of
    /// the id 0.
    pub(super) fn parse(mut payload: Bytes) -> Option<Self> {
        let id = EdgeId(payload.try_get_u64().ok().filter(|&id| id != 0)?);
        let addr_len = usize::from(payload.try_get_u16().ok()?);
        if payload.len() < addr_len {
            return None;
        }
        let addr = String::from_utf8_lossy(&payload.split_to(addr_len)).into_owned();
        Some(Self { id, meta: payload, addr })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_and_a_short_one_refused() {
        let mut payload = 7u64.to_be_bytes().to_vec();
        payload.extend_from_slice(&[0, 4]);
        payload.extend_from_slice(b"addrmeta");
        let expected = EdgeEvent { id: EdgeId(7), meta: "meta".into(), addr: "addr".into() };
        assert_eq!(EdgeEvent::parse(payload.clone().into()), Some(expected));
        for len in 0..14 {
            assert_eq!(EdgeEvent::parse(payload[..len].to_vec().into()), None, "{len} bytes");
        }
        assert_eq!(EdgeEvent::parse(vec![0; 10].into()), None, "0 is the id of no edge");
    }
}
