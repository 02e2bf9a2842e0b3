use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use rsa::RsaPublicKey;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::traits::PublicKeyParts;
use std::fmt;

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
        Self::checked(Algorithm::HS256, DecodingKey::from_secret(secret))
    }

    /// An RSA key for RS256 from its PKCS#1 form.
    pub(super) fn rsa(der: &[u8]) -> Result<Self, &'static str> {
        let key = RsaPublicKey::from_pkcs1_der(der).map_err(|_| "the RSA key is invalid")?;
        if !RSA_BITS.contains(&(key.size() * 8)) {
            return Err("an RSA key must have 2048 to 4096 bits");
        }
        Self::checked(Algorithm::RS256, DecodingKey::from_rsa_der(der))
    }

    /// The same from modulus and exponent.
    pub(super) fn rsa_parts(modulus: &[u8], exponent: &[u8]) -> Result<Self, &'static str> {
        // Before anything is computed with it.
        if modulus.len() > RSA_BITS.end() / 8 + 1 || exponent.len() > 8 {
            return Err("an RSA key must have 2048 to 4096 bits");
        }
        let number = rsa::BigUint::from_bytes_be;
        let key =
            RsaPublicKey::new(number(modulus), number(exponent)).map_err(|_| "the RSA key is invalid")?;
        if !RSA_BITS.contains(&(key.size() * 8)) {
            return Err("an RSA key must have 2048 to 4096 bits");
        }
        Self::checked(Algorithm::RS256, DecodingKey::from_rsa_raw_components(modulus, exponent))
    }

    /// A key on P-256 for ES256 from its uncompressed point.
    pub(super) fn p256(point: &[u8]) -> Result<Self, &'static str> {
        if point.len() != 65 {
            return Err("an EC key must be an uncompressed point on P-256");
        }
        Self::checked(Algorithm::ES256, DecodingKey::from_ec_der(point))
    }

    /// An Ed25519 key.
    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self, &'static str> {
        // The library would panic on a shorter one, and cut a longer one.
        if bytes.len() != 32 {
            return Err("an Ed25519 key must have 32 bytes");
        }
        Self::checked(Algorithm::EdDSA, DecodingKey::from_ed_der(bytes))
    }

    /// Has the library look at the key once, so that a bad one is a start error and not a refusal of everyone.
    fn checked(algorithm: Algorithm, key: DecodingKey) -> Result<Self, &'static str> {
        match crypto::verify("", b"", &key, algorithm) {
            Ok(_) => Ok(Self { id: None, algorithm, key }),
            Err(_) => Err("the key is invalid"),
        }
    }
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
