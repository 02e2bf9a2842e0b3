//! The sections about access, in one value.

use crate::authn::jwt::KeySource;
use crate::authn::{AuthConfig, MethodConfig, ThrottleConfig};
use crate::quota::QuotaConfig;
use frontier_config::Section;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// All that is configured of access.
#[derive(Clone, Debug, Default)]
pub struct AccessConfig {
    /// What each listener asks of those who connect, under a name that the owner chooses, such as
    /// `edgebound`.
    pub auth: BTreeMap<String, AuthConfig>,
    /// `access.rules_file`: the rules. Without it everybody may do everything.
    pub rules_file: Option<PathBuf>,
    /// `quotas` or `access.quotas_file`.
    pub quotas: QuotaSource,
    /// `access.throttle`: when an address is slowed down.
    pub throttle: ThrottleConfig,
}

/// Where the quotas are.
#[derive(Clone, Debug)]
pub enum QuotaSource {
    /// In the configuration itself.
    Inline(Vec<QuotaConfig>),
    /// In a file of their own.
    File(PathBuf),
}

impl Default for QuotaSource {
    fn default() -> Self {
        Self::Inline(Vec::new())
    }
}

impl AccessConfig {
    /// Reads the section `access` and the list `quotas` of the root. What listeners ask is elsewhere and must be
    /// added.
    #[must_use]
    pub fn read(root: &Section<'_>) -> Self {
        let root = &root.reloadable();
        let access = root.section("access");
        let inline = QuotaConfig::read_all(root);
        let quotas = match access.optional("quotas_file") {
            Some(_) if root.shape("quotas").is_some() => {
                access.reject("quotas_file", "quotas are written here or in a file, not both");
                QuotaSource::default()
            }
            Some(path) => QuotaSource::File(path),
            None => QuotaSource::Inline(inline),
        };
        Self {
            auth: BTreeMap::new(),
            rules_file: access.optional("rules_file"),
            quotas,
            throttle: ThrottleConfig::read(&access.section("throttle")),
        }
    }

    /// The files that it names, each with its key.
    #[must_use]
    pub fn files(&self) -> Vec<(String, PathBuf)> {
        let mut files = Vec::new();
        let mut add = |key: String, path: &Path| files.push((key, path.to_owned()));
        for (name, auth) in &self.auth {
            for (index, method) in auth.methods.iter().enumerate() {
                let method_key = format!("{name}.auth.methods[{index}]");
                match method {
                    MethodConfig::Token { file } => add(format!("{method_key}.token.file"), file),
                    MethodConfig::Jwt(jwt) => {
                        for (index, key) in jwt.keys.iter().enumerate() {
                            let (key, path) = match key {
                                KeySource::Secret(_) => continue,
                                KeySource::SecretFile(path) => ("secret_file", path),
                                KeySource::PublicKeyFile(path) => ("public_key_file", path),
                                KeySource::JwksFile(path) => ("jwks_file", path),
                            };
                            add(format!("{method_key}.jwt.keys[{index}].{key}"), path);
                        }
                    }
                    MethodConfig::Mtls(_) => {}
                }
            }
        }
        if let Some(path) = &self.rules_file {
            add("access.rules_file".into(), path);
        }
        if let QuotaSource::File(path) = &self.quotas {
            add("access.quotas_file".into(), path);
        }
        files
    }

    /// The key that names the file `what`, if one does.
    #[must_use]
    pub fn key_of(&self, what: &str) -> Option<String> {
        let named = self.files().into_iter().find(|(_, path)| path.display().to_string() == what);
        named.map(|(key, _)| key)
    }
}
