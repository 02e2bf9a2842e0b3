//! Which tokens are good, what their claims give a peer, and what is wrong with tokens and key files.

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

#[test]
fn an_expired_token_is_refused_after_the_leeway() {
    let at = |exp: Value| claims(json!({ "exp": exp }), |_| {});
    assert!(at(json!(NOW_SECS - 29)).is_ok() && at(json!(NOW_SECS as f64 - 29.5)).is_ok());
    let error = at(json!(NOW_SECS - 30)).unwrap_err();
    assert_eq!((&error, &*error.to_string()), (&AuthnError::Expired, "the token has expired"));
    assert_eq!(at(json!(0)), Err(AuthnError::Expired));
    for exp in [json!(u64::MAX), json!(1e300)] {
        let verified = at(exp).unwrap();
        assert!(verified.expires.unwrap() > now());
    }
    for exp in [json!("soon"), json!(-1), json!(true)] {
        assert_eq!(at(exp.clone()), Err(AuthnError::Claim("exp".into())), "{exp}");
    }
    assert!(matches!(at(json!([1])), Err(AuthnError::Malformed(_))));
}

#[test]
fn a_token_without_an_expiry_is_refused_unless_allowed() {
    let error = claims(json!({ "exp": null }), |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "the token has no expiry, which is required here");
    let verified = claims(json!({ "exp": null }), |config| config.require_exp = false).unwrap();
    assert_eq!(verified.expires, None);
}

#[test]
fn a_token_is_not_valid_before_its_time() {
    assert!(claims(json!({"nbf": NOW_SECS + 30}), |_| {}).is_ok());
    let error = claims(json!({"nbf": NOW_SECS + 31}), |_| {}).unwrap_err();
    assert_eq!((&error, &*error.to_string()), (&AuthnError::NotYetValid, "the token is not valid yet"));
}

#[test]
fn the_audience_must_be_ours() {
    for aud in [json!("frontier"), json!(["x", "frontier"])] {
        assert!(claims(json!({ "aud": aud }), |_| {}).is_ok());
    }
    for aud in [json!("other"), json!(["x"]), json!([]), json!(null), json!(7), json!({"frontier": 1})] {
        let error = claims(json!({ "aud": aud }), |_| {}).unwrap_err();
        assert_eq!(error.to_string(), "the token is for another audience", "{aud}");
    }
}

#[test]
fn where_no_audience_is_set_a_token_must_have_none() {
    assert!(claims(json!({ "aud": null }), |config| config.audiences.clear()).is_ok());
    let for_others = claims(json!({ "aud": "x" }), |config| config.audiences.clear());
    assert_eq!(for_others, Err(AuthnError::WrongAudience));
}

#[test]
fn the_issuer_must_be_taken() {
    let issuers = |config: &mut JwtConfig| config.issuers = vec!["a".into(), "b".into()];
    assert!(claims(json!({"iss": "b"}), issuers).is_ok());
    for iss in [json!("c"), json!(null), json!(["a"])] {
        let error = claims(json!({ "iss": iss }), issuers).unwrap_err();
        assert_eq!(error.to_string(), "the token is from an issuer that is not taken here", "{iss}");
    }
}

#[test]
fn a_claim_fixes_the_edge_id() {
    let edge = |config: &mut JwtConfig| config.edge_id_claim = Some("edge".into());
    for id in [json!(7), json!("7"), json!("007")] {
        assert_eq!(claims(json!({ "edge": id }), edge).unwrap().edge_id, Some(EdgeId(7)));
    }
    let huge = json!("18446744073709551616");
    for id in
        [json!(null), json!(0), json!("0"), json!(""), json!("x"), json!("+7"), json!(-7), json!(7.5), huge]
    {
        let error = claims(json!({ "edge": id }), edge).unwrap_err();
        assert_eq!(error.to_string(), "the token's claim `edge` is missing or of the wrong type", "{id}");
    }
    assert!(claims(json!({}), edge).is_err());
    // On the other side the claim is not needed; what is there must be right all the same.
    assert_eq!(claims_of(json!({}), Side::Service, edge).unwrap().edge_id, None);
    assert!(claims_of(json!({"edge": "x"}), Side::Service, edge).is_err());
}

#[test]
fn claims_fix_the_name_and_id_of_a_service() {
    let service = |config: &mut JwtConfig| {
        config.service_claim = Some("svc".into());
        config.service_id_claim = Some("svc_id".into());
    };
    let verified = claims_of(json!({"svc": "files", "svc_id": 3}), Side::Service, service).unwrap();
    assert_eq!((verified.service.as_deref(), verified.service_id), (Some("files"), Some(ServiceId(3))));
    for claims in [json!({"svc_id": 3}), json!({"svc": "", "svc_id": 3}), json!({"svc": ["a"], "svc_id": 3})]
    {
        assert_eq!(claims_of(claims, Side::Service, service), Err(AuthnError::Claim("svc".into())));
    }
    assert!(claims_of(json!({}), Side::Edge, service).is_ok());
}

#[test]
fn a_claim_says_which_frontier_it_may_be() {
    let frontier = |config: &mut JwtConfig| {
        config.frontier_claim = Some("frontier".into());
        config.service_claim = Some("svc".into());
    };
    let verified = claims_of(json!({"frontier": "f1"}), Side::Frontier, frontier).unwrap();
    assert_eq!(verified.confirm_frontier("f1"), Ok(()));
    assert!(verified.confirm_frontier("f2").is_err());
    for none in [json!({}), json!({"frontier": ""}), json!({"svc": "files"})] {
        let verified = claims_of(none, Side::Frontier, frontier).unwrap();
        assert_eq!(verified.confirm_frontier("f1"), Err(AuthnError::NotFrontier));
    }
}

#[test]
fn a_claim_says_what_an_operator_may_do() {
    let operator = |config: &mut JwtConfig| config.role_claim = Some("role".into());
    let verified = claims_of(json!({"role": "operate"}), Side::Operator, operator).unwrap();
    assert_eq!(verified.role, Some(OperatorRole::Operate));
    assert_eq!(claims_of(json!({}), Side::Operator, operator).unwrap().role, None);
    for wrong in [json!({"role": "root"}), json!({"role": ["read", "admin"]}), json!({"role": ""})] {
        assert_eq!(claims_of(wrong, Side::Operator, operator), Err(AuthnError::Claim("role".into())));
    }
}

#[test]
fn claims_become_labels() {
    let labels =
        |config: &mut JwtConfig| config.label_claims = vec!["tenant".into(), "tier".into(), "vip".into()];
    let verified = claims(json!({"tenant": "acme", "tier": 2, "vip": true}), labels).unwrap();
    assert_eq!(verified.labels.to_string(), "tenant=acme, tier=2, vip=true");
    assert!(claims(json!({}), labels).unwrap().labels.is_empty());
    for tenant in [json!(["a", "b"]), json!({"a": 1}), json!(""), json!("x".repeat(256))] {
        assert_eq!(claims(json!({ "tenant": tenant }), labels), Err(AuthnError::Claim("tenant".into())));
    }
}

#[test]
fn what_is_no_jwt_is_malformed() {
    for (token, message) in [
        ("opaque", "the token is malformed: it is no JWT"),
        ("a.b", "the token is malformed: it is no JWT"),
        ("a.b.c.d", "the token is malformed: it is no JWT"),
        ("..", "the token is malformed: its header is not readable"),
        ("bm8=.e30.e30", "the token is malformed: its header is not readable"),
        (&"a.b.c".repeat(4000), "the token is malformed: it is too long"),
    ] {
        assert_eq!(verify(&jwks(), token).unwrap_err().to_string(), message);
    }
    assert_eq!(jwks().verify(None, Side::Edge, now()), Err(AuthnError::MissingCredentials));
}

#[test]
fn files_that_hold_no_key_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let two = golden("rsa.pem") + "\n" + &golden("p256.pem");
    let short_ed = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]}"#;
    let weak = r#"{"keys": [{"kty": "oct", "k": "aHVudGVyMg"}]}"#;
    type Source = fn(PathBuf) -> KeySource;
    let (pem, jwks): (Source, Source) = (KeySource::PublicKeyFile, KeySource::JwksFile);
    let cases: [(Source, &str, &str); 12] = [
        (pem, "nonsense", "expected one PEM block `PUBLIC KEY`, of an RSA, P-256 or Ed25519 key"),
        (pem, private, "this is a private key, which does not belong here; expected the public key"),
        (pem, &two, "expected one PEM block `PUBLIC KEY`, of an RSA, P-256 or Ed25519 key"),
        (pem, &golden("rsa-1024.pem"), "an RSA key must have 2048 to 4096 bits"),
        (pem, &golden("p384.pem"), "an EC key must be an uncompressed point on P-256"),
        (jwks, "[1", "expected a JWKS, a JSON object: line 1, column 2"),
        (jwks, r#"{"keys": []}"#, "no key in it is for HS256, RS256, ES256 or EdDSA (Ed25519) signatures"),
        (jwks, "[]", "expected a JWKS, a JSON object with a list `keys`"),
        (
            jwks,
            r#"{"keys": [1, {"kty": "oct", "k": "aHVudGVyMg"}]}"#,
            "keys[0]: it is no object with a text `kty`; keys[1]: the secret is shorter than 32 bytes; \
             make one with `openssl rand -hex 32`",
        ),
        (jwks, short_ed, "keys[0]: an Ed25519 key must have 32 bytes"),
        (jwks, weak, "keys[0]: the secret is shorter than 32 bytes; make one with `openssl rand -hex 32`"),
        (
            KeySource::SecretFile,
            "hunter2\n",
            "the secret is shorter than 32 bytes; make one with `openssl rand -hex 32`",
        ),
    ];
    for (source, text, message) in cases {
        let path = folder.path().join("key");
        std::fs::write(&path, text).unwrap();
        let error = loaded(source(path.clone())).unwrap_err();
        assert_eq!(error, format!("{}: {message}", path.display()));
        assert!(!error.contains("hunter2"));
    }
    let missing = loaded(KeySource::JwksFile(folder.path().join("missing"))).unwrap_err();
    assert!(missing.contains("missing: can't be read: No such file"), "{missing}");
}

fn good_keys() -> Vec<Value> {
    let set: Value = serde_json::from_str(&golden("jwks.json")).unwrap();
    set["keys"].as_array().unwrap().clone()
}

/// What becomes of a file with this text: how many keys of it are used, and what is warned of.
fn set(text: &str) -> (usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::write(&path, text).unwrap();
    let mut loader = Loader::default();
    let source = KeySource::JwksFile(path.clone());
    let verifier = JwtVerifier::load(&JwtConfig { keys: vec![source], ..config() }, &mut loader);
    let warnings = loader.finish().unwrap().warnings;
    let of_file = |warning: &crate::LoadWarning| {
        assert_eq!(warning.what, path.display().to_string());
        warning.message.clone()
    };
    (verifier.keys.len(), warnings.iter().map(of_file).collect())
}

#[test]
fn a_key_of_a_set_that_cannot_be_used_is_named_and_left_out() {
    let good = good_keys();
    let base64 = |len: usize| "_".repeat(len * 4 / 3);
    let ed = |x: &str| json!({"kty": "OKP", "crv": "Ed25519", "x": x});
    let odd = [
        (json!({"kty": "RSA", "e": "AQAB", "n": base64(129)}), "an RSA key must have 2048 to 4096 bits"),
        (json!({"kty": "RSA", "e": "AQAB", "n": base64(1026)}), "an RSA key must have 2048 to 4096 bits"),
        (ed(&format!("{}=", base64(33))), "the key is invalid"),
        (ed("AAAA"), "an Ed25519 key must have 32 bytes"),
        (
            json!({"kty": "oct", "k": "aHVudGVyMg"}),
            "the secret is shorter than 32 bytes; make one with `openssl rand -hex 32`",
        ),
        (json!({"kty": "oct", "k": base64(48), "kid": 7}), "its `kid` must be a text"),
        (json!({"kty": "oct", "k": 7}), "a member of it is missing, or is not what it should be"),
        (json!({"kty": "EC", "crv": "P-256"}), "a member of it is missing, or is not what it should be"),
        (json!({"kty": 7}), "it is no object with a text `kty`"),
        (json!("hunter2"), "it is no object with a text `kty`"),
    ];
    for (member, reason) in odd {
        let mut keys = good.clone();
        keys.insert(1, member.clone());
        let (used, warnings) = set(&json!({ "keys": keys }).to_string());
        assert_eq!(used, 4, "{member}");
        assert_eq!(warnings, [format!("left out: keys[1]: {reason}")], "{member}");
    }
}

#[test]
fn keys_that_are_for_others_are_left_out_without_a_word() {
    let mut keys = good_keys();
    keys.push(json!({"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA"}));
    keys.push(json!({"kty": "RSA", "use": "enc", "e": "AQAB", "n": "AQAB"}));
    keys.push(json!({"kty": "EC", "crv": "secp256k1", "x": "AAAA", "y": "AAAA"}));
    keys.push(json!({"kty": "EC", "crv": "P-384", "x": "AAAA", "y": "AAAA"}));
    assert_eq!(set(&json!({ "keys": keys, "x-note": 1 }).to_string()), (4, Vec::new()));
}

#[test]
fn of_many_keys_that_cannot_be_used_some_are_named_and_the_others_counted() {
    let mut keys = good_keys();
    keys.extend((0..100).map(|_| json!({"kty": 7})));
    let (used, warnings) = set(&json!({ "keys": keys }).to_string());
    assert_eq!((used, warnings.len()), (4, 17));
    assert_eq!(warnings[16], "left out: 84 more keys can't be used");
}

#[test]
fn debug_shows_no_secret() {
    let secret = frontier_config::Secret::new(String::from_utf8_lossy(SECRET));
    let shown = format!("{:?}", loaded(KeySource::Secret(secret)).unwrap());
    assert!(!shown.contains("only-for-tests") && !shown.contains("111, 110"), "{shown}");
}

proptest! {
    #[test]
    fn no_token_panics(header in ".{0,40}", body in ".{0,60}", raw in ".{0,200}") {
        let verifier = JwtVerifier::new(vec![Key::secret(SECRET).unwrap()], config());
        prop_assert!(verify(&verifier, &raw).is_err());
        let parts = [header, body, raw].join(".");
        prop_assert!(verify(&verifier, &parts).is_err());
    }

    #[test]
    fn no_signed_claims_panic(claim in "(exp|nbf|aud|iss|sub|edge)", number: f64, text in ".{0,30}") {
        let change = |config: &mut JwtConfig| config.edge_id_claim = Some("edge".into());
        let _ = claims(json!({ &claim: number }), change);
        let _ = claims(json!({ &claim: text }), change);
    }

    #[test]
    fn no_key_file_panics(bytes: Vec<u8>, text in ".{0,200}") {
        let _ = crate::authn::jwt::key_file::pem(&bytes);
        let _ = crate::authn::jwt::key_file::pem(format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----").as_bytes());
        let _ = crate::authn::jwt::key_file::jwks(&bytes);
    }
}
