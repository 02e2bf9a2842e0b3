//! What the fuzz targets do with their input, and the tests with theirs: tokens, their claims, and sets of
//! keys. Panics when something that must hold does not.

use super::claims::Claims;
use super::{JwtConfig, JwtVerifier, key_file};
use crate::authn::Side;
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Public keys of each kind, and a shared secret.
const KEYS: &[u8] = include_bytes!("../../../tests/data/jwks.json");

/// Tokens that some of them have signed, one of each algorithm.
const SIGNED: [&str; 4] = [
    include_str!("../../../tests/data/hs256-kid.jwt"),
    include_str!("../../../tests/data/rs256-kid.jwt"),
    include_str!("../../../tests/data/es256-kid.jwt"),
    include_str!("../../../tests/data/eddsa-kid.jwt"),
];

const LEEWAY: Duration = Duration::from_secs(30);

/// The input is a token of nobody who has a key: whatever it says, it is refused.
pub fn token(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let verifier = JwtVerifier::new(key_file::jwks(KEYS).expect("they are good").keys, config());
    for side in [Side::Edge, Side::Service] {
        let verified = verifier.verify(Some(text), side, now());
        assert!(verified.is_err(), "{text:?} was taken for {verified:?}");
    }
}

/// The input is what a token with a good signature says.
pub fn claims(input: &[u8]) {
    let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(input) else { return };
    let claims = Claims(claims);
    for side in [Side::Edge, Side::Service] {
        let Ok(verified) = claims.verify(&config(), side, now()) else { continue };
        assert!(verified.expires.is_none_or(|expires| expires + LEEWAY > now()), "{verified:?}");
        assert!(side != Side::Edge || verified.edge_id.is_some(), "{verified:?}");
        assert!(side != Side::Service || verified.service_id.is_some(), "{verified:?}");
    }
}

/// The input is a file with keys. Those that are taken can be used.
pub fn key_set(input: &[u8]) {
    let Ok(key_file::KeySet { keys, .. }) = key_file::jwks(input) else { return };
    assert!(!keys.is_empty());
    let verifier = JwtVerifier::new(keys, config());
    for token in SIGNED {
        let _ = verifier.verify(Some(token.trim_end()), Side::Edge, now());
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_500_000_000)
}

fn config() -> JwtConfig {
    let claim = |name: &str| Some(name.to_owned());
    JwtConfig {
        keys: Vec::new(),
        issuers: Vec::new(),
        audiences: vec!["frontier".into()],
        leeway: LEEWAY,
        require_exp: true,
        subject_claim: "sub".into(),
        edge_id_claim: claim("edge"),
        service_claim: claim("service"),
        service_id_claim: claim("service_id"),
        frontier_claim: claim("frontier"),
        role_claim: claim("role"),
        label_claims: vec!["region".into()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    const CLAIMS: &str = r#"{"aud": ["frontier"], "exp": 1500000001.5, "nbf": "1", "sub": 7, "edge": "7",
        "service": "files", "service_id": 9, "frontier": "*", "region": "north", "iss": null}"#;

    /// Changes of some bytes, in ASCII.
    fn damage(bytes: &mut [u8], changes: &[(Index, u8)]) {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte & 0x7f;
        }
    }

    #[test]
    fn what_is_good_is_taken() {
        key_set(KEYS);
        let good = serde_json::from_str(&CLAIMS.replace("\"nbf\": \"1\", ", "")).unwrap();
        let verified = Claims(good).verify(&config(), Side::Service, now()).unwrap();
        assert_eq!(verified.service.as_deref(), Some("files"));
        claims(CLAIMS.as_bytes());
    }

    proptest! {
        #[test]
        fn any_text(text in any::<String>()) {
            token(text.as_bytes());
            claims(text.as_bytes());
            key_set(text.as_bytes());
        }

        /// Its signature is left alone, so it is that of another text.
        #[test]
        fn damaged_tokens(which in 0..SIGNED.len(), change in (any::<Index>(), 1..0x80_u8)) {
            let mut bytes = SIGNED[which].trim_end().as_bytes().to_vec();
            let signed = bytes.iter().rposition(|byte| *byte == b'.').unwrap();
            bytes[change.0.index(signed)] ^= change.1;
            token(&bytes);
        }

        #[test]
        fn damaged_claims(changes in vec((any::<Index>(), any::<u8>()), 0..3)) {
            let mut bytes = CLAIMS.as_bytes().to_vec();
            damage(&mut bytes, &changes);
            claims(&bytes);
        }

        #[test]
        fn damaged_key_sets(changes in vec((any::<Index>(), any::<u8>()), 0..3)) {
            let mut bytes = KEYS.to_vec();
            damage(&mut bytes, &changes);
            key_set(&bytes);
        }
    }
}
