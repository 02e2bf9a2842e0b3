//! The limit on open files. Each connection is one file, and the soft limit that a shell hands down is often
//! 1024.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the soft limit on open files to the hard limit and returns the limit that holds now.
///
/// The soft limit is low for the sake of programs that use `select`, which cannot take higher descriptors;
/// these daemons never do.
///
/// # Errors
/// If the system refuses to tell or to change the limit. The old limit holds then, so a daemon may log this
/// and go on.
pub fn raise_open_files() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_reaches_the_hard_limit() {
        let reached = raise_open_files().unwrap();
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (reached, reached));
    }
}
