//! A key that signatures are checked with, and what makes it strong enough.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use std::fmt;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::RSAPublicKey;

/// The least length of a shared secret, in bytes: that of the hash, as RFC 7518 asks for.
const MIN_SECRET: usize = 32;

/// The sizes of RSA keys that are taken, in bits. Larger ones cost too much for each token.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A key that signatures are checked with.
#[derive(Clone)]
pub struct Key {
    /// Its name, which a token's `kid` may give.
    pub(super) id: Option<String>,
    /// The only algorithm that it is good for.
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl Key {
    /// A shared secret, for HS256.
    ///
    /// # Errors
    /// If it is shorter than 32 bytes.
    pub fn secret(secret: &[u8]) -> Result<Self, &'static str> {
        if secret.len() < MIN_SECRET {
            return Err("the secret is shorter than 32 bytes; make one with `openssl rand -hex 32`");
        }
        Ok(Self::new(Algorithm::HS256, DecodingKey::from_secret(secret)))
    }

    /// An RSA key for RS256 from its PKCS#1 form.
    pub(super) fn rsa(der: &[u8]) -> Result<Self, &'static str> {
        let (_, key) = RSAPublicKey::from_der(der).map_err(|_| "the RSA key is invalid")?;
        Self::rsa_parts(key.modulus, key.exponent)
    }

    /// The same from modulus and exponent.
    pub(super) fn rsa_parts(modulus: &[u8], exponent: &[u8]) -> Result<Self, &'static str> {
        let (n, e) = (without_zeros(modulus), without_zeros(exponent));
        // Before anything is computed with it.
        if !RSA_BITS.contains(&bits(n)) {
            return Err("an RSA key must have 2048 to 4096 bits");
        }
        RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| "the RSA key is invalid")?;
        Ok(Self::new(Algorithm::RS256, DecodingKey::from_rsa_raw_components(n, e)))
    }

    /// A key on P-256 for ES256 from its uncompressed point.
    pub(super) fn p256(point: &[u8]) -> Result<Self, &'static str> {
        if point.len() != 65 {
            return Err("an EC key must be an uncompressed point on P-256");
        }
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| "the key is invalid")?;
        Ok(Self::new(Algorithm::ES256, DecodingKey::from_ec_der(point)))
    }

    /// An Ed25519 key.
    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() != 32 {
            return Err("an Ed25519 key must have 32 bytes");
        }
        ParsedPublicKey::new(&ED25519, bytes).map_err(|_| "the key is invalid")?;
        Ok(Self::new(Algorithm::EdDSA, DecodingKey::from_ed_der(bytes)))
    }

    fn new(algorithm: Algorithm, key: DecodingKey) -> Self {
        Self { id: None, algorithm, key }
    }
}

/// A number in big-endian order as the library takes it.
fn without_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// Nothing of the key itself.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_keys_are_refused_without_a_panic() {
        assert!(Key::secret(&[1; 31]).unwrap_err().contains("shorter than 32 bytes"));
        assert_eq!(Key::rsa(b"nonsense").unwrap_err(), "the RSA key is invalid");
        assert!(Key::rsa_parts(&[0xff; 128], &[1, 0, 1]).unwrap_err().contains("2048 to 4096 bits"));
        assert!(Key::rsa_parts(&[0xff; 1024], &[1, 0, 1]).unwrap_err().contains("2048 to 4096 bits"));
        assert!(Key::rsa_parts(&[], &[]).is_err());
        assert!(Key::p256(&[4; 64]).unwrap_err().contains("on P-256"));
        assert_eq!(Key::p256(&[4; 65]).unwrap_err(), "the key is invalid");
        for len in [0, 31, 33] {
            assert!(Key::ed25519(&vec![1; len]).unwrap_err().contains("32 bytes"));
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        let key = Key::secret(b"hunter2hunter2hunter2hunter2hunter2").unwrap();
        assert_eq!(format!("{key:?}"), "Key { id: None, algorithm: HS256, .. }");
        assert!(!format!("{:?}", key.key).contains("104"), "bytes of the secret");
    }
}
