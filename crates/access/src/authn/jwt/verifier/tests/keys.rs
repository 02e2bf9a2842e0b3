//! What is no token, and what is wrong with files of keys.

use super::*;

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
    assert!(missing.contains("missing: there is no such file"), "{missing}");
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
