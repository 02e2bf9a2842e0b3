//! Public keys in PEM files.

use super::Key;
use jsonwebtoken::DecodingKey;

/// The one public key of a PEM file: RSA, EC on P-256, or Ed25519.
///
/// # Errors
/// What is wrong, in one line.
pub(super) fn parse(text: &[u8]) -> Result<Key, &'static str> {
    const WHAT: &str = "expected one PEM block `PUBLIC KEY`, of an RSA, P-256 or Ed25519 key";
    let blocks = labels(text);
    if blocks.iter().any(|label| label.contains("PRIVATE KEY")) {
        return Err("this is a private key, which does not belong here; expected the public key");
    }
    if blocks.len() != 1 || !matches!(&*blocks[0], "PUBLIC KEY" | "RSA PUBLIC KEY") {
        return Err(WHAT);
    }
    let bytes = |key: &DecodingKey| key.try_get_as_bytes().map(<[u8]>::to_vec).unwrap_or_default();
    if let Ok(key) = DecodingKey::from_ed_pem(text) {
        return Key::ed25519(&bytes(&key));
    }
    if let Ok(key) = DecodingKey::from_ec_pem(text) {
        return Key::p256(&bytes(&key));
    }
    match DecodingKey::from_rsa_pem(text) {
        Ok(key) => Key::rsa(&bytes(&key)),
        Err(_) => Err(WHAT),
    }
}

/// The labels of the blocks.
fn labels(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let label = |line: &str| Some(line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----")?.to_owned());
    text.lines().filter_map(label).collect()
}
