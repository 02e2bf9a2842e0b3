//! Building and running an example.

use frontier_tests::{DEADLINE, eventually};
use serde_json::Value;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Within this a program has done its work, also one that was built without optimisation.
const RUN_TIMEOUT: Duration = Duration::from_secs(60);

/// A running example or another program, killed when dropped. Its output is shown if the test fails.
pub(crate) struct Program {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Program {
    /// Starts an example of the SDK.
    pub(crate) fn example<S: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> Self {
        Self::start(name, Command::new(executable(name)).args(arguments))
    }

    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        command.env_remove("RUST_BACKTRACE");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let lines = Arc::<Mutex<Vec<String>>>::default();
        read(&lines, child.stdout.take().unwrap());
        read(&lines, child.stderr.take().unwrap());
        let stdin = child.stdin.take();
        Self { name: name.into(), child, stdin, lines }
    }

    /// Waits until it has printed a line that contains `text`.
    pub(crate) async fn prints(&self, text: &str) -> String {
        let what = format!("{} prints {text:?}", self.name);
        let find = async || self.lines().into_iter().find(|line| line.contains(text));
        eventually(DEADLINE, &what, find).await
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Ends its input.
    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits for its end: the exit code, or `None` if a signal ended it.
    pub(crate) async fn exits(&mut self) -> Option<i32> {
        let what = format!("{} exits", self.name);
        let child = &mut self.child;
        eventually(RUN_TIMEOUT, &what, async || child.try_wait().unwrap()).await.code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails only if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("---- output of {}", self.name);
            self.lines().iter().for_each(|line| eprintln!("{line}"));
        }
    }
}

fn read(lines: &Arc<Mutex<Vec<String>>>, output: impl Read + Send + 'static) {
    let lines = lines.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}

/// The executable of an example. The examples belong to another package, and cargo does not build those for
/// a test: that is done here, and takes no time if nothing has changed.
fn executable(example: &str) -> PathBuf {
    static EXECUTABLES: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    EXECUTABLES.get_or_init(build)[example].clone()
}

fn build() -> HashMap<String, PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package=frontier-sdk", "--examples", "--message-format=json-render-diagnostics"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the examples do not build");
    let messages = output.stdout.split(|byte| *byte == b'\n').filter_map(|line| {
        let message: Value = serde_json::from_slice(line).ok()?;
        let executable = message["executable"].as_str()?;
        Some((message["target"]["name"].as_str()?.to_owned(), PathBuf::from(executable)))
    });
    messages.collect()
}
