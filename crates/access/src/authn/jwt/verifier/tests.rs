//! Which signatures are good, by which keys.

mod claims;
mod keys;

use super::*;
use crate::authn::OperatorRole;
use crate::authn::jwt::KeySource;
use frontier_protocol::{EdgeId, ServiceId};
use jsonwebtoken::{Algorithm, EncodingKey, encode};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

const SECRET: &[u8] = b"only-for-tests-only-for-tests-only-for-tests";
const NOW_SECS: u64 = 1_500_000_000;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW_SECS)
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn golden(name: &str) -> String {
    std::fs::read_to_string(data(name)).unwrap().trim().to_owned()
}

fn config() -> JwtConfig {
    JwtConfig {
        keys: Vec::new(),
        issuers: Vec::new(),
        audiences: vec!["frontier".into()],
        leeway: Duration::from_secs(30),
        require_exp: true,
        subject_claim: "sub".into(),
        edge_id_claim: None,
        service_claim: None,
        service_id_claim: None,
        frontier_claim: None,
        role_claim: None,
        label_claims: Vec::new(),
    }
}

fn loaded(source: KeySource) -> Result<JwtVerifier, String> {
    let mut loader = Loader::default();
    let verifier = JwtVerifier::load(&JwtConfig { keys: vec![source], ..config() }, &mut loader);
    loader.finish().map(|_| verifier).map_err(|errors| errors.to_string())
}

fn pem(name: &str) -> JwtVerifier {
    loaded(KeySource::PublicKeyFile(data(name))).unwrap()
}

fn jwks() -> JwtVerifier {
    loaded(KeySource::JwksFile(data("jwks.json"))).unwrap()
}

fn verify(verifier: &JwtVerifier, token: &str) -> Result<Verified, AuthnError> {
    verifier.verify(Some(token), Side::Edge, now())
}

/// The outcome for a token with these claims, and what is changed in the configuration.
fn claims(claims: Value, change: impl FnOnce(&mut JwtConfig)) -> Result<Verified, AuthnError> {
    claims_of(claims, Side::Edge, change)
}

fn claims_of(claims: Value, side: Side, change: impl FnOnce(&mut JwtConfig)) -> Result<Verified, AuthnError> {
    let mut all = json!({"aud": "frontier", "exp": NOW_SECS + 1});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let mut config = config();
    change(&mut config);
    let verifier = JwtVerifier::new(vec![Key::secret(SECRET).unwrap()], config);
    verifier.verify(Some(&signed(&Header::default(), &all)), side, now())
}

fn signed(header: &Header, claims: &Value) -> String {
    encode(header, claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

#[test]
fn tokens_that_openssl_signed_are_good_with_their_own_key_only() {
    let secret = JwtVerifier::new(vec![Key::secret(SECRET).unwrap()], config());
    let verifiers = [
        ("hs256", secret),
        ("rs256", pem("rsa.pem")),
        ("es256", pem("p256.pem")),
        ("eddsa", pem("ed25519.pem")),
    ];
    for (of, verifier) in &verifiers {
        for (name, _) in &verifiers {
            for token in [golden(&format!("{name}.jwt")), golden(&format!("{name}-kid.jwt"))] {
                match verify(verifier, &token) {
                    Ok(verified) => assert!(of == name && verified.subject == "sensor", "{name} with {of}"),
                    Err(error) => {
                        assert!(of != name && error == AuthnError::WrongAlgorithm, "{name}: {error}")
                    }
                }
            }
        }
    }
}

#[test]
fn a_set_of_keys_serves_all_of_them() {
    let jwks = jwks();
    assert_eq!(jwks.keys.len(), 4, "{jwks:?}");
    for name in ["hs256", "rs256", "es256", "eddsa"] {
        verify(&jwks, &golden(&format!("{name}.jwt"))).expect(name);
        verify(&jwks, &golden(&format!("{name}-kid.jwt"))).expect(name);
    }
}

#[test]
fn a_signature_that_was_tampered_with_is_wrong() {
    let jwks = jwks();
    for name in ["hs256", "rs256", "es256", "eddsa"] {
        let token = golden(&format!("{name}.jwt"));
        let (message, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { "B" } else { "A" };
        let error = verify(&jwks, &format!("{message}.{first}{}", &signature[1..])).unwrap_err();
        assert_eq!(error.to_string(), "the token's signature is wrong", "{name}");
        for signature in ["", "AAAA"] {
            let error = verify(&jwks, &format!("{message}.{signature}")).unwrap_err();
            assert_eq!(error, AuthnError::BadSignature, "{name}");
        }
    }
}

#[test]
fn claims_that_were_tampered_with_are_noticed() {
    let token = golden("es256.jwt");
    let other = signed(&Header::default(), &json!({"aud": "frontier", "exp": NOW_SECS + 1, "edge": "8"}));
    let parts: Vec<_> = token.split('.').collect();
    let forged = format!("{}.{}.{}", parts[0], other.split('.').nth(1).unwrap(), parts[2]);
    assert_eq!(verify(&jwks(), &forged), Err(AuthnError::BadSignature));
}

#[test]
fn a_public_key_is_no_shared_secret() {
    assert_eq!(verify(&pem("rsa.pem"), &golden("confused.jwt")), Err(AuthnError::WrongAlgorithm));
    assert_eq!(verify(&jwks(), &golden("confused.jwt")), Err(AuthnError::BadSignature));
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let error = verify(&jwks(), &golden("none.jwt")).unwrap_err();
    assert_eq!(error.to_string(), "the token is malformed: its header is not readable");
}

#[test]
fn another_algorithm_of_the_same_key_is_refused() {
    let token = signed(&Header::new(Algorithm::HS512), &json!({}));
    let error = verify(&jwks(), &token).unwrap_err();
    assert_eq!(error.to_string(), "the token's algorithm is not taken here");
}

#[test]
fn an_unknown_key_is_refused() {
    let header = Header { kid: Some("rotated away".into()), ..Header::default() };
    let error = verify(&jwks(), &signed(&header, &json!({}))).unwrap_err();
    assert_eq!(error.to_string(), "the token is signed with an unknown key");
    let crossed = Header { kid: Some("rs256".into()), ..Header::default() };
    assert_eq!(verify(&jwks(), &signed(&crossed, &json!({}))), Err(AuthnError::UnknownKey));
}

#[test]
fn extensions_that_must_be_understood_are_refused() {
    let header = Header { crit: Some(vec!["b64".into()]), ..Header::default() };
    let error = verify(&jwks(), &signed(&header, &json!({}))).unwrap_err();
    assert_eq!(error.to_string(), "the token is malformed: it uses extensions (`crit`)");
}
