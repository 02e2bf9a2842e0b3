//! This machine: how many files may be open.

use super::report::Report;
use nix::sys::resource::{Resource, getrlimit};

/// Each forwarded connection, and each of a load, is a file.
const FEW: u64 = 4096;

pub(super) fn look(report: &mut Report) {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Err(error) => {
            report.warning("open files", format!("the system does not tell: {error}"), "see ulimit -n")
        }
        Ok((soft, hard)) if soft < FEW => report.warning(
            "open files",
            format!("{soft}, and {hard} at most"),
            format!("`forward` and `bench` take one for each connection: ulimit -n {}", hard.min(65_536)),
        ),
        Ok((soft, _)) => report.good("open files", soft.to_string()),
    }
}
