//! Names of methods and topics that are reserved.

/// Method by which the gateway asks a service for the id of a connecting edge.
///
/// Payload: the edge's meta. Custom header: what its credentials say, a
/// [`VerifiedEdge`](crate::VerifiedEdge). Answer: 8 bytes, the EdgeID, big endian.
pub const GET_EDGE_ID: &str = "get_edge_id";

/// Method by which the gateway tells a service that an edge came.
///
/// Payload: the EdgeID (8 bytes, big endian), the length of the address (2 bytes), the address as
/// text, then the edge's meta up to the end.
pub const EDGE_ONLINE: &str = "edge_online";

/// Method by which the gateway tells a service that an edge left. Payload as for [`EDGE_ONLINE`].
pub const EDGE_OFFLINE: &str = "edge_offline";

/// Topic of a service that takes the messages which nobody else takes.
pub const CATCH_ALL: &str = "*";

/// Whether `method` belongs to the gateway and so can't be called by an edge.
#[must_use]
pub fn is_reserved(method: &str) -> bool {
    matches!(method, GET_EDGE_ID | EDGE_ONLINE | EDGE_OFFLINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_exact() {
        for name in [GET_EDGE_ID, EDGE_ONLINE, EDGE_OFFLINE] {
            assert!(is_reserved(name));
            assert!(!is_reserved(&name.to_uppercase()));
            assert!(!is_reserved(&name[1..]));
        }
        assert!(!is_reserved(CATCH_ALL) && !is_reserved(""));
    }
}
