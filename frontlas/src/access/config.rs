//! What of the configuration says who may connect to the planes.

use frontier_access::AccessConfig;
use frontier_access::authn::jwt::KeySource;
use frontier_access::authn::{MethodConfig, ThrottleConfig};
use frontier_admin::PlaneAuth;
use frontier_config::Section;
use std::path::Path;

/// Reads `control_plane.auth`, `frontier_plane.auth` and `access.throttle`.
pub(crate) fn read(root: &Section<'_>, planes: [PlaneAuth; 2]) -> AccessConfig {
    let mut access = AccessConfig {
        throttle: ThrottleConfig::read(&root.section("access").reloadable().section("throttle")),
        ..AccessConfig::default()
    };
    for plane in planes {
        access.auth.insert(plane.plane.to_owned(), plane.read(root));
    }
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
