//! The machine that the daemon runs on.

/// Its name; in a container, usually the container's. `None` if the system does not tell, or it is no
/// text.
#[must_use]
pub fn name() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}
