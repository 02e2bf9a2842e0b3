//! Every baseline runs from end to end, and leaves nothing behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::tool::{bench, check, result};

#[test]
fn systems_take_turns_and_are_compared() {
    let result = result(
        "relay --callers 7 --edges 3 --client-processes 2 --vs proxy --rounds 2 --warmup 0.1 --seconds 2 --threads 1 --json",
    );
    let rounds = result["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 2);
    for round in rounds {
        assert_eq!((&round[0]["system"], &round[1]["system"]), (&"relay".into(), &"proxy".into()));
        round.as_array().unwrap().iter().for_each(check);
    }
    assert_eq!(result["ratios"][0]["to"], "proxy");
    assert!(result["ratios"][0]["operations_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn large_payloads_do_not_get_stuck() {
    for system in ["relay", "proxy"] {
        // Each is longer than all buffers on its way; few, so that one is through in time on a busy machine.
        let arguments = "--callers 2 --edges 1 --size 2MiB --warmup 0.1 --seconds 3 --threads 1 --json";
        check(&result(&format!("{system} {arguments}"))["medians"][0]);
    }
}

#[test]
fn bulk_goes_one_way() {
    check(
        &result("proxy --bulk --callers 2 --writes 16KiB --warmup 0.1 --seconds 2 --threads 1 --json")["medians"]
            [0],
    );
}

#[test]
fn several_threads_work_too() {
    let arguments =
        "relay --callers 8 --edges 4 --threads 2 --gateway-threads 2 --warmup 0.1 --seconds 2 --json";
    check(&result(arguments)["medians"][0]);
}

#[test]
fn nats_is_measured() {
    let installed = Command::new("nats-server").arg("--version").output().is_ok();
    assert!(installed, "nats-server is missing: install the package nats-server, or run tests/run");
    let arguments = "nats --callers 7 --edges 3 --client-processes 2 --vs nats-lean --warmup 0.1 --seconds 2 --threads 1 --json";
    result(arguments)["medians"].as_array().unwrap().iter().for_each(check);
}

/// Building the real one takes a minute: here `go` is a script that looks at what it is asked, and gives the server that is
/// installed.
#[test]
fn the_current_nats_server_is_built_once_and_measured() {
    let folder = tempfile::tempdir().unwrap();
    let (go, log) = (folder.path().join("go"), folder.path().join("log"));
    let script = "#!/bin/sh\necho \"$@\" >>\"$LOG\"\nmkdir -p \"$GOBIN\"\nln -s \"$(command -v nats-server)\" \"$GOBIN/\"\n";
    fs::write(&go, script).unwrap();
    fs::set_permissions(&go, fs::Permissions::from_mode(0o755)).unwrap();
    let mut path = folder.path().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());

    let arguments =
        "nats-current --callers 2 --edges 1 --rounds 2 --warmup 0.1 --seconds 0.5 --threads 1 --json";
    let mut command = bench(arguments);
    command.env("PATH", path).env("LOG", &log).env("XDG_CACHE_HOME", folder.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["medians"][0]["system"], "nats-current");
    check(&result["medians"][0]);
    assert_eq!(fs::read_to_string(log).unwrap(), "install github.com/nats-io/nats-server/v2@v2.15.3\n");
}

#[test]
fn a_missing_go_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = bench("nats-current --seconds 0.1");
    let output = command.env("PATH", folder.path()).env("XDG_CACHE_HOME", folder.path()).output().unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("install golang-go, or leave nats-current out"), "{stderr}");
}

#[test]
fn a_missing_nats_server_is_explained() {
    let output = bench("nats --seconds 0.1").env("PATH", "").output().unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("install nats-server"), "{stderr}");
}
