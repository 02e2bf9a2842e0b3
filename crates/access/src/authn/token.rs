//! Static tokens: a file that lists the SHA-256 of each.
//!
//! ```yaml
//! - hash: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
//!   name: sensor 7                # for logs and rules
//!   edge_id: 7
//!   labels: {region: eu}
//!   not_after: 2027-01-01T00:00:00Z
//! ```
//!
//! A plain hash is enough, without salt or stretching, because tokens are random: nobody tries 2²⁵⁶ of them.
//! That is why [`generate`] makes them and nothing here lets a person choose one.

mod entry;
mod hash;
mod table;

pub use hash::TokenHash;
pub use table::TokenTable;

use frontier_config::Secret;

/// The beginning of each generated token, by which secret scanners know it.
const PREFIX: &str = "frt_";

/// The longest token or JWT that is looked at, in bytes.
pub const MAX_TOKEN_LEN: usize = 16 * 1024;

/// A new token: 256 random bits, for one edge or service.
#[must_use]
pub fn generate() -> Secret {
    let bits: [u8; 32] = rand::random();
    Secret::new(format!("{PREFIX}{}", hash::hex(&bits)))
}

/// The hash of a token, as it stands in the file.
#[must_use]
pub fn hash(token: &str) -> TokenHash {
    TokenHash::of(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_random_and_not_shown() {
        let (one, other) = (generate(), generate());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), PREFIX.len() + 64);
        assert_eq!(format!("{one:?} {one}"), "**** ****");
        assert_ne!(hash(one.expose()), hash(other.expose()));
    }
}
