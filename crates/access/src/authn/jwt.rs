//! JSON Web Tokens: HS256, RS256, ES256 and EdDSA (Ed25519).
//!
//! Each key has exactly one algorithm, which follows from its type and never from the token, so a token cannot
//! pass a public key off as a shared secret. A token that names a key (`kid`) is checked with the keys of that
//! name, or else with those that have no name; one that names none, with all of its algorithm.

mod claims;
mod config;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod key;
mod key_file;
mod verifier;

pub use config::{JwtConfig, KeySource};
pub use key::Key;
pub use verifier::JwtVerifier;
