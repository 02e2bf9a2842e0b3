//! Keys of the Go original's files, of both of its daemons, that mean nothing here: they are taken, and it is said; and its
//! variables.

use frontier_config::{Override, Section};

/// The variables of both. Others may have variables of these names, so they count with a value of the original's alone, and
/// with the lowest rank.
pub const LOG_LEVEL: Override =
    Override::new("LOG_LEVEL", "log.level").only_with("LOG_LEVEL", &["debug", "info", "warn", "error"]);
/// `file` and `both` are there as well, and told to be mistakes.
pub const LOG_OUTPUT: Override =
    Override::new("LOG_OUTPUT", "log.output").only_with("LOG_OUTPUT", &["stdout", "stderr", "file", "both"]);
/// As [`LOG_LEVEL`].
pub const LOG_FORMAT: Override =
    Override::new("LOG_FORMAT", "log.format").only_with("LOG_FORMAT", &["text", "json"]);

/// A line for each that is written in a file with this root.
#[must_use]
pub fn ignored(root: &Section<'_>) -> Vec<String> {
    let (log, daemon) = (root.section("log"), root.section("daemon"));
    let profile = "a profile is taken from outside, as with perf";
    let files = "as many files are open as the hard limit of the system lets it";
    let lines = [
        log.ignored("file", "the log goes to stdout or stderr, for whoever runs the daemon to keep"),
        daemon.ignored("pprof", profile),
        daemon.ignored("rlimit", files),
        // As a sample of 1.1.0 writes them.
        daemon.ignored("p_prof", profile),
        daemon.ignored("r_limit", files),
    ];
    lines.into_iter().flatten().collect()
}
