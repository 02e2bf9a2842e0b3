//! Sends messages of batch jobs by the [relay](../../docs/relay.md) of a gateway.
//!
//! It ends within its budget whatever becomes of the message, and with 0 unless it is told to be strict: a job never fails
//! because of a message. What reads the clock, the environment and the network is here and nowhere else waited for.
//!
//! ```text
//!   command line, environment ─▶ Message ─▶ (spool) ─▶ deliver: one gateway after the other ─▶ post: one request
//! ```

mod check;
mod cli;
mod deliver;
mod exit;
mod gateway;
mod job;
mod message;
mod options;
mod original;
mod post;
mod spool;

pub use exit::Exit;

use clap::Parser as _;
use cli::Cli;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::panic;
use std::time::Instant;

/// Runs the program with these arguments, of which the first is its name, and gives its exit code. Blocks for as long as the
/// budget, which begins now.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let start = Instant::now();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Also where nothing else of the command line is right.
    let is_strict = arguments.iter().any(|argument| argument == "--strict");
    // A mistake of ours is no reason for a job to fail either.
    let exit = panic::catch_unwind(|| execute(arguments, start)).unwrap_or(Exit::Failure);
    if is_strict { exit.code() } else { exit.lenient() }
}

fn execute(arguments: Vec<OsString>, start: Instant) -> Exit {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => cli.run(start),
        Err(error) => {
            // Fails only if nobody reads it.
            let _ = error.print();
            // Not an error is what was asked for: the help, the version.
            if error.use_stderr() { Exit::Usage } else { Exit::Ok }
        }
    }
}

/// A line for people, on standard error, where somebody reads it.
fn note(text: &str) {
    let _ = writeln!(io::stderr(), "frontier-send: {text}");
}

/// A line of what was asked for, on standard output.
fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
