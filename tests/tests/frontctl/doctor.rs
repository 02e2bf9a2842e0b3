//! `doctor`, where all is well and where it is not.

use crate::world::World;
use frontier_tests::{Authority, Frontlas, Gateway, Network, SERVER_NAME, Validity};
use serde_json::{Value, json};
use std::net::TcpListener;

/// What it found of one part.
fn found<'a>(report: &'a Value, check: &str) -> &'a Value {
    let is_it = |finding: &&Value| finding["check"].as_str().unwrap().starts_with(check);
    report.as_array().unwrap().iter().find(is_it).unwrap_or_else(|| panic!("{check} is not in {report:#}"))
}

#[tokio::test]
async fn where_all_is_well_it_says_so() {
    let frontlas = Frontlas::builder().start().await;
    let gateway = Gateway::over(Network::Tls).start().await;
    let ca = gateway.dir().join("ca.pem").to_str().unwrap().to_owned();
    let world = World::at(&gateway).and(&frontlas);
    let arguments = ["doctor", "--connect", "--ca", &ca, "--server-name", SERVER_NAME];
    let report = world.run(&[&arguments[..], &["-o", "json"]].concat()).await.json();
    for check in [
        "version",
        "contexts",
        "CA ",
        "frontlas",
        "frontlas's clock",
        "frontlas's access",
        "edgebound",
        "edgebound's certificate",
        "servicebound's certificate",
        "as an edge",
        "as a service",
    ] {
        assert_eq!(found(&report, check)["state"], json!("ok"), "{check} in {report:#}");
    }
    let text = world.run(&arguments).await.text();
    assert!(
        text.lines()
            .all(|line| line.starts_with("ok ") || line.starts_with("WARNING") || line.starts_with("  ")),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_to_do() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = Gateway::over(Network::Tls).start().await;
    let world = World::at(&gateway).with("FRONTCTL_FRONTLAS", format!("http://{closed}"));
    let ca = Authority::new("another");
    ca.client("me", &[], Validity::Past).write(world.home.path(), "old");
    std::fs::write(world.path("ca.pem"), ca.pem()).unwrap();
    let arguments = [
        "doctor",
        "-o",
        "json",
        "--ca",
        "ca.pem",
        "--cert",
        "old.pem",
        "--key",
        "old.key",
        "--server-name",
        SERVER_NAME,
    ];
    let ended = world.run(&arguments).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("are wrong"), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    for (check, advice) in [
        ("frontlas", "is it running?"),
        ("certificate old.pem", "renewed"),
        ("edgebound's certificate", "--ca is whom to trust"),
    ] {
        let finding = found(&report, check);
        assert_eq!(finding["state"], json!("failure"), "{finding}");
        assert!(finding["advice"].as_str().unwrap().contains(advice), "{finding}");
    }
    assert_eq!(found(&report, "servicebound")["state"], json!("ok"), "it does accept connections");
    let ended = world.run(&["doctor", "--context", "nowhere", "-o", "json"]).await;
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(found(&report, "settings")["state"], json!("failure"));
}
