//! Programs of the system that tests need.

use std::path::PathBuf;

/// Another program that a test needs, from a package of Debian's.
///
/// # Panics
/// If it is missing; the text says what to install.
#[must_use]
pub fn tool(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // sshd lies where only the administrator's path leads.
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = places.map(|place| place.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("{name} is missing: please install {package}, or start tests/run, which does")
    })
}
