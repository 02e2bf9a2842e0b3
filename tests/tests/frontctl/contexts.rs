//! Contexts, and where settings come from.

use crate::world::{World, read};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

#[tokio::test]
async fn contexts_are_kept_for_their_owner_alone_and_chosen_by_name() {
    let world = World::new();
    assert_eq!(world.run(&["context", "ls", "-o", "json"]).await.json(), json!([]));
    let prod = [
        "context",
        "add",
        "prod",
        "--frontlas",
        "https://atlas.example:40011",
        "--ca",
        "ca.pem",
        "--token-stdin",
    ];
    world.run_with(&prod, b"secret-token\n").await.text();
    world
        .run(&["context", "add", "lab", "--edgebound", "tcp://lab:30012", "--token-file", "lab.token"])
        .await
        .text();
    let path = world.home.path().join(".config/frontctl/config.yaml");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(read(&path).contains("secret-token"));

    let shown = world.run(&["context", "show", "-o", "json"]).await.json();
    let expected = json!({
        "name": "prod", "frontlas": "https://atlas.example:40011", "token": "****", "ca": [world.path("ca.pem")],
    });
    assert_eq!(shown, expected, "the first one is the current one, and no token is shown");
    world.run(&["ctx", "use", "lab"]).await.text();
    let listed = world.run(&["context", "ls", "-o", "json"]).await.json();
    assert_eq!((&listed[0]["current"], &listed[1]["current"]), (&json!(false), &json!(true)));
    assert_eq!(listed[1]["token"], json!({"file": world.path("lab.token")}));
    let table = world.run(&["context", "ls"]).await.text();
    assert!(table.starts_with("CURRENT  NAME") && table.contains("\n*        lab"), "{table}");

    world.run(&["context", "add", "lab"]).await.failed(64, "--force replaces it");
    world.run(&["context", "rm", "lab"]).await.text();
    world.run(&["context", "show"]).await.failed(64, "`frontctl context use NAME`");
    world.run(&["--context", "lab", "edges", "ls"]).await.failed(64, "known: prod");
}

#[tokio::test]
async fn a_file_that_others_can_read_is_told_and_a_wrong_one_is_refused() {
    let world = World::new();
    let path = world.path("c.yaml");
    std::fs::write(&path, "contexts: []\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ended = world.run(&["--config", &path, "context", "ls"]).await;
    assert!(ended.stderr.contains("chmod 600"), "{ended:?}");
    std::fs::write(&path, "contexts:\n  - {name: a, tokn: x}\n").unwrap();
    let ended = world.run(&["--config", &path, "edges", "ls"]).await;
    ended.failed(64, "contexts[0].tokn: unknown key, did you mean `token`?");
}

#[tokio::test]
async fn tokens_and_certificates_are_made_as_the_gateway_makes_them() {
    let world = World::new();
    let made = world.run(&["token", "new"]).await.text();
    let lines: Vec<&str> = made.lines().collect();
    let token = lines[0].strip_prefix("token: ").unwrap();
    assert_eq!(world.run_with(&["token", "hash"], token.as_bytes()).await.text().trim_end(), lines[1]);
    world.run(&["token", "hash"]).await.failed(64, "there is no token on standard input");
    let written = world.run(&["cert", "dev", "--out", "certs"]).await.text();
    assert_eq!(written.lines().count(), 6, "{written}");
    assert!(read(world.home.path().join("certs/ca.pem")).contains("BEGIN CERTIFICATE"));
}

#[tokio::test]
async fn completions_and_man_pages_know_every_command() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.run(&["completion", shell]).await.text();
        assert!(script.contains("frontctl") && script.contains("publish"), "{shell}");
    }
    world.run(&["man", "man1"]).await.text();
    for page in ["frontctl", "frontctl-edges-ls", "frontctl-call", "frontctl-context-add"] {
        let text = read(world.home.path().join(format!("man1/{page}.1")));
        assert!(text.contains(".TH"), "{page}");
    }
}
