//! What secrets can be made of that last as long as a private key.

use aws_lc_rs::digest::{Context, SHA256};
use std::fmt;

/// The digest of a private key: as secret as that, and of no use in its place.
#[derive(Clone, Copy, Default)]
pub(crate) struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// Of the key as DER.
    pub(crate) fn of(key: &[u8]) -> Self {
        let mut digest = Context::new(&SHA256);
        digest.update(b"frontier key digest");
        digest.update(key);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.finish().as_ref());
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(****)")
    }
}
