//! What of the configuration says who may connect to the planes.

use super::{CONTROL_PLANE, FRONTIER_PLANE, is_local};
use frontier_access::AccessConfig;
use frontier_access::authn::jwt::KeySource;
use frontier_access::authn::{AuthConfig, MethodConfig, ThrottleConfig};
use frontier_config::Section;
use std::net::SocketAddr;
use std::path::Path;

/// Reads `control_plane.auth`, `frontier_plane.auth` and `access.throttle`.
pub(crate) fn read(root: &Section<'_>) -> AccessConfig {
    let mut access = AccessConfig {
        throttle: ThrottleConfig::read(&root.section("access").reloadable().section("throttle")),
        ..AccessConfig::default()
    };
    for plane in [CONTROL_PLANE, FRONTIER_PLANE] {
        let section = root.section(plane);
        let auth = AuthConfig::read(&section.section("auth"));
        refuse_useless(root, plane, &auth);
        if !auth.meta_labels.is_empty() {
            section.section("auth").reject("meta_labels", "is for edges, which do not connect here");
        }
        access.auth.insert(plane.to_owned(), auth);
    }
    access
}

/// Refuses methods by which nobody is ever let in: none of what they find out is what the plane asks for.
fn refuse_useless(root: &Section<'_>, plane: &str, auth: &AuthConfig) {
    let for_operators = plane == CONTROL_PLANE;
    for (index, method) in auth.methods.iter().enumerate() {
        let (name, needed, has) = match method {
            MethodConfig::Jwt(jwt) if for_operators => ("jwt", "role_claim", jwt.role_claim.is_some()),
            MethodConfig::Jwt(jwt) => ("jwt", "frontier_claim", jwt.frontier_claim.is_some()),
            MethodConfig::Mtls(mtls) if for_operators => ("mtls", "role", mtls.role.is_some()),
            MethodConfig::Mtls(mtls) => ("mtls", "frontier", mtls.frontier.is_some()),
            MethodConfig::Token { .. } => continue,
        };
        if !has {
            let text = format!("lets nobody in without `{needed}`, which is what this plane goes by");
            root.reject_at(&format!("{plane}.auth.methods[{index}].{name}"), text);
        }
    }
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

/// A plane as it listens.
pub(crate) struct Listening {
    pub(crate) plane: &'static str,
    pub(crate) addr: SocketAddr,
    /// Whether clients can show a certificate.
    pub(crate) takes_certificates: bool,
}

/// Refuses planes that answer everybody though nobody has said that they should, and those that answer nobody.
pub(crate) fn refuse_open_planes(root: &Section<'_>, access: &AccessConfig, planes: &[Listening]) {
    for Listening { plane, addr, takes_certificates } in planes {
        let section = root.section(plane).reloadable();
        let is_open = section.get("open_to_all", false);
        let Some(auth) = access.auth.get(*plane) else { continue };
        if is_open && !auth.is_none() {
            section.reject("open_to_all", "contradicts `auth.methods`, which asks for credentials");
        }
        if auth.is_none() && !is_open && !is_local(*addr) {
            let text = format!(
                "is required, with `methods`, where other machines reach {addr}; `open_to_all: true` lets in \
                 whoever does"
            );
            section.reject("auth", text);
        }
        if auth.needs_certificate() && !takes_certificates {
            let text = "nobody could connect: `listen.tls` asks clients for no certificate (`mtls`)";
            section.reject("auth", text);
        }
    }
}
