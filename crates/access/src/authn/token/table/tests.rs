//! What a token gives, which tokens are refused, and what is wrong with token files.

use super::*;
use crate::authn::{OperatorRole, token};
use frontier_protocol::{EdgeId, ServiceId};
use proptest::prelude::*;
use std::time::Duration;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn table(text: &str) -> TokenTable {
    TokenTable::parse(text).unwrap()
}

fn report(text: &str) -> String {
    TokenTable::parse(text).unwrap_err().to_string()
}

#[test]
fn a_token_gives_what_its_entry_says() {
    let text = format!(
        "
- hash: {}
  name: sensor 7
  edge_id: 7
  labels: {{region: eu, tier: 1}}
  not_after: 1970-01-02T00:00:00Z
- {{hash: '{}', service: files, service_id: 3}}
- hash: {}
",
        token::hash("one"),
        token::hash("two"),
        token::hash("three")
    );
    let table = table(&text);
    assert_eq!(table.len(), 3);

    let sensor = table.verify(Some("one"), NOW).unwrap();
    assert_eq!((&*sensor.subject, sensor.edge_id, sensor.service), ("sensor 7", Some(EdgeId(7)), None));
    assert_eq!(sensor.labels.to_string(), "region=eu, tier=1");
    assert_eq!(sensor.expires, Some(NOW + Duration::from_secs(86_400)));

    let files = table.verify(Some("two"), NOW).unwrap();
    assert_eq!((files.service.as_deref(), files.service_id), (Some("files"), Some(ServiceId(3))));
    let unnamed = table.verify(Some("three"), NOW).unwrap();
    assert_eq!(unnamed.subject, "token 8b5b9db0");
}

#[test]
fn a_token_may_be_that_of_a_frontier_and_is_nobody_else_s_then() {
    let hash = token::hash("one");
    let verified = table(&format!("- {{hash: '{hash}', frontier: f1}}")).verify(Some("one"), NOW).unwrap();
    assert_eq!(verified.frontier.as_deref(), Some("f1"));
    for (entry, mistake) in [
        (
            "frontier: f1, service: files",
            "frontier: a token is for a frontier, or for an edge or a service, not for both",
        ),
        (
            "frontier: f1, edge_id: 7",
            "frontier: a token is for a frontier, or for an edge or a service, not for both",
        ),
        ("frontier: ''", "frontier: must not be empty; \"*\" is any"),
        ("frontier: 'gw\\'", "frontier: ends with a lone"),
        ("frontier: gw-*, role: read", "role: a token is for a frontier or for an operator, not for both"),
        ("role: root", "role: expected one of read, operate, admin, found `root`"),
    ] {
        let report = report(&format!("- {{hash: '{hash}', {entry}}}"));
        assert!(report.contains(mistake), "{report}");
    }
}

#[test]
fn a_token_may_have_a_role_and_a_service_s_as_well() {
    let (one, two) = (token::hash("one"), token::hash("two"));
    let table = table(&format!(
        "- {{hash: '{one}', role: operate}}\n- {{hash: '{two}', service: files, role: read}}"
    ));
    assert_eq!(table.verify(Some("one"), NOW).unwrap().role, Some(OperatorRole::Operate));
    let service = table.verify(Some("two"), NOW).unwrap();
    assert_eq!((service.role, service.service.as_deref()), (Some(OperatorRole::Read), Some("files")));
}

#[test]
fn an_unknown_token_is_refused() {
    let table = table(&format!("- hash: {}", token::hash("one")));
    let error = table.verify(Some("two"), NOW).unwrap_err();
    assert_eq!((&error, &*error.to_string()), (&AuthnError::UnknownToken, "unknown token"));
    // Neither is the hash a token.
    assert!(table.verify(Some(&token::hash("one").to_string()), NOW).is_err());
}

#[test]
fn a_token_expires_at_its_time() {
    let table =
        table(&format!("- {{hash: '{}', not_after: '1970-01-01T01:00:00+01:00'}}", token::hash("one")));
    let error = table.verify(Some("one"), NOW).unwrap_err();
    assert_eq!((&error, &*error.to_string()), (&AuthnError::Expired, "the token has expired"));
    table.verify(Some("one"), NOW - Duration::from_nanos(1)).unwrap();
}

#[test]
fn a_missing_token_is_said_to_be_missing() {
    for token in [None, Some("")] {
        let error = table("").verify(token, NOW).unwrap_err();
        assert_eq!(error.to_string(), "credentials are missing: a token is needed here");
    }
}

#[test]
fn an_endless_token_is_not_hashed() {
    let error = table("").verify(Some(&"x".repeat(MAX_TOKEN_LEN + 1)), NOW).unwrap_err();
    assert_eq!(error.to_string(), "the token is malformed: it is too long");
}

#[test]
fn a_token_in_plain_text_is_refused_and_not_repeated() {
    for text in ["- hash: hunter2", "- hash: sha256:hunter2", "- hunter2", "hunter2", "- hash: [hunter2]"] {
        let report = report(text);
        assert!(!report.contains("hunter2"), "{report}");
    }
    assert!(report("- hash: hunter2").contains("[0].hash: expected `sha256:` and 64 hex digits"));
}

#[test]
fn all_mistakes_of_a_file_are_reported_with_their_lines() {
    let hash = token::hash("one");
    let text = format!(
        "- hash: {hash}
  edge_id: 0
- hash: {hash}
- name: no hash
  nam: x
- hash: {}
  edge_id: 1
  service: files
  not_after: tomorrow
  labels: {{a: ''}}
",
        token::hash("two")
    );
    assert_eq!(
        report(&text),
        "7 mistakes in the configuration:
  line 2, column 12: [0].edge_id: 0 is no id
  line 3, column 9: [1].hash: is listed twice
  line 4, column 3: [2].hash: is required
  line 5, column 3: [2].nam: unknown key, did you mean `name`?
  line 7, column 12: [3].edge_id: a token is for an edge or for a service, not for both
  line 9, column 14: [3].not_after: expected a time such as 2027-01-01T00:00:00Z, found `tomorrow`
  line 10, column 11: [3].labels: label `a`: key and value must have 1 to 255 bytes"
    );
}

#[test]
fn debug_shows_no_token_and_no_hash() {
    let hash = token::hash("hunter2");
    let shown = format!("{:?}", table(&format!("- hash: {hash}")));
    assert_eq!(shown, "TokenTable { tokens: 1 }");
}

proptest! {
    #[test]
    fn no_file_panics(text in ".{0,200}", key in "[a-z_]{0,10}", value in ".{0,60}") {
        let _ = TokenTable::parse(&text);
        let _ = TokenTable::parse(&format!("- hash: {value}\n  {key}: {value}\n"));
    }

    #[test]
    fn no_token_panics_or_gets_in(presented in ".{0,300}") {
        let table = table(&format!("- hash: {}", token::hash("the only one")));
        prop_assert!(table.verify(Some(&presented), NOW).is_err());
    }
}

#[test]
fn a_syntax_error_repeats_nothing_of_the_file() {
    for text in [
        "- hash: *hunter2",
        "- hash: \"hunter2",
        "- hash: hunter2: x",
        "- {hash: hunter2",
        "\thunter2",
        "- &hunter2 *hunter2",
    ] {
        let report = report(text);
        assert!(!report.contains("hunter2"), "{report}");
    }
}
