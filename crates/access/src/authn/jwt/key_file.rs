//! Keys in files: public keys in PEM, sets of keys in JWKS.

use super::Key;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};

/// The one public key of a PEM file: RSA, EC on P-256, or Ed25519.
///
/// # Errors
/// What is wrong, in one line.
pub(super) fn pem(text: &[u8]) -> Result<Key, &'static str> {
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

/// The keys of a set that signatures can be checked with; others (for encryption, of other types) are left
/// out, as a set may be there for others too.
///
/// # Errors
/// If it is no such set, a key in it is invalid, or nothing is left; in one line.
pub(super) fn jwks(text: &[u8]) -> Result<Vec<Key>, String> {
    let set: JwkSet = serde_json::from_slice(text)
        .map_err(|error| format!("expected a JWKS, a JSON object: {}", at(&error)))?;
    let mut keys = Vec::new();
    for (index, jwk) in set.keys.iter().enumerate() {
        if let Some(key) = key(jwk) {
            let mut key = key.map_err(|error| format!("keys[{index}]: {error}"))?;
            key.id = jwk.common.key_id.clone();
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return Err("no key in it is for HS256, RS256, ES256 or EdDSA (Ed25519) signatures".into());
    }
    Ok(keys)
}

/// Where, and not what: the set may hold secrets.
fn at(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

fn key(jwk: &Jwk) -> Option<Result<Key, &'static str>> {
    let for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::OctetKey(_) => Algorithm::HS256,
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    let named = jwk.common.key_algorithm;
    if !for_signatures || named.is_some_and(|named| named != KeyAlgorithm::from(algorithm)) {
        return None;
    }
    Some(DecodingKey::from_jwk(jwk).map_err(|_| "the key is invalid").and_then(|key| match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => Key::rsa_parts(n, e),
        DecodingKeyKind::SecretOrDer(bytes) => match algorithm {
            Algorithm::HS256 => Key::secret(bytes),
            Algorithm::ES256 => Key::p256(bytes),
            _ => Key::ed25519(bytes),
        },
    }))
}
