//! The `jwt` method: where its keys are and which claims it reads.

use crate::load::Loader;
use frontier_config::{Secret, Section};
use std::path::PathBuf;
use std::time::Duration;

/// A `jwt` method: which tokens are taken, and what their claims mean.
#[derive(Clone, Debug)]
pub struct JwtConfig {
    /// `keys`: where the keys are.
    pub keys: Vec<KeySource>,
    /// `issuers`: the values of `iss` that are taken; any if there are none.
    pub issuers: Vec<String>,
    /// `audiences`: `aud` must have one of these. If there are none, the token must have no `aud`: one that is
    /// meant for somebody is not meant for everybody.
    pub audiences: Vec<String>,
    /// `leeway`: how far clocks may differ, for `exp` and `nbf`. Default 30 s.
    pub leeway: Duration,
    /// `require_exp`: whether a token must expire. Default true.
    pub require_exp: bool,
    /// `subject_claim`: the claim that names the peer in logs and rules. Default `sub`.
    pub subject_claim: String,
    /// `edge_id_claim`: the claim that fixes the EdgeID, a number or its decimal digits.
    pub edge_id_claim: Option<String>,
    /// `service_claim`: the claim that fixes the name of a service.
    pub service_claim: Option<String>,
    /// `service_id_claim`: the claim that fixes the ServiceID.
    pub service_id_claim: Option<String>,
    /// `frontier_claim`: the claim that says which frontier it may be.
    pub frontier_claim: Option<String>,
    /// `role_claim`: the claim that says what an operator may do: read, operate or admin.
    pub role_claim: Option<String>,
    /// `label_claims`: the claims that become labels of the same name.
    pub label_claims: Vec<String>,
}

/// Where keys are.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// `secret`: a shared secret in the configuration or its environment.
    Secret(Secret),
    /// `secret_file`: a file with a shared secret; a line break at its end does not count.
    SecretFile(PathBuf),
    /// `public_key_file`: a PEM file with one public key.
    PublicKeyFile(PathBuf),
    /// `jwks_file`: a JWKS file.
    JwksFile(PathBuf),
}

impl JwtConfig {
    pub(crate) fn read(jwt: &Section<'_>) -> Self {
        let keys: Vec<_> = jwt.sections("keys").iter().filter_map(KeySource::read).collect();
        if jwt.shape("keys").is_none() {
            jwt.reject("keys", "is required: secret, secret_file, public_key_file or jwks_file");
        } else if jwt.sections("keys").is_empty() {
            jwt.reject("keys", "must not be empty");
        }
        let claim = |key| {
            let claim: Option<String> = jwt.optional(key);
            if claim.as_deref() == Some("") {
                jwt.reject(key, "must not be empty");
            }
            claim
        };
        Self {
            keys,
            issuers: jwt.list("issuers", Vec::new()),
            audiences: jwt.list("audiences", Vec::new()),
            leeway: jwt.within("leeway", Duration::from_secs(30), Duration::ZERO..=Duration::from_secs(3600)),
            require_exp: jwt.get("require_exp", true),
            subject_claim: claim("subject_claim").unwrap_or_else(|| "sub".into()),
            edge_id_claim: claim("edge_id_claim"),
            service_claim: claim("service_claim"),
            service_id_claim: claim("service_id_claim"),
            frontier_claim: claim("frontier_claim"),
            role_claim: claim("role_claim"),
            label_claims: jwt.list("label_claims", Vec::new()),
        }
    }
}

impl KeySource {
    fn read(key: &Section<'_>) -> Option<Self> {
        let sources = [
            key.optional("secret").map(Self::Secret),
            key.optional("secret_file").map(Self::SecretFile),
            key.optional("public_key_file").map(Self::PublicKeyFile),
            key.optional("jwks_file").map(Self::JwksFile),
        ];
        let written = ["secret", "secret_file", "public_key_file", "jwks_file"];
        if written.iter().filter(|written| key.shape(written).is_some()).count() != 1 {
            key.reject("secret", "each key has one of secret, secret_file, public_key_file, jwks_file");
        }
        sources.into_iter().flatten().next()
    }

    /// The keys of the source of this index.
    pub(super) fn load(&self, index: usize, loader: &mut Loader) -> Vec<super::Key> {
        match self {
            Self::Secret(secret) => loader
                .checked(&format!("jwt.keys[{index}].secret"), super::Key::secret(secret.expose().as_bytes()))
                .into_iter()
                .collect(),
            Self::SecretFile(path) => {
                let secret = |bytes: &[u8]| super::Key::secret(bytes.trim_ascii_end());
                loader.file(path, secret).into_iter().collect()
            }
            Self::PublicKeyFile(path) => loader.file(path, super::key_file::pem).into_iter().collect(),
            Self::JwksFile(path) => {
                let Some(set) = loader.file(path, super::key_file::jwks) else { return Vec::new() };
                for reason in &set.unusable {
                    loader.warn(path, format!("left out: {reason}"));
                }
                set.keys
            }
        }
    }
}
