//! Programs of others, run to their end.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// Longer than any of them takes, on a machine that is busy.
const LONGEST: Duration = Duration::from_secs(180);

/// A file beside this one.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// A program of Python's that `tests/run` installs.
pub(crate) fn python(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients/bin").join(name);
    assert!(
        path.exists(),
        "{} is missing: `tests/run` installs it, or `python3 -m venv target/clients` and `target/clients/bin/pip install \
         -r tests/tests/clients/requirements.txt` do",
        path.display()
    );
    path
}

/// What a program prints, on both outputs, in a directory of its own. It must end with success.
pub(crate) async fn run<S: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = S>) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&dir).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = timeout(LONGEST, command.spawn().unwrap().wait_with_output()).await;
    let output = output.unwrap_or_else(|_| panic!("{command:?} does not end")).unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    said
}
