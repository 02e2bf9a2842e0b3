//! What a token says, once its signature is good.

use super::JwtConfig;
use crate::authn::{AuthnError, OperatorRole, Side, Verified};
use frontier_protocol::{EdgeId, ServiceId};
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The end of the year 9999, in seconds: later than this is never.
const FOREVER: u64 = 253_402_300_799;

/// The claims of a token.
pub(super) struct Claims(pub(super) Map<String, Value>);

impl Claims {
    /// Checks the registered claims, and takes from the others what the configuration asks for.
    pub(super) fn verify(
        &self,
        config: &JwtConfig,
        side: Side,
        now: SystemTime,
    ) -> Result<Verified, AuthnError> {
        self.check_issuer(config)?;
        self.check_audience(config)?;
        let expires = self.check_times(config, now)?;
        let mut verified = Verified { expires, ..Verified::default() };
        if let Some(subject) = self.text(&config.subject_claim)? {
            verified.subject = subject;
        }
        verified.edge_id = self.id(config.edge_id_claim.as_deref(), side == Side::Edge)?.map(EdgeId);
        verified.service_id =
            self.id(config.service_id_claim.as_deref(), side == Side::Service)?.map(ServiceId);
        if let Some(claim) = &config.service_claim {
            verified.service = self.text(claim)?;
            if side == Side::Service && verified.service.as_deref().unwrap_or_default().is_empty() {
                return Err(wrong(claim));
            }
        }
        if let Some(claim) = &config.frontier_claim {
            verified.frontier = self.text(claim)?.filter(|id| !id.is_empty());
        }
        if let Some(claim) = &config.role_claim
            && let Some(role) = self.text(claim)?
        {
            verified.role = Some(OperatorRole::parse(&role).ok_or_else(|| wrong(claim))?);
        }
        for claim in &config.label_claims {
            if let Some(value) = self.text(claim)? {
                verified.labels.set(claim, &value).map_err(|_| wrong(claim))?;
            }
        }
        Ok(verified)
    }

    fn check_issuer(&self, config: &JwtConfig) -> Result<(), AuthnError> {
        let issuer = self.0.get("iss").and_then(Value::as_str);
        let taken = |issuer: &str| config.issuers.iter().any(|taken| taken == issuer);
        if config.issuers.is_empty() || issuer.is_some_and(taken) {
            return Ok(());
        }
        Err(AuthnError::WrongIssuer)
    }

    fn check_audience(&self, config: &JwtConfig) -> Result<(), AuthnError> {
        let ours =
            |value: &Value| value.as_str().is_some_and(|aud| config.audiences.iter().any(|ours| ours == aud));
        let good = match self.0.get("aud") {
            None | Some(Value::Null) => config.audiences.is_empty(),
            Some(Value::Array(audiences)) => audiences.iter().any(ours),
            Some(audience) => ours(audience),
        };
        if good { Ok(()) } else { Err(AuthnError::WrongAudience) }
    }

    fn check_times(&self, config: &JwtConfig, now: SystemTime) -> Result<Option<SystemTime>, AuthnError> {
        let (expires, not_before) = (self.time("exp")?, self.time("nbf")?);
        match expires {
            None if config.require_exp => return Err(AuthnError::NoExpiry),
            Some(end) if now >= end + config.leeway => return Err(AuthnError::Expired),
            _ => {}
        }
        if not_before.is_some_and(|start| now + config.leeway < start) {
            return Err(AuthnError::NotYetValid);
        }
        Ok(expires)
    }

    /// Seconds since 1970, which may have decimals.
    fn time(&self, claim: &str) -> Result<Option<SystemTime>, AuthnError> {
        let since = match self.0.get(claim) {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => match (value.as_u64(), value.as_f64()) {
                (Some(seconds), _) => Duration::from_secs(seconds.min(FOREVER)),
                (None, Some(seconds)) if seconds >= 0.0 => Duration::try_from_secs_f64(seconds)
                    .unwrap_or(Duration::MAX)
                    .min(Duration::from_secs(FOREVER)),
                _ => return Err(wrong(claim)),
            },
        };
        Ok(Some(UNIX_EPOCH + since))
    }

    /// Text, or what can be written as text: never a list, of which a rule would see a part only.
    fn text(&self, claim: &str) -> Result<Option<String>, AuthnError> {
        match self.0.get(claim) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(bool)) => Ok(Some(bool.to_string())),
            Some(Value::Array(_) | Value::Object(_)) => Err(wrong(claim)),
        }
    }

    /// A number or its decimal digits; must be there if `required`. 0 is no id.
    fn id(&self, claim: Option<&str>, required: bool) -> Result<Option<u64>, AuthnError> {
        let Some(claim) = claim else { return Ok(None) };
        let id = match self.0.get(claim) {
            None | Some(Value::Null) if !required => return Ok(None),
            Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            Some(value) => value.as_u64(),
            None => None,
        };
        id.filter(|&id| id != 0).map(Some).ok_or_else(|| wrong(claim))
    }
}

fn wrong(claim: &str) -> AuthnError {
    AuthnError::Claim(claim.to_owned())
}
