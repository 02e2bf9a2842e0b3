//! The `frontier` daemon.

use std::process::ExitCode;

/// Streams take and give back a buffer per piece. The system's allocator returns such memory to the
/// kernel each time and faults it in again, which costs a third of their throughput.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let exit = frontier::cli::run(std::env::args_os());
    frontier_daemon::telemetry::finish();
    exit.into()
}
