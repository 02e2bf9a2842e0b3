//! The `frontctl` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    frontctl::run(std::env::args_os()).into()
}
