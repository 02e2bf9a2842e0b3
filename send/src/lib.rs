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
mod targets;
mod variables;

pub use exit::Exit;
pub use variables::parse;

use cli::Cli;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// By how much what ends by itself may be late.
const MARGIN: Duration = Duration::from_millis(500);

/// Runs the program with these arguments, of which the first is its name, and gives its exit code. Blocks for as long as the
/// budget, which begins now.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let start = Instant::now();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Also where nothing else of the command line is right.
    let is_strict = arguments.iter().any(|argument| argument == "--strict");
    let exit = execute(arguments, start);
    if is_strict { exit.code() } else { exit.lenient() }
}

fn execute(arguments: Vec<OsString>, start: Instant) -> Exit {
    let is_check = arguments.get(1).is_some_and(|command| command == "check");
    match parse::<Cli>(&arguments) {
        Ok(cli) => within(start + cli.budget() + MARGIN, move || cli.run(start)),
        Err(error) => {
            // Fails only if nobody reads it.
            let _ = error.print();
            // Not an error is what was asked for: the help, the version.
            match error.use_stderr() {
                // Nothing was checked, which nobody may take for well.
                true if is_check => Exit::Found,
                true => Exit::Usage,
                false => Exit::Ok,
            }
        }
    }
}

/// Does it in a thread of its own: a file system that hangs holds up no job, nor does a mistake of ours fail it.
fn within(deadline: Instant, work: impl FnOnce() -> Exit + Send + 'static) -> Exit {
    let (sender, receiver) = mpsc::channel();
    let spawned = thread::Builder::new().spawn(move || {
        // Nobody may wait for it any more.
        let _ = sender.send(work());
    });
    if let Err(error) = spawned {
        note(&format!("no thread: {error}"));
        return Exit::Failure;
    }
    match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(exit) => exit,
        Err(RecvTimeoutError::Timeout) => {
            note("not done within the budget");
            Exit::Failure
        }
        // It has said why, as panics do.
        Err(RecvTimeoutError::Disconnected) => Exit::Failure,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_and_what_fails_hold_up_nobody() {
        let start = Instant::now();
        let hangs = within(start + Duration::from_millis(50), || {
            thread::sleep(Duration::from_secs(600));
            Exit::Ok
        });
        assert_eq!(hangs, Exit::Failure);
        assert_eq!(within(start + Duration::from_secs(60), || panic!("as it should")), Exit::Failure);
        assert_eq!(within(start + Duration::from_secs(60), || Exit::Denied), Exit::Denied);
    }
}
