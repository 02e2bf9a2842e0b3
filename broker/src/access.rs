//! Who may use the sessions, as of now.

use arc_swap::ArcSwap;
use frontier_access::authn::{MethodConfig, Side, ThrottleConfig, jwt::KeySource};
use frontier_access::{Access, AccessConfig, LoadErrors};
use frontier_admin::{AuditTarget, Operators, PlaneAuth, ServerConfig, no_way_in};
use frontier_config::Section;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The name of the listener in [`AccessConfig::auth`]: its section.
pub(crate) const PLANE: &str = "sessions";

/// Reads `sessions.auth` and `access.throttle`.
pub(crate) fn read(root: &Section<'_>, server: &ServerConfig) -> AccessConfig {
    let mut access = AccessConfig {
        throttle: ThrottleConfig::read(&root.section("access").reloadable().section("throttle")),
        ..AccessConfig::default()
    };
    let plane = PlaneAuth {
        plane: PLANE,
        side: Side::Operator,
        addr: server.addr,
        takes_certificates: server.takes_certificates,
    };
    access.auth.insert(PLANE.to_owned(), plane.read(root));
    access
}

/// The key that names the file `what`, if one does.
pub(crate) fn key_of(access: &AccessConfig, what: &str) -> Option<String> {
    let is_it = |path: &Path| path.display().to_string() == what;
    access.auth.iter().find_map(|(plane, auth)| {
        auth.methods.iter().enumerate().find_map(|(index, method)| {
            let method_key = format!("{plane}.auth.methods[{index}]");
            match method {
                MethodConfig::Token { file } => is_it(file).then(|| format!("{method_key}.token.file")),
                MethodConfig::Jwt(jwt) => jwt.keys.iter().enumerate().find_map(|(index, key)| {
                    let (key, path) = match key {
                        KeySource::Secret(_) => return None,
                        KeySource::SecretFile(path) => ("secret_file", path),
                        KeySource::PublicKeyFile(path) => ("public_key_file", path),
                        KeySource::JwksFile(path) => ("jwks_file", path),
                    };
                    is_it(path).then(|| format!("{method_key}.jwt.keys[{index}].{key}"))
                }),
                MethodConfig::Mtls(_) => None,
            }
        })
    })
}

/// Who may use the sessions. Cheap to clone; what is reloaded in one is so in all.
#[derive(Clone)]
pub(crate) struct SessionAccess(Arc<ArcSwap<Access>>);

impl SessionAccess {
    /// Reads the files that `config` names. Blocks while it does.
    pub(crate) fn load(config: &AccessConfig) -> Result<Self, LoadErrors> {
        Access::load(config, Instant::now()).map(|access| Self(Arc::new(ArcSwap::from_pointee(access))))
    }

    /// Reads the files again, and keeps what has been counted. Nothing changes if one is of no use.
    pub(crate) fn reload(&self, config: &AccessConfig) -> Result<(), LoadErrors> {
        let access = self.0.load().reload(config, Instant::now())?;
        self.0.store(Arc::new(access));
        Ok(())
    }

    /// What may surprise about the files that were read, in lines.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let current = self.0.load();
        let useless = no_way_in(&current, PLANE, Side::Operator);
        current.warnings().iter().map(ToString::to_string).chain(useless).collect()
    }

    /// Who may ask.
    pub(crate) fn operators(&self) -> Operators {
        let current = self.0.clone();
        Operators::new(PLANE, AuditTarget::Broker, move || current.load_full()).with_api_keys()
    }
}
