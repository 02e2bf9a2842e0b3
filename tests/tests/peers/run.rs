//! Running a program to its end.

use frontier_tests::within;
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// What became of a program.
pub(crate) struct Ran {
    /// The exit code, or `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it has printed, on both outputs.
    pub(crate) said: String,
}

/// Runs a program to its end, with `input` on its standard input.
pub(crate) async fn run<S: AsRef<std::ffi::OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = S>,
    input: &str,
) -> Ran {
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have ended without it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
    let output = within("the program ends", child.wait_with_output()).await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    Ran { code: output.status.code(), said: String::from_utf8_lossy(&said).into_owned() }
}

impl Ran {
    /// What it has said, which must contain all of this.
    #[track_caller]
    fn with(self, texts: &[&str]) -> String {
        for text in texts {
            assert!(self.said.contains(text), "{text:?} is missing: {self}");
        }
        self.said
    }

    /// The same, and it must have ended with this exit code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32, texts: &[&str]) -> String {
        assert_eq!(self.code, Some(code), "{self}");
        self.with(texts)
    }

    /// The same, and it must have ended with any other than 0.
    #[track_caller]
    pub(crate) fn failed(self, texts: &[&str]) -> String {
        assert_ne!(self.code, Some(0), "{self}");
        self.with(texts)
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {:?}\n{}", self.code, self.said)
    }
}
