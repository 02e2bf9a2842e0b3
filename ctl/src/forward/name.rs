//! Names of edges.

use frontier_sdk::EdgeId;
use sha2::{Digest, Sha256};

/// The EdgeID that stands for a name: the number itself, or a hash of the name.
///
/// Both ends compute it, so neither has to ask anybody: the remote end asks the gateway for this id, and
/// the local one opens its streams to it, whichever of them comes first or is started again.
pub(super) fn edge_id(name: &str) -> EdgeId {
    if let Ok(id) = name.parse() {
        return EdgeId(id);
    }
    let hash = Sha256::digest(name);
    let mut id = [0; 8];
    id.copy_from_slice(&hash[..8]);
    // The gateway's own ids have 63 bits: with the highest bit set there is no clash with any of them.
    EdgeId(u64::from_be_bytes(id) | 1 << 63)
}
