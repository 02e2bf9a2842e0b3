//! Clients in Python, of the modules that `tests/run` installs.

use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a script beside this file prints, a line of JSON for each thing. It must end with success.
pub(crate) fn run(script: &str, arguments: &[&str]) -> Vec<Value> {
    run_with(script, arguments, "")
}

/// The same with this on its standard input.
pub(crate) fn run_with(script: &str, arguments: &[&str], input: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("../target/clients/bin/python3");
    assert!(python.exists(), "{} is missing: `tests/run` installs it", python.display());
    let mut command = Command::new(python);
    command.arg(root.join("tests/mq").join(script)).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Nobody reads it where there is none.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The bytes of a field in Base64.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    data_encoding::BASE64.decode(value.as_str().unwrap().as_bytes()).unwrap()
}
