//! The program: `diagnosis worker`, `frames`, `health`, `produce`, `watch`.

use std::process::ExitCode;

fn main() -> ExitCode {
    frontier_diagnosis::run()
}
