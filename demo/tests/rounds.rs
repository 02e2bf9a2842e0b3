//! The demo, as users run it.

use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// Far more than it takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs to its end: the exit code, and what it printed.
async fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_frontier-demo"));
    demo.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(DEADLINE, demo.output()).await.expect("it ends").expect("it starts");
    let Output { status, stdout, stderr } = output;
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn count(text: &str, what: &str) -> usize {
    text.lines().filter(|line| line.contains(what)).count()
}

#[tokio::test]
async fn a_single_gateway_is_shown() {
    let (code, text) = run(&["--once", "--edges", "2"]).await;
    assert_eq!((code, count(&text, "streams, 16 KiB and back")), (Some(0), 1), "{text}");
}

#[tokio::test]
async fn a_cluster_is_shown_and_survives_the_loss_of_a_gateway() {
    let (code, text) = run(&["--cluster", "--once", "--edges", "2"]).await;
    assert_eq!((count(&text, "is killed"), count(&text, "all edges are back")), (1, 1), "{text}");
    assert_eq!((code, count(&text, "streams, 16 KiB and back")), (Some(0), 2), "{text}");
}

#[tokio::test]
async fn work_sessions_are_shown_and_lose_nothing_though_hosts_come_and_go() {
    let (code, text) = run(&["--sessions", "--once"]).await;
    let changes = ["a host joins", "a host is killed", "a host leaves"].map(|change| count(&text, change));
    assert_eq!((code, changes, count(&text, "1000/1000")), (Some(0), [1, 1, 1], 1), "{text}");
}

#[tokio::test]
async fn a_wrong_command_line_exits_with_64_and_help_and_version_with_0() {
    for (argument, code, text) in [
        ("--no-such-option", 64, "--no-such-option"),
        ("--edges=0", 64, "--edges"),
        ("--sessions --cluster", 64, "cannot be used with"),
        ("--help", 0, "Usage:"),
        ("--version", 0, env!("CARGO_PKG_VERSION")),
    ] {
        let (exit, said) = run(&argument.split(' ').collect::<Vec<_>>()).await;
        assert!(exit == Some(code) && said.contains(text), "{argument}: {exit:?} {said}");
    }
}
