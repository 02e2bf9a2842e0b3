//! Loading and reloading all files, what mistakes leave as it was, and addresses that fail too often.

use super::*;
use crate::Labels;
use crate::authn::{AuthConfig, token};
use crate::principal::Principal;
use frontier_config::load;
use frontier_protocol::{EdgeId, Role};
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

/// A folder with a token file, rules and quotas, and the configuration that names them.
struct Files {
    folder: TempDir,
}

const CONFIG: &str = "
edgebound: {auth: {methods: [{token: {file: DIR/tokens.yaml}}]}}
servicebound: {auth: {methods: [{jwt: {keys: [{secret_file: DIR/secret}]}}, {token: {file: DIR/tokens.yaml}}]}}
access:
  rules_file: DIR/rules.yaml
  quotas_file: DIR/quotas.yaml
  throttle: {failures: 2}
";

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        files.write("tokens.yaml", &format!("- {{hash: '{}', edge_id: 7}}", token::hash("seven")));
        files.write("secret", "hunter2-hunter2-hunter2-hunter2-hunter2\n");
        files.write("rules.yaml", "default: deny\nrules: [{allow: {call: [echo]}}]");
        files.write("quotas.yaml", "quotas: [{for: edge, calls: {rate: 1, burst: 2}}]");
        files
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn config(&self) -> AccessConfig {
        let text = CONFIG.replace("DIR", &self.folder.path().display().to_string());
        let read = |root: &frontier_config::Section<'_>| {
            let mut config = AccessConfig::read(root);
            for side in ["edgebound", "servicebound"] {
                config.auth.insert(side.into(), AuthConfig::read(&root.section(side).section("auth")));
            }
            config
        };
        load(&text, &|_| None, &[], read).unwrap()
    }

    fn load(&self) -> Result<Access, LoadErrors> {
        Access::load(&self.config(), Instant::now())
    }
}

fn edge(labels: &Labels) -> Principal<'_> {
    let address = Some([10, 0, 0, 1].into());
    Principal { role: Role::Edge, subject: "", edge_id: Some(EdgeId(7)), service: "", labels, address }
}

fn present(access: &Access, token: &str, at: ClockReading) -> Result<Verified, AuthnError> {
    let credentials = Credentials { token: Some(token), certificate: None };
    let authenticator = access.authenticator("edgebound").unwrap();
    access.authenticate(authenticator, Role::Edge, [10, 0, 0, 1].into(), &credentials, at)
}

#[test]
fn all_files_are_read() {
    let files = Files::new();
    let access = files.load().unwrap();
    let now = ClockReading::now();
    assert_eq!(present(&access, "seven", now).unwrap().edge_id, Some(EdgeId(7)));
    let labels = Labels::new();
    let grants = access.rules().grants(&edge(&labels));
    assert!(grants.may_call("echo").is_ok() && grants.may_call("x").is_err());
    let meter = access.quotas().connect(&edge(&labels), now.instant).unwrap();
    assert!(!meter.is_unlimited());
    let names: Vec<_> = access.files().iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["tokens.yaml", "secret", "rules.yaml", "quotas.yaml"]);
    assert!(access.authenticator("elsewhere").is_none());
}

#[test]
fn what_fails_too_often_waits_and_good_credentials_never_do() {
    let access = Files::new().load().unwrap();
    let now = ClockReading::now();
    for _ in 0..2 {
        assert_eq!(present(&access, "old", now), Err(AuthnError::UnknownToken));
    }
    let error = present(&access, "old", now).unwrap_err();
    assert_eq!(error.to_string(), "too many failures from this address, try again in 1s");
    assert_eq!(present(&access, "older", now), Err(AuthnError::UnknownToken));
    // That was the second of those that fail from there.
    assert!(matches!(present(&access, "oldest", now), Err(AuthnError::Throttled { .. })));
    present(&access, "seven", now).unwrap();
    let later = ClockReading { instant: now.instant + Duration::from_secs(1), ..now };
    assert_eq!(present(&access, "old", later), Err(AuthnError::UnknownToken));
}

#[test]
fn credentials_of_the_other_side_are_counted_apart() {
    let access = Files::new().load().unwrap();
    let now = ClockReading::now();
    let credentials = Credentials { token: Some("old"), certificate: None };
    let shown = |listener: &str, side| {
        let authenticator = access.authenticator(listener).unwrap();
        access.authenticate(authenticator, side, [10, 0, 0, 1].into(), &credentials, now).unwrap_err()
    };
    for _ in 0..9 {
        shown("edgebound", Role::Edge);
    }
    assert!(matches!(shown("edgebound", Role::Edge), AuthnError::Throttled { .. }));
    assert!(!matches!(shown("servicebound", Role::Service), AuthnError::Throttled { .. }));
}

#[test]
fn all_mistakes_in_all_files_are_reported_and_the_old_state_stays() {
    let files = Files::new();
    let access = files.load().unwrap();
    files.write("tokens.yaml", "- hash: hunter3\n");
    files.write("secret", "short\n");
    files.write("rules.yaml", "default: maybe\nrules: [{}]\n");
    fs::remove_file(files.folder.path().join("quotas.yaml")).unwrap();
    let report = access.reload(&files.config(), Instant::now()).unwrap_err().to_string();
    let report = report.replace(&files.folder.path().display().to_string(), "DIR");
    assert_eq!(
        report,
        "DIR/tokens.yaml: 1 mistake in the configuration:
  line 1, column 9: [0].hash: expected `sha256:` and 64 hex digits; the token itself does not belong here, only its hash
DIR/secret: the secret is shorter than 32 bytes; make one with `openssl rand -hex 32`
DIR/rules.yaml: 2 mistakes in the configuration:
  line 1, column 10: default: expected one of allow, deny, found `maybe`
  line 2, column 9: rules[0].allow: a rule needs something to allow or deny
DIR/quotas.yaml: there is no such file"
    );
    assert!(present(&access, "seven", ClockReading::now()).is_ok());
}

#[test]
fn a_reload_keeps_what_was_counted_and_takes_what_is_new() {
    let files = Files::new();
    let access = files.load().unwrap();
    let now = ClockReading::now();
    let labels = Labels::new();
    for guess in ["guess", "eight"] {
        assert!(present(&access, guess, now).is_err());
        assert!(present(&access, guess, now).is_err());
        access.quotas().meter(&edge(&labels), now.instant).call(1, now.instant).unwrap();
    }
    files.write("tokens.yaml", &format!("- hash: {}", token::hash("eight")));
    let next = access.reload(&files.config(), now.instant).unwrap();
    assert!(matches!(present(&next, "a third", now), Err(AuthnError::Throttled { .. })));
    present(&next, "eight", now).expect("it has failed before it was in the file");
    assert!(next.quotas().meter(&edge(&labels), now.instant).call(1, now.instant).is_err());
    let later = ClockReading { instant: now.instant + Duration::from_secs(9), ..now };
    assert_eq!(present(&next, "seven", later), Err(AuthnError::UnknownToken));

    files.write("quotas.yaml", "quotas: [{for: edge, calls: {rate: 1, burst: 3}}]");
    let changed = next.reload(&files.config(), now.instant).unwrap();
    changed.quotas().meter(&edge(&labels), now.instant).call(1, now.instant).expect("another quota");
}

/// What is warned of, without the folder.
fn warnings(files: &Files) -> Vec<String> {
    let folder = format!("{}/", files.folder.path().display());
    files.load().unwrap().warnings().iter().map(|warning| warning.to_string().replace(&folder, "")).collect()
}

#[test]
fn a_file_that_lets_nobody_in_or_limits_nobody_is_warned_of() {
    let files = Files::new();
    assert_eq!(warnings(&files), [] as [&str; 0]);
    for empty in ["", "[]", "# none yet\n"] {
        files.write("tokens.yaml", empty);
        // Both sides name it; it is warned of once.
        assert_eq!(warnings(&files), ["tokens.yaml: lists no token, so nobody gets in with one"]);
    }
    files.write("rules.yaml", "default: deny\nrules: [{deny: {call: [echo]}}]");
    files.write("quotas.yaml", "quotas: []");
    assert_eq!(
        warnings(&files)[1..],
        [
            "rules.yaml: allows nothing to anybody: `default` is deny, and no rule allows anything",
            "quotas.yaml: lists no quota, so nothing is limited by it"
        ]
    );
}

#[test]
fn debug_shows_no_secret() {
    let files = Files::new();
    let shown = format!("{:?} {:?}", files.config(), files.load().unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("seven"), "{shown}");
}

#[test]
fn quotas_are_written_in_one_place() {
    let text = "{access: {quotas_file: a}, quotas: []}";
    let report = load(text, &|_| None, &[], AccessConfig::read).unwrap_err().to_string();
    assert!(
        report.contains("access.quotas_file: quotas are written here or in a file, not both"),
        "{report}"
    );
}
