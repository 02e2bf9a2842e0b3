//! The units, as systemd itself judges them.

use frontier_tests::tool;
use std::path::Path;
use std::process::Command;

/// What `systemd-analyze` says of a unit whose program is another one, since ours is not installed.
fn analyze(unit: &str, arguments: &[&str]) -> (bool, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc").join(format!("{unit}.service"));
    let text = std::fs::read_to_string(path).unwrap();
    let program = format!("/usr/local/bin/{unit} ");
    assert_eq!(text.matches(&program).count(), 1, "{unit}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{unit}.service"));
    std::fs::write(&path, text.replace(&program, "/bin/true ")).unwrap();
    let output =
        Command::new(tool("systemd-analyze", "systemd")).args(arguments).arg(&path).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn systemd_finds_no_fault_with_the_units() {
    for unit in ["frontier", "frontlas", "broker"] {
        let (is_good, said) = analyze(unit, &["verify"]);
        assert!(is_good && said.trim().is_empty(), "{unit}: {said}");
    }
}

/// From 0, nothing is exposed, to 10.
#[test]
fn the_units_leave_little_exposed() {
    for unit in ["frontier", "frontlas", "broker"] {
        let (is_good, said) = analyze(unit, &["security", "--offline=true", "--threshold=20", "--no-pager"]);
        assert!(is_good, "{unit}: {said}");
    }
}
