//! However the tool ends, the processes that it started end too.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn nothing_outlives_a_tool_that_is_killed() {
    end_with(Signal::SIGKILL, "relay", 3);
}

#[test]
fn nothing_outlives_a_tool_that_is_interrupted() {
    end_with(Signal::SIGINT, "relay", 3);
}

#[test]
fn nothing_of_frontier_outlives_the_tool() {
    end_with(Signal::SIGKILL, "rpc", 3);
    end_with(Signal::SIGINT, "rpc", 3);
}

#[test]
fn nats_server_does_not_outlive_the_tool() {
    let installed = Command::new("nats-server").arg("--version").output().is_ok();
    assert!(installed, "nats-server is missing: install the package nats-server, or run tests/run");
    // Besides the server, there is the process that keeps it.
    end_with(Signal::SIGKILL, "nats", 4);
    end_with(Signal::SIGINT, "nats", 4);
}

/// Ends a measurement once it has that many processes.
fn end_with(signal: Signal, system: &str, processes: usize) {
    let directory = tempfile::tempdir().unwrap();
    let mut tool = Command::new(env!("CARGO_BIN_EXE_frontier-bench"))
        .args([system, "--seconds", "60"])
        .env("TMPDIR", directory.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let id = tool.id().to_string();
    wait("all processes start", || descendants(&id).len() == processes);
    let orphans = descendants(&id);

    kill(Pid::from_raw(tool.id().try_into().unwrap()), signal).unwrap();
    tool.wait().unwrap();

    wait("all processes end", || !orphans.iter().any(|pid| runs(pid)));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "temporary files stay behind");
}

fn descendants(parent: &str) -> Vec<String> {
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let children = list.split_ascii_whitespace();
    children.flat_map(|child| [vec![child.to_owned()], descendants(child)].concat()).collect()
}

/// A zombie that nobody has waited for runs no more.
fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        sleep(Duration::from_millis(10));
    }
}
