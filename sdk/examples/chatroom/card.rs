//! How a client introduces itself, and the EdgeID that it gets for that.

use anyhow::{Context, Result, ensure};
use frontier_sdk::EdgeId;
use sha2::{Digest, Sha256};

/// What a client says of itself: the meta of its edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) name: String,
    /// Drawn once per run of a client. A client whose connection was lost comes back with the same, while
    /// the gateway may not have noticed that the old one is gone. So it is told apart from somebody else
    /// who wants the same name.
    token: u64,
}

impl Card {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into(), token: rand::random() }
    }

    pub(crate) fn parse(meta: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(meta).context("the name is not UTF-8")?;
        let (token, name) = text.split_once(' ').context("there is no name")?;
        let token = u64::from_str_radix(token, 16).context("there is no token")?;
        ensure!(!name.trim().is_empty(), "the name is empty");
        ensure!(name.chars().count() <= 32, "the name has more than 32 characters");
        ensure!(!name.chars().any(char::is_control), "the name has control characters");
        Ok(Self { name: name.into(), token })
    }

    /// The same for every connection of one client, so that a new one takes over from the old, and another
    /// for every other client, so that nobody throws somebody else out by choosing a name.
    pub(crate) fn edge_id(&self) -> EdgeId {
        let hash = Sha256::digest(self.to_string());
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        // 0 is no EdgeID.
        EdgeId(u64::from_be_bytes(id).max(1))
    }
}

impl std::fmt::Display for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x} {}", self.token, self.name)
    }
}
