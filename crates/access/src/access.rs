//! A configuration of access with all of its files read.

use crate::authn::{Attempt, Authenticator, AuthnError, Credentials, Side, Throttle, Verified};
use crate::config::{AccessConfig, QuotaSource};
use crate::load::{Files, LoadErrors, LoadWarning, Loader};
use crate::quota::{QuotaConfig, Quotas};
use crate::rules::Rules;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Who may connect and what they may do: a configuration with all of its files read and checked.
///
/// It does not change. Its owner loads another one ([`Access::reload`]) and puts it in the place of this one.
#[derive(Debug)]
pub struct Access {
    authenticators: BTreeMap<String, Arc<Authenticator>>,
    rules: Arc<Rules>,
    quotas: Arc<Quotas>,
    throttle: Arc<Throttle>,
    files: Files,
}

/// A time on both clocks: one measures, the other is what certificates and tokens go by.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// On the clock that only goes forward.
    pub instant: Instant,
    /// On the wall clock.
    pub wall: SystemTime,
}

impl ClockReading {
    /// Reads both clocks.
    #[must_use]
    pub fn now() -> Self {
        Self { instant: Instant::now(), wall: SystemTime::now() }
    }
}

impl Access {
    /// Reads all files that `config` names. Blocks while it reads.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn load(config: &AccessConfig, now: Instant) -> Result<Self, LoadErrors> {
        let mut loader = Loader::default();
        let mut authenticators = BTreeMap::new();
        for ((name, auth), number) in config.auth.iter().zip(0..) {
            let authenticator = Authenticator::load_with(auth, &mut loader).numbered(number);
            authenticators.insert(name.clone(), Arc::new(authenticator));
        }
        let rules = config.rules_file.as_ref().and_then(|path| {
            let rules = loader.text(path, Rules::parse)?;
            if rules.allow_nothing() {
                loader
                    .warn(path, "allows nothing to anybody: `default` is deny, and no rule allows anything");
            }
            Some(rules)
        });
        let quotas = match &config.quotas {
            QuotaSource::Inline(quotas) => quotas.clone(),
            QuotaSource::File(path) => {
                let quotas = loader.text(path, QuotaConfig::parse);
                if quotas.as_ref().is_some_and(Vec::is_empty) {
                    loader.warn(path, "lists no quota, so nothing is limited by it");
                }
                quotas.unwrap_or_default()
            }
        };
        let files = loader.finish()?;
        Ok(Self {
            authenticators,
            rules: Arc::new(rules.unwrap_or_else(Rules::none)),
            quotas: Arc::new(Quotas::new(quotas, now)),
            throttle: Arc::new(Throttle::new(config.throttle, now)),
            files,
        })
    }

    /// Reads all files again and keeps what has been counted: failures of addresses, and quotas that are as
    /// they were. Which credentials have failed is forgotten, since they may be good by now. This one stays as
    /// it is, for the case that there is something wrong with the new one.
    ///
    /// # Errors
    /// As [`Access::load`].
    pub fn reload(&self, config: &AccessConfig, now: Instant) -> Result<Self, LoadErrors> {
        let mut next = Self::load(config, now)?;
        if next.throttle.config() == self.throttle.config() {
            next.throttle = self.throttle.clone();
            next.throttle.forget_credentials(now);
        }
        if next.quotas.config() == self.quotas.config() {
            next.quotas = self.quotas.clone();
        }
        Ok(next)
    }

    /// What the listener of that name asks; `None` if the configuration had none of that name.
    #[must_use]
    pub fn authenticator(&self, listener: &str) -> Option<&Arc<Authenticator>> {
        self.authenticators.get(listener)
    }

    /// Who presents these credentials from `address`. What fails too often is slowed down.
    ///
    /// # Errors
    /// [`AuthnError::Throttled`] if they, or too many others from there, have failed; or that of
    /// [`Authenticator::authenticate`].
    pub fn authenticate(
        &self,
        authenticator: &Authenticator,
        side: impl Into<Side>,
        address: IpAddr,
        credentials: &Credentials<'_>,
        at: ClockReading,
    ) -> Result<Verified, AuthnError> {
        let side = side.into();
        if authenticator.is_none() {
            return authenticator.authenticate(side, credentials, at.wall);
        }
        let attempt = Attempt::new(side, authenticator.number(), address, credentials);
        self.throttle.check(&attempt, at.instant)?;
        let verified = authenticator.authenticate(side, credentials, at.wall);
        match &verified {
            Ok(_) => self.throttle.succeeded(&attempt),
            Err(_) => self.throttle.failed(&attempt, at.instant)?,
        }
        verified
    }

    /// What peers may do.
    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// How much they may do.
    #[must_use]
    pub fn quotas(&self) -> &Arc<Quotas> {
        &self.quotas
    }

    /// The files that were read, each once: those to watch. A secret with `{file: …}` is part of the
    /// configuration and not among them.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files.paths
    }

    /// What may surprise about those files, though they are used: for the log, at each load.
    #[must_use]
    pub fn warnings(&self) -> &[LoadWarning] {
        &self.files.warnings
    }
}

#[cfg(test)]
mod tests;
