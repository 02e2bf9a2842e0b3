//! Completions for shells, and man pages, both made from the command line's own description.

use crate::failure::{Failure, Outcome};
use crate::output;
use std::path::Path;

pub(crate) use clap_complete::Shell;

/// Prints what the shell is to load.
pub(crate) fn print(shell: Shell, mut command: clap::Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "frontctl", &mut script);
    output::write(&String::from_utf8_lossy(&script))
}

/// Writes `frontctl.1`, and one page for each subcommand.
pub(crate) fn man_pages(dir: &Path, command: clap::Command) -> Outcome {
    let written = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir));
    written.map_err(|error| Failure::usage(format!("can't write to {}: {error}", dir.display())))
}
