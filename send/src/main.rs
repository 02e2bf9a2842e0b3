//! The `frontier-send` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(frontier_send::run(std::env::args_os()))
}
