//! Keys in files: public keys in PEM, sets of keys in JWKS.

use super::Key;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde_json::Value;

/// How many unusable keys of one set are named.
const MAX_UNUSABLE: usize = 16;

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

/// What a set of keys has for us.
#[derive(Debug)]
pub(super) struct KeySet {
    /// The keys that signatures can be checked with; at least one.
    pub(super) keys: Vec<Key>,
    /// Which keys seem to be for us and can't be used, each with the reason.
    pub(super) unusable: Vec<String>,
}

/// The keys of a set that signatures can be checked with. The set is written by others and for others too: keys
/// for encryption and of other types are left out, and so is one that can't be used, which leaves the rest.
///
/// # Errors
/// If it is no such set, or nothing is left; in one line.
pub(super) fn jwks(text: &[u8]) -> Result<KeySet, String> {
    let set: Value = serde_json::from_slice(text)
        .map_err(|error| format!("expected a JWKS, a JSON object: {}", at(&error)))?;
    let Some(members) = set.get("keys").and_then(Value::as_array) else {
        return Err("expected a JWKS, a JSON object with a list `keys`".into());
    };
    let (mut keys, mut unusable, mut more) = (Vec::new(), Vec::new(), 0);
    for (index, member) in members.iter().enumerate() {
        match read(member) {
            Ok(key) => keys.extend(key),
            Err(_) if unusable.len() == MAX_UNUSABLE => more += 1,
            Err(reason) => unusable.push(format!("keys[{index}]: {reason}")),
        }
    }
    if more > 0 {
        unusable.push(format!("{more} more keys can't be used"));
    }
    match (keys.is_empty(), unusable.is_empty()) {
        (false, _) => Ok(KeySet { keys, unusable }),
        (true, false) => Err(unusable.join("; ")),
        (true, true) => Err("no key in it is for HS256, RS256, ES256 or EdDSA (Ed25519) signatures".into()),
    }
}

/// One key of a set; `None` if it is for others. No reason repeats a value: it may be a secret.
fn read(member: &Value) -> Result<Option<Key>, &'static str> {
    const DAMAGED: &str = "a member of it is missing, or is not what it should be";
    let kind = member.get("kty").and_then(Value::as_str).ok_or("it is no object with a text `kty`")?;
    // As RFC 7517 has it in section 5: unknown types are ignored.
    if !matches!(kind, "oct" | "RSA" | "EC" | "OKP") {
        return Ok(None);
    }
    if member.get("kid").is_some_and(|kid| !kid.is_string() && !kid.is_null()) {
        return Err("its `kid` must be a text");
    }
    let jwk: Jwk = serde_json::from_value(member.clone()).map_err(|_| DAMAGED)?;
    // So the library has what is not as the type wants it, and curves that it does not know.
    let ours = match member.get("crv").and_then(Value::as_str) {
        Some(curve) => matches!(curve, "P-256" | "Ed25519"),
        None => true,
    };
    if matches!(jwk.algorithm, AlgorithmParameters::Other(_)) && ours {
        return Err(DAMAGED);
    }
    let Some(key) = key(&jwk) else { return Ok(None) };
    Ok(Some(Key { id: jwk.common.key_id, ..key? }))
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
