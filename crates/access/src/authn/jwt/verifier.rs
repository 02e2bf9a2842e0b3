//! Checks the signature and the claims of a JWT.

use super::claims::Claims;
use super::{JwtConfig, Key};
use crate::authn::token::MAX_TOKEN_LEN;
use crate::authn::{AuthnError, Side, Verified};
use crate::load::Loader;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use std::time::SystemTime;

/// The most keys of one method. Each that fits a token costs a signature check.
const MAX_KEYS: usize = 64;

/// Checks JWTs with the keys and claims of one `jwt` method.
#[derive(Debug)]
pub struct JwtVerifier {
    keys: Vec<Key>,
    config: JwtConfig,
}

impl JwtVerifier {
    pub(crate) fn load(config: &JwtConfig, loader: &mut Loader) -> Self {
        let keys: Vec<_> =
            config.keys.iter().enumerate().flat_map(|(index, source)| source.load(index, loader)).collect();
        if keys.len() > MAX_KEYS {
            let _ = loader.checked::<()>("jwt.keys", Err("more than 64 keys"));
        }
        Self { keys, config: config.clone() }
    }

    /// A verifier with keys that were read elsewhere.
    #[must_use]
    pub fn new(keys: Vec<Key>, config: JwtConfig) -> Self {
        Self { keys, config }
    }

    pub(crate) fn config(&self) -> &JwtConfig {
        &self.config
    }

    /// Who presents `token`, on this side.
    ///
    /// # Errors
    /// The first of: missing, malformed, unknown algorithm or key, bad signature, wrong issuer or audience,
    /// not yet or no longer valid, a claim that is missing or wrong.
    pub fn verify(&self, token: Option<&str>, side: Side, now: SystemTime) -> Result<Verified, AuthnError> {
        let token = token.filter(|token| !token.is_empty()).ok_or(AuthnError::MissingCredentials)?;
        if token.len() > MAX_TOKEN_LEN {
            return Err(AuthnError::Malformed("it is too long"));
        }
        if token.bytes().filter(|&byte| byte == b'.').count() != 2 {
            return Err(AuthnError::Malformed("it is no JWT"));
        }
        let header = decode_header(token).map_err(|_| AuthnError::Malformed("its header is not readable"))?;
        // The names of extensions without which it must not be accepted, of which none are known here.
        if header.crit.is_some() {
            return Err(AuthnError::Malformed("it uses extensions (`crit`)"));
        }
        self.claims(token, &header)?.verify(&self.config, side, now)
    }

    fn claims(&self, token: &str, header: &Header) -> Result<Claims, AuthnError> {
        let fitting = || self.keys.iter().filter(|key| key.algorithm == header.alg);
        if fitting().next().is_none() {
            return Err(AuthnError::WrongAlgorithm);
        }
        let named = header.kid.as_ref().filter(|kid| fitting().any(|key| key.id.as_ref() == Some(kid)));
        let mut failure = AuthnError::UnknownKey;
        for key in fitting() {
            let asked = match (&header.kid, named) {
                (None, _) => true,
                (Some(_), Some(named)) => key.id.as_ref() == Some(named),
                (Some(_), None) => key.id.is_none(),
            };
            if !asked {
                continue;
            }
            match decode(token, &key.key, &signature_only(key)) {
                Ok(data) => return Ok(Claims(data.claims)),
                Err(error) => match error.kind() {
                    ErrorKind::InvalidSignature => failure = AuthnError::BadSignature,
                    _ => return Err(AuthnError::Malformed("its claims or its signature are not readable")),
                },
            }
        }
        Err(failure)
    }
}

/// The library checks the signature. The claims are checked here: it would read the clock by itself.
fn signature_only(key: &Key) -> Validation {
    let mut validation = Validation::new(key.algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

#[cfg(test)]
mod tests;
