//! The `frontlas` daemon.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let exit = frontlas::cli::main(std::env::args_os());
    frontier_daemon::telemetry::finish();
    exit.into()
}
