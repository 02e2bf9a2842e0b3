//! Tokens to be shown.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// With which the JWTs of these tests are signed.
pub(crate) const SECRET: &str = "only-for-tests-only-for-tests-only-for-tests";

/// Seconds since 1970, so many from now.
pub(crate) fn at(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(now).unwrap() + seconds
}

/// A JWT with these claims besides the usual ones.
pub(crate) fn jwt(claims: &Value) -> String {
    signed(claims, SECRET)
}

pub(crate) fn signed(claims: &Value, secret: &str) -> String {
    let mut all = json!({"sub": "sensor", "aud": "frontier", "exp": at(3600)});
    for (claim, value) in claims.as_object().unwrap() {
        all[claim] = value.clone();
    }
    encode(&Header::new(Algorithm::HS256), &all, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// The entry of a token in a file.
pub(crate) fn entry(token: &str, rest: &str) -> String {
    let hash = frontier_credentials::token::hash(token.as_bytes()).unwrap();
    format!("- {{{}, {rest}}}\n", hash.replacen("hash: ", "hash: '", 1) + "'")
}
