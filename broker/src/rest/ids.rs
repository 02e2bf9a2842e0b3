//! Ids of messages whose senders give them none.

use frontier_sessions::MessageId;
use sha2::{Digest, Sha256};

/// The longest idempotency key, in bytes.
pub(super) const MAX_KEY: usize = 256;

/// Of a request that is sent with an idempotency key: the same whenever the same request comes with the same key at the same
/// place, so that the session knows it. Another request is another one, whatever key it comes with.
pub(super) fn of_key(key: &str, place: usize, action: &str, body: &[u8], user_data: &str) -> MessageId {
    let mut hash = Sha256::new();
    for part in [key.as_bytes(), action.as_bytes(), user_data.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update((place as u64).to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    MessageId(digest.first_chunk().map_or(0, |first| u128::from_be_bytes(*first)))
}

/// Of any other.
pub(super) fn random() -> MessageId {
    MessageId(rand::random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_request_with_the_same_key_has_the_same_id_and_no_other_has() {
        let id = of_key("k", 0, "a", b"b", "u");
        assert_eq!(id, of_key("k", 0, "a", b"b", "u"));
        let others = [
            of_key("l", 0, "a", b"b", "u"),
            of_key("k", 1, "a", b"b", "u"),
            of_key("k", 0, "ab", b"", "u"),
            of_key("k", 0, "a", b"c", "u"),
            of_key("k", 0, "a", b"b", ""),
            of_key("ka", 0, "", b"b", "u"),
        ];
        assert!(others.iter().all(|other| *other != id));
        assert_ne!(random(), random());
    }
}
