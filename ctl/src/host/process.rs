//! A child process, with all that it starts.

use super::call::DETAIL;
use super::executable;
use crate::output;
use frontier_sdk::HostError;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::collections::{HashSet, VecDeque};
use std::io::{Error, ErrorKind};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// The exit code by which a program asks to be tried again: `EX_TEMPFAIL`.
const TRY_AGAIN: i32 = 75;

/// All processes that run. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(Arc<Mutex<HashSet<Pid>>>);

impl Running {
    /// Kills all of them.
    pub(super) fn kill(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|id| kill_group(*id));
    }
}

fn kill_group(id: Pid) {
    // They may have ended.
    let _ = killpg(id, Signal::SIGKILL);
}

/// A process and the processes that it has started, until it is dropped: then all of them are killed.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    id: Option<Pid>,
    running: Running,
}

/// Its ends of pipes.
pub(super) struct Pipes {
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
    pub(super) errors: ChildStderr,
}

impl Group {
    pub(super) fn spawn(command: &mut Command, running: &Running) -> Result<(Self, Pipes), HostError> {
        let mut child = command.process_group(0).spawn().map_err(|error| {
            let program = Path::new(command.as_std().get_program());
            // What one request has is its client's business; all else is that of whoever looks after this host.
            told(not_started(program, &error))
        })?;
        // It has an id, as it was not waited for.
        let id = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        running.0.lock().unwrap_or_else(PoisonError::into_inner).extend(id);
        let group = Self { child, id, running: running.clone() };
        match pipes {
            (Some(input), Some(output), Some(errors)) => Ok((group, Pipes { input, output, errors })),
            // They were asked for.
            _ => Err(HostError::Retry("the program has no pipes".to_owned())),
        }
    }

    pub(super) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Kills all of it.
    pub(super) fn kill(&self) {
        if let Some(id) = self.id {
            kill_group(id);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // One that was waited for, and all of whose processes have ended, has no group any more.
        self.kill();
        if let Some(id) = &self.id {
            self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        }
    }
}

/// Says here, too, why nothing was started.
pub(super) fn told(error: HostError) -> HostError {
    if let HostError::NotInitialized(text) | HostError::Retry(text) = &error {
        output::note(text);
    }
    error
}

/// Why a program does not run, for its request.
fn not_started(program: &Path, error: &Error) -> HostError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied => {
            // Of a script it may be what its first line names.
            let why = executable::check(program).err().unwrap_or_else(|| error.to_string());
            HostError::NotInitialized(format!("the program can't be started: {}: {why}", program.display()))
        }
        // A zero byte in what would be a variable of its environment.
        ErrorKind::InvalidInput => HostError::fault(1, format!("the program can't be given this: {error}")),
        _ => HostError::Retry(format!("the program is not started: {error}")),
    }
}

/// What the end of a program means for its request.
pub(super) fn judge(status: ExitStatus, said: &str) -> Result<(), HostError> {
    let said = super::call::detail(said);
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(TRY_AGAIN), _) => Err(HostError::Retry(format!("exit code {TRY_AGAIN}{said}"))),
        (Some(code), _) => {
            Err(HostError::fault(u32::try_from(code).unwrap_or(1), format!("exit code {code}{said}")))
        }
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            let code = u32::try_from(128 + signal).unwrap_or(1);
            Err(HostError::fault(code, format!("killed by signal {signal}{said}")))
        }
    }
}

/// The end of what a program says on its standard error. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    /// Reads until there is no more.
    pub(super) async fn read(&self, mut errors: impl AsyncRead + Unpin) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = errors.read(&mut buffer).await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend(&buffer[..count]);
            let extra = kept.len().saturating_sub(DETAIL);
            kept.drain(..extra);
        }
    }

    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = kept.iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
