use frontier_access::AccessConfig;
use frontier_access::authn::AuthConfig;
use frontier_daemon::config::Section;

/// The name under which [`AccessConfig::auth`] has what all listeners for edges ask that ask nothing else.
pub const EDGEBOUND: &str = "edgebound";

/// The same for services.
pub const SERVICEBOUND: &str = "servicebound";

/// Reads `access`, `quotas`, and the `auth` of both sides.
pub(super) fn read(root: &Section<'_>) -> AccessConfig {
    let mut access = AccessConfig::read(root);
    for side in [EDGEBOUND, SERVICEBOUND] {
        access.auth.insert(side.to_owned(), AuthConfig::read(&root.section(side).section("auth")));
    }
    access
}
