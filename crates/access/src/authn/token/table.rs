//! A token file as a table by hash.

use super::entry::TokenEntry;
use super::{MAX_TOKEN_LEN, TokenHash};
use crate::authn::{AuthnError, Side, Verified};
use frontier_config::{ConfigErrors, Document};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::time::SystemTime;

/// The tokens of one file.
///
/// Look-up is by the hash of what is presented. Its time may tell how far that hash agrees with a stored one,
/// but nobody can steer a SHA-256, and from a stored hash nobody comes back to a random token: so it tells
/// nothing of use. The last comparison is in constant time all the same.
pub struct TokenTable {
    entries: HashMap<[u8; 32], TokenEntry>,
}

impl TokenTable {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Every mistake in it. No message repeats a hash or what stands in its place.
    pub fn parse(text: &str) -> Result<Self, ConfigErrors> {
        let document = Document::parse(text, &|_| None)?;
        let mut entries = HashMap::new();
        for section in document.sections() {
            let entry = TokenEntry::read(&section);
            if entry.hash == TokenHash::NONE {
                continue;
            }
            match entries.entry(entry.hash.0) {
                Entry::Occupied(_) => section.reject("hash", "is listed twice"),
                Entry::Vacant(vacant) => {
                    vacant.insert(entry);
                }
            }
        }
        document.finish()?;
        Ok(Self { entries })
    }

    /// Who presents `token`.
    ///
    /// # Errors
    /// [`AuthnError::MissingCredentials`], [`AuthnError::Malformed`] if it is too long,
    /// [`AuthnError::UnknownToken`] or [`AuthnError::Expired`].
    pub fn verify(&self, token: Option<&str>, now: SystemTime) -> Result<Verified, AuthnError> {
        let token = token.filter(|token| !token.is_empty()).ok_or(AuthnError::MissingCredentials)?;
        if token.len() > MAX_TOKEN_LEN {
            return Err(AuthnError::Malformed("it is too long"));
        }
        let hash = TokenHash::of(token);
        let entry = self.entries.get(&hash.0).filter(|entry| entry.hash == hash);
        let verified = &entry.ok_or(AuthnError::UnknownToken)?.verified;
        if verified.expires.is_some_and(|end| now >= end) {
            return Err(AuthnError::Expired);
        }
        Ok(verified.clone())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether somebody is let in on this side, if only for now.
    #[must_use]
    pub fn has_any_for(&self, side: Side) -> bool {
        self.entries.values().any(|entry| match side {
            Side::Operator => entry.verified.role.is_some(),
            Side::Frontier => entry.verified.frontier.is_some(),
            Side::Edge | Side::Service | Side::Subscriber | Side::Job => true,
        })
    }

    /// Whether there are none, so that nobody is let in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl fmt::Debug for TokenTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenTable").field("tokens", &self.entries.len()).finish()
    }
}

#[cfg(test)]
mod tests;
