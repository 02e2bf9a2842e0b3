//! What one listener asks of those who connect.

use super::jwt::JwtVerifier;
use super::mtls::MtlsConfig;
use super::token::TokenTable;
use super::{AuthConfig, AuthnError, Credentials, MetaLabels, MethodConfig, Require, Side, Verified};
use crate::load::{LoadErrors, Loader};
use std::time::SystemTime;

/// What a listener asks of those who connect.
///
/// Checking a credential computes a hash, or up to one signature for each key that fits; it waits for nothing.
#[derive(Debug, Default)]
pub struct Authenticator {
    /// Tells those of one configuration apart.
    number: u32,
    require: Require,
    methods: Vec<Method>,
    meta_labels: MetaLabels,
}

#[derive(Debug)]
enum Method {
    Token(TokenTable),
    Jwt(Box<JwtVerifier>),
    Mtls(Box<MtlsConfig>),
}

impl Authenticator {
    /// One that lets everybody in.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the files that `config` names.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(config: &AuthConfig) -> Result<Self, LoadErrors> {
        let mut loader = Loader::default();
        let authenticator = Self::load_with(config, &mut loader);
        loader.finish().map(|_| authenticator)
    }

    /// As [`Authenticator::load`], with mistakes noted in `loader`; the result is of no use then.
    pub(crate) fn load_with(config: &AuthConfig, loader: &mut Loader) -> Self {
        let method = |method: &MethodConfig| match method {
            MethodConfig::Token { file } => {
                let table = loader.text(file, TokenTable::parse)?;
                if table.is_empty() {
                    loader.warn(file, "lists no token, so nobody gets in with one");
                }
                Some(Method::Token(table))
            }
            MethodConfig::Jwt(config) => Some(Method::Jwt(Box::new(JwtVerifier::load(config, loader)))),
            MethodConfig::Mtls(config) => Some(Method::Mtls(config.clone())),
        };
        let methods = config.methods.iter().filter_map(method).collect();
        Self { number: 0, require: config.require, methods, meta_labels: config.meta_labels.clone() }
    }

    pub(crate) fn numbered(self, number: u32) -> Self {
        Self { number, ..self }
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Whether everybody is let in.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.methods.is_empty()
    }

    /// Whether one of its methods finds out what this side goes by: for frontiers an id, for operators a role.
    #[must_use]
    pub fn has_way_in(&self, side: Side) -> bool {
        let has_way = |method: &Method| match (method, side) {
            (Method::Token(table), _) => table.has_any_for(side),
            (Method::Jwt(jwt), Side::Operator) => jwt.config().role_claim.is_some(),
            (Method::Jwt(jwt), Side::Frontier) => jwt.config().frontier_claim.is_some(),
            (Method::Mtls(mtls), Side::Operator) => mtls.role.is_some(),
            (Method::Mtls(mtls), Side::Frontier) => mtls.frontier.is_some(),
            (_, Side::Edge | Side::Service | Side::Subscriber | Side::Job) => true,
        };
        self.is_none() || self.methods.iter().any(has_way)
    }

    /// Who presents these credentials on this side.
    ///
    /// # Errors
    /// With `require: any`, that of the method that got furthest; with `all`, the first. Where nothing
    /// was presented it names every way in.
    pub fn authenticate(
        &self,
        side: impl Into<Side>,
        credentials: &Credentials<'_>,
        now: SystemTime,
    ) -> Result<Verified, AuthnError> {
        let side = side.into();
        if self.is_none() {
            return Ok(Verified::default());
        }
        let verified = match self.require {
            Require::Any => self.any(side, credentials, now)?,
            Require::All => self.all(side, credentials, now)?,
        };
        verified.check_side(side)?;
        Ok(verified)
    }

    /// Adds what an edge may say of itself, in its meta, to who it is by its credentials.
    pub fn add_claims(&self, meta: &[u8], verified: &mut Verified) {
        self.meta_labels.add(meta, verified);
    }

    fn any(
        &self,
        side: Side,
        credentials: &Credentials<'_>,
        now: SystemTime,
    ) -> Result<Verified, AuthnError> {
        let mut furthest: Option<AuthnError> = None;
        for method in &self.methods {
            // The side belongs to the attempt: a certificate of a service does not spoil an edge's token.
            let verified = method.verify(side, credentials, now);
            match verified.and_then(|verified| verified.check_side(side).map(|()| verified)) {
                Ok(verified) => return Ok(verified),
                Err(error) => {
                    furthest = Some(match furthest {
                        Some(other) if other.progress() >= error.progress() => {
                            other.missing_too(&error, AuthnError::NeitherPresented)
                        }
                        _ => error,
                    });
                }
            }
        }
        furthest.map_or_else(|| Ok(Verified::default()), Err)
    }

    fn all(
        &self,
        side: Side,
        credentials: &Credentials<'_>,
        now: SystemTime,
    ) -> Result<Verified, AuthnError> {
        let mut together = Verified::default();
        for (place, method) in self.methods.iter().enumerate() {
            let verified = method.verify(side, credentials, now).map_err(|error| {
                // Whoever is told of one that is missing, and brings it, should not be told of the other then.
                let others = self.methods[place + 1..].iter().filter(|_| error.progress() == 0);
                let failed = others.filter_map(|other| other.verify(side, credentials, now).err());
                failed.fold(error.clone(), |error, other| error.missing_too(&other, AuthnError::BothMissing))
            })?;
            together = together.and(verified)?;
        }
        Ok(together)
    }
}

impl Method {
    fn verify(
        &self,
        side: Side,
        credentials: &Credentials<'_>,
        now: SystemTime,
    ) -> Result<Verified, AuthnError> {
        match self {
            Self::Token(table) => table.verify(credentials.token, now),
            Self::Jwt(verifier) => verifier.verify(credentials.token, side, now),
            Self::Mtls(config) => config.verify(credentials.certificate, side, now),
        }
    }
}

#[cfg(test)]
mod tests;
