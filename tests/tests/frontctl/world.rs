//! Running `frontctl`, without anything that the user who runs the tests has set.

use frontier_tests::{DEADLINE, Frontlas, Gateway, Process, eventually, within};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A user with a folder of their own, and what their environment says.
pub(crate) struct World {
    pub(crate) home: TempDir,
    variables: Vec<(String, String)>,
}

/// How `frontctl` ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// One whose environment leads to this gateway.
    pub(crate) fn at(gateway: &Gateway) -> Self {
        Self::new()
            .with("FRONTCTL_EDGEBOUND", gateway.edge_url())
            .with("FRONTCTL_SERVICEBOUND", gateway.service_url())
    }

    /// With a variable more.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// With this frontlas.
    pub(crate) fn and(self, frontlas: &Frontlas) -> Self {
        let url = format!("http://{}", frontlas.control());
        self.with("FRONTCTL_FRONTLAS", url)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Process::binary("frontctl-under-test"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FRONTCTL_")) {
            command.env_remove(name);
        }
        command.env_remove("RUST_LOG");
        command.env_remove("XDG_CONFIG_HOME").env("HOME", self.home.path()).args(arguments);
        command.envs(self.variables.iter().cloned()).current_dir(self.home.path());
        command
    }

    /// Starts one that goes on.
    pub(crate) fn start(&self, arguments: &[&str]) -> Process {
        Process::spawn("frontctl", self.command(arguments))
    }

    /// Runs one to its end, with nothing on its standard input.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, b"").await
    }

    /// The same with this on its standard input.
    pub(crate) async fn run_with(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let output = self.output(arguments, input).await;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub(crate) async fn output(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // Fails where the program does not read it.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = tokio::task::spawn_blocking(move || child.wait_with_output());
        let output = within(&format!("{arguments:?}"), output).await.unwrap().unwrap();
        writer.join().unwrap();
        output
    }
}

impl Ended {
    /// What it printed, if all was well.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// That it ended with this code and said this on standard error, and nothing on standard output.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, says: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.contains(says), "{says:?} is not in {self:?}");
        assert_eq!(self.stdout, "");
    }
}

/// Waits until it has printed a line with this text.
pub(crate) async fn prints(process: &Process, text: &str) -> String {
    eventually(DEADLINE, &format!("it prints {text:?}"), async || process.log().find(text)).await
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}
